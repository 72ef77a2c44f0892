import { decodePercent } from '../util/text.ts';

/** How a client connects. May contain a password: only for probes, never for evidence or plans. */
export interface ConnectionText {
  readonly host: string;
  readonly port: number;
  /** Undefined if the text does not contain it. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  readonly sslMode: string | undefined;
}

/** Longer texts are not parsed. */
const longest = 4_096;

/**
 * Parses a PostgreSQL URL or keyword string, as libpq and the usual drivers do. Undefined for other texts, for sockets, and for
 * several hosts, from which a driver may choose any.
 */
export function parseConnectionText(text: string): ConnectionText | undefined {
  if (text.length > longest) return undefined;
  const trimmed = text.trim().replace(/^jdbc:/, '');
  return parseUrl(trimmed) ?? parseKeywords(trimmed);
}

/** `scheme://user:password@host:port/database?parameters`; a password may contain `@`, since the last one separates. */
const urlText = /^postgres(?:ql)?(?:\+\w{1,20})?:\/\/(?:([^/?#]*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?(?:#.*)?$/is;

function parseUrl(text: string): ConnectionText | undefined {
  const match = urlText.exec(text);
  if (match === null) return undefined;
  const [, login, authority = '', path = '', query = ''] = match;
  const parameters = new Map(query.split('&').map((pair) => splitAt(pair, '=')));
  function parameter(name: string): string | undefined {
    const value = parameters.get(name);
    return decoded(value);
  }
  const [user, password] = login === undefined ? [] : splitAt(login, ':');
  const [host, port] = splitAuthority(authority);
  return connectionOf({
    host: parameter('host') ?? decoded(host),
    port: parameter('port') ?? port,
    user: parameter('user') ?? filled(decoded(user)),
    password: parameter('password') ?? filled(decoded(password)),
    database: parameter('dbname') ?? filled(decoded(path)),
    sslMode: parameter('sslmode'),
  });
}

/** `host=db port=5432 dbname='my db'`. */
function parseKeywords(text: string): ConnectionText | undefined {
  if (!/(?:^|\s)host\s*=/.test(text)) return undefined;
  const words = new Map<string, string>();
  const word = /\s*(\w{1,40})\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?:\s|$)/sy;
  while (word.lastIndex < text.length) {
    const match = word.exec(text);
    if (match === null) return undefined;
    words.set(match[1] ?? '', (match[2] ?? match[3] ?? '').replace(/\\(.)/gs, '$1'));
  }
  return connectionOf({
    host: words.get('host'),
    port: words.get('port'),
    user: words.get('user'),
    password: words.get('password'),
    database: words.get('dbname'),
    sslMode: words.get('sslmode'),
  });
}

/** Checks the parts, which come from untrusted text. */
export function connectionOf(
  pieces: Omit<ConnectionText, 'host' | 'port'> & {
    readonly host: string | undefined;
    readonly port: string | undefined;
  },
): ConnectionText | undefined {
  const host = pieces.host?.trim().replace(/^\[([\da-f:.]+)\]$/i, '$1') ?? '';
  const port = pieces.port === undefined || pieces.port === '' ? 5432 : portOf(pieces.port.trim());
  if (port === undefined || !isHost(host)) return undefined;
  const { user, password, database, sslMode } = pieces;
  return { host: host.toLowerCase(), port, user, password, database, sslMode };
}

/** A name, an IPv4 or an IPv6 address, without characters that are special in shells, paths or lists of hosts. */
function isHost(text: string): boolean {
  return /^[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?$/i.test(text) || /^(?=.*:)[\da-f:.]{2,45}$/i.test(text);
}

function portOf(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

/** `host`, `host:port`, `[::1]:port`. */
export function splitAuthority(text: string): readonly [host: string, port: string | undefined] {
  const match = /^(\[[^\]]*\]|[^:]*):([^:]*)$/.exec(text);
  return match === null ? [text, undefined] : [match[1] ?? '', match[2]];
}

function splitAt(text: string, mark: string): readonly [string, string | undefined] {
  const at = text.indexOf(mark);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function filled(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function decoded(text: string | undefined): string | undefined {
  return text === undefined ? undefined : decodePercent(text);
}
