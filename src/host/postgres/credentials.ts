import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isWithin } from '../../util/text.ts';
import { parseInstanceConf } from '../instances.ts';
import type { Instance } from '../instance.ts';
import type { FileReader } from '../types.ts';

/**
 * Passwords, from the container's environment (POSTGRES_PASSWORD, or the file it names where that is mounted from under
 * a root), `instance.conf`, the passfile and the config. They are handed to drivers and to nobody else; what was handed
 * out is known, so that it can be taken out of everything that is printed or kept.
 */
export interface Credentials {
  /** In the order to try; the last is none at all, since the socket inside a container mostly asks for none. */
  passwords(instance: Instance): Promise<readonly (string | undefined)[]>;
  /** Every secret seen so far, but for those that are a public word too: `postgres` is part of half the names, `data` of every path. */
  seen(): readonly string[];
}

export interface CredentialSources {
  readonly files: FileReader;
  /** Default: PGPASSFILE, else `~/.pgpass`. Used only where nobody else can read it, as libpq does. */
  readonly passfile?: string;
  /** Of the config: passwords by instance name. */
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

/** What the paths, files, settings and steps of any instance are made of. */
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
 * A password that stands in every plan and every message as a word is no secret that could be taken out of them: what is
 * left could not be read, nor run. Where a password stands as one, in a URL, or behind a key that says so, it is taken
 * out all the same.
 */
function isPublic(password: string, { container, user, database, name, dataDirectory }: Instance): boolean {
  // In a URL it would not be known for one.
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

/** `host:port:database:user:password`, `*` for any, `\` before a colon or backslash that is meant. */
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
