import { describe, expect, it } from 'vitest';
import { detect, plan, type Proposal, remediate, rollback } from '../../../src/app/remediation.ts';
import { soak } from '../../soak.ts';
import { connect } from '../client.ts';
import { findInstance, type LabInstance, psql, query, startInstance } from '../instance.ts';
import { scenarioNamed } from '../scenarios/index.ts';
import { snapshotEngine } from '../snapshot.ts';
import { createRun, labRuns, majors } from '../support.ts';
import { eventually } from '../waiting.ts';
import { newDatabase, reportOf, writeMigrations } from '../migration/open-migrating.ts';
import { openMigrations } from './open-remediator.ts';

const invalid = 'migration-lock/ledger/invalid-index/vrooli.public.customers_email';

describe.skipIf(!(await labRuns()))('a race of migrations', { concurrent: true }, () => {
  // The pass that test/lab/smoke.test.ts makes, in detail.
  it.runIf(soak).for(majors(15))(
    'on PostgreSQL %i that left an invalid index is found, planned without a change, repaired, and not found again',
    async (postgres, test) => {
      const run = await createRun(test, { postgres });
      await scenarioNamed('migration-race').up(run, () => undefined);
      const ledger = await findInstance(run, 'ledger');
      const looking = await openMigrations(run, {}, { onlyLooking: true });
      test.onTestFinished(() => looking.close());

      const { findings, notLookedAt } = await detect(looking);
      expect(notLookedAt).toEqual([]);
      expect(findings.map(({ id }) => id)).toEqual([invalid]);
      expect(findings[0]?.summary).toContain('002_customer_email.sql builds it');
      expect(findings[0]?.evidence.some(({ type }) => type === 'log')).toBe(true);

      const before = await snapshotEngine(run);
      const { proposals } = await plan(looking);
      expect(proposals).toMatchObject([
        {
          plan: { type: 'plan', risk: 'safe', downtime: { seconds: 0 } },
          decision: { automation: 'auto', operations: ['drop-own-invalid-index', 'retry-migration'] },
        },
      ]);
      expect(await snapshotEngine(run)).toEqual(before);

      const remediation = await openMigrations(run);
      test.onTestFinished(() => remediation.close());
      const {
        runs: [report],
      } = await remediate(remediation, { yes: true });
      expect([report?.outcome, report?.failure]).toEqual(['fixed', null]);
      expect(await query(ledger, 'select version from schema_migrations order by 1')).toEqual([
        '001_customers',
        '002_customer_email',
      ]);
      expect(
        await query(ledger, "select indisvalid from pg_index where indexrelid = 'customers_email'::regclass"),
      ).toEqual(['t']);
      expect(await detect(remediation)).toMatchObject({ findings: [], notLookedAt: [], interruptedRuns: [] });

      expect(await rollback(remediation, report?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
      expect(await query(ledger, 'select version from schema_migrations')).toEqual(['001_customers']);
      expect(await query(ledger, "select to_regclass('customers_email') is null")).toEqual(['t']);
      expect(await query(ledger, 'select count(*) from customers')).toEqual(['500']);
    },
  );
});

const table = 'create table t (a int);\n';
const index = 'create unique index concurrently if not exists t_a on t (a);\n';
const files = { '1_t.sql': table, '2_a.sql': index };
const listing = `create table schema_migrations (version varchar(255) primary key, applied_at timestamp default now())`;

describe.skipIf(!(await labRuns()))('an unfinished migration', { timeout: 600_000 }, () => {
  it('is repaired if it is provably ours, and left to an operator otherwise', async (test) => {
    const run = await createRun(test);
    const orders = await startInstance(run, { name: 'orders', storage: 'seeded' });
    const names = ['accepted', 'begun', 'data', 'nobodys', 'lost', 'beside', 'same', 'changed', 'sound'];
    const remediation = await openMigrations(run, {
      folders: Object.fromEntries(names.map((name) => [`orders/${name}`, `migrations/${name}`])),
    });
    test.onTestFinished(() => remediation.close());
    for (const name of names) await newDatabase(orders, name, files);

    // A re-run by another tool: IF NOT EXISTS took the invalid index for the real one, and the ledger lists it.
    await query(orders, `${table} ${listing}`, { database: 'accepted' });
    await leaveInvalid(orders, 'accepted');
    await query(orders, `${index} insert into schema_migrations (version) values ('1_t'), ('2_a')`, {
      database: 'accepted',
    });
    // A runner of ours that was ended from outside, and never came back.
    await reportOf(run, 'begun', { folder: `${run.folder}/migrations/sound` });
    await query(
      orders,
      `drop index t_a; delete from schema_migrations where version = '2_a';
       update problems_migrations set state = 'started', finished_at = null where version = '2_a'`,
      { database: 'begun' },
    );
    await leaveInvalid(orders, 'begun');
    // Rows that are not unique: another attempt would end the same.
    await writeMigrations(run, 'data', { '1_t.sql': `${table}insert into t values (1), (1);\n` });
    expect((await reportOf(run, 'data')).outcome).toBe('failed');
    // An index of unknown origin.
    expect((await reportOf(run, 'nobodys')).outcome).toBe('applied');
    await query(orders, 'insert into t values (1); create table u (a int); insert into u values (1), (1)', {
      database: 'nobodys',
    });
    await psql(orders, 'create unique index concurrently u_a on u (a)', { database: 'nobodys' });
    // A deployment waited for a lock and gave up, and no one has retried.
    await query(orders, `${table} ${listing}; insert into schema_migrations (version) values ('1_t')`, {
      database: 'lost',
    });
    await writeMigrations(run, 'lost', {
      '2_a.sql': 'alter table t add column note text not null default now()::text;\n',
    });
    const reader = await connect(orders, { database: 'lost' });
    await reader.query('begin; select * from t');
    await psql(
      orders,
      "set lock_timeout = '200ms';\nalter table t add column note text not null default now()::text;",
      { database: 'lost' },
    );
    await reader.end();
    // A table that someone created outside the ledger, with another definition.
    await query(
      orders,
      `${listing}; insert into schema_migrations (version) values ('0'); create table t (a text, b int)`,
      { database: 'beside' },
    );
    // The same, but made as the file says.
    await query(orders, `${listing}; insert into schema_migrations (version) values ('0'); ${table}`, {
      database: 'same',
    });
    // An applied file that has changed since.
    expect((await reportOf(run, 'changed')).outcome).toBe('applied');
    await writeMigrations(run, 'changed', { '1_t.sql': 'create table t (a bigint);\n' });
    expect((await reportOf(run, 'sound')).outcome).toBe('applied');

    const { proposals } = await plan(remediation);
    expect(proposals.map(told)).toEqual([
      ['failed-migration/data.2_a', 'refusal'],
      ['invalid-index/accepted.public.t_a', 'drop the invalid index public.t_a, then apply 2_a.sql to accepted'],
      ['invalid-index/nobodys.public.u_a', 'refusal'],
      ['ledger-conflict/changed.1_t', 'refusal'],
      ['lost-migration/lost.2_a', 'refusal'],
      ['unfinished-migration/begun.2_a', 'drop the invalid index public.t_a, then apply 2_a.sql to begun'],
      ['unrecorded-migration/beside.1_t', 'refusal'],
      ['unrecorded-migration/same.1_t', 'record 1_t.sql as applied to same'],
    ]);
    const reasons = proposals.map(({ plan: made }) => (made.type === 'refusal' ? `${made.reason} ${made.advice}` : ''));
    expect(reasons[0]).toMatch(/23505 could not create unique index "t_a".*fix the data first/s);
    expect(reasons[2]).toContain('DROP INDEX CONCURRENTLY public.u_a');
    expect(reasons[3]).toContain('an applied file must not change');
    expect(reasons[4]).toContain('any role can write to the log');
    expect(reasons[6]).toContain('- t: column a text; - t: column b integer; + t: column a integer');

    const { runs: reports } = await remediate(remediation, { yes: true });
    expect(reports.map(({ outcome }) => outcome)).toEqual([
      'failed',
      'fixed',
      'failed',
      'failed',
      'failed',
      'fixed',
      'failed',
      'fixed',
    ]);
    for (const database of ['accepted', 'begun'])
      expect(
        await query(orders, "select indisvalid from pg_index where indexrelid = 't_a'::regclass", { database }),
      ).toEqual(['t']);
    expect(
      await query(orders, "select count(*) from problems_migrations where state = 'done' and version = '2_a'", {
        database: 'begun',
      }),
    ).toEqual(['1']);
    expect(
      await query(orders, "select indisvalid from pg_index where indexrelid = 'u_a'::regclass", {
        database: 'nobodys',
      }),
    ).toEqual(['f']);
    const { findings } = await detect(remediation);
    expect(findings.map(({ kind }) => kind)).toEqual([
      'failed-migration',
      'invalid-index',
      'ledger-conflict',
      'lost-migration',
      'unrecorded-migration',
    ]);
  });

  it('of another tool is named with its remedy, by its tables', async (test) => {
    const run = await createRun(test);
    const orders = await startInstance(run, { name: 'orders', storage: 'seeded' });
    await query(
      orders,
      `create table schema_migrations (version bigint primary key, dirty boolean not null);
       insert into schema_migrations values (3, true);
       create schema flyway;
       create table flyway.flyway_schema_history (installed_rank int primary key, version text, script text, success boolean);
       insert into flyway.flyway_schema_history values (1, '1', 'V1__a.sql', true), (2, '2', 'V2__b.sql', false);
       create table databasechangeloglock (id int primary key, locked boolean not null, lockgranted timestamp, lockedby text);
       insert into databasechangeloglock values (1, true, now(), 'ci (192.0.2.7)');
       create table knex_migrations_lock (index serial primary key, is_locked int);
       insert into knex_migrations_lock (is_locked) values (1);
       create table _prisma_migrations (migration_name text, started_at timestamptz, finished_at timestamptz, rolled_back_at timestamptz);
       insert into _prisma_migrations values ('1_init', now(), now(), null), ('2_add', now(), null, null);`,
    );
    const remediation = await openMigrations(run, {}, { onlyLooking: true });
    test.onTestFinished(() => remediation.close());
    const { findings, notLookedAt } = await detect(remediation);
    expect(notLookedAt).toEqual([]);
    expect(findings.map(({ kind, details }) => `${kind} ${JSON.stringify(details).includes('flyway')}`).sort()).toEqual(
      [
        'other-tool-failed false',
        'other-tool-failed false',
        'other-tool-failed true',
        'other-tool-lock false',
        'other-tool-lock false',
      ],
    );
    const { proposals } = await plan(remediation);
    const advice = proposals.map(({ plan: made }) => (made.type === 'refusal' ? made.advice : '')).join('\n');
    for (const remedy of [
      /force 3/,
      /flyway repair/,
      /liquibase release-locks/,
      /knex migrate:unlock/,
      /resolve --applied 2_add/,
    ])
      expect(advice).toMatch(remedy);
  });

  it('is not reported while a runner is at work, nor on healthy instances', async (test) => {
    const run = await createRun(test);
    await scenarioNamed('healthy').up(run, () => undefined);
    const orders = await startInstance(run, { name: 'orders', storage: 'seeded' });
    const remediation = await openMigrations(
      run,
      { folders: { 'orders/busy': 'migrations/busy' } },
      { onlyLooking: true },
    );
    test.onTestFinished(() => remediation.close());
    await newDatabase(orders, 'busy', files);
    const older = await connect(orders, { database: 'busy' });
    await older.query('begin isolation level repeatable read; select 1');
    const migrating = reportOf(run, 'busy');
    await eventually(
      60_000,
      async () => (await query(orders, 'select 1 from pg_stat_progress_create_index')).length === 1,
    );
    expect(await detect(remediation)).toMatchObject({ findings: [], notLookedAt: [], interruptedRuns: [] });
    await older.end();
    expect((await migrating).outcome).toBe('applied');
    expect(await detect(remediation)).toMatchObject({ findings: [], notLookedAt: [], interruptedRuns: [] });
  });
});

/** Everything that the lab can break, at once: some minutes. */
describe.skipIf(!(await labRuns()) || !soak)('all scenarios at once', () => {
  it('show one migration problem, that of the race', { timeout: 900_000 }, async (test) => {
    const run = await createRun(test);
    await scenarioNamed('all').up(run, () => undefined);
    const looking = await openMigrations(run, {}, { onlyLooking: true });
    test.onTestFinished(() => looking.close());
    expect((await detect(looking)).findings.map(({ id }) => id)).toEqual([invalid]);
  });
});

function told({ finding, plan: made }: Proposal): readonly string[] {
  const id = finding.id.replace('migration-lock/orders/', '');
  return [id, made.type === 'refusal' ? 'refusal' : made.summary];
}

/** As a deployment leaves it that stops its runner while the index waits for an older transaction. */
async function leaveInvalid(instance: LabInstance, database: string): Promise<void> {
  const older = await connect(instance, { database });
  await older.query('begin; lock table t in row exclusive mode');
  await psql(instance, `set statement_timeout = '500ms';\n${index}`, { database });
  await older.end();
}
