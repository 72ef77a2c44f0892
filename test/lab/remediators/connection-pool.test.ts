import { describe, expect, it, type TestContext } from 'vitest';
import {
  detect,
  plan,
  remediate,
  type Remediation,
  type RemediationOptions,
  rollback,
} from '../../../src/remediation/index.ts';
import type { Json } from '../../../src/remediation/contract.ts';
import { execIn } from '../exec.ts';
import { findInstance, type LabInstance, query } from '../instance.ts';
import type { Run } from '../run.ts';
import { scenarioNamed } from '../scenarios/index.ts';
import { createRun, labRuns } from '../support.ts';
import { eventually } from '../waiting.ts';
import { openPools } from './open-pools.ts';

const runs = await labRuns();

describe.skipIf(!runs)('sessions that leak', { concurrent: true }, () => {
  it.for([15, 17] as const)(
    'on PostgreSQL %i are found with everything taken, ended, and kept from coming back',
    async (postgres, test) => {
      const run = await createRun(test, { postgres });
      await scenarioNamed('pool-exhaustion').up(run, () => undefined);
      const main = await findInstance(run, 'main');
      const before = await autoConf(main);
      const remediation = await open(test, run);
      await eventually(30_000, async () => (await detect(remediation)).findings[0]?.kind === 'leak');
      const { findings, notLookedAt } = await detect(remediation);
      expect(findings.map(({ id }) => id)).toEqual(['connection-pool/main/leak']);
      expect(notLookedAt).toEqual([]);
      expect(findings[0]?.summary).toContain('role app in vrooli, application orders-worker (97)');

      const { proposals } = await plan(remediation);
      expect(proposals.map(({ plan: made }) => made.type === 'plan' && made.steps.map(({ action }) => action))).toEqual(
        [['role.alter-setting', 'session.terminate']],
      );
      expect(proposals[0]?.decision).toMatchObject({ automation: 'approve' });
      expect(await sessionsOfApp(main)).toBe(97);

      const { runs: reports } = await remediate(remediation, { yes: true });
      expect(reports.map(({ outcome, failure }) => [outcome, failure])).toEqual([['fixed', null]]);
      expect(reports[0]?.verification?.checks).toContainEqual({
        name: '92 sessions at once',
        ok: true,
        seen: '92 of 92 as vrooli, acting as app in vrooli',
      });
      expect(await sessionsOfApp(main)).toBe(0);
      expect(await timeouts(main)).toEqual(['{idle_in_transaction_session_timeout=300s}']);
      expect((await detect(remediation)).findings).toEqual([]);

      expect(await rollback(remediation, reports[0]?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
      expect(await timeouts(main)).toEqual([]);
      expect(await autoConf(main)).toBe(before);
      expect(await query(main, 'select count(*), sum(amount) from orders')).toEqual(['1000|625625.00']);
    },
  );
});

async function open(
  test: Pick<TestContext, 'onTestFinished'>,
  run: Run,
  settings: { readonly [key: string]: Json } = {},
  options: Partial<RemediationOptions> = {},
): Promise<Remediation> {
  const remediation = await openPools(run, settings, options);
  test.onTestFinished(() => remediation.close());
  return remediation;
}

async function sessionsOfApp(instance: LabInstance): Promise<number> {
  const sql = "select count(*) from pg_stat_activity where usename = 'app'";
  return Number((await query(instance, sql, { socket: true }))[0]);
}

async function timeouts(instance: LabInstance): Promise<readonly string[]> {
  return query(instance, 'select setconfig from pg_db_role_setting');
}

async function autoConf({ container }: LabInstance): Promise<string> {
  return (await execIn(container, ['sh', '-c', 'cat "$PGDATA/postgresql.auto.conf"'], { user: 'postgres' })).stdout;
}
