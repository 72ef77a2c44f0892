import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/remediation/store/sqlite/database.ts';
import { openSqliteSwarm, swarmIn } from '../../src/swarm/sqlite/store.ts';
import { someOf } from '../soak.ts';
import { entry, everything } from './entries.ts';
import { project, worker } from './killed.ts';

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
  const queue = await swarmIn(counting, { project });
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
    const tasks = Array.from({ length: total + 20 }, (_, index) =>
      // Some share a serial key.
      entry(`t${index}`, { component: `c${index - (index % 3 === 1 ? 1 : 0)}`, impact: 1 + (index % 7) }),
    );
    await queue.sync(tasks, everything);
    // One more than the last statement: after the commit of the report.
    const points = someOf(Array.from({ length: total + 1 }, (_, index) => index + 1));
    const killed = await inTurns(points, 4, (point) => worker(file, `killed at ${point}`, point));
    expect(killed.map(({ signal }) => signal)).toEqual(points.map(() => 'SIGKILL'));
    const ended = await Promise.all([worker(file, 'w1'), worker(file, 'w2'), worker(file, 'w3')]);
    expect(ended.map(({ signal }) => signal)).toEqual([null, null, null]);

    const outcomes = await queue.outcomes({ limit: 10_000 });
    expect(outcomes.map(({ task }) => task).toSorted()).toEqual(tasks.map(({ task }) => task.id).toSorted());
    expect((await queue.stats()).tasks).toMatchObject({ done: tasks.length, open: 0, claimed: 0, dead: 0 });
    const events = await queue.events({ limit: 100_000 });
    const claims = events.flatMap((event) => (event.type === 'claimed' ? [event] : []));
    for (const { task, token } of outcomes) expect(claims.findLast((one) => one.task === task)?.token).toBe(token);
    // A claim ends in one of two ways.
    const lapsed = events.filter(({ type }) => type === 'lapsed');
    expect(claims).toHaveLength(outcomes.length + lapsed.length);
    const accepted = ended.reduce((sum, one) => sum + one.accepted, 0);
    const byKilled = outcomes.filter(({ worker: name }) => name.startsWith('killed')).length;
    expect(accepted).toBe(outcomes.length - byKilled);
    expect(lapsed.length).toBeGreaterThan(0);
    queue.close();
  });
});

/** Calls `work` for each item, a few at the same time. */
async function inTurns<Item, Result>(
  items: readonly Item[],
  most: number,
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += most)
    results.push(...(await Promise.all(items.slice(at, at + most).map(work))));
  return results;
}
