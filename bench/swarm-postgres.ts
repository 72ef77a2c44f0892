import { PgBoss } from 'pg-boss';
import { openPostgresSwarm } from '../src/swarm/postgres/store.ts';
import type { SwarmStore } from '../src/swarm/store.ts';
import type { TaskEntry } from '../src/swarm/types.ts';
import { startPostgres } from '../test/swarm/postgres-server.ts';
import type { Figure } from './figures.ts';
import { median, type Ratio } from './measuring.ts';

const workers = 8;

const rounds = 10;

/** The queue on PostgreSQL beside pg-boss alone, on one server that syncs each commit: the same tasks, workers and connections. */
export async function postgresFigures(entries: readonly TaskEntry[]): Promise<readonly Figure[]> {
  await using server = await startPostgres([]);
  // Tasks of one component would be done one after the other.
  const all = entries.map(({ task }) => ({ task: { ...task, component: task.id }, engine: null }));
  const covers = { problems: new Set<string>(), targets: new Set(['PROBLEMS.md']) };
  const queues = await Promise.all(
    Array.from({ length: workers }, () => openPostgresSwarm(server.url, { project: 'bench' })),
  );
  const [first] = queues;
  if (first === undefined) throw new Error('There is no worker.');
  await first.sync(all, covers);
  const bosses = await rawBosses(server.url, all);
  await server.admin('VACUUM ANALYZE');

  const each = Math.floor(all.length / rounds);
  const claims: number[] = [];
  const times: number[] = [];
  const yardsticks: number[] = [];
  for (let round = 0; round < rounds; round++) {
    times.push(await taking(queues, each, (queue, name) => takeTask(queue, name, claims)));
    yardsticks.push(await taking(bosses, each, takeJob));
  }
  const sync = await inTurns(
    () => first.sync(all, covers),
    async () => {
      const rows = await server.admin('SELECT id, payload FROM problem_registry.task');
      return rows.length + JSON.stringify(all).length;
    },
  );
  const { outcomes } = await first.stats();
  if (outcomes.done !== each * rounds) throw new Error(`There are ${outcomes.done} outcomes.`);
  for (const queue of queues) queue.close();
  await Promise.all(bosses.map((boss) => boss.stop({ graceful: false })));

  const p99 = claims.toSorted((a, b) => a - b)[Math.floor(claims.length * 0.99)] ?? Number.NaN;
  const taken = ratioOf(times, yardsticks);
  return [
    {
      what: `take ${each * rounds} tasks with ${workers} workers and report them, on PostgreSQL (${Math.round(1_000 / taken.time)} a second, 99% of claims within ${Math.round(p99)} ms)`,
      against: `fetch and complete the same jobs of pg-boss alone (${Math.round(1_000 / taken.yardstick)} a second)`,
      target: 0.8,
      faster: true,
      ratio: taken,
    },
    {
      what: `sync ${all.length} unchanged tasks on PostgreSQL (${Math.round(sync.time)} ms)`,
      against: 'read their rows, and print the tasks as JSON',
      target: undefined,
      ratio: sync,
    },
  ];
}

async function rawBosses(url: string, entries: readonly TaskEntry[]): Promise<readonly PgBoss[]> {
  const bosses = Array.from(
    { length: workers },
    () => new PgBoss({ connectionString: url, schema: 'raw', max: 4, supervise: false, schedule: false }),
  );
  for (const boss of bosses) await boss.start();
  const [first] = bosses;
  await first?.createQueue('raw');
  for (let index = 0; index < entries.length; index += 1_000)
    await first?.insert(
      'raw',
      entries
        .slice(index, index + 1_000)
        .map(({ task }) => ({ data: task, priority: Math.round(task.priority.score * 1_000) })),
    );
  return bosses;
}

async function takeTask(queue: SwarmStore, worker: string, claims: number[]): Promise<void> {
  const start = performance.now();
  const claim = await queue.claim({ worker });
  claims.push(performance.now() - start);
  if (claim === undefined) throw new Error('The queue is empty.');
  await queue.settle(claim, { result: 'done' });
}

async function takeJob(boss: PgBoss): Promise<void> {
  const [job] = await boss.fetch('raw');
  if (job === undefined) throw new Error('pg-boss has no job.');
  await boss.complete('raw', job);
}

/** Milliseconds for one task, with all workers at once. */
async function taking<Worker>(
  all: readonly Worker[],
  number: number,
  take: (worker: Worker, name: string) => Promise<void>,
): Promise<number> {
  let left = number;
  const start = performance.now();
  await Promise.all(
    all.map(async (worker, index) => {
      while (left > 0) {
        left -= 1;
        await take(worker, `worker ${index}`);
      }
    }),
  );
  return (performance.now() - start) / number;
}

async function inTurns(subject: () => Promise<unknown>, yardstick: () => Promise<unknown>): Promise<Ratio> {
  const [times, yardsticks]: [number[], number[]] = [[], []];
  for (let round = 0; round < 5; round++)
    for (const [work, list] of [
      [subject, times],
      [yardstick, yardsticks],
    ] as const) {
      const start = performance.now();
      await work();
      list.push(performance.now() - start);
    }
  return ratioOf(times, yardsticks);
}

/** Of each round. The first one warms up and does not count. */
function ratioOf(times: readonly number[], yardsticks: readonly number[]): Ratio {
  const ratios = times
    .map((time, index) => time / (yardsticks[index] ?? Number.NaN))
    .slice(1)
    .toSorted((a, b) => a - b);
  return {
    median: median(ratios),
    lowest: ratios[0] ?? Number.NaN,
    highest: ratios.at(-1) ?? Number.NaN,
    time: median(times.slice(1)),
    yardstick: median(yardsticks.slice(1)),
  };
}
