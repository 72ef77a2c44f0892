import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detect, type Remediation, rollback, runs as journal } from '../../../src/app/remediation.ts';
import { execIn } from '../exec.ts';
import { type LabInstance, query, startInstance, waitReady } from '../instance.ts';
import { addOrders } from '../rows.ts';
import { soak } from '../../soak.ts';
import type { Run } from '../run.ts';
import { closeTestRun, labRuns, openTestRun } from '../support.ts';
import { crashAtEach } from './crash.ts';

const lab = await labRuns();
const MiB = 2 ** 20;
const rows = ['1000|625625.00'];

describe.skipIf(!lab)('a repair of memory whose process is killed', { concurrent: true, timeout: 1_800_000 }, () => {
  const open: Run[] = [];
  let limits: Run;
  let settings: Run;
  beforeAll(async () => {
    [limits, settings] = await Promise.all([openTestRun(), openTestRun()]);
    open.push(limits, settings);
  });
  afterAll(async () => {
    for (const run of open) await closeTestRun(run);
  });

  it.runIf(soak)('raises the limit when it is resumed, and rollback restores the old limit', async () => {
    const limit = 256 * MiB;
    const instance = await startInstance(limits, {
      name: 'limits',
      storage: 'volume',
      settings: { shared_buffers: '1GB' },
      host: { Memory: limit, MemorySwap: limit },
    });
    await addOrders(instance);
    const { State } = await instance.container.inspect();
    await crashAtEach(['step 0 is journalled'], {
      remediator: 'memory',
      run: limits,
      async check(remediation, outcome, point) {
        expect(outcome, point).toBe('fixed');
        expect((await detect(remediation)).findings, point).toEqual([]);
        await rollBack(remediation, point);
        const { HostConfig, State: now } = await instance.container.inspect();
        expect(HostConfig, point).toMatchObject({ Memory: limit, MemorySwap: limit });
        expect(now.StartedAt, point).toBe(State.StartedAt);
        expect(await query(instance, 'select count(*), sum(amount) from orders'), point).toEqual(rows);
      },
    });
  });

  it('changes the settings when it is resumed, and rollback restores every byte of the file', async () => {
    const limit = 512 * MiB;
    const instance = await startInstance(settings, {
      name: 'settings',
      storage: 'volume',
      host: { Memory: limit, MemorySwap: limit },
    });
    await addOrders(instance);
    await query(instance, "alter system set shared_buffers = '1GB'");
    await query(instance, "alter system set log_line_prefix = '%m [%p] it''s '");
    await instance.container.restart();
    await waitReady(instance);
    const before = await folderOf(instance);
    await crashAtEach(['step 1 is journalled+250'], {
      remediator: 'memory',
      run: settings,
      settings: { raise: 'never' },
      async check(remediation, outcome, point) {
        expect(outcome, point).toBe('fixed');
        await waitReady(instance);
        expect(await query(instance, 'show shared_buffers'), point).toEqual(['128MB']);
        await rollBack(remediation, point);
        await waitReady(instance);
        expect(await folderOf(instance), point).toEqual(before);
        expect(await query(instance, 'show shared_buffers'), point).toEqual(['1GB']);
        expect(await query(instance, 'select count(*), sum(amount) from orders'), point).toEqual(rows);
      },
    });
  });
});

async function rollBack(remediation: Remediation, point: string): Promise<void> {
  const [run] = await journal(remediation);
  expect(await rollback(remediation, run?.id ?? ''), point).toMatchObject({ outcome: 'rolled-back' });
}

/** The bytes of postgresql.auto.conf, and what is at the top of the data directory with owner and mode. */
async function folderOf({ container }: LabInstance): Promise<readonly string[]> {
  const script =
    'cd "$PGDATA" && sha256sum postgresql.auto.conf && stat -c "%n %u:%g %a" .[!.]* * 2>/dev/null | grep -v "^postmaster\\."';
  return (await execIn(container, ['bash', '-c', script])).stdout.split('\n');
}
