import { mkdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHost } from '../../../src/app/open-host.ts';
import { detect, migrateInstances, openRemediation, tune } from '../../../src/app/remediation.ts';
import { loggedDuring } from '../exec.ts';
import { type LabInstance, query, startInstance } from '../instance.ts';
import { writeMigrations } from '../migration/open-migrating.ts';
import type { Run } from '../run.ts';
import { closeTestRun, labRuns, majors, openTestRun } from '../support.ts';

/** Each says that it was called, and answers as the server's own would. */
const functions = [
  ['pg_backend_pid', '', 'integer'],
  ['pg_is_in_recovery', '', 'boolean'],
  ['pg_postmaster_start_time', '', 'timestamptz'],
  ['current_database', '', 'name'],
  ['current_setting', 'text', 'text'],
  ['clock_timestamp', '', 'timestamptz'],
  ['now', '', 'timestamptz'],
  ['md5', 'text', 'text'],
  ['length', 'text', 'integer'],
  ['host', 'inet', 'text'],
  ['pg_sleep', 'double precision', 'void'],
  ['pg_relation_size', 'oid', 'bigint'],
  ['to_regclass', 'text', 'regclass'],
] as const;

const operators = [
  ['=', 'text', 'text', 'boolean'],
  ['=', 'name', 'text', 'boolean'],
  ['=', 'name', 'name', 'boolean'],
  ['=', 'oid', 'oid', 'boolean'],
  ['=', 'integer', 'integer', 'boolean'],
  ['=', '"char"', '"char"', 'boolean'],
  ['<>', 'name', 'text', 'boolean'],
  ['>', 'integer', 'integer', 'boolean'],
  ['>=', 'integer', 'integer', 'boolean'],
  ['||', 'text', 'text', 'text'],
  ['->>', 'jsonb', 'text', 'text'],
  ['~', 'name', 'text', 'boolean'],
  ['-', 'timestamptz', 'timestamptz', 'interval'],
] as const;

const hostile = [
  'create schema evil',
  ...functions.map(([name, takes, gives]) => {
    const call = `pg_catalog.${name}(${takes === '' ? '' : '$1'})`;
    const body = gives === 'void' ? `perform ${call}; return;` : `return ${call};`;
    return `create function evil.${name}(${takes}) returns ${gives} language plpgsql as $f$ begin raise log 'hostile ${name}'; ${body} end $f$`;
  }),
  ...operators.flatMap(([sign, left, right, gives], place) => [
    `create function evil.operator_${place}(${left}, ${right}) returns ${gives} language plpgsql as $f$ begin raise log 'hostile operator ${sign}'; return $1 operator(pg_catalog.${sign}) $2; end $f$`,
    `create operator evil.${sign} (leftarg = ${left}, rightarg = ${right}, function = evil.operator_${place})`,
  ]),
];

describe.skipIf(!(await labRuns())).each(majors(15))(
  'on PostgreSQL %i a database with functions and operators that hide those of pg_catalog',
  { timeout: 600_000 },
  (postgres) => {
    let run: Run;
    let lab: LabInstance;
    beforeAll(async () => {
      run = await openTestRun({ postgres });
      lab = await startInstance(run, { name: 'orders', storage: 'volume' });
      await query(
        lab,
        `create role tenant login password 'of-the-tenant'; alter database ${lab.database} owner to tenant`,
      );
      const tenant = { user: 'tenant', password: 'of-the-tenant' };
      await query(lab, `${hostile.join(';\n')};`, tenant);
      await query(
        lab,
        `create table schema_migrations (version text primary key); insert into schema_migrations values ('001_a');
         create table problems_migrations (version text)`,
        tenant,
      );
      await query(lab, 'drop table problems_migrations', tenant);
      await query(lab, `alter database ${lab.database} set search_path = evil, pg_catalog, public`, tenant);
    });
    afterAll(async () => closeTestRun(run));

    /** What was called meanwhile, once each. */
    function called(work: () => Promise<unknown>): Promise<readonly string[]> {
      return loggedDuring(lab.container, /hostile (?:operator )?\S+/g, work);
    }

    function open() {
      return openRemediation({
        folder: run.folder,
        config: { containers: `^${run.prefix}vrooli-postgres-(.+)$` },
        onlyLooking: true,
      });
    }

    it('runs them for a session with its search_path', async () => {
      const asked = async () => query(lab, 'select pg_backend_pid() = 1');
      expect(await called(asked)).toEqual(['hostile operator =', 'hostile pg_backend_pid']);
    });

    it('runs none of them while all detectors check it successfully', async () => {
      const remediation = await open();
      const seen: string[] = [];
      const look = async () => {
        const { findings, notLookedAt } = await detect(remediation);
        seen.push(
          ...notLookedAt.filter(({ instance }) => instance === 'orders').map(({ reason }) => reason),
          ...findings.filter(({ instance }) => instance === 'orders').map(({ id }) => id),
        );
      };
      expect(await called(look)).toEqual([]);
      expect(seen).toEqual([]);
      remediation.close();
    });

    it('runs none of them during tuning', async () => {
      const remediation = await open();
      const request = { instance: 'orders', profile: 'oltp' } as const;
      expect(await called(async () => tune(remediation, request))).toEqual([]);
      remediation.close();
    });

    it('runs none of them for a query, a change or a session, through any connection', async () => {
      const { reader, changer } = openHost({
        roots: [run.folder],
        pattern: new RegExp(`^${run.prefix}vrooli-postgres-(.+)$`),
      });
      const instance = await reader.instance('orders');
      if (instance === undefined) throw new Error('not found');
      const question = "select pg_backend_pid() > 0 and md5('a') = md5('a') as fits";
      const work = async () => {
        for (const via of ['published', 'network', 'exec'] as const) {
          expect(await reader.sql.query(instance, question, { via })).toMatchObject({
            ok: true,
            rows: [{ fits: 't' }],
          });
          expect(await changer.sql.execute(instance, question, { via })).toMatchObject({ ok: true });
        }
        const session = await changer.sql.openSession(instance);
        expect(await session.query(question)).toMatchObject({ ok: true, rows: [{ fits: 't' }] });
        await session.close();
      };
      expect(await called(work)).toEqual([]);
    });

    it('runs none of them for queries of helper containers', async () => {
      const { reader } = openHost({
        roots: [run.folder],
        pattern: new RegExp(`^${run.prefix}vrooli-postgres-(.+)$`),
      });
      const instance = await reader.instance('orders');
      if (instance === undefined) throw new Error('not found');
      const { probes } = reader;
      const work = async () => {
        const request = { host: lab.containerName, port: 5432, instance };
        expect(await probes.reach(instance.container, request)).toMatchObject({ sql: { ok: true } });
        expect(await probes.holdSessions({ instance, sessions: 3, seconds: 1 })).toMatchObject({ held: 3 });
        expect(await probes.memoryLoad(instance, { clients: 1, seconds: 0, rows: 100 })).toMatchObject({ ok: true });
        expect(await probes.readRows(instance, [lab.database])).toMatchObject([{ exitCode: 0 }]);
        await probes.amcheck(instance, [lab.database]);
      };
      expect(await called(work)).toEqual([]);
    });

    it('runs none of them during a backup', async () => {
      const { reader, changer } = openHost({
        roots: [run.folder],
        pattern: new RegExp(`^${run.prefix}vrooli-postgres-(.+)$`),
        backupFolders: [`${run.folder}/backups`],
      });
      await mkdir(`${run.folder}/backups`);
      const instance = await reader.instance('orders');
      if (instance === undefined) throw new Error('not found');
      const take = async () => changer.backups.take({ instance, name: 'first', labels: {} });
      expect(await called(take)).toEqual([]);
      expect(await reader.backups.read('orders/first')).toMatchObject({ state: 'complete' });
    });

    it('is not read through a view in place of the migration ledger', async () => {
      const tenant = { user: 'tenant', password: 'of-the-tenant', database: 'viewed' };
      await query(lab, 'create database viewed owner tenant');
      await query(
        lab,
        `create schema evil; ${hostile.find((sql) => sql.includes('evil.current_database'))};
         create schema seen; create view seen.schema_migrations as select evil.current_database()::text as version;
         alter database viewed set search_path = seen`,
        tenant,
      );
      const remediation = await open();
      const reasons: string[] = [];
      const look = async () => reasons.push(...(await detect(remediation)).notLookedAt.map(({ reason }) => reason));
      expect(await called(look)).toEqual([]);
      expect(reasons.join()).toContain('is not a table');
      remediation.close();
      await query(lab, 'drop database viewed');
    });

    it('runs them only in its own migration files, which refer to them', async () => {
      const files = {
        '001_a.sql': 'create table never (id int);\n',
        '002_b.sql': 'create table customers (id int primary key);\n',
        '003_c.sql': 'create unique index concurrently customers_id on public.customers (id);\n',
      };
      await query(
        lab,
        `set search_path = public; alter database ${lab.database} set search_path = public, evil, pg_catalog`,
      );
      await writeMigrations(run, lab.database, files);
      const remediation = await open();
      const reports: unknown[] = [];
      const work = async () =>
        reports.push(
          ...(await migrateInstances(remediation, {
            folder: `${run.folder}/migrations/${lab.database}`,
            instances: ['orders'],
            database: lab.database,
            role: lab.user,
          })),
        );
      expect(await called(work)).toEqual([]);
      expect(reports).toMatchObject([{ error: null, report: { outcome: 'applied', problems: [] } }]);
      // Where an unqualified name of the application's goes: the first of its path.
      const tables = `select n.nspname || '.' || c.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
        where c.relname operator(pg_catalog.=) any (array['customers', 'never', 'problems_migrations']::pg_catalog.name[]) order by 1`;
      expect(await query(lab, `set search_path = pg_catalog; ${tables}`)).toEqual([
        'public.customers',
        'public.problems_migrations',
      ]);
      remediation.close();
    });
  },
);
