import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, password, type PostgresServer, unprivileged } from './postgres-server.ts';

const program = '/usr/sbin/pgbouncer';

/** False: the tests are skipped. With CI set they fail instead; there test/swarm/postgres.sh has installed it. */
export const hasPooler = existsSync(program) || (process.env['CI'] ?? '') !== '';

if (!hasPooler)
  process.stderr.write('Skipped: the queue behind a pooler, which is not installed here: apt-get install pgbouncer\n');

export interface Pooler extends AsyncDisposable {
  /** Of the same database as the server's. */
  readonly url: string;
}

/**
 * A real PgBouncer in transaction mode before a server, with two connections to it: each transaction of a client may get another one.
 * @param settings More of `[pgbouncer]`.
 */
export async function startPooler(server: PostgresServer, settings: readonly string[] = []): Promise<Pooler> {
  const owner = unprivileged();
  const folder = mkdtempSync(join(tmpdir(), 'problems-pooler-'));
  const port = await freePort();
  const file = join(folder, 'pgbouncer.ini');
  writeFileSync(
    file,
    [
      '[databases]',
      `swarm = host=127.0.0.1 port=${server.port} dbname=swarm user=swarm password='${password}'`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = any',
      'pool_mode = transaction',
      'default_pool_size = 2',
      ...settings,
      '',
    ].join('\n'),
  );
  if (owner !== undefined) for (const path of [folder, file]) chownSync(path, owner.uid, owner.gid);
  const child = spawn(program, [file], { ...owner, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  function abandon(): void {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
  process.once('exit', abandon);
  let log = '';
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`pgbouncer: ${log}`)));
    child.stderr.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-20_000);
      if (log.includes('process up')) resolve();
    });
  });
  return {
    url: `postgres://swarm@127.0.0.1:${port}/swarm`,
    async [Symbol.asyncDispose]() {
      process.off('exit', abandon);
      const ended = once(child, 'exit');
      abandon();
      await ended;
    },
  };
}
