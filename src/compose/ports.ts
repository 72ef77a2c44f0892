import {
  child,
  type ComposeFile,
  type Edit,
  find,
  type Found,
  itemsOf,
  lineAt,
  type Literal,
  literalOf,
  occurrencesIn,
  withEdits,
} from './document.ts';
import { type ComposeSources, environmentOf, isExtended } from './project.ts';
import { interpolated, type Reference, referencesIn } from './variables.ts';

/** The published port of a service in the files of its Compose project. Pure. */

/** As Docker reports it: an empty address means all. */
export interface Publication {
  readonly containerPort: number;
  readonly protocol: string;
  readonly hostIp: string;
  readonly hostPort: string;
}

/** The smallest change of one file, or why there is none that is certainly right. */
export type ComposeEdit =
  | { readonly type: 'edit'; readonly path: string; readonly edits: readonly Edit[] }
  | {
      readonly type: 'unclear';
      /** One sentence. */
      readonly reason: string;
      /** What to change by hand, as a clause: `change … to … in …, line 4`. */
      readonly instead?: string;
    };

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
  const { compose, item, host } = site;
  const { path, text } = compose.file;
  if (sites.length > 1)
    return {
      type: 'unclear',
      reason: `The Compose files publish port ${from.hostPort} of ${service} in ${sites.length} places.`,
    };
  const [reference] = referencesIn(host.text) ?? [];
  if (reference !== undefined) return editVariable(sources, site, reference, { from: from.hostPort, to: String(to) });
  const edit = { at: host.start, before: host.text, after: String(to) };
  if (!item.isShared) return { type: 'edit', path, edits: [edit] };
  return {
    type: 'unclear',
    reason: `An anchor in ${path} gives the ports of ${service} to other services too.`,
    instead: `give ${service} ports of its own instead of ${lineOf(text, host.start)} (${path}, line ${lineAt(text, host.start)}), with ${to} instead of ${host.text}`,
  };
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

/** The line of `.env` that sets the variable, else the fallback that the Compose file states. */
function editVariable(
  sources: ComposeSources,
  { compose, host }: Site,
  reference: Reference,
  { from, to }: { readonly from: string; readonly to: string },
): ComposeEdit {
  const { path, text } = compose.file;
  const { name, start, end, fallback } = reference;
  if (start !== 0 || end !== host.text.length) {
    return {
      type: 'unclear',
      reason: `The port in ${path} is put together from several parts: ${host.text}.`,
      instead: `change ${host.text} to ${to} in line ${lineAt(text, host.start)} of ${path}`,
    };
  }
  const entry = environmentOf(sources).get(name);
  if (entry !== undefined && entry.value === from && sources.environment !== undefined)
    return {
      type: 'edit',
      path: sources.environment.path,
      edits: [{ at: entry.start, before: from, after: to }],
    };
  if (entry !== undefined || fallback === undefined || fallback.text !== from)
    return {
      type: 'unclear',
      reason: `The port comes from the variable ${name}, which no file of the project sets to ${from}.`,
      instead: `set ${name} to ${to} where you set it`,
    };
  const others = sources.files.filter((other) => other !== compose && mentions(other, name));
  const whole = host.text;
  const uses = occurrencesIn(compose, whole);
  if (others.length > 0 || uses.length !== countOf(compose, name)) {
    return {
      type: 'unclear',
      reason: `The variable ${name} has its value from a default in ${path}, and is used with others elsewhere.`,
      instead: `add ${name}=${to} to the .env of the project`,
    };
  }
  return {
    type: 'edit',
    path,
    edits: uses.map((use) => ({ at: use + fallback.start, before: from, after: to })),
  };
}

/** How often the scalars of the file use the variable, in any form. */
function countOf(compose: ComposeFile, name: string): number {
  const { text } = compose.file;
  return [`$${name}`, `\${${name}`]
    .flatMap((form) => occurrencesIn(compose, form).map((start) => start + form.length))
    .filter((end) => !/\w/.test(text.charAt(end))).length;
}

function mentions(compose: ComposeFile, name: string): boolean {
  return countOf(compose, name) > 0;
}

function lineOf(text: string, offset: number): string {
  return (text.slice(text.lastIndexOf('\n', offset - 1) + 1).split(/\r?\n/)[0] ?? '').trim();
}

/** The change of a file line by line, for a plan: lines that change, without those around them, which may hold secrets. */
export function changedLines(
  text: string,
  edits: readonly Edit[],
): readonly { readonly line: number; readonly before: string; readonly after: string }[] {
  const changes = new Map<number, Edit[]>();
  for (const edit of edits) {
    const line = text.lastIndexOf('\n', edit.at - 1) + 1;
    changes.set(line, [...(changes.get(line) ?? []), edit]);
  }
  return [...changes].map(([start, inLine]) => {
    const last = inLine.at(-1);
    const stop = text.indexOf('\n', last === undefined ? start : last.at + last.before.length);
    const end = stop === -1 ? text.length : stop;
    const moved = inLine.map((edit) => ({ ...edit, at: edit.at - start }));
    const before = text.slice(start, end);
    return {
      line: lineAt(text, start),
      before: before.replace(/\r$/, ''),
      after: withEdits(before, moved).replace(/\r$/, ''),
    };
  });
}
