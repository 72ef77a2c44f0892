import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detect, openRemediation, type Remediation } from '../../../src/app/remediation.ts';
import { instanceNamed, openRequests, openRunHost, submitWork } from '../backups/open-backups.ts';
import { loggedDuring } from '../exec.ts';
import { type LabInstance, query, startInstance } from '../instance.ts';
import type { Run } from '../run.ts';
import { closeTestRun, labRuns, majors, openTestRun } from '../support.ts';

/**
 * A function of the tenant that an index calls with constants, so planning any query of the table runs it. It logs who runs it,
 * tries to become the role that logged in, and leaves a cursor behind that runs later.
 */
const hostile = [
  `create function late() returns int language plpgsql as $f$ begin
     raise log 'late code ran as %', current_user; return 1; end $f$`,
  `create function probe(int) returns int language plpgsql immutable as $f$ begin
     raise log 'probe ran as %', current_user;
     begin perform pg_catalog.set_config('role', 'none', false); raise log 'probe became %', current_user;
     exception when others then null; end;
     begin execute 'declare c cursor with hold for select public.late()'; exception when others then null; end;
     perform pg_catalog.set_config('search_path', 'public, pg_catalog', false);
     return 1; end $f$`,
  // It hides the server's own in a session whose search_path names public first.
  `create function public.count(text) returns bigint language plpgsql as $f$ begin
     raise log 'count ran as %', current_user; return 1; end $f$`,
  'create table loot (id int primary key, note text)',
  'insert into loot select n, n::text from generate_series(1, 1000) as n',
  'create index on loot ((probe(1) + id))',
  'create table schema_migrations (version text primary key)',
  "insert into schema_migrations values ('1')",
  'create index on schema_migrations ((probe(2) + length(version)))',
  'create table problems_migrations (version text, name text, sha256 text, mode text, state text, started_at timestamptz, finished_at timestamptz, runner text, error text)',
  'create index on problems_migrations ((probe(3) + length(version)))',
];

describe.skipIf(!(await labRuns())).each(majors(15))(
  'on PostgreSQL %i, functions of a table’s owner',
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
      await query(lab, `${hostile.join(';\n')};`, { user: 'tenant', password: 'of-the-tenant' });
    });
    afterAll(async () => closeTestRun(run));

    /** The roles as which they ran meanwhile. */
    function roles(work: () => Promise<unknown>): Promise<readonly string[]> {
      return loggedDuring(lab.container, /(?:probe ran as|probe became|late code ran as|count ran as) \S+/g, work);
    }

    function open(): Promise<Remediation> {
      return openRemediation({
        folder: run.folder,
        config: { containers: `^${run.prefix}vrooli-postgres-(.+)$` },
        onlyLooking: true,
      });
    }

    it('run as a superuser if a superuser queries the table', async () => {
      expect(await roles(async () => query(lab, 'select count(*) from loot'))).toContain(`probe ran as ${lab.user}`);
    });

    it('do not run while all detectors check the instance', async () => {
      const remediation = await open();
      expect(await roles(async () => detect(remediation))).toEqual([]);
      remediation.close();
    });

    it('run only as the owner while a backup is taken, which still compares the rows', async () => {
      const remediation = await openRequests(run);
      const work = async () => {
        const [report] = await submitWork(remediation, { take: { instance: 'orders', backup: 'first', drill: true } });
        expect(report).toMatchObject({ outcome: 'fixed' });
      };
      expect(await roles(work)).toEqual(['probe ran as tenant']);
      remediation.close();
      const folder = join(run.folder, '.vrooli', 'backups', 'postgres', 'orders', 'first');
      const prints: unknown = JSON.parse(await readFile(join(folder, 'fingerprints.json'), 'utf8'));
      expect(prints).toMatchObject({
        databases: [{ tables: { 'public.loot': { rows: '1000', sum: expect.stringMatching(/^-?\d+$/) } } }],
      });
    });

    it('run only as the owner under the load that proves a memory limit', async () => {
      const host = openRunHost(run);
      const instance = await instanceNamed(host, 'orders');
      const load = async () => {
        expect(await host.reader.probes.memoryLoad(instance, { clients: 1, seconds: 0, rows: 100 })).toMatchObject({
          ok: true,
        });
      };
      expect(await roles(load)).toEqual(['probe ran as tenant']);
    });
  },
);
