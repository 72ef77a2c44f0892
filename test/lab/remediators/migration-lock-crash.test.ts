import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detect, rollback, runs as journal } from '../../../src/app/remediation.ts';
import { connect } from '../client.ts';
import { findInstance, type LabInstance, psql, query } from '../instance.ts';
import type { Run } from '../run.ts';
import { scenarioNamed } from '../scenarios/index.ts';
import { closeTestRun, labRuns, openTestRun } from '../support.ts';
import { crashAtEach } from './crash.ts';

describe.skipIf(!(await labRuns()))('a repair of a migration whose process is killed', { timeout: 1_800_000 }, () => {
  let run: Run;
  let ledger: LabInstance;
  beforeAll(async () => {
    run = await openTestRun();
    await scenarioNamed('migration-race').up(run, () => undefined);
    ledger = await findInstance(run, 'ledger');
  });
  afterAll(async () => closeTestRun(run));

  it('builds the index again when it is resumed, and rollback removes it', async () => {
    await crashAtEach(['step 1 is journalled+150'], {
      remediator: 'migration-lock',
      run,
      breakAgain,
      async check(remediation, outcome, point) {
        expect(outcome, point).toBe('fixed');
        expect((await detect(remediation)).findings, point).toEqual([]);
        expect(await state(), point).toEqual(['001_customers 002_customer_email|500|t']);
        const [newest] = await journal(remediation);
        expect(await rollback(remediation, newest?.id ?? ''), point).toMatchObject({ outcome: 'rolled-back' });
        expect(await state(), point).toEqual(['001_customers|500|']);
      },
    });
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
});
