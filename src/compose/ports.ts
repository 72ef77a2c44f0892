import { child, type ComposeFile, find, type Found, itemsOf, type Literal, literalOf } from './document.ts';
import { type ComposeSources, environmentOf, isExtended } from './project.ts';
import { type ComposeEdit, replaceValue } from './values.ts';
import { interpolated } from './variables.ts';

/** The published port of a service in the files of its Compose project. Pure. */

/** As Docker reports it: an empty address means all. */
export interface Publication {
  readonly containerPort: number;
  readonly protocol: string;
  readonly hostIp: string;
  readonly hostPort: string;
}

interface Site {
  readonly compose: ComposeFile;
  readonly item: Found;
  /** The host's part of the port. */
  readonly host: Literal;
}

/** Publishes the service's port on another port of the host. */
export function editPort(
  sources: ComposeSources,
  service: string,
  { from, to }: { readonly from: Publication; readonly to: number },
): ComposeEdit {
  const sites = sources.files.flatMap((compose) => sitesIn(compose, sources, service, from));
  const [site] = sites;
  if (site === undefined) {
    const where = isExtended(sources, service) ? 'what it extends' : 'none of them in a form that can be changed';
    return { type: 'unclear', reason: `The Compose files publish port ${from.hostPort} of ${service} in ${where}.` };
  }
  if (sites.length > 1)
    return {
      type: 'unclear',
      reason: `The Compose files publish port ${from.hostPort} of ${service} in ${sites.length} places.`,
    };
  const { compose, item, host } = site;
  return replaceValue(
    sources,
    { compose, literal: host, isShared: item.isShared },
    { service, from: from.hostPort, to: String(to) },
  );
}

function sitesIn(compose: ComposeFile, sources: ComposeSources, service: string, wanted: Publication): readonly Site[] {
  const ports = find(compose, ['services', service, 'ports']);
  if (ports === undefined) return [];
  return itemsOf(compose, ports).flatMap((item) => {
    const read = compose.yaml.isMap(item.node) ? longForm(compose, item) : shortForm(compose, item);
    if (read === undefined) return [];
    const environment = environmentOf(sources);
    const value = (text: string): string | undefined => interpolated(text, environment);
    const isWanted =
      value(read.host.text) === wanted.hostPort &&
      value(read.containerPort) === String(wanted.containerPort) &&
      value(read.protocol) === wanted.protocol &&
      value(read.hostIp) === wanted.hostIp;
    return isWanted ? [{ compose, item, host: read.host }] : [];
  });
}

interface Entry {
  readonly hostIp: string;
  readonly host: Literal;
  readonly containerPort: string;
  readonly protocol: string;
}

/** `[ADDRESS:]HOST:CONTAINER[/PROTOCOL]`; a colon inside `${…}` or brackets is part of its word. */
function shortForm(compose: ComposeFile, { node }: Found): Entry | undefined {
  const literal = literalOf(compose, node);
  if (literal === undefined) return undefined;
  const { text, start } = literal;
  const words = [...text.matchAll(/(?:\$\{[^}]*\}|\[[^\]]*\]|[^:])+/g)];
  const container = words.at(-1)?.[0] ?? '';
  const host = words.at(-2);
  if (host === undefined || words.length > 3) return undefined;
  const [containerPort = '', protocol = 'tcp'] = container.split('/');
  const hostIp = words.length === 3 ? (words[0]?.[0] ?? '').replace(/^\[(.*)\]$/, '$1') : '';
  return { hostIp, host: { text: host[0], start: start + host.index }, containerPort, protocol };
}

/** `target: 5432`, `published: "5434"`, and optionally `host_ip` and `protocol`. */
function longForm(compose: ComposeFile, item: Found): Entry | undefined {
  function text(key: string): Literal | undefined {
    const found = child(compose, item, key);
    return found === undefined ? undefined : literalOf(compose, found.node);
  }
  const host = text('published');
  const containerPort = text('target');
  if (host === undefined || containerPort === undefined) return undefined;
  return {
    hostIp: text('host_ip')?.text ?? '',
    host,
    containerPort: containerPort.text,
    protocol: text('protocol')?.text ?? 'tcp',
  };
}
