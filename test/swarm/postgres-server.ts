import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

/*
 * A PostgreSQL server for tests of the queue, from the programs of Debian's package `postgresql`. It needs no Docker: it runs as
 * an unprivileged user, on a free port of 127.0.0.1 and a socket in its folder, and is removed afterwards.
 */

const versions = '/usr/lib/postgresql';

/** The newest version that is installed. */
const programs = existsSync(versions)
  ? readdirSync(versions)
      .toSorted((a, b) => Number(b) - Number(a))
      .map((version) => join(versions, version, 'bin'))
      .find((folder) => existsSync(join(folder, 'initdb')))
  : undefined;

/** False: the tests are skipped. With CI set they fail instead; there test/swarm/postgres.sh has installed it. */
export const hasPostgres = programs !== undefined || (process.env['CI'] ?? '') !== '';

if (!hasPostgres)
  process.stderr.write('Skipped: the queue on PostgreSQL, which is not installed here: apt-get install postgresql\n');

export interface PostgresServer extends AsyncDisposable {
  readonly port: number;
  /** By TCP, with the password of `swarm`, who owns the database. */
  readonly url: string;
  /** The same by the socket, without a password. */
  readonly socketUrl: string;
  /** As a superuser. Default database: the queue's. */
  admin(sql: string, database?: string): Promise<readonly Record<string, unknown>[]>;
  /** Ends every connection at once, as after a crash, and starts again. */
  restart(): Promise<void>;
}

export const password = 'p@ss/word:1';

/**
 * @param settings Of postgresql.conf. Default: nothing is forced to the disk, so a crash of the server loses nothing, and one of
 * the machine only tests.
 */
export async function startPostgres(
  settings: readonly string[] = ['fsync = off', 'full_page_writes = off'],
): Promise<PostgresServer> {
  if (programs === undefined) throw new Error('PostgreSQL is not installed: run test/swarm/postgres.sh');
  const { initdb, postgres } = { initdb: join(programs, 'initdb'), postgres: join(programs, 'postgres') };
  const owner = unprivileged();
  const folder = mkdtempSync(join(tmpdir(), 'problems-postgres-'));
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
  const data = join(folder, 'data');
  const port = await freePort();
  const made = spawnSync(
    initdb,
    ['-D', data, '-U', 'admin', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync', '--no-instructions'],
    { ...owner, cwd: folder, encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  appendFileSync(
    join(data, 'postgresql.conf'),
    [`port = ${port}`, `unix_socket_directories = '${folder}'`, "listen_addresses = '127.0.0.1'", ...settings, ''].join(
      '\n',
    ),
  );
  writeFileSync(join(data, 'pg_hba.conf'), 'local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n');

  let server: ChildProcess | undefined;
  async function start(): Promise<void> {
    const child = spawn(postgres, ['-D', data], { ...owner, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    server = child;
    let log = '';
    await new Promise<void>((resolve, reject) => {
      child.once('exit', () => reject(new Error(`postgres: ${log}`)));
      child.stderr.on('data', (chunk: Buffer) => {
        log = (log + chunk.toString()).slice(-20_000);
        if (log.includes('database system is ready to accept connections')) resolve();
      });
    });
  }
  async function stop(signal: NodeJS.Signals): Promise<void> {
    if (server === undefined || server.exitCode !== null) return;
    const ended = once(server, 'exit');
    server.kill(signal);
    await ended;
  }
  function abandon(): void {
    server?.kill('SIGQUIT');
    rmSync(folder, { recursive: true, force: true });
  }
  process.once('exit', abandon);

  async function admin(sql: string, database = 'swarm'): Promise<readonly Record<string, unknown>[]> {
    const client = new pg.Client({ host: folder, port, user: 'admin', database });
    await client.connect();
    try {
      const result: unknown = await client.query(sql);
      const last: unknown = Array.isArray(result) ? result.at(-1) : result;
      return (last as pg.QueryResult).rows;
    } finally {
      await client.end();
    }
  }

  await start();
  await admin(`CREATE ROLE swarm LOGIN PASSWORD '${password}'`, 'postgres');
  await admin('CREATE DATABASE swarm OWNER swarm', 'postgres');
  return {
    port,
    url: `postgres://swarm:${encodeURIComponent(password)}@127.0.0.1:${port}/swarm`,
    socketUrl: `postgres://swarm@/swarm?host=${encodeURIComponent(folder)}&port=${port}`,
    admin,
    async restart() {
      await stop('SIGQUIT');
      await start();
    },
    async [Symbol.asyncDispose]() {
      process.off('exit', abandon);
      await stop('SIGQUIT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Removes what the queue has in its tables. Outcomes can only be removed by a superuser who turns their trigger off. */
export async function emptyTables(server: PostgresServer): Promise<void> {
  const tables = ['task', 'task_after', 'outcome', 'event', 'worker', 'gate', 'hour_limit', 'engine_host'].map(
    (name) => `problem_registry.${name}`,
  );
  await server.admin(
    `SET session_replication_role = replica; ${tables.map((table) => `DELETE FROM ${table};`).join(' ')}`,
  );
}

/** The server refuses to run as root. */
export function unprivileged(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  const found = ['postgres', 'nobody'].flatMap((name) => users.filter((line) => line.startsWith(`${name}:`)));
  const [, , uid, gid] = found[0]?.split(':') ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
