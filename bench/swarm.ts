import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openSigner } from '../src/host/user-key.ts';
import { readRegistry } from '../src/registry/parse/read.ts';
import { countsOf } from '../src/remediation/store/sqlite/anchor.ts';
import { openDatabase } from '../src/remediation/store/sqlite/database.ts';
import { heldSeals } from '../src/remediation/store/sqlite/held.ts';
import { defaultRetries } from '../src/swarm/rules.ts';
import { claimNext, settle } from '../src/swarm/sqlite/claims.ts';
import type { Queue } from '../src/swarm/sqlite/rows.ts';
import { syncTasks } from '../src/swarm/sqlite/sync.ts';
import type { TaskEntry } from '../src/swarm/types.ts';
import { generateTasks } from '../src/tasks/index.ts';
import { problemClasses } from '../src/tasks/types.ts';
import { hasPostgres } from '../test/swarm/postgres-server.ts';
import type { Figure } from './figures.ts';
import { recordText } from './inputs.ts';
import { calls, compare, type Subject } from './measuring.ts';
import { postgresFigures } from './swarm-postgres.ts';

const size = 10_000;

/** How many tasks one round takes and reports. */
const taken = 200;

/** The queue beside what any queue on the same file must write, and a sync beside reading and printing the same tasks. */
export async function swarmFigures(folder: string): Promise<readonly Figure[]> {
  const entries = tasksOf(size);
  const covers = { problems: new Set<string>(), targets: new Set(['PROBLEMS.md']) };
  const file = join(folder, '.problems', 'queue.db');
  const [database, signer] = [await openDatabase(file), await openSigner()];
  const held = heldSeals(database, file, signer, countsOf(file));
  const queue: Queue = { database, project: folder, now: () => new Date(), signer, held, retries: defaultRetries };
  const bare = bareTable(join(folder, 'bare.db'), entries);
  database.writing(() => syncTasks(queue, entries, covers));
  const rounds: Subject = {
    run() {
      const start = performance.now();
      for (let index = 0; index < taken; index++) {
        const claim = database.writing(() => claimNext(queue, { worker: 'bench' }));
        if (claim === undefined) throw new Error('The queue is empty.');
        database.writing(() => settle(queue, claim, { result: 'done' }));
      }
      return (performance.now() - start) / taken;
    },
  };
  const claims = compare(rounds, bare, 11);
  const sync = compare(
    calls(() => database.writing(() => syncTasks(queue, entries, covers)), 1),
    calls(() => {
      const rows = database.all('SELECT id, payload FROM task WHERE project = ?', folder);
      return rows.length + JSON.stringify(entries).length;
    }, 1),
    11,
  );
  database.close();
  return [
    {
      what: `take a task of ${size} and report it, on SQLite`,
      against: 'the same commits, with one update each and one insert',
      target: undefined,
      ratio: claims,
    },
    {
      what: `sync ${size} unchanged tasks (${Math.round(sync.time)} ms)`,
      against: 'read their rows, and print the tasks as JSON',
      target: undefined,
      ratio: sync,
    },
    ...(hasPostgres ? await postgresFigures(entries) : []),
  ];
}

function tasksOf(number: number): readonly TaskEntry[] {
  const text = Array.from({ length: number }, (_, index) => recordText(index)).join('\n');
  const classes = Object.fromEntries(problemClasses.map((one) => [one, 'auto' as const]));
  const { tasks } = generateTasks([readRegistry(text)], { triage: { classes } });
  return tasks.slice(0, number).map((task) => ({ task: { ...task, handler: 'agent' }, engine: null }));
}

/** Two commits for each task, synced as those of the queue are. */
function bareTable(file: string, entries: readonly TaskEntry[]): Subject {
  const database = new DatabaseSync(file);
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE bare (number INTEGER PRIMARY KEY, state TEXT, payload TEXT);
    CREATE TABLE ended (number INTEGER PRIMARY KEY, notes TEXT); BEGIN`);
  const insert = database.prepare('INSERT INTO bare (state, payload) VALUES (?, ?)');
  for (const { task } of entries) insert.run('open', JSON.stringify(task));
  database.exec('COMMIT');
  const update = database.prepare('UPDATE bare SET state = ? WHERE number = ?');
  const end = database.prepare('INSERT INTO ended (notes) VALUES (?)');
  let next = 1;
  return {
    run() {
      const start = performance.now();
      for (let index = 0; index < taken; index++, next++) {
        database.exec('BEGIN IMMEDIATE');
        update.run('claimed', next);
        database.exec('COMMIT; BEGIN IMMEDIATE');
        update.run('done', next);
        end.run('done');
        database.exec('COMMIT');
      }
      return (performance.now() - start) / taken;
    },
  };
}
