import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  detect,
  remediate,
  type Remediation,
  resume,
  rollback,
  runs as journal,
} from '../../../src/app/remediation.ts';
import { connect } from '../client.ts';
import { findInstance, type LabInstance, psql, query } from '../instance.ts';
import type { Run } from '../run.ts';
import { scenarioNamed } from '../scenarios/index.ts';
import { closeTestRun, labRuns, openTestRun } from '../support.ts';
import { openMigrations } from './open-migrations.ts';

/** Every point of the journal takes some minutes: here those between which something changes. */
const everyPoint = process.env['PROBLEMS_LAB_POINTS'] === 'all';

describe.skipIf(!(await labRuns()))('a process that is killed', { timeout: 1_800_000 }, () => {
  let run: Run;
  let ledger: LabInstance;
  beforeAll(async () => {
    run = await openTestRun();
    await scenarioNamed('migration-race').up(run, () => undefined);
    ledger = await findInstance(run, 'ledger');
  });
  afterAll(async () => closeTestRun(run));

  it('in the middle of building an index again leaves a run that resume ends as fixed, and rollback takes back', async () => {
    const { points, outcomes } = await child();
    expect(outcomes).toEqual(['fixed']);
    expect(points).toContain('step 1 is recorded');
    const chosen = ['step 0 is applied', 'step 1 is journalled+150', 'step 1 is applied'];
    for (const point of everyPoint ? points : chosen) {
      await breakAgain();
      // Two that were rolled back within an hour would hand the next one to a person.
      await rm(join(run.folder, '.problems'), { recursive: true });
      expect((await child(point)).signal, point).toBe('SIGKILL');
      const remediation = await openMigrations(run);
      expect(await ending(remediation), point).toBe('fixed');
      expect((await detect(remediation)).findings, point).toEqual([]);
      expect(await state(), point).toEqual(['001_customers 002_customer_email|500|t']);
      const [newest] = await journal(remediation);
      expect(await rollback(remediation, newest?.id ?? ''), point).toMatchObject({ outcome: 'rolled-back' });
      expect(await state(), point).toEqual(['001_customers|500|']);
      remediation.close();
    }
  });

  /** As the scenario left it: listed is the first file alone, and the index of the second is invalid. */
  async function breakAgain(): Promise<void> {
    await query(
      ledger,
      `drop index if exists customers_email; delete from schema_migrations where version = '002_customer_email';
       drop table if exists problems_migrations`,
    );
    const older = await connect(ledger);
    await older.query('begin; lock table customers in row exclusive mode');
    await psql(
      ledger,
      "set statement_timeout = '500ms';\ncreate unique index concurrently customers_email on customers (email);",
    );
    await older.end();
  }

  function state(): Promise<readonly string[]> {
    return query(
      ledger,
      `select (select string_agg(version, ' ' order by version) from schema_migrations), (select count(*) from customers),
         (select indisvalid from pg_index where indexrelid = to_regclass('customers_email'))`,
    );
  }

  async function child(point = ''): Promise<{
    readonly signal: string | null;
    readonly points: readonly string[];
    readonly outcomes: readonly string[];
  }> {
    const script = join(import.meta.dirname, 'migration-lock-child.ts');
    const started = spawn(process.execPath, [script, run.folder, run.prefix, point], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said, [, signal]] = await Promise.all([text(started.stdout), once(started, 'close')]);
    return { points: [], outcomes: [], ...(said === '' ? {} : JSON.parse(said)), signal };
  }
});

/** How the newest run ends, resumed or over already; one that was killed before it was planned is begun again. */
async function ending(remediation: Remediation): Promise<string | null | undefined> {
  const reports = await resume(remediation);
  if (reports.length > 0) return reports.length === 1 ? reports[0]?.outcome : 'several';
  const [newest] = await journal(remediation);
  if (newest?.phase === 'ended') return newest.outcome;
  return (await remediate(remediation, { yes: true })).runs[0]?.outcome;
}
