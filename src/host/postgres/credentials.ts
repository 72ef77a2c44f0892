import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isWithin } from '../../util/text.ts';
import { parseInstanceConf } from '../instances.ts';
import type { Instance } from '../instance.ts';
import type { FileReader } from '../types.ts';

/**
 * Passwords from the container's environment (POSTGRES_PASSWORD, or the file that POSTGRES_PASSWORD_FILE names if it is mounted
 * from under a root), `instance.conf`, the passfile and the config. Only drivers get them. All passwords that were found are
 * remembered, so that they can be redacted in everything that is printed or stored.
 */
export interface Credentials {
  /** In the order to try. The last is undefined: the socket in a container usually needs no password. */
  passwords(instance: Instance): Promise<readonly (string | undefined)[]>;
  /** All secrets found so far, except common words: `postgres` is part of many names, `data` of every path. */
  seen(): readonly string[];
}

export interface CredentialSources {
  readonly files: FileReader;
  /** Default: PGPASSFILE, else `~/.pgpass`. Ignored if others can read it, as in libpq. */
  readonly passfile?: string;
  /** From the config: passwords by instance name. */
  readonly configured?: Readonly<Record<string, string>>;
}

export function openCredentials(sources: CredentialSources): Credentials {
  const seen = new Set<string>();

  async function find(instance: Instance): Promise<readonly (string | undefined)[]> {
    const { container, name } = instance;
    return [
      sources.configured?.[name],
      container.env['POSTGRES_PASSWORD'],
      await fromMountedFile(instance, sources.files),
      await fromConf(instance, sources.files),
      await fromPassfile(instance, sources.passfile),
    ];
  }

  return {
    async passwords(instance) {
      const found = [
        ...new Set((await find(instance)).filter((password) => password !== undefined && password !== '')),
      ];
      for (const password of found) if (password !== undefined && !isPublic(password, instance)) seen.add(password);
      return [...found, undefined];
    },
    seen: () => [...seen],
  };
}

/** Words in the paths, files, settings and steps of any instance. */
const commonWords: readonly string[] = [
  '/var/lib/postgresql/data',
  '/etc/postgresql/postgresql.conf',
  'postgresql.auto.conf',
  'container',
  'instance',
  'database',
  'password',
  'volume',
  'network',
  'backup',
  'restart',
  'default',
  'docker',
  'localhost',
  'problems',
];

/**
 * Whether a password is also a word of plans and messages. Redacting it everywhere would make them unreadable and plans
 * useless. It is still redacted in URLs and after keys such as `password`.
 */
function isPublic(password: string, { container, user, database, name, dataDirectory }: Instance): boolean {
  // It would not be recognised in a URL.
  if (/[/:@\s]/.test(password)) return false;
  const { mounts, endpoints } = container;
  return [
    ...commonWords,
    container.name,
    container.imageName,
    user,
    database,
    name,
    dataDirectory,
    ...mounts.flatMap((mount) => [mount.name, mount.source, mount.destination]),
    ...endpoints.flatMap(({ network, aliases }) => [network, ...aliases]),
  ].some((word) => word.includes(password));
}

async function fromMountedFile({ container }: Instance, files: FileReader): Promise<string | undefined> {
  const path = container.env['POSTGRES_PASSWORD_FILE'];
  if (path === undefined) return undefined;
  const mount = container.mounts.find(({ type, destination }) => type === 'bind' && isWithin(path, destination));
  if (mount === undefined) return undefined;
  const file = await files.read(join(mount.source, path.slice(mount.destination.length))).catch(() => undefined);
  return file?.text.replace(/\r?\n$/, '');
}

async function fromConf({ folder }: Instance, files: FileReader): Promise<string | undefined> {
  if (folder === undefined) return undefined;
  const file = await files.read(join(folder, 'config', 'instance.conf')).catch(() => undefined);
  return file === undefined ? undefined : parseInstanceConf(file.text)['password'];
}

/** Lines of `host:port:database:user:password`; `*` matches any value, `\` escapes a colon or backslash. */
async function fromPassfile(instance: Instance, configured: string | undefined): Promise<string | undefined> {
  const path = configured ?? process.env['PGPASSFILE'] ?? join(homedir(), '.pgpass');
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || !found.isFile() || (found.mode & 0o077) !== 0 || found.size > 2 ** 20) return undefined;
  const ports = new Set([...instance.container.portBindings.map(({ hostPort }) => hostPort), String(instance.port)]);
  for (const line of (await readFile(path, 'utf8')).split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const [, port = '', database = '', user = '', password] = [...line.matchAll(/((?:\\.|[^:\\])*)(?::|$)/g)].map(
      (field) => (field[1] ?? '').replace(/\\(.)/g, '$1'),
    );
    const fits =
      (port === '*' || ports.has(port)) &&
      [instance.database, '*'].includes(database) &&
      [instance.user, '*'].includes(user);
    if (fits && password !== undefined && password !== '') return password;
  }
  return undefined;
}
