import { decodePercent } from '../../../util/text.ts';

/**
 * Finds the port in files of an instance and its clients, by offset. An edit replaces only those digits, so quoting,
 * comments and secrets around them are unchanged. Pure.
 */

/** Digits to replace. `at` counts UTF-16 units from the start of the text. A type, so that it is assignable to JSON. */
export type PortEdit = {
  readonly at: number;
  readonly before: string;
  readonly after: string;
};

/** The instance whose port is edited. */
export interface PortOwner {
  readonly instance: string;
  readonly user: string;
  readonly database: string;
  /** Distinguishes instances with the same user, database and port. Undefined if unknown. */
  readonly password: string | undefined;
  /** The file is in the instance's own folder, so it is about this instance. */
  readonly own: boolean;
}

export interface PortMentions {
  readonly edits: readonly PortEdit[];
  /** Lines (from 1) with the old port that may be about another instance. They are not edited. */
  readonly unclear: readonly number[];
}

export type PortFileKind = 'instance-conf' | 'env' | 'pgpass' | 'compose';

/** The kind by file name; undefined for unsupported files. */
export function portFileKind(path: string): PortFileKind | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name === 'instance.conf') return 'instance-conf';
  if (/^\.?pgpass(\.conf)?$/.test(name)) return 'pgpass';
  if (/^(docker-)?compose(\.[\w-]+)?\.ya?ml$/.test(name)) return 'compose';
  return /^\.env(\.[\w-]+)?$|\.env$/.test(name) ? 'env' : undefined;
}

export function findPort(kind: PortFileKind, text: string, from: number, to: number, owner: PortOwner): PortMentions {
  if (kind === 'compose')
    return { edits: [], unclear: linesOf(text).flatMap((line) => (publishes(line.text, from) ? [line.number] : [])) };
  const find = { 'instance-conf': inConf, env: inEnv, pgpass: inPassfile }[kind];
  return find(linesOf(text), { from: String(from), to: String(to) }, owner);
}

/** Applies edits to a text. Throws if they do not match it. */
export function withEdits(text: string, edits: readonly PortEdit[]): string {
  let result = '';
  let end = 0;
  for (const { at, before, after } of edits) {
    if (at < end || !text.startsWith(before, at)) throw new Error(`expected ${before} at ${at}`);
    result += text.slice(end, at) + after;
    end = at + before.length;
  }
  return result + text.slice(end);
}

/** The port in an `instance.conf`; the last assignment counts, as in a shell that sources it. */
export function declaredPort(text: string): number | undefined {
  const ports = linesOf(text).flatMap((line) => {
    const value = assignmentIn(line);
    return value?.key === 'port' && /^\d{1,5}$/.test(value.text) ? [Number(value.text)] : [];
  });
  return ports.at(-1);
}

interface Line {
  readonly number: number;
  readonly offset: number;
  readonly text: string;
}

interface Change {
  readonly from: string;
  readonly to: string;
}

function linesOf(text: string): readonly Line[] {
  let offset = 0;
  return text.split('\n').map((line, index) => {
    const found = { number: index + 1, offset, text: line.replace(/\r$/, '') };
    offset += line.length + 1;
    return found;
  });
}

/** Parses `key="value"`, quoted or not, with or without `export`: the value and its offset. */
function assignmentIn({
  offset,
  text,
}: Line): { readonly key: string; readonly text: string; readonly offset: number } | undefined {
  const match =
    /^(\s*(?:export\s+)?)([A-Za-z_]\w{0,63})(\s*=\s*)(?:"([^"\\$`]*)"|'([^']*)'|([^\s"'\\$`;|<>()#]*))\s*(?:#.*)?$/.exec(
      text,
    );
  if (match === null) return undefined;
  const [, indent = '', key = '', equals = '', double, single, bare] = match;
  const quoted = double ?? single;
  const start = offset + indent.length + key.length + equals.length + (quoted === undefined ? 0 : 1);
  return { key, text: quoted ?? bare ?? '', offset: start };
}

function inConf(lines: readonly Line[], { from, to }: Change): PortMentions {
  const edits = lines.flatMap((line) => {
    const value = assignmentIn(line);
    return value?.key === 'port' && value.text === from ? [{ at: value.offset, before: from, after: to }] : [];
  });
  return { edits, unclear: [] };
}

function inEnv(lines: readonly Line[], { from, to }: Change, owner: PortOwner): PortMentions {
  const values = lines.flatMap((line) => {
    const value = assignmentIn(line);
    return value === undefined ? [] : [{ ...value, number: line.number }];
  });
  const namesPassword = owner.password !== undefined && values.some(({ text }) => text === owner.password);
  const edits: PortEdit[] = [];
  const unclear: number[] = [];
  for (const { key, text, offset, number } of values) {
    const isPort = text === from && /(^|_)(PG)?PORT$/i.test(key);
    const url = isPort ? undefined : localUrl(text, from);
    if (!isPort && url === undefined) continue;
    const sure = owner.own || (isPort ? namesPassword || names(key, owner.instance) : isOf(url, owner));
    if (sure) edits.push({ at: offset + (url?.portAt ?? 0), before: from, after: to });
    else unclear.push(number);
  }
  return { edits, unclear };
}

interface LocalUrl {
  readonly portAt: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

const localHosts: readonly string[] = [
  'localhost',
  '127.0.0.1',
  '0.0.0.0',
  '[::1]',
  '::1',
  '::',
  'host.docker.internal',
];

/** A PostgreSQL URL with this port on this machine. */
function localUrl(text: string, port: string): LocalUrl | undefined {
  const match =
    /^((?:\w+:)*postgres(?:ql)?(?:\+\w+)?:\/\/)(?:([^:@/]*)(?::([^@/]*))?@)?(\[[^\]]*\]|[^:/?@]*):(\d{1,5})(?:\/([^?]*))?/i.exec(
      text,
    );
  if (match === null) return undefined;
  const [, scheme = '', user = '', password = '', host = '', stated = '', database = ''] = match;
  if (stated !== port || !localHosts.includes(host.toLowerCase())) return undefined;
  const authority = text.indexOf(
    `${host}:${stated}`,
    scheme.length + (match[2] === undefined ? 0 : text.slice(scheme.length).indexOf('@') + 1),
  );
  return {
    portAt: authority + host.length + 1,
    user: decodePercent(user),
    password: decodePercent(password),
    database: decodePercent(database),
  };
}

function isOf(url: LocalUrl | undefined, { user, database, password }: PortOwner): boolean {
  return (
    url !== undefined &&
    password !== undefined &&
    url.password === password &&
    url.user === user &&
    [database, ''].includes(url.database)
  );
}

/** `ORDERS_PGPORT` contains the instance name `orders`. */
function names(key: string, instance: string): boolean {
  return `_${key.toUpperCase()}_`.includes(`_${instance.toUpperCase().replaceAll('-', '_')}_`);
}

/** `host:port:database:user:password`: libpq also matches the port, so a line with the old port no longer matches. */
function inPassfile(lines: readonly Line[], { from, to }: Change, owner: PortOwner): PortMentions {
  const edits: PortEdit[] = [];
  const unclear: number[] = [];
  for (const line of lines) {
    if (line.text.startsWith('#')) continue;
    const fields = [...line.text.matchAll(/((?:\\.|[^:\\])*)(?::|$)/g)].slice(0, 5);
    const [host = '', port = '', database = '', user = '', password = ''] = fields.map((field) =>
      (field[1] ?? '').replaceAll(/\\(.)/g, '$1'),
    );
    if (port !== from || !['*', ...localHosts].includes(host)) continue;
    if (![owner.database, '*'].includes(database) || ![owner.user, '*'].includes(user)) continue;
    const sure = owner.own || (owner.password !== undefined && password === owner.password);
    if (sure) edits.push({ at: line.offset + (fields[1]?.index ?? 0), before: from, after: to });
    else unclear.push(line.number);
  }
  return { edits, unclear };
}

/** `"5434:5432"`, `127.0.0.1:5434:5432` or `published: 5434` of a compose file. */
function publishes(line: string, port: number): boolean {
  return new RegExp(`(^|[^\\d.])${port}:\\d|published:\\s*["']?${port}\\b`).test(line);
}
