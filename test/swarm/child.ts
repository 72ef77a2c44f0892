import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Database, openDatabase } from '../../src/remediation/store/sqlite/database.ts';
import { openPostgresSwarm } from '../../src/swarm/postgres/store.ts';
import { swarmIn } from '../../src/swarm/sqlite/store.ts';
import type { SwarmStore } from '../../src/swarm/store.ts';
import { project } from './entries.ts';

/*
 * A worker in a process of its own: node child.ts <state file or URL> <name> <statement>. It claims, renews and reports until every
 * task is done, and is killed before that statement of the work on its first task. 0: it is not killed.
 */

const [file = '', worker = '', statement = '0'] = process.argv.slice(2);

function counted(database: Database, before: () => void): Database {
  return {
    ...database,
    one(sql, ...values) {
      before();
      return database.one(sql, ...values);
    },
    all(sql, ...values) {
      before();
      return database.all(sql, ...values);
    },
    run(sql, ...values) {
      before();
      return database.run(sql, ...values);
    },
  };
}

let left = Number(statement);

function beforeStatement(): void {
  left -= 1;
  if (left === 0) process.kill(process.pid, 'SIGKILL');
}

/** Counts everything that is sent to the server, also by pg-boss. */
async function onPostgres(url: string): Promise<SwarmStore> {
  const store = await openPostgresSwarm(url, { project });
  const query = Object.getOwnPropertyDescriptor(pg.Client.prototype, 'query')?.value as () => unknown;
  Object.assign(pg.Client.prototype, {
    query(this: pg.Client, ...values: unknown[]) {
      beforeStatement();
      return Reflect.apply(query, this, values);
    },
  });
  return store;
}

const queue = file.startsWith('postgres:')
  ? await onPostgres(file)
  : await swarmIn(counted(await openDatabase(file), beforeStatement), { project }, file);
let accepted = 0;
let refused = 0;
for (let attempt = 0; ; attempt++) {
  const claim = await queue.claim({ worker, lease: 1 });
  if (claim === undefined) {
    const { tasks } = await queue.stats();
    if (tasks.open + tasks.claimed === 0) break;
    await sleep(50);
    continue;
  }
  await queue.heartbeat(claim, 1, 'working');
  // Now and then one works for longer than its lease.
  if (attempt % 10 === 3) await sleep(1_300);
  const settled = await queue.settle(claim, { result: 'done', notes: worker });
  if (settled.accepted) accepted += 1;
  else refused += 1;
}
queue.close();
process.stdout.write(JSON.stringify({ accepted, refused }));
