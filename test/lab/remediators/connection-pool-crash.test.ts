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
import { type Client, connect } from '../client.ts';
import { execIn } from '../exec.ts';
import { type LabInstance, query, startInstance, waitReady } from '../instance.ts';
import { addOrders } from '../rows.ts';
import type { Run } from '../run.ts';
import { closeTestRun, labRuns, openTestRun } from '../support.ts';
import { openPools, quick } from './open-pools.ts';

const lab = await labRuns();
/** Every point of the journal takes some minutes: here those between which something changes. */
const everyPoint = process.env['PROBLEMS_LAB_POINTS'] === 'all';
const app = { user: 'app', password: 'hidden' };

describe.skipIf(!lab)('a process that is killed', { timeout: 1_800_000 }, () => {
  const open: Run[] = [];
  let leaks: Run;
  let raises: Run;
  beforeAll(async () => {
    leaks = await openTestRun();
    raises = await openTestRun();
    open.push(leaks, raises);
  });
  afterAll(async () => {
    for (const run of open) await closeTestRun(run);
  });

  it('in the middle of ending sessions leaves a run that resume ends as fixed, with the timeout set', async () => {
    const instance = await startSmall(leaks, 'leaks');
    let clients: readonly Client[] = [];
    async function breakIt(): Promise<void> {
      await Promise.all(clients.map((client) => client.end()));
      await query(instance, 'alter role app reset all');
      clients = await Promise.all(Array.from({ length: 16 }, () => connect(instance, app)));
      for (const [index, client] of clients.entries())
        await client.query(`begin; insert into orders values (${5000 + index}, '', 0)`);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
    }
    await breakIt();
    const { points, outcomes } = await child(leaks);
    expect(outcomes).toEqual(['fixed']);
    expect(points).toContain('step 1 is recorded');
    const chosen = ['step 0 is applied', 'step 1 is journalled+60'];
    for (const point of everyPoint ? points : chosen) {
      await forget(leaks);
      await breakIt();
      expect((await child(leaks, point)).signal, point).toBe('SIGKILL');
      await withRemediation(leaks, async (remediation) => {
        expect(await ending(remediation), point).toBe('fixed');
        expect((await detect(remediation)).findings, point).toEqual([]);
      });
      expect(await query(instance, 'select setconfig from pg_db_role_setting'), point).toEqual([
        '{idle_in_transaction_session_timeout=300s}',
      ]);
      // What a session had written and not committed is gone with it; the rest is there.
      expect(await query(instance, 'select count(*) from orders'), point).toEqual(['1000']);
    }
    await Promise.all(clients.map((client) => client.end()));
  });

  it('in the middle of a raise leaves a run that resume ends fixed or rolled back, and rollback brings back the file', async () => {
    const instance = await startSmall(raises, 'raises');
    const before = await autoConf(instance);
    let clients: readonly Client[] = [];
    async function breakIt(): Promise<void> {
      await Promise.all(clients.map((client) => client.end()));
      clients = await Promise.all(Array.from({ length: 17 }, () => connect(instance, app)));
    }
    await breakIt();
    const { points, outcomes } = await child(raises);
    expect(outcomes).toEqual(['fixed']);
    const chosen = ['step 1 is journalled+300', 'step 2 is applied'];
    await takeBack();
    for (const point of everyPoint ? points : chosen) {
      await forget(raises);
      await breakIt();
      expect((await child(raises, point)).signal, point).toBe('SIGKILL');
      await withRemediation(raises, async (remediation) => {
        expect(['fixed', 'rolled-back'], point).toContain(await ending(remediation));
      });
      await waitReady(instance);
      const [raised] = await query(instance, 'show max_connections');
      expect([before === (await autoConf(instance)), raised], point).toEqual(
        raised === '20' ? [true, '20'] : [false, raised],
      );
      await takeBack();
    }
    await Promise.all(clients.map((client) => client.end()));

    /** Of the newest run, if it is fixed: to the byte. */
    async function takeBack(): Promise<void> {
      await withRemediation(raises, async (remediation) => {
        const [run] = await journal(remediation);
        if (run?.outcome === 'fixed')
          expect(await rollback(remediation, run.id)).toMatchObject({ outcome: 'rolled-back' });
      });
      await waitReady(instance);
      expect(await autoConf(instance)).toBe(before);
      expect(await query(instance, 'show max_connections')).toEqual(['20']);
    }
  });
});

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

interface Ended {
  readonly signal: string | null;
  readonly points: readonly string[];
  readonly outcomes: readonly string[];
}

async function child(run: Run, point = ''): Promise<Ended> {
  const script = join(import.meta.dirname, 'connection-pool-child.ts');
  const started = spawn(process.execPath, [script, run.folder, run.prefix, point], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said, [, signal]] = await Promise.all([text(started.stdout), once(started, 'close')]);
  return { points: [], outcomes: [], ...(said === '' ? {} : JSON.parse(said)), signal };
}

/** How the newest run ends, resumed or over already; one that was killed before it was planned is begun again. */
async function ending(remediation: Remediation): Promise<string | null | undefined> {
  const reports = await resume(remediation);
  if (reports.length > 0) return reports.length === 1 ? reports[0]?.outcome : 'several';
  const [newest] = await journal(remediation);
  if (newest?.phase === 'ended') return newest.outcome;
  return (await remediate(remediation, { yes: true })).runs[0]?.outcome;
}

async function withRemediation(run: Run, work: (remediation: Remediation) => Promise<void>): Promise<void> {
  const remediation = await openPools(run, quick);
  try {
    await work(remediation);
  } finally {
    remediation.close();
  }
}

/** Two that were rolled back within an hour would hand the next one to a person. */
async function forget({ folder }: Run): Promise<void> {
  await rm(join(folder, '.problems'), { recursive: true, force: true });
}

async function autoConf({ container }: LabInstance): Promise<string> {
  return (await execIn(container, ['sh', '-c', 'cat "$PGDATA/postgresql.auto.conf"'], { user: 'postgres' })).stdout;
}
