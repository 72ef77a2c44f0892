import { spawn } from 'node:child_process';
import { expect } from 'vitest';
import type { SwarmStore } from '../../src/swarm/store.ts';
import { programFile } from '../programs.ts';
import { someOf } from '../soak.ts';
import { entry, everything } from './entries.ts';

const program = programFile('test/swarm/child.ts');

interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly accepted: number;
  readonly refused: number;
}

/** Starts a worker of child.ts and waits until it ends or is killed. */
function worker(file: string, name: string, killedAt = 0): Promise<Ended> {
  const child = spawn(process.execPath, [program, file, name, String(killedAt)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once('close', (code, signal) => {
      if (code !== 0 && signal === null) reject(new Error(stderr));
      else resolve({ signal, ...(signal === null ? JSON.parse(stdout) : { accepted: 0, refused: 0 }) });
    });
  });
}

/**
 * Kills a worker before each statement of its first task, lets others finish, and checks that each task is done, by one outcome.
 * @param place The state file or the URL of the queue, as workers open it.
 * @param total How many statements the work on one task takes.
 */
export async function killAtEveryStatement(queue: SwarmStore, place: string, total: number): Promise<void> {
  const tasks = Array.from({ length: total + 20 }, (_, index) =>
    // Some share a serial key.
    entry(`t${index}`, { component: `c${index - (index % 3 === 1 ? 1 : 0)}`, impact: 1 + (index % 7) }),
  );
  await queue.sync(tasks, everything);
  // One more than the last statement: after the commit of the report.
  const points = someOf(Array.from({ length: total + 1 }, (_, index) => index + 1));
  const killed = await inTurns(points, 4, (point) => worker(place, `killed at ${point}`, point));
  expect(killed.map(({ signal }) => signal)).toEqual(points.map(() => 'SIGKILL'));
  const ended = await Promise.all([worker(place, 'w1'), worker(place, 'w2'), worker(place, 'w3')]);
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
}

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
