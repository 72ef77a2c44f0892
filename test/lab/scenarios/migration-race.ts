import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { connect } from '../client.ts';
import type { Executed } from '../exec.ts';
import { seededCredentials } from '../images/recipe.ts';
import { type LabInstance, psql, query, startInstance } from '../instance.ts';
import type { Run } from '../run.ts';
import type { Scenario } from '../scenario.ts';
import { eventually } from '../waiting.ts';

const runners = 4;
/** Advisory locks that let the runners go, and end, at the same moment; nothing of a real deployment. */
const start = 20_250_724;
const finish = 20_250_725;

const migrations: Readonly<Record<string, string>> = {
  '001_customers.sql':
    'create table if not exists customers (id serial primary key, email text not null, created timestamptz default now());\n',
  '002_customer_email.sql': 'create unique index concurrently if not exists customers_email on customers (email);\n',
};

/** Several copies of a service start at once and migrate at once, without a lock. */
export const migrationRace: Scenario = {
  name: 'migration-race',
  problem: 'postgres/schema-migration-race-conditions',
  description: 'Four runners applied one migration at once; three failed, and the next left an invalid index.',
  async up(run, say) {
    await writeMigrations(run);
    const ledger = await startInstance(run, { name: 'ledger', storage: 'bind' });
    await query(
      ledger,
      'create table schema_migrations (version varchar(255) primary key, applied_at timestamp default now())',
    );
    const ended = await race(ledger);
    const failed = ended.filter((one) => one.code !== 0).length;
    say(`${failed} of ${runners} runners failed on 001_customers.sql in ${ledger.containerName} (port ${ledger.port})`);
    await interruptIndex(ledger);
    say('002_customer_email.sql was interrupted: its index is invalid, and schema_migrations does not know of it');
  },
};

async function writeMigrations(run: Run): Promise<void> {
  const folder = join(run.folder, 'migrations');
  await mkdir(folder, { recursive: true });
  for (const [name, sql] of Object.entries(migrations)) await writeFile(join(folder, name), sql);
  // The service owns its tables as the superuser of its instance, as the official image sets it up.
  await writeFile(
    join(run.folder, 'problems.config.yaml'),
    `remediation:\n  settings:\n    migration-lock: { roles: { ledger: ${seededCredentials.user} } }\n`,
  );
}

async function race(instance: LabInstance): Promise<readonly Executed[]> {
  const holder = await connect(instance);
  await holder.query(`select pg_advisory_lock(${start}), pg_advisory_lock(${finish})`);
  const running = Array.from({ length: runners }, () =>
    psql(
      instance,
      `select pg_advisory_lock_shared(${start});
       begin;
       ${migrations['001_customers.sql']}
       select pg_advisory_lock_shared(${finish});
       insert into schema_migrations (version) values ('001_customers');
       commit;`,
    ),
  );
  const waiting = async (): Promise<boolean> => {
    const rows = await holder.query('select pid from pg_locks where not granted');
    return rows.length === runners;
  };
  await eventually(30_000, waiting);
  await holder.query(`select pg_advisory_unlock(${start})`);
  // The first has made the table and has not committed; the others wait for what becomes of it.
  await eventually(30_000, waiting);
  await holder.end();
  return Promise.all(running);
}

/** An index that is built concurrently waits for older transactions; the runner that waits is stopped by its deployment. */
async function interruptIndex(instance: LabInstance): Promise<void> {
  await query(instance, "insert into customers (email) select n || '@example.org' from generate_series(1, 500) as n");
  const older = await connect(instance);
  await older.query('begin');
  await older.query('lock table customers in row exclusive mode');
  await psql(instance, `set statement_timeout = '500ms';\n${migrations['002_customer_email.sql']}`);
  await older.end();
}
