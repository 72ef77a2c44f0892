import { posix } from 'node:path';
import type { Container } from './docker/types.ts';

/**
 * What images of PostgreSQL expect of their containers. What runs decides: the command line of the server, then the variables
 * of the container, then what the maker of the image documents. The table is in docs/remediation/reference.md#images.
 */

/** Who logs in, and the variable that holds the password; with `_FILE` after it, the variable that names a file with it. */
export interface ImageLogin {
  /** Undefined: not said. */
  readonly user: string | undefined;
  readonly database: string | undefined;
  readonly passwordVariable: string;
}

type Env = Container['env'];

/**
 * Where the data are. `processes` are the command lines of what runs in the container, if they are known: images whose scripts
 * choose the folder tell it to nothing else.
 */
export function dataDirectoryOf(container: Container, processes: readonly string[] = []): string {
  const { env, command } = container;
  const stated = statedDirectory(command) ?? runningDirectory(processes) ?? valueOf(env, 'PGDATA');
  return posix.normalize(stated ?? documentedDirectory(env)).replace(/(?<=.)\/$/, '');
}

/** Whether only the processes of a container can tell where its data are. */
export function needsProcesses({ env, command, state }: Container): boolean {
  return state.running && statedDirectory(command) === undefined && valueOf(env, 'PGDATA') === undefined;
}

/** Images of other makers set neither `PGDATA` nor `PG_MAJOR`. */
export function isPostgresImage({ env }: Container): boolean {
  return ['PG_MAJOR', 'PGDATA'].some((name) => env[name] !== undefined) || isBitnami(env) || isSclorg(env);
}

/** The most powerful login that the variables of a container give. */
export function loginOf(env: Env): ImageLogin {
  const superuser = ['POSTGRESQL_POSTGRES_PASSWORD', 'POSTGRESQL_ADMIN_PASSWORD'].find((name) => has(env, name));
  const official = valueOf(env, 'POSTGRES_USER');
  if (has(env, 'POSTGRES_PASSWORD') || official !== undefined || !(isBitnami(env) || isSclorg(env)))
    return { user: official, database: valueOf(env, 'POSTGRES_DB'), passwordVariable: 'POSTGRES_PASSWORD' };
  const user = valueOf(env, 'POSTGRESQL_USERNAME') ?? valueOf(env, 'POSTGRESQL_USER') ?? 'postgres';
  return {
    user: superuser === undefined ? user : 'postgres',
    database: valueOf(env, 'POSTGRESQL_DATABASE') ?? 'postgres',
    passwordVariable: superuser ?? 'POSTGRESQL_PASSWORD',
  };
}

/** The port that a server listens on in its container, as variables say; `undefined`: they do not. */
export function portVariable(env: Env): string | undefined {
  return valueOf(env, 'PGPORT') ?? valueOf(env, 'POSTGRESQL_PORT_NUMBER');
}

/** Of a command: `-D folder`, `-c data_directory=folder`, `--data_directory=folder`. */
function statedDirectory(words: readonly string[]): string | undefined {
  let found: string | undefined;
  words.forEach((word, at) => {
    const [, after] = /^(?:-c|--)?data[_-]directory=(\/.*)$/s.exec(word) ?? /^-D(\/.*)$/s.exec(word) ?? [];
    const next = word === '-D' && words[at + 1]?.startsWith('/') === true ? words[at + 1] : undefined;
    found = after ?? next ?? found;
  });
  return found;
}

/** Of the server among the command lines: it is the one that is not named after its work, such as `postgres: walwriter`. */
function runningDirectory(processes: readonly string[]): string | undefined {
  const server = processes.map((line) => line.split(/\s+/)).find(([program = '']) => isServer(program));
  return server === undefined ? undefined : statedDirectory(server);
}

/** Whether a PostgreSQL server is among the command lines of what runs in a container. */
export function runsServer(processes: readonly string[]): boolean {
  return processes.some((line) => isServer(line.split(/\s+/)[0] ?? ''));
}

function isServer(program: string): boolean {
  return /(?:^|\/)(?:postgres|postmaster)$/.test(program);
}

function documentedDirectory(env: Env): string {
  if (isBitnami(env))
    return (
      valueOf(env, 'POSTGRESQL_DATA_DIR') ?? `${valueOf(env, 'POSTGRESQL_VOLUME_DIR') ?? '/bitnami/postgresql'}/data`
    );
  return isSclorg(env) ? '/var/lib/pgsql/data/userdata' : '/var/lib/postgresql/data';
}

function isBitnami(env: Env): boolean {
  return (
    env['BITNAMI_APP_NAME'] === 'postgresql' ||
    ['POSTGRESQL_USERNAME', 'POSTGRESQL_POSTGRES_PASSWORD', 'POSTGRESQL_VOLUME_DIR'].some((name) => has(env, name)) ||
    (has(env, 'POSTGRESQL_PASSWORD') && !isSclorg(env))
  );
}

/** Images of Fedora, CentOS and Red Hat. */
function isSclorg(env: Env): boolean {
  return valueOf(env, 'POSTGRESQL_VERSION') !== undefined && env['BITNAMI_APP_NAME'] === undefined;
}

function has(env: Env, name: string): boolean {
  return valueOf(env, name) !== undefined || valueOf(env, `${name}_FILE`) !== undefined;
}

/** An empty variable counts as one that is not set, as it does for the images. */
function valueOf(env: Env, name: string): string | undefined {
  const value = env[name];
  return value === undefined || value === '' ? undefined : value;
}
