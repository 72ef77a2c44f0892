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
  /**
   * In the order to try. The last is undefined: the socket in a container usually needs no password. A password that belongs
   * to an instance's name goes only to a container that is certainly this instance.
   */
  passwords(instance: Instance): Promise<readonly (string | undefined)[]>;
  /** If the container may not get passwords of its instance's name: why, and what to do. */
  withheld(instance: Instance): Promise<string | undefined>;
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

  async function find(instance: Instance): Promise<Found> {
    const { container, name, identity = 'label' } = instance;
    const { configured = {} } = sources;
    const ofName = Object.hasOwn(configured, name) ? configured[name] : undefined;
    const ofConf = await fromConf(instance, sources.files);
    const found = [
      { password: ofName, usable: identity !== 'label' },
      { password: container.env['POSTGRES_PASSWORD'], usable: true },
      { password: await fromMountedFile(instance, sources.files), usable: true },
      { password: ofConf, usable: identity === 'confirmed' },
      { password: await fromPassfile(instance, sources.passfile), usable: true },
    ].flatMap(({ password, usable }) => (password === undefined || password === '' ? [] : [{ password, usable }]));
    return {
      all: found.map(({ password }) => password),
      usable: [...new Set(found.filter(({ usable }) => usable).map(({ password }) => password))],
    };
  }

  return {
    async passwords(instance) {
      const { all, usable } = await find(instance);
      for (const password of all) if (!isPublic(password, instance)) seen.add(password);
      return [...usable, undefined];
    },
    async withheld(instance) {
      if ((instance.identity ?? 'label') === 'label') return withheldFromLabel(instance);
      const { all, usable } = await find(instance);
      return all.every((password) => usable.includes(password)) ? undefined : withheldFromName(instance);
    },
    seen: () => [...seen],
  };
}

interface Found {
  /** Also those that belong to the instance's name, which the container may not be. */
  readonly all: readonly string[];
  readonly usable: readonly string[];
}

function withheldFromLabel({ name, container }: Instance): string {
  return `No password of ${name} was used, since only a label says that ${container.name} is ${name}. Name the container vrooli-postgres-${name}, or match its name with \`remediation.containers\` in the config.`;
}

function withheldFromName({ name, container, folder = name }: Instance): string {
  return `The password in the instance.conf of ${name} was not used, since only its name says that ${container.name} is ${name}. Give the container the label \`problems.instance=${name}\`, or keep its data in ${folder}.`;
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
