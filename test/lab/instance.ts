import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type Docker from 'dockerode';

import { connect } from './client.ts';
import { execIn, type ExecOptions, logOf } from './exec.ts';
import { seededCredentials } from './images/recipe.ts';
import { instanceFolder, writeInstanceConf, writePostgresConf } from './project.ts';
import { createVolume, ensureNetwork, type Run } from './run.ts';

/**
 * Where an instance keeps its data. `bind` is the managed layout: a folder of the project, `instance.conf` and a mounted
 * `postgresql.conf`. `anonymous` is what the image's VOLUME gives when nothing is said. `seeded` is a cluster in the
 * container itself, ready in a third of a second: for tests that are not about the volume. All seeded clusters of
 * one version have the same system identifier.
 */
export type Storage = 'bind' | 'volume' | 'anonymous' | 'seeded';

export interface InstanceSettings {
  readonly name: string;
  readonly storage: Storage;
  /** Default: the run's next free port; `false` publishes none. */
  readonly port?: number | false;
  /** The host's address to publish on. Default empty: all of both families, as the managed system does. */
  readonly hostIp?: string;
  /** Server settings: into the mounted file for `bind`, on the command line otherwise. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Default: the run's PostgreSQL, of the kind that the storage wants. */
  readonly image?: string;
  readonly template?: string;
  /** Default: a random one. For a second container on data that has its password already. */
  readonly password?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Laid over what the lab gives the container. */
  readonly container?: Docker.ContainerCreateOptions;
  readonly host?: Docker.HostConfig;
}

/** A PostgreSQL container of the lab, and how to get in. */
export interface LabInstance {
  readonly name: string;
  /** The container's name. */
  readonly containerName: string;
  readonly container: Docker.Container;
  readonly run: Run;
  /** On the host; undefined if none is published. */
  readonly port: number | undefined;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** The data on the host, for `bind`; the volume's name for `volume`. */
  readonly data: string | undefined;
}

/** Creates the container, and with `bind` the instance's folder. It is not started. */
export async function createInstance(run: Run, settings: InstanceSettings): Promise<LabInstance> {
  const { name, storage, hostIp = '', template = 'development', env = {}, container = {}, host = {} } = settings;
  await ensureNetwork(run);
  const port = settings.port === undefined ? await run.takePort() : settings.port === false ? undefined : settings.port;
  const { user, database } = seededCredentials;
  const password = storage === 'seeded' ? seededCredentials.password : (settings.password ?? randomPassword());
  const kind = storage === 'seeded' ? 'postgres-seeded' : 'postgres';
  const { binds, command, data } = await layStorage(run, settings);
  if (storage === 'bind') {
    const created = new Date().toISOString();
    const conf = { port: port ?? 5432, password, template, created, user, database, networks: run.network };
    await writeInstanceConf(run, name, conf);
  }
  const containerName = `${run.prefix}vrooli-postgres-${name}`;
  const made = await run.docker.createContainer({
    name: containerName,
    Image: settings.image ?? `problems-lab/${kind}:${run.postgres}`,
    Cmd: ['postgres', ...command],
    Env: environment({
      POSTGRES_USER: user,
      POSTGRES_PASSWORD: password,
      POSTGRES_DB: database,
      POSTGRES_INITDB_ARGS: '--encoding=UTF8 --locale=en_US.UTF-8 --no-sync',
      ...env,
    }),
    ExposedPorts: { '5432/tcp': {} },
    Healthcheck: {
      Test: ['CMD-SHELL', `pg_isready -U ${user} -d ${database}`],
      // Each check starts a program in the container, which a busy machine feels: as much as ten queries.
      Interval: 600e9,
      Timeout: 5e9,
      Retries: 5,
    },
    ...container,
    Labels: { ...run.labels, ...container.Labels },
    HostConfig: {
      NetworkMode: run.network,
      RestartPolicy: { Name: 'unless-stopped' },
      Binds: binds,
      ...(port === undefined ? {} : { PortBindings: { '5432/tcp': [{ HostIp: hostIp, HostPort: String(port) }] } }),
      ...host,
    },
  });
  return { name, containerName, container: made, run, port, user, password, database, data };
}

/** Creates and starts an instance and waits until it answers. */
export async function startInstance(run: Run, settings: InstanceSettings): Promise<LabInstance> {
  const instance = await createInstance(run, settings);
  await instance.container.start();
  await waitReady(instance);
  return instance;
}

/** The instance of the run with this name, even if its container has been recreated since. */
export async function findInstance(run: Run, name: string): Promise<LabInstance> {
  const containerName = `${run.prefix}vrooli-postgres-${name}`;
  const { Id, Config, HostConfig, Mounts } = await run.docker.getContainer(containerName).inspect();
  const env = Object.fromEntries(Config.Env.map((line) => line.split(/=(.*)/s)));
  const bindings: Record<string, { HostPort: string }[]> = HostConfig.PortBindings ?? {};
  const port = bindings['5432/tcp']?.[0]?.HostPort;
  const mount = Mounts.find(({ Destination }) => Destination === env['PGDATA']);
  return {
    name,
    containerName,
    // By its id: a name may come to mean another container.
    container: run.docker.getContainer(Id),
    run,
    port: port === undefined ? undefined : Number(port),
    user: env['POSTGRES_USER'] ?? 'postgres',
    password: env['POSTGRES_PASSWORD'] ?? '',
    database: env['POSTGRES_DB'] ?? 'postgres',
    data: mount?.Name ?? mount?.Source,
  };
}

/**
 * Asks the server a question over TCP until it answers. A socket, and `pg_isready`, answer too early; and a program
 * started inside the container each time would slow down what it waits for.
 */
export async function waitReady(instance: LabInstance, withinMs = 180_000): Promise<void> {
  const until = Date.now() + withinMs;
  for (;;) {
    const refused = await asked(instance);
    if (refused === undefined) return;
    const { State } = await instance.container.inspect();
    if (Date.now() > until || State.Status === 'exited') {
      const log = await logOf(instance.container);
      throw new Error(`${instance.containerName} (${State.Status}) does not answer: ${refused}\n${log.slice(-2000)}`);
    }
    await sleep(50);
  }
}

/**
 * Undefined when the server answers, else why it does not. Where the container's own address can be reached it is taken:
 * a published port takes connections before the server does, and then keeps them waiting.
 */
async function asked(instance: LabInstance): Promise<string | undefined> {
  try {
    const client = await connect(process.platform === 'linux' ? { ...instance, port: undefined } : instance);
    await client.query('select 1');
    await client.end();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The user and the database; defaults are the instance's, over TCP with its password. */
export interface Session {
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
  /** Over the socket, which needs no password. */
  readonly socket?: boolean;
}

/** Runs SQL through psql inside the container; errors come verbose, with their SQLSTATE. Rows: `|` between columns. */
export async function psql(instance: LabInstance, sql: string, session: Session = {}): ReturnType<typeof execIn> {
  const { user = instance.user, password = instance.password, database = instance.database, socket = false } = session;
  const env = { PGUSER: user, PGPASSWORD: password, PGDATABASE: database, PGCONNECT_TIMEOUT: '5' };
  const command = ['psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose'];
  const options: ExecOptions = { env: socket ? env : { ...env, PGHOST: '127.0.0.1' }, stdin: sql };
  return execIn(instance.container, command, options).catch((error: unknown) => ({
    code: -1,
    stdout: '',
    stderr: error instanceof Error ? error.message : String(error),
  }));
}

/**
 * The same for queries that must succeed: the lines of the answer. One statement goes over a connection of its own, since a
 * program in a container costs ten times as much; psql runs several, each in its own transaction.
 */
export async function query(instance: LabInstance, sql: string, session: Session = {}): Promise<readonly string[]> {
  const isOneStatement = !/;\s*\S|^\s*\\/.test(sql);
  const lines = isOneStatement && session.socket !== true ? await lineByLine(instance, sql, session) : undefined;
  if (lines !== undefined) return lines;
  const { code, stdout, stderr } = await psql(instance, sql, session);
  if (code !== 0) throw new Error(`${instance.containerName}: ${stderr}`);
  return stdout.split('\n').filter((line) => line !== '');
}

/** Undefined if there is no way in from here, so that psql must say what is wrong. */
async function lineByLine(
  instance: LabInstance,
  sql: string,
  session: Session,
): Promise<readonly string[] | undefined> {
  if (process.platform !== 'linux') return undefined;
  const client = await connect({ ...instance, port: undefined }, session, { patienceMs: 5_000 }).catch(() => undefined);
  if (client === undefined) return undefined;
  try {
    const rows = await client.rows(sql);
    return rows
      .flatMap((row) =>
        row
          .map((value) => value ?? '')
          .join('|')
          .split('\n'),
      )
      .filter((line) => line !== '');
  } catch (error) {
    throw new Error(`${instance.containerName}: ERROR: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  } finally {
    await client.end();
  }
}

/** Letters and digits only, because it is part of a file that is sourced as shell, and of URLs. */
export function randomPassword(): string {
  return randomBytes(12).toString('hex');
}

async function layStorage(
  run: Run,
  { name, storage, settings = {} }: InstanceSettings,
): Promise<{ binds: string[]; command: readonly string[]; data: string | undefined }> {
  const command = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  if (storage === 'volume') {
    const volume = await createVolume(run, `${name}-data`);
    return { binds: [`${volume}:/var/lib/postgresql/data`], command, data: volume };
  }
  if (storage !== 'bind') return { binds: [], command, data: undefined };
  const data = join(instanceFolder(run, name), 'data');
  await mkdir(data, { recursive: true });
  const file = await writePostgresConf(run, name, settings);
  return {
    binds: [`${data}:/var/lib/postgresql/data`, `${file}:/etc/postgresql/postgresql.conf:ro`],
    command: ['-c', 'config_file=/etc/postgresql/postgresql.conf'],
    data,
  };
}

/** `NAME=value` lines as the engine wants them. */
export function environment(variables: Readonly<Record<string, string>>): string[] {
  return Object.entries(variables).map(([name, value]) => `${name}=${value}`);
}
