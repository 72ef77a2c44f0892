import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run as runProblems } from '../../cli/run.ts';
import { soak } from '../../soak.ts';
import { connect } from '../client.ts';
import { startContainer } from '../container.ts';
import { execIn, logOf } from '../exec.ts';
import { type LabInstance, psql, query, startInstance } from '../instance.ts';
import type { Run } from '../run.ts';
import { closeTestRun, labRuns, majors, openTestRun } from '../support.ts';
import { eventually } from '../waiting.ts';
import { child, migrateEach, migrateNow, newDatabase, reportOf, writeMigrations } from './open-migrating.ts';

const runs = await labRuns();

const files = {
  '001_customers.sql': 'create table customers (id serial primary key, email text not null);\n',
  '002_rows.sql':
    "begin;\ninsert into customers (email) select n || '@example.org' from generate_series(1, 500) as n;\ncommit;\n",
  '003_email.sql': 'create unique index concurrently customers_email on customers (email);\n',
  '004_orders.sql':
    'create table orders (id int primary key, customer int references customers);\ncreate function f() returns int begin atomic; select 1; end;\n',
  'rollback_004_orders.sql': 'drop table orders;\n',
};
const versions = ['001_customers', '002_rows', '003_email', '004_orders'];
const wholePicture = `select (select count(*) from customers), (select string_agg(version, ' ' order by version) from schema_migrations),
  (select count(*) from problems_migrations where state = 'done'), (select count(*) from pg_index where not indisvalid),
  (select count(*) from pg_indexes where indexname = 'customers_email'), to_regclass('orders') is not null`;
const whole = [`500|${versions.join(' ')}|4|0|1|t`];

describe.skipIf(!runs).each(majors(17))('migrating on PostgreSQL %i', { timeout: 600_000 }, (postgres) => {
  let run: Run;
  let instance: LabInstance;
  beforeAll(async () => {
    run = await openTestRun({ postgres });
    instance = await startInstance(run, { name: 'orders', storage: 'seeded' });
  });
  afterAll(async () => closeTestRun(run));

  const processes = soak ? 16 : 6;
  it(`${processes} processes at once apply each file once, and none fails`, async () => {
    await newDatabase(instance, 'many', files);
    const holder = await connect(instance, { database: 'many' });
    await holder.query(`select pg_advisory_lock(hashtextextended('pgops:migrate:many', 0))`);
    const children = Array.from({ length: processes }, () => child(run, 'many'));
    // All of them wait for the lock, and get it at the same time.
    const waiting = `select 1 from pg_stat_activity where datname = 'many' and query ~ 'pg_try_advisory_lock|pg_locks' and application_name = 'problem-registry migrate'`;
    await eventually(150_000, async () => (await query(instance, waiting)).length === processes);
    await holder.end();
    const ended = (await Promise.all(children)).map((one) => one.ended);
    expect(ended.map((one) => one?.error)).toEqual(Array.from({ length: processes }, () => null));
    expect(ended.flatMap((one) => one?.report?.problems)).toEqual([]);
    const applied = ended.flatMap((one) => one?.report?.applied.map(({ version }) => version) ?? []);
    expect(applied.toSorted()).toEqual(versions);
    expect(await query(instance, wholePicture, { database: 'many' })).toEqual(whole);
  });

  it('a process that is killed at any point leaves work that the next one completes', async () => {
    await newDatabase(instance, 'unharmed', files);
    const { points, ended } = await child(run, 'unharmed');
    expect(ended?.report?.outcome).toBe('applied');
    const chosen = ['002_rows run', '003_email started'];
    for (const [index, killAt] of (soak ? points : chosen).entries()) {
      const database = `killed_${index}`;
      await newDatabase(instance, database, files);
      expect((await child(run, database, { killAt })).signal, killAt).toBe('SIGKILL');
      const report = await reportOf(run, database);
      expect(report.problems, killAt).toEqual([]);
      expect(await query(instance, wholePicture, { database }), killAt).toEqual(whole);
      expect((await reportOf(run, database)).outcome, killAt).toBe('up-to-date');
    }
  });

  it('a session that ends during CREATE INDEX CONCURRENTLY leaves an invalid index, which is rebuilt', async () => {
    await newDatabase(instance, 'cut', files);
    await migrateNow(run, 'cut', { folder: await folderWith('cut', ['001_customers.sql']) });
    const older = await connect(instance, { database: 'cut' });
    await older.query('begin; lock table customers in row exclusive mode');
    const migrating = reportOf(run, 'cut');
    const building = `from pg_stat_activity where datname = 'cut' and query like 'create unique index%' and state = 'active'`;
    await eventually(
      60_000,
      async () => (await query(instance, `select 1 ${building} and wait_event_type = 'Lock'`)).length === 1,
    );
    await query(instance, `select pg_terminate_backend(pid) ${building}`);
    await older.end();
    expect((await migrating).problems).toEqual([]);
    expect(await query(instance, wholePicture, { database: 'cut' })).toEqual(whole);
    const log = await logOf(instance.container);
    expect(log).toContain('terminating connection due to administrator command');
  });

  it('CREATE INDEX CONCURRENTLY does not deadlock with waiting runners', async () => {
    await newDatabase(instance, 'waiters', files);
    const older = await connect(instance, { database: 'waiters' });
    await older.query('begin isolation level repeatable read; select 1');
    const migrating = Array.from({ length: 8 }, () => reportOf(run, 'waiters'));
    await eventually(
      60_000,
      async () =>
        (await query(instance, "select 1 from pg_stat_progress_create_index where datname = 'waiters'")).length === 1,
    );
    // As long as it waits, seven others ask for the lock again and again.
    await query(instance, 'select pg_sleep(2)');
    await older.end();
    const reports = await Promise.all(migrating);
    expect(reports.flatMap(({ problems }) => problems)).toEqual([]);
    expect(reports.flatMap(({ applied }) => applied.map(({ attempts }) => attempts))).toEqual([1, 1, 1, 1]);
    expect(await query(instance, wholePicture, { database: 'waiters' })).toEqual(whole);
    expect(await logOf(instance.container)).not.toContain('deadlock detected');
  });

  it('roles are created once if several databases are migrated at the same time', async () => {
    const role = `do $$ begin if not exists (select from pg_roles where rolname = 'reader') then create role reader; end if; end $$;\n`;
    const names = Array.from({ length: 6 }, (_, index) => `roles_${index}`);
    for (const name of names) await newDatabase(instance, name, { '1_role.sql': role });
    const reports = await Promise.all(names.map(async (name) => reportOf(run, name)));
    expect(reports.map(({ outcome }) => outcome)).toEqual(names.map(() => 'applied'));
    expect(reports.flatMap(({ applied }) => applied.map(({ attempts }) => attempts))).toEqual(names.map(() => 1));
  });

  async function folderWith(database: string, names: readonly (keyof typeof files)[]): Promise<string> {
    const part = `${database}_part`;
    await writeMigrations(run, part, Object.fromEntries(names.map((name) => [name, files[name]])));
    return `${run.folder}/migrations/${part}`;
  }
});

describe.skipIf(!runs)('a runner', { concurrent: true }, () => {
  let run: Run;
  let instance: LabInstance;
  beforeAll(async () => {
    run = await openTestRun();
    instance = await startInstance(run, { name: 'orders', storage: 'seeded' });
  });
  afterAll(async () => closeTestRun(run));

  it('is refused by a pooler in transaction mode, with the reason, and leaves no lock', async () => {
    await newDatabase(instance, 'pooled', files);
    const port = await run.takePort();
    const { user, password, containerName } = instance;
    const pooler = await startContainer(run, {
      name: 'vrooli-pooler-pool',
      image: 'problems-lab/pgbouncer:1',
      env: {
        DB_HOST: containerName,
        DB_USER: user,
        DB_PASSWORD: password,
        POOL_MODE: 'transaction',
        POSTGRES_USER: user,
        POSTGRES_PASSWORD: password,
        POSTGRES_DB: 'pooled',
        PGPORT: '6432',
      },
      host: { PortBindings: { '6432/tcp': [{ HostIp: '127.0.0.1', HostPort: String(port) }] } },
    });
    await eventually(20_000, async () => (await logOf(pooler)).includes('process up'));
    const byAddress = await migrateNow(run, 'pooled', { address: { host: '127.0.0.1', port } });
    const asInstance = await migrateNow(run, 'pooled', { instances: ['pool'] });
    for (const { report, error } of [byAddress, asInstance]) {
      expect(report).toBeNull();
      expect(error?.message).toContain('is a pooler, not the server itself');
      expect(error?.message).toContain('A session lock taken through it would stay on a connection of the pooler');
      expect(error?.hint).toContain('its published port');
    }
    const left = `select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = 'pooled')`;
    expect(await query(instance, left)).toEqual(['0']);
    expect(await query(instance, "select to_regclass('schema_migrations') is null", { database: 'pooled' })).toEqual([
      't',
    ]);
    // The way past the pooler is open.
    expect((await reportOf(run, 'pooled', { address: { host: '127.0.0.1', port: instance.port ?? 0 } })).outcome).toBe(
      'applied',
    );
  });

  it('adopts the ledger of other tools, and reports files that come late', async () => {
    await newDatabase(instance, 'adopted', { ...files, '005_psql.sql': '\\set x 1\n' });
    await query(
      instance,
      `create table schema_migrations (version varchar(255) primary key, applied_at timestamp default now());
       ${files['001_customers.sql']} insert into schema_migrations (version) values ('001_customers'), ('005_psql'), ('000_gone')`,
      { database: 'adopted' },
    );
    const dry = await reportOf(run, 'adopted', { dryRun: true });
    expect(dry).toMatchObject({ outcome: 'pending', pending: versions.slice(1), applied: [] });
    expect(await query(instance, "select to_regclass('problems_migrations') is null", { database: 'adopted' })).toEqual(
      ['t'],
    );
    const report = await reportOf(run, 'adopted');
    expect(report).toMatchObject({
      outcome: 'applied',
      adopted: ['001_customers', '005_psql'],
      outOfOrder: versions.slice(1),
      withoutFile: ['000_gone'],
      problems: [],
    });
  });

  it('keeps another tool’s table of the same name unchanged', async () => {
    await newDatabase(instance, 'foreign_table', files);
    await query(instance, 'create table schema_migrations (version bigint primary key, dirty boolean not null)', {
      database: 'foreign_table',
    });
    const { error } = await migrateNow(run, 'foreign_table');
    expect(error?.message).toContain('belongs to another tool: its version is not text');
  });

  it('stops if an applied file has changed, except in its line ends', async () => {
    await newDatabase(instance, 'changed', files);
    expect((await reportOf(run, 'changed')).outcome).toBe('applied');
    await writeMigrations(run, 'changed', { '001_customers.sql': files['001_customers.sql'].replaceAll('\n', '\r\n') });
    expect((await reportOf(run, 'changed')).outcome).toBe('up-to-date');
    await writeMigrations(run, 'changed', { '002_rows.sql': 'select 1;\n', '006_more.sql': 'create table more ();\n' });
    const report = await reportOf(run, 'changed');
    expect(report).toMatchObject({ outcome: 'refused', applied: [], pending: ['002_rows', '006_more'] });
    expect(report.problems[0]?.message).toContain('an applied file must not change');
    expect(await query(instance, "select to_regclass('more') is null", { database: 'changed' })).toEqual(['t']);
  });

  it('applies nothing of a failing file, reports the place, and continues once it is fixed', async () => {
    await newDatabase(instance, 'failing', {
      '1_good.sql': 'create table good ();\n',
      '2_bad.sql':
        "create table half ();\nset role none;\nset search_path = '';\n\n  insert into nowhere values (1);\n",
      '3_after.sql': 'create table after ();\n',
    });
    const report = await reportOf(run, 'failing');
    expect(report).toMatchObject({
      outcome: 'failed',
      applied: [{ version: '1_good' }],
      pending: ['2_bad', '3_after'],
      problems: [{ version: '2_bad', line: 5, column: 15, sqlstate: '42P01' }],
    });
    expect(
      await query(instance, "select state || ' ' || error from problems_migrations where version = '2_bad'", {
        database: 'failing',
      }),
    ).toEqual(['failed 42P01 relation "nowhere" does not exist']);
    expect(await query(instance, "select to_regclass('half') is null", { database: 'failing' })).toEqual(['t']);
    await writeMigrations(run, 'failing', {
      '2_bad.sql': 'set search_path = pg_catalog; create table public.mended ();\n',
    });
    expect(await reportOf(run, 'failing')).toMatchObject({ outcome: 'applied', problems: [] });
    // What a file sets for its session is nothing to the next.
    expect(await query(instance, "select to_regclass('public.after') is not null", { database: 'failing' })).toEqual([
      't',
    ]);
  });

  it('applies nothing if a file mixes statements that need a transaction with ones that cannot run in it', async () => {
    await newDatabase(instance, 'mixed', {
      '1_good.sql': 'create table good (a int);\n',
      '2_mixed.sql': 'create table t (a int);\ncreate index concurrently i on t (a);\n',
    });
    expect(await reportOf(run, 'mixed')).toMatchObject({
      outcome: 'refused',
      applied: [],
      problems: [{ version: '2_mixed', line: 2, column: 1, hint: 'Move it to a separate file.' }],
    });
  });

  it('blocks readers only briefly, and retries', async () => {
    await newDatabase(instance, 'locked', { '1_t.sql': 'create table t (a int);\n' });
    await reportOf(run, 'locked');
    await writeMigrations(run, 'locked', { '2_b.sql': 'alter table t add b int;\n' });
    const reader = await connect(instance, { database: 'locked' });
    await reader.query('begin; select * from t');
    const blocked: string[] = [];
    const migrating = reportOf(run, 'locked', {
      onProgress: (_, progress) => progress.type === 'blocked' && blocked.push(progress.by),
    });
    await eventually(60_000, async () =>
      (await logOf(instance.container)).includes('canceling statement due to lock timeout'),
    );
    await reader.end();
    const report = await migrating;
    expect(report).toMatchObject({ outcome: 'applied', problems: [] });
    expect(report.applied[0]?.attempts).toBeGreaterThan(1);
    expect(blocked).toEqual([
      expect.stringMatching(
        /^pid \d+ \(role .* in locked, .*idle in transaction since 20.*Z\) holds the lock; 1 session waits for it; its last statement: begin; select \* from t$/,
      ),
    ]);
  });

  it('drops the invalid index of a failed unique build, and says which rows to fix', async () => {
    await newDatabase(instance, 'twice', {
      '1_t.sql': 'create table t (a int); insert into t values (1), (1);\n',
      '2_a.sql': 'create unique index concurrently if not exists t_a on t (a);\n',
    });
    const report = await reportOf(run, 'twice');
    expect(report).toMatchObject({ outcome: 'failed', problems: [{ version: '2_a', sqlstate: '23505' }] });
    expect(report.problems[0]?.hint).toContain('Fix the data first');
    expect(await query(instance, "select to_regclass('t_a') is null", { database: 'twice' })).toEqual(['t']);
    await query(instance, 'truncate t', { database: 'twice' });
    expect((await reportOf(run, 'twice')).outcome).toBe('applied');
  });

  it('is refused by a standby', async () => {
    const standby = await startInstance(run, { name: 'standby', storage: 'seeded' });
    await execIn(standby.container, ['sh', '-c', 'touch "$PGDATA/standby.signal"'], { user: 'postgres' });
    await standby.container.restart();
    await eventually(60_000, async () => (await psql(standby, 'select 1')).code === 0);
    await writeMigrations(run, 'standby', files);
    const { report } = await migrateNow(run, standby.database, {
      instances: ['standby'],
      folder: `${run.folder}/migrations/standby`,
    });
    expect(report).toMatchObject({
      outcome: 'refused',
      problems: [{ version: null, hint: 'Migrate on its primary.' }],
    });
  });

  it('runs as `problems migrate`, with text and JSON output', async () => {
    const shown = { '1_t.sql': 'create table t (a int);\n', '2_a.sql': 'create index concurrently t_a on t (a);\n' };
    await newDatabase(instance, 'shown', shown);
    const settings = { 'migration-lock': { roles: { orders: instance.user } } };
    const config = { remediation: { containers: `^${run.prefix}vrooli-postgres-(.+)$`, settings } };
    await writeFile(`${run.folder}/problems.config.json`, JSON.stringify(config));
    async function problems(...args: readonly string[]) {
      return runProblems(['migrate', ...args, '--database', 'shown'], { cwd: run.folder });
    }
    const dry = await problems('orders', 'migrations/shown', '--dry-run');
    expect(dry).toEqual({
      code: 0,
      stdout: 'orders/shown: 2 files to apply\n  not applied: 1_t, 2_a\n',
      stderr: '',
    });
    const { code, stdout, stderr } = await problems('orders', 'migrations/shown');
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'orders: 1_t\norders: 2_a, outside a transaction\n' });
    expect(stdout).toMatch(/^orders\/shown: 2 files applied\n {2}1_t {2}[\d.]+ m?s\n {2}2_a {2}[\d.]+ m?s\n$/);
    const again = JSON.parse((await problems('orders', 'migrations/shown', '--json')).stdout);
    expect(again).toMatchObject({
      schemaVersion: 1,
      instances: [{ instance: 'orders', error: null, report: { outcome: 'up-to-date', applied: [], problems: [] } }],
    });
    await writeMigrations(run, 'shown', { '3_bad.sql': 'create table u (a int);\nselect nothing;\n' });
    const bad = await problems('orders', 'migrations/shown');
    expect(bad.code).toBe(1);
    expect(bad.stdout).toContain(
      '3_bad.sql:2:8: error column "nothing" does not exist [42703]\n    hint: Fix the file',
    );
    expect(await problems('order', 'migrations/shown')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean orders?'),
    });
  });

  it('reports the results of the other instances if one cannot be reached', async () => {
    const stopped = await startInstance(run, { name: 'asleep', storage: 'seeded' });
    await stopped.container.stop();
    await writeMigrations(run, 'every', { '1_t.sql': 'create table every_instance ();\n' });
    const every = { folder: `${run.folder}/migrations/every`, instances: ['asleep', 'orders'] };
    const [asleep, orders] = await migrateEach(run, instance.database, every);
    expect(asleep).toMatchObject({
      instance: 'asleep',
      report: null,
      error: { message: expect.stringContaining('it is not running') },
    });
    expect(orders).toMatchObject({ instance: 'orders', report: { outcome: 'applied' }, error: null });
  });

  it('creates a template once for concurrent callers, and databases from it', async () => {
    await newDatabase(instance, 'source', files);
    const request = { template: { name: 'tenant', databases: ['acme', 'globex', 'initech'] } };
    const ended = (await Promise.all([1, 2, 3].map(() => child(run, 'source', { request })))).map((one) => one.ended);
    expect(ended.map((one) => one?.error)).toEqual([null, null, null]);
    expect(ended.filter((one) => one?.template?.made === true)).toHaveLength(1);
    const name = ended[0]?.template?.template ?? '';
    expect(name).toMatch(/^tenant_[0-9a-f]{12}$/);
    const made = ended.flatMap((one) => one?.template?.clones.filter(({ strategy }) => strategy !== null) ?? []);
    expect(made.map(({ database, strategy }) => `${database} ${strategy}`).toSorted()).toEqual([
      'acme wal_log',
      'globex wal_log',
      'initech wal_log',
    ]);
    for (const database of request.template.databases)
      expect(await query(instance, wholePicture, { database })).toEqual(whole);
    expect(
      await query(instance, `select datistemplate, datallowconn from pg_database where datname = '${name}'`),
    ).toEqual(['t|f']);

    await writeMigrations(run, 'source', { '005_more.sql': 'create table more ();\n' });
    const next = await migrateNow(run, 'source', { template: { name: 'tenant', databases: ['acme', 'hooli'] } });
    expect(next.template).toMatchObject({
      made: true,
      older: [name],
      clones: [
        { database: 'acme', strategy: null, report: { outcome: 'applied', applied: [{ version: '005_more' }] } },
        { database: 'hooli', strategy: 'wal_log', report: { outcome: 'up-to-date' } },
      ],
    });
  });

  it('completes an unfinished template', async () => {
    await newDatabase(instance, 'unfinished', files);
    const request = { template: { name: 'begun', databases: ['later'] } };
    for (const killAt of soak ? ['template made', '003_email started', 'template migrated'] : ['003_email started'])
      expect((await child(run, 'unfinished', { request, killAt })).signal, killAt).toBe('SIGKILL');
    const { template } = await migrateNow(run, 'unfinished', request);
    expect(template).toMatchObject({ made: true, clones: [{ database: 'later', report: { outcome: 'up-to-date' } }] });
  });
});
