import { existsSync, readFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import type { PoolConfig } from 'pg';
import { ProblemsError } from '../../errors.ts';
import { passwordIn, readPassfile } from '../../host/postgres/passfile.ts';
import { errorText } from '../../util/text.ts';
import { isPostgresUrl } from '../store.ts';

/** How to reach the server of the queue. Holds a password if the URL does: never print it. */
export interface Place {
  /** `host:port/database`, for messages. */
  readonly name: string;
  /** What to try, one after the other: without TLS for a server that has none, if `sslmode` allows it. */
  readonly ways: readonly PoolConfig[];
}

/** Whether the URL contains a password, which a file that others read must not. False for what is not a URL. */
export function hasPassword(url: string): boolean {
  const parsed = parse(url);
  return parsed !== null && (parsed.password !== '' || parsed.searchParams.has('password'));
}

const unnamed = 'unnamed.invalid';

/** libpq takes `postgres://user@/database`, which others do not accept as a URL. */
function parse(url: string): URL | null {
  return URL.parse(url.replace(/^([^/?#]*\/\/[^/?#]*@)(?=[/?#]|$)/, `$1${unnamed}`));
}

const known: readonly string[] =
  'host port user password dbname connect_timeout application_name sslmode sslrootcert sslcert sslkey'.split(' ');

/**
 * Reads a connection URL as libpq does, with its defaults: PGHOST, PGUSER, PGPASSWORD, PGPASSFILE and so on.
 * @throws ProblemsError `bad-usage`, which does not repeat the URL; `file-unreadable`: a certificate.
 */
export function readPlace(url: string): Place {
  const parsed = parse(url);
  if (parsed === null || !isPostgresUrl(url) || url.length > 4_096)
    throw new ProblemsError('bad-usage', 'The store is not the URL of a PostgreSQL database.', { hint: example });
  const parameters = parsed.searchParams;
  const unknown = [...parameters.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new ProblemsError('bad-usage', `The URL of the store has a parameter that is not supported.`, {
      hint: `It can have ${known.join(', ')}.`,
    });

  function part(name: string, written: string): string | undefined {
    const value = parameters.get(name) ?? decoded(written);
    return value === '' ? undefined : value;
  }
  const host =
    part('host', parsed.hostname.replace(/^\[(.*)\]$/, '$1').replace(unnamed, '')) ??
    process.env['PGHOST'] ??
    'localhost';
  const port = Number(part('port', parsed.port) ?? process.env['PGPORT'] ?? 5432);
  const user = part('user', parsed.username) ?? process.env['PGUSER'] ?? userInfo().username;
  const password = part('password', parsed.password);
  const database = part('dbname', parsed.pathname.slice(1)) ?? process.env['PGDATABASE'] ?? user;
  const seconds = Number(parameters.get('connect_timeout') ?? 10);
  if (!Number.isInteger(port) || port < 1 || port > 65_535 || !Number.isFinite(seconds))
    throw new ProblemsError('bad-usage', 'The URL of the store has a port or a timeout that is not a number.');

  const login: PoolConfig = {
    host,
    port,
    user,
    database,
    password: () => password ?? process.env['PGPASSWORD'] ?? passwordInFile(host, port, database, user) ?? '',
    application_name: parameters.get('application_name') ?? 'problems swarm',
    connectionTimeoutMillis: Math.max(seconds, 2) * 1_000,
  };
  const ways = host.startsWith('/') ? [false as const] : tlsWays(parameters, host);
  return { name: `${host}:${port}/${database}`, ways: ways.map((ssl) => ({ ...login, ssl })) };
}

/** From the password file, as libpq looks it up; the host of a socket is called localhost there. */
function passwordInFile(host: string, port: number, database: string, user: string): string | undefined {
  const file = readPassfile(process.env['PGPASSFILE'] ?? join(homedir(), '.pgpass'));
  if (file.state !== 'read') return undefined;
  return passwordIn(file.text, { host: host.startsWith('/') ? 'localhost' : host, port, database, user });
}

const example =
  'Use postgres://user@host:5432/database?sslmode=verify-full, and PGPASSWORD or ~/.pgpass for the password.';

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ProblemsError(
      'bad-usage',
      'The URL of the store has a % that is not followed by two hexadecimal digits.',
    );
  }
}

/**
 * What `sslmode` means to libpq: https://www.postgresql.org/docs/current/libpq-ssl.html. Other than the driver, which checks
 * certificates from `require` on, or not at all.
 */
function tlsWays(parameters: URLSearchParams, host: string): readonly (false | ConnectionOptions)[] {
  const mode = parameters.get('sslmode') ?? process.env['PGSSLMODE'] ?? 'prefer';
  const root = parameters.get('sslrootcert') ?? process.env['PGSSLROOTCERT'] ?? usualRoot();
  const certificate = parameters.get('sslcert');
  const key = parameters.get('sslkey');
  const own: ConnectionOptions = {
    host,
    ...(certificate === null ? {} : { cert: readCertificate(certificate) }),
    ...(key === null ? {} : { key: readCertificate(key) }),
  };
  const unchecked = { ...own, rejectUnauthorized: false };
  switch (mode) {
    case 'disable':
      return [false];
    case 'allow':
      return [false, unchecked];
    case 'prefer':
      return [unchecked, false];
    case 'require':
      return root === undefined || root === 'system' ? [unchecked] : [ofChain(own, root)];
    case 'verify-ca':
      if (root === undefined || root === 'system') throw rootMissing();
      return [ofChain(own, root)];
    case 'verify-full':
      if (root === undefined) throw rootMissing();
      return [root === 'system' ? own : { ...own, ca: readCertificate(root) }];
    default:
      throw new ProblemsError('bad-usage', 'The URL of the store has an unknown sslmode.', {
        hint: 'Use disable, allow, prefer, require, verify-ca or verify-full.',
      });
  }
}

/** Any name, but a certificate that the root signed. */
function ofChain(own: ConnectionOptions, root: string): ConnectionOptions {
  return { ...own, ca: readCertificate(root), checkServerIdentity: () => undefined };
}

function usualRoot(): string | undefined {
  const path = join(homedir(), '.postgresql', 'root.crt');
  return existsSync(path) ? path : undefined;
}

function rootMissing(): ProblemsError {
  return new ProblemsError(
    'bad-usage',
    'The URL of the store asks for a certificate check without a root certificate.',
    {
      hint: 'Name it with sslrootcert, put it into ~/.postgresql/root.crt, or use sslmode=verify-full&sslrootcert=system.',
    },
  );
}

function readCertificate(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ProblemsError('file-unreadable', `A certificate for the store cannot be read: ${errorText(error)}`);
  }
}
