import { createHash } from 'node:crypto';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';

import type Docker from 'dockerode';

import { execIn } from './exec.ts';
import { type Run, runLabel } from './run.ts';

/** Everything that a command which only reads must leave as it was, by name. Compare two with `toEqual`. */
export interface EngineSnapshot {
  /** What `docker inspect` says, but for what the engine changes by itself: see `settle`. */
  readonly containers: Readonly<Record<string, unknown>>;
  readonly networks: Readonly<Record<string, unknown>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  /** Of an instance that runs: each table with its count and fingerprint. Of one that does not: a digest of its files. */
  readonly data: Readonly<Record<string, readonly string[]>>;
  /** The project's files without the data directories: path → digest, mode and owner. */
  readonly files: Readonly<Record<string, string>>;
}

/**
 * The run's objects (by label, by name prefix, and every volume they use), their data and the project folder. An empty
 * `run.prefix` leaves the label to tell.
 */
export async function snapshotEngine(run: Run): Promise<EngineSnapshot> {
  const { docker } = run;
  const containers = await containersOf(run);
  const networks = await docker.listNetworks();
  const names = new Set(containers.flatMap((one) => Object.keys(one.NetworkSettings.Networks)));
  const volumeNames = new Set(
    containers.flatMap((one) => one.Mounts.flatMap(({ Name }) => (Name === undefined ? [] : [Name]))),
  );
  const volumes = await docker.listVolumes();
  const data = await Promise.all(containers.map(async (one) => [nameOf(one), await dataOf(docker, one)] as const));
  return {
    containers: Object.fromEntries(containers.map((one) => [nameOf(one), settle(one)])),
    networks: Object.fromEntries(
      networks
        .filter((one) => names.has(one.Name) || one.Labels?.[runLabel] === run.id || isOfPrefix(run, one.Name))
        .map((one) => [one.Name, { ...one, Containers: undefined }]),
    ),
    volumes: Object.fromEntries(
      volumes.Volumes.filter(
        (one) => volumeNames.has(one.Name) || one.Labels?.[runLabel] === run.id || isOfPrefix(run, one.Name),
      ).map((one) => [one.Name, one]),
    ),
    data: Object.fromEntries(data.filter(([, lines]) => lines.length > 0)),
    files: await filesOf(run.folder),
  };
}

/** Count and fingerprint of each table of each database, sorted; the order of rows does not matter. */
export async function tablesOf(container: Docker.Container, user: string): Promise<readonly string[]> {
  const databases = await superuserSql(
    container,
    user,
    'postgres',
    'select datname from pg_database where datallowconn order by 1',
  );
  const lines: string[] = [];
  for (const database of databases) {
    const tables = await superuserSql(container, user, database, fingerprints);
    lines.push(...tables.map((line) => `${database}: ${line}`));
  }
  return lines.sort();
}

const fingerprints = String.raw`select format(
    'select %L, count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) from only %s as t', c.oid::regclass, c.oid::regclass)
  from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm', 'S') and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_t'
  order by c.oid::regclass::text \gexec`;

/** Over the socket, as the superuser: an instance with every ordinary slot taken answers too. */
async function superuserSql(
  container: Docker.Container,
  user: string,
  database: string,
  sql: string,
): Promise<string[]> {
  const command = ['psql', '-X', '-q', '-A', '-t', '-U', user, '-d', database];
  const { stdout, stderr } = await execIn(container, command, { user: 'postgres', stdin: sql });
  // One table that cannot be read is part of the picture, not a reason to give up.
  return `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
}

async function containersOf(run: Run): Promise<readonly Docker.ContainerInspectInfo[]> {
  const list = await run.docker.listContainers({ all: true });
  const ours = list.filter(
    (one) => one.Labels[runLabel] === run.id || one.Names.some((name) => isOfPrefix(run, name.slice(1))),
  );
  return Promise.all(ours.map(({ Id }) => run.docker.getContainer(Id).inspect()));
}

function isOfPrefix(run: Run, name: string): boolean {
  return run.prefix !== '' && name.startsWith(run.prefix);
}

function nameOf(container: Docker.ContainerInspectInfo): string {
  return container.Name.slice(1);
}

/** Without the log of health checks and running execs; without the state of one that the engine keeps restarting. */
function settle(container: Docker.ContainerInspectInfo): unknown {
  // The engine lists mounts in any order.
  const Mounts = container.Mounts.toSorted((a, b) => (a.Destination < b.Destination ? -1 : 1));
  const rest = { ...container, Mounts, ExecIDs: undefined, State: { ...container.State, Health: undefined } };
  return keepsRestarting(container)
    ? { ...rest, State: 'restarting', RestartCount: undefined, NetworkSettings: undefined }
    : rest;
}

/** Between two attempts the engine shows such a container as running for a moment. */
function keepsRestarting({ State, RestartCount }: Docker.ContainerInspectInfo): boolean {
  return State.Restarting || RestartCount > 0;
}

async function dataOf(docker: Docker, info: Docker.ContainerInspectInfo): Promise<readonly string[]> {
  const env = Object.fromEntries(info.Config.Env.map((line) => line.split(/=(.*)/s)));
  const path = env['PGDATA'];
  const serves = info.Config.Cmd?.[0] === 'postgres';
  if (!serves || typeof path !== 'string') return [];
  const container = docker.getContainer(info.Id);
  if (info.State.Running && !keepsRestarting(info) && !info.State.Paused) {
    return tablesOf(container, env['POSTGRES_USER'] ?? 'postgres');
  }
  const digest = createHash('sha256');
  await pipeline(await container.getArchive({ path }), digest);
  return [`files ${digest.digest('hex')}`];
}

async function filesOf(folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  const pending = [folder];
  for (let current = pending.pop(); current !== undefined; current = pending.pop()) {
    for (const entry of await readdir(current, { withFileTypes: true })) {
      const path = join(current, entry.name);
      const name = relative(folder, path);
      if (entry.isDirectory()) {
        if (!/^resources\/postgres\/instances\/[^/]+\/data$/.test(name)) pending.push(path);
      } else {
        const { mode, uid, gid } = await lstat(path);
        const content = entry.isFile()
          ? createHash('sha256')
              .update(await readFile(path))
              .digest('hex')
          : 'no file';
        files[name] = `${content} ${mode.toString(8)} ${uid}:${gid}`;
      }
    }
  }
  return files;
}
