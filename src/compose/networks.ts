import { child, type ComposeFile, type Edit, find, type Found, itemsOf, literalOf } from './document.ts';
import { entryEdit, itemEdit, plainWord, sectionEdit, wordsOf } from './entries.ts';
import { type ComposeSources, environmentOf } from './project.ts';
import type { ComposeEdit } from './values.ts';
import { interpolated } from './variables.ts';

/** The networks of a service, and its names there, in the files of its Compose project. Pure. */

export interface WantedNetwork {
  /** The name of the project, with which Compose begins the names of its own networks. */
  readonly project: string;
  /** As the engine names it. */
  readonly network: string;
  /** The name that the service is to have there. Default: only those that it has. */
  readonly alias?: string;
}

/** Puts a service on a network, and gives it a name there. A network that no file declares becomes an external one. */
export function editNetwork(sources: ComposeSources, service: string, wanted: WantedNetwork): ComposeEdit {
  const { network, alias } = wanted;
  const key = keyOf(sources, wanted);
  const name = key ?? network;
  const named = alias === undefined ? '' : ` with the alias ${alias}`;
  const instead = `put ${service} on the network ${name}${named}${key === undefined ? `, and add \`${plainWord(network)}: {external: true}\` to the top-level networks` : ''}`;
  function unclear(reason: string): ComposeEdit {
    return { type: 'unclear', reason, instead };
  }
  if (sources.files.some((file) => find(file, ['services', service, 'network_mode']) !== undefined))
    return unclear(`The service ${service} has a network_mode, which allows no networks.`);
  if (key === undefined && sources.files.some((file) => find(file, ['networks', network]) !== undefined))
    return unclear(`The files use the name ${network} for another network.`);
  const compose =
    sources.files.findLast((file) => find(file, ['services', service, 'networks']) !== undefined) ??
    sources.files.findLast((file) => find(file, ['services', service]) !== undefined);
  const found = compose === undefined ? undefined : find(compose, ['services', service]);
  if (compose === undefined || found === undefined) return unclear(`No file of the project defines ${service}.`);
  const networks = child(compose, found, 'networks');
  const own =
    networks === undefined
      ? entryEdit(compose, found, `networks: ${firstNetworks(name, alias)}`)
      : ofNetworks(compose, networks, name, alias);
  const declared = key === undefined ? sectionEdit(compose, 'networks', `${plainWord(network)}: {external: true}`) : [];
  if (own === undefined || declared === undefined)
    return unclear(`${compose.file.path} states the networks in a form to which none can be added.`);
  return { type: 'edit', path: compose.file.path, edits: [own, ...[declared].flat()].toSorted((a, b) => a.at - b.at) };
}

/** How the files name a network of the engine; undefined if none declares it. */
function keyOf(sources: ComposeSources, { project, network }: WantedNetwork): string | undefined {
  const names = new Map([['default', `${project}_default`]]);
  const environment = environmentOf(sources);
  for (const compose of sources.files) {
    const section = find(compose, ['networks']);
    if (section === undefined || !compose.yaml.isMap(section.node)) continue;
    for (const { key } of section.node.items) {
      const name = compose.yaml.isScalar(key) ? String(key.value) : '';
      const external = find(compose, ['networks', name, 'external']);
      const stated = [['external', 'name'], ['name']]
        .map((keys) => find(compose, ['networks', name, ...keys]))
        .find((one) => one !== undefined);
      const literal = stated === undefined ? undefined : literalOf(compose, stated.node)?.text;
      const isExternal = external !== undefined && literalOf(compose, external.node)?.text !== 'false';
      const real =
        stated === undefined ? (isExternal ? name : `${project}_${name}`) : interpolated(literal ?? '$', environment);
      names.set(name, real ?? '');
    }
  }
  return [...names].find(([, real]) => real === network)?.[0];
}

/** A service without networks is on the default one, and stays there. */
function firstNetworks(name: string, alias: string | undefined): string {
  const others = name === 'default' ? [] : ['default'];
  if (alias === undefined) return `[${[...others, plainWord(name)].join(', ')}]`;
  return `{${[...others.map((other) => `${other}: {}`), withAlias(name, alias)].join(', ')}}`;
}

function withAlias(name: string, alias: string | undefined): string {
  return `${plainWord(name)}: ${alias === undefined ? '{}' : `{aliases: [${plainWord(alias)}]}`}`;
}

function ofNetworks(compose: ComposeFile, networks: Found, name: string, alias: string | undefined): Edit | undefined {
  const { yaml } = compose;
  if (networks.isShared) return undefined;
  if (yaml.isSeq(networks.node)) return ofList(compose, networks, name, alias);
  if (!yaml.isMap(networks.node)) return undefined;
  const pair = networks.node.items.find(({ key }) => yaml.isScalar(key) && String(key.value) === name);
  if (pair === undefined) return entryEdit(compose, networks, withAlias(name, alias));
  return alias === undefined ? undefined : ofNetwork(compose, child(compose, networks, name), pair.key, alias);
}

/** The name is added to those that the service has on the network. */
function ofNetwork(compose: ComposeFile, network: Found | undefined, key: unknown, alias: string): Edit | undefined {
  const { yaml, file } = compose;
  const entry = `aliases: [${plainWord(alias)}]`;
  if (network === undefined || network.isShared) return undefined;
  const aliases = child(compose, network, 'aliases');
  if (aliases !== undefined) return itemEdit(compose, aliases, plainWord(alias));
  if (yaml.isMap(network.node) && network.node.items.length > 0) return entryEdit(compose, network, entry);
  const end = yaml.isScalar(key) ? key.range?.[1] : undefined;
  const before = end === undefined ? undefined : /^:(?:[ \t]*(?:\{\s*\}|null|~))?/.exec(file.text.slice(end))?.[0];
  return end === undefined || before === undefined ? undefined : { at: end, before, after: `: {${entry}}` };
}

/** A list has no place for names, so it becomes a mapping. */
function ofList(compose: ComposeFile, networks: Found, name: string, alias: string | undefined): Edit | undefined {
  const names = itemsOf(compose, networks).map(({ node }) => literalOf(compose, node)?.text);
  if (alias === undefined) return names.includes(name) ? undefined : itemEdit(compose, networks, plainWord(name));
  const words = wordsOf(compose, networks);
  const range = networks.node.range;
  if (words === undefined || range === undefined || range === null) return undefined;
  const before = compose.file.text.slice(range[0], range[1]).trimEnd();
  const others = words.filter((word) => word !== name).map((word) => withAlias(word, undefined));
  const mapping = `{${[...others, withAlias(name, alias)].join(', ')}}`;
  // A list may begin in the column of its key, a mapping must not.
  return { at: range[0], before, after: before.startsWith('[') ? mapping : `  ${mapping}` };
}
