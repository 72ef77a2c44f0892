import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { openDatabase } from '../../src/remediation/store/sqlite/database.ts';
import { openSqliteSwarm, swarmIn } from '../../src/swarm/sqlite/store.ts';
import { entry, everything, project } from './entries.ts';
import { killAtEveryStatement } from './killed.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'problems-swarm-'));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

/** How many statements the work on one task takes: claim, heartbeat and report. */
async function statements(): Promise<number> {
  const database = await openDatabase(':memory:');
  let count = 0;
  const counting = { ...database };
  for (const name of ['one', 'all', 'run'] as const) {
    const call: (...values: Parameters<typeof database.run>) => unknown = database[name];
    Object.assign(counting, {
      [name]: (...values: Parameters<typeof database.run>) => ((count += 1), call(...values)),
    });
  }
  const queue = await swarmIn(counting, { project }, ':memory:');
  await queue.sync([entry('a')], everything);
  count = 0;
  const claim = await queue.claim({ worker: 'w', lease: 1 });
  if (claim === undefined) throw new Error('There is nothing to claim.');
  await queue.heartbeat(claim, 1, 'working');
  await queue.settle(claim, { result: 'done' });
  queue.close();
  return count;
}

describe('workers that are killed', () => {
  it('at any statement leave no task undone, and none with two outcomes', { timeout: 300_000 }, async () => {
    const file = join(folder, '.problems', 'state.db');
    const queue = await openSqliteSwarm(file, { project });
    const total = await statements();
    await killAtEveryStatement(queue, file, total);
    queue.close();
  });
});
