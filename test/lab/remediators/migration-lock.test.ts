import { describe, expect, it } from 'vitest';
import { detect, plan, remediate, rollback } from '../../../src/remediation/index.ts';
import { findInstance, query } from '../instance.ts';
import { scenarioNamed } from '../scenarios/index.ts';
import { snapshotEngine } from '../snapshot.ts';
import { createRun, labRuns } from '../support.ts';
import { openMigrations } from './open-migrations.ts';

const invalid = 'migration-lock/ledger/invalid-index/vrooli.public.customers_email';

describe.skipIf(!(await labRuns()))('a race of migrations', { concurrent: true }, () => {
  it.for([15, 17] as const)(
    'on PostgreSQL %i that left an invalid index is found, planned without a change, repaired, and silent from then on',
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
      expect(await detect(remediation)).toEqual({ findings: [], notLookedAt: [] });

      expect(await rollback(remediation, report?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
      expect(await query(ledger, 'select version from schema_migrations')).toEqual(['001_customers']);
      expect(await query(ledger, "select to_regclass('customers_email') is null")).toEqual(['t']);
      expect(await query(ledger, 'select count(*) from customers')).toEqual(['500']);
    },
  );
});
