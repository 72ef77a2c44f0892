import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detect, rollback, runs as journal } from '../../../src/app/remediation.ts';
import { soak } from '../../soak.ts';
import { type Client, connect } from '../client.ts';
import { execIn } from '../exec.ts';
import { type LabInstance, query, startInstance, waitReady } from '../instance.ts';
import { addOrders } from '../rows.ts';
import type { Run } from '../run.ts';
import { closeTestRun, labRuns, openTestRun } from '../support.ts';
import { crashAtEach } from './crash.ts';

const lab = await labRuns();
const app = { user: 'app', password: 'hidden' };
/** For many runs one after the other: what is stuck for a second is a leak, and two samples are enough. */
const settings = { samples: 2, secondsBetween: 0.3, stuckSeconds: 1 } as const;

describe.skipIf(!lab)(
  'a repair of connections whose process is killed',
  { concurrent: true, timeout: 1_800_000 },
  () => {
    const open: Run[] = [];
    let leaks: Run;
    let raises: Run;
    beforeAll(async () => {
      [leaks, raises] = await Promise.all([openTestRun(), openTestRun()]);
      open.push(leaks, raises);
    });
    afterAll(async () => {
      for (const run of open) await closeTestRun(run);
    });

    it('ends the sessions and sets the timeout when it is resumed', async () => {
      const instance = await startSmall(leaks, 'leaks');
      let clients: readonly Client[] = [];
      await crashAtEach(['step 1 is journalled+60'], {
        remediator: 'connection-pool',
        run: leaks,
        settings,
        async breakAgain() {
          await Promise.all(clients.map((client) => client.end()));
          await query(instance, 'alter role app reset all');
          clients = await Promise.all(Array.from({ length: 16 }, () => connect(instance, app)));
          for (const [index, client] of clients.entries())
            await client.query(`begin; insert into orders values (${5000 + index}, '', 0)`);
          await new Promise((resolve) => setTimeout(resolve, 1_500));
        },
        async check(remediation, outcome, point) {
          expect(outcome, point).toBe('fixed');
          expect((await detect(remediation)).findings, point).toEqual([]);
          expect(await query(instance, 'select setconfig from pg_db_role_setting'), point).toEqual([
            '{idle_in_transaction_session_timeout=300s}',
          ]);
          // What a session had written and not committed is gone with it; the rest is there.
          expect(await query(instance, 'select count(*) from orders'), point).toEqual(['1000']);
        },
      });
      await Promise.all(clients.map((client) => client.end()));
    });

    // test/lab/remediators/memory-crash.test.ts kills the same steps.
    it.runIf(soak)(
      'raises max_connections or rolls back when it is resumed, and rollback restores every byte of the file',
      async () => {
        const instance = await startSmall(raises, 'raises');
        const before = await autoConf(instance);
        let clients: readonly Client[] = [];
        await crashAtEach(['step 1 is journalled+300'], {
          remediator: 'connection-pool',
          run: raises,
          settings,
          async breakAgain() {
            await Promise.all(clients.map((client) => client.end()));
            clients = await Promise.all(Array.from({ length: 17 }, () => connect(instance, app)));
          },
          async check(remediation, outcome, point) {
            expect(['fixed', 'rolled-back'], point).toContain(outcome);
            await waitReady(instance);
            const [raised] = await query(instance, 'show max_connections');
            expect([before === (await autoConf(instance)), raised], point).toEqual(
              raised === '20' ? [true, '20'] : [false, raised],
            );
            const [run] = await journal(remediation);
            if (run?.outcome === 'fixed')
              expect(await rollback(remediation, run.id), point).toMatchObject({ outcome: 'rolled-back' });
            await waitReady(instance);
            expect(await autoConf(instance), point).toBe(before);
            expect(await query(instance, 'show max_connections'), point).toEqual(['20']);
          },
        });
        await Promise.all(clients.map((client) => client.end()));
      },
    );
  },
);

async function startSmall(run: Run, name: string): Promise<LabInstance> {
  const instance = await startInstance(run, {
    name,
    storage: 'bind',
    settings: { max_connections: '20' },
    // Without a limit its share depends on what else runs on the machine.
    host: { Memory: 2 * 2 ** 30 },
  });
  await addOrders(instance);
  await query(instance, "create role app login password 'hidden'; grant all on orders to app");
  return instance;
}

async function autoConf({ container }: LabInstance): Promise<string> {
  return (await execIn(container, ['sh', '-c', 'cat "$PGDATA/postgresql.auto.conf"'], { user: 'postgres' })).stdout;
}
