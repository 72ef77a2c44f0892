import { execFileSync } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { instanceFolder } from '../project.ts';
import { query, startInstance } from '../instance.ts';
import type { Run } from '../run.ts';
import type { Scenario } from '../scenario.ts';

const sizeMiB = 128;

/** A server with a disk of its own, on which nothing more fits. The disk is memory, and goes with the run. */
export const diskFull: Scenario = {
  name: 'disk-full',
  problem: undefined,
  description:
    'The logs of `full` have filled its disk, a slot that nobody reads keeps its WAL, and it does not start.',
  async up(run, say) {
    const data = join(instanceFolder(run, 'full'), 'data');
    await mkdir(data, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', data]);
    const { container } = await startInstance(run, {
      name: 'full',
      storage: 'bind',
      env: { POSTGRES_INITDB_ARGS: '--no-sync --wal-segsize=1' },
      host: { RestartPolicy: { Name: 'no' } },
    }).then(async (instance) => {
      await query(instance, 'create table kept as select 1 as one');
      await query(instance, "select pg_create_physical_replication_slot('forgotten', true)");
      return instance;
    });
    await container.stop();
    await fillDisk(run, 0);
    await container.start();
    await container.wait();
    say(`${run.prefix}vrooli-postgres-full does not start: its disk of ${sizeMiB} MiB is full`);
  },
};

/** Where the server's own logs would be. */
export function logOf(run: Run): string {
  return join(instanceFolder(run, 'full'), 'data', 'log', 'postgresql.log');
}

/** Writes a log until no more than this is free. In MiB. */
export async function fillDisk(run: Run, leavesMiB: number): Promise<void> {
  await mkdir(join(logOf(run), '..'), { recursive: true });
  const log = await open(logOf(run), 'w');
  const line = Buffer.alloc(64 * 1024, 'x');
  try {
    for (let written = 0; written <= sizeMiB * 2 ** 20; written += line.length) await log.write(line);
  } catch (error) {
    if (!String(error).includes('ENOSPC')) throw error;
    const { size } = await log.stat();
    await log.truncate(Math.max(0, size - leavesMiB * 2 ** 20));
  } finally {
    await log.close();
  }
}

/** Only root may mount a disk. */
export function mayMount(): boolean {
  return process.getuid?.() === 0;
}
