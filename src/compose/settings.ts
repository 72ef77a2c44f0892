import { type ComposeFile, type Edit, find, type Found, itemsOf, type Literal, literalOf } from './document.ts';
import { entryEdit } from './entries.ts';
import { type ComposeSources, environmentOf } from './project.ts';
import { type ComposeEdit, replaceValue } from './values.ts';
import { interpolated } from './variables.ts';

/** Sizes and the image of a service, and settings on the command line of its server, in the files of its Compose project. Pure. */

/** Keys of a service whose value is a size. */
export type SizeKey = 'mem_limit' | 'shm_size';

/**
 * Sets a size. The last file that states it counts, since it overrides the others; if none does, the key is added to the
 * last file that names the service.
 */
export function editSize(sources: ComposeSources, service: string, key: SizeKey, bytes: number): ComposeEdit {
  if (key === 'mem_limit') {
    const other = [['memswap_limit'], ['deploy', 'resources', 'limits', 'memory']].find((keys) =>
      sources.files.some((file) => find(file, ['services', service, ...keys]) !== undefined),
    );
    if (other !== undefined)
      return {
        type: 'unclear',
        reason: `${other.join('.')} of ${service} bounds its memory too.`,
        instead: `set the memory limit of ${service}, and what goes with it, to ${sizeText(bytes)}`,
      };
  }
  const to = sizeText(bytes);
  for (const compose of sources.files.toReversed()) {
    const found = find(compose, ['services', service, key]);
    const literal = found === undefined ? undefined : literalOf(compose, found.node);
    if (found === undefined) continue;
    if (found.isShared) break;
    if (literal === undefined) return { type: 'unclear', reason: `${key} of ${service} is not a plain value.` };
    const from = interpolated(literal.text, environmentOf(sources)) ?? '';
    return replaceValue(sources, { compose, literal, isShared: false }, { service, from, to });
  }
  return addKey(sources, service, `${key}: ${to}`);
}

/** `512m`, or bytes if it is no whole number of MiB. */
function sizeText(bytes: number): string {
  return bytes % 2 ** 20 === 0 ? `${bytes / 2 ** 20}m` : String(bytes);
}

/** A key of the service itself overrides merged ones. */
function addKey(sources: ComposeSources, service: string, line: string): ComposeEdit {
  const compose = sources.files.findLast((file) => find(file, ['services', service]) !== undefined);
  const found = compose === undefined ? undefined : find(compose, ['services', service]);
  const edit = compose === undefined || found === undefined ? undefined : entryEdit(compose, found, line);
  if (compose !== undefined && edit !== undefined) return { type: 'edit', path: compose.file.path, edits: [edit] };
  return {
    type: 'unclear',
    reason: `No file of the project defines ${service} in a form to which a key can be added.`,
    instead: `add \`${line}\` to the service ${service}`,
  };
}

/** Names another image for a service. One that is built keeps the name for what is built. */
export function editImage(sources: ComposeSources, service: string, to: string): ComposeEdit {
  if (sources.files.some((file) => find(file, ['services', service, 'build']) !== undefined))
    return {
      type: 'unclear',
      reason: `The image of ${service} is built by the project.`,
      instead: `build ${service} from ${to}`,
    };
  const compose = sources.files.findLast((file) => find(file, ['services', service, 'image']) !== undefined);
  const found = compose === undefined ? undefined : find(compose, ['services', service, 'image']);
  const literal = compose === undefined || found === undefined ? undefined : literalOf(compose, found.node);
  if (compose === undefined || found === undefined || literal === undefined)
    return { type: 'unclear', reason: `No file of the project states the image of ${service} as a plain value.` };
  const from = interpolated(literal.text, environmentOf(sources)) ?? '';
  return replaceValue(sources, { compose, literal, isShared: found.isShared }, { service, from, to });
}

/** Changes settings that the command of the service already sets, each in one place. */
export function editCommand(
  sources: ComposeSources,
  service: string,
  values: Readonly<Record<string, string>>,
): ComposeEdit {
  const compose = sources.files.findLast((file) => find(file, ['services', service, 'command']) !== undefined);
  const command = compose === undefined ? undefined : find(compose, ['services', service, 'command']);
  if (compose === undefined || command === undefined)
    return { type: 'unclear', reason: `No file of the project states the command of ${service}.` };
  const edits: Edit[] = [];
  let path = compose.file.path;
  for (const [name, to] of Object.entries(values)) {
    const [place, ...others] = placesOf(compose, command, name);
    if (place === undefined || others.length > 0)
      return {
        type: 'unclear',
        reason: `The command of ${service} sets ${name} in ${place === undefined ? 'a form that is not read' : 'several places'}.`,
        instead: `set ${name}=${to} in the command of ${service} in ${compose.file.path}`,
      };
    const from = interpolated(place.text, environmentOf(sources)) ?? '';
    const edit = replaceValue(sources, { compose, literal: place, isShared: command.isShared }, { service, from, to });
    if (edit.type === 'unclear') return edit;
    if (edits.length > 0 && edit.path !== path)
      return {
        type: 'unclear',
        reason: `The settings in the command of ${service} come from several files.`,
        instead: `set ${Object.entries(values)
          .map(([key, value]) => `${key}=${value}`)
          .join(' and ')} for ${service}`,
      };
    path = edit.path;
    edits.push(...edit.edits);
  }
  return { type: 'edit', path, edits: edits.sort((a, b) => a.at - b.at) };
}

/** The values of `-c name=value`, `-cname=value` and `--name=value`, in a text or a list. */
function placesOf(compose: ComposeFile, command: Found, name: string): readonly Literal[] {
  const pattern = new RegExp(
    String.raw`(?:^|[\s"'])(-c\s*|--)?${name.replaceAll('.', String.raw`\.`).replaceAll('_', '[-_]')}=([^\s"'\\,]+)`,
    'gi',
  );
  const isList = compose.yaml.isSeq(command.node);
  const items = isList ? itemsOf(compose, command) : [command];
  return items.flatMap(({ node }, index) => {
    const range = node.range;
    if (range === undefined || range === null) return [];
    const before = items[index - 1];
    const follows = isList && before !== undefined && literalOf(compose, before.node)?.text === '-c';
    const source = compose.file.text.slice(range[0], range[1]);
    return [...source.matchAll(pattern)].flatMap((match) => {
      const value = match[2] ?? '';
      return match[1] === undefined && !follows
        ? []
        : [{ text: value, start: range[0] + match.index + match[0].length - value.length }];
    });
  });
}
