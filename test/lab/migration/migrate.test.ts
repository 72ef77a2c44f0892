import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { InstanceMigration, MigrateRequest } from '../../../src/remediation/migrating.ts';
import { connect } from '../client.ts';
import { type LabInstance, psql, query, startInstance } from '../instance.ts';
import type { PostgresMajor, Run } from '../run.ts';
import { createRun, labRuns } from '../support.ts';
import { eventually } from '../waiting.ts';
import { migrateNow, writeMigrations } from './open-migrating.ts';

const files = {
  '001_customers.sql': 'create table customers (id serial primary key, email text not null);\n',
  '002_rows.sql': "begin;\ninsert into customers (email) select n || '@example.org' from generate_series(1, 500) as n;\ncommit;\n",
  '003_email.sql': 'create unique index concurrently customers_email on customers (email);\n',
  '004_orders.sql': 'create table orders (id int primary key, customer int references customers);\ncreate function f() returns int begin atomic; select 1; end;\n',
  'rollback_004_orders.sql': 'drop table orders;\n',
};
const versions = ['001_customers', '002_rows', '003_email', '004_orders'];
const wholePicture = `select (select count(*) from customers), (select string_agg(version, ' ' order by version) from schema_migrations),
  (select count(*) from problems_migrations where state = 'done'), (select count(*) from pg_index where not indisvalid),
  (select count(*) from pg_indexes where indexname = 'customers_email')`;
const whole = [`500|${versions.join(' ')}|4|0|1`];

describe.skipIf(!(await labRuns()))('migrating', { concurrent: true }, () => {
  it.for([15, 17] as const)('16 processes at once on PostgreSQL %i apply each file once, and none fails', async (postgres, test) => {
    const { run, instance } = await begun(test, postgres);
    await writeMigrations(run, files);
    const ended = await Promise.all(Array.from({ length: 16 }, () => child(run)));
    expect(ended.map(({ ended: one }) => one?.error)).toEqual(Array.from({ length: 16 }, () => null));
    expect(ended.flatMap(({ ended: one }) => one?.report?.problems)).toEqual([]);
    const applied = ended.flatMap(({ ended: one }) => one?.report?.applied.map(({ version }) => version) ?? []);
    expect(applied.toSorted()).toEqual(versions);
    expect(await query(instance, wholePicture)).toEqual(whole);
  });
});

interface Ended {
  readonly points: readonly string[];
  readonly ended: InstanceMigration | undefined;
  readonly signal: string | null;
}

async function begun(
  test: Parameters<typeof createRun>[0],
  postgres: PostgresMajor = 17,
): Promise<{ readonly run: Run; readonly instance: LabInstance }> {
  const run = await createRun(test, { postgres });
  const instance = await startInstance(run, { name: 'orders', storage: 'seeded' });
  return { run, instance };
}

async function child(run: Run, killAt?: string, options: { readonly delayMs?: number; readonly request?: Partial<MigrateRequest> } = {}): Promise<Ended> {
  const job = { run: { folder: run.folder, prefix: run.prefix }, killAt, ...options };
  const started = spawn(process.execPath, [join(import.meta.dirname, 'migrate-child.ts'), JSON.stringify(job)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said, [, signal]] = await Promise.all([text(started.stdout), once(started, 'close')]);
  return { points: [], ended: undefined, ...(said === '' ? {} : JSON.parse(said)), signal };
}
