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
import { execIn } from '../exec.ts';
import { findInstance, query, startInstance, waitReady } from '../instance.ts';
import { addOrders } from '../rows.ts';
import type { Run } from '../run.ts';
import { closeTestRun, labRuns, openTestRun } from '../support.ts';
import { openMemory } from './open-memory.ts';

const lab = await labRuns();
/** Every point of the journal takes some minutes: here those between which something changes. */
const everyPoint = process.env['PROBLEMS_LAB_POINTS'] === 'all';
const MiB = 2 ** 20;

describe.skipIf(!lab)('a process that is killed', { concurrent: true, timeout: 1_800_000 }, () => {
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

  it('while it raises a limit leaves a run that resume ends as fixed, and rollback brings back', async () => {
    const limit = 256 * MiB;
    const instance = await startInstance(limits, {
      name: 'limits',
      storage: 'volume',
      settings: { shared_buffers: '1GB' },
      host: { Memory: limit, MemorySwap: limit },
    });
    await addOrders(instance);
    const { State } = await instance.container.inspect();
    const chosen = ['step 0 is journalled', 'step 0 is applied'];
    for (const point of everyPoint ? await pointsOf(limits, 'raise') : chosen) {
      await forget(limits);
      expect((await child(limits, 'raise', point)).signal, point).toBe('SIGKILL');
      await withRemediation(limits, 'raise', async (remediation) => {
        expect(await ending(remediation), point).toBe('fixed');
        expect(await helpersOf(limits), point).toEqual([]);
        expect((await detect(remediation)).findings, point).toEqual([]);
        await back(remediation, point);
      });
      const { HostConfig, State: now } = await instance.container.inspect();
      expect(HostConfig, point).toMatchObject({ Memory: limit, MemorySwap: limit });
      expect(now.StartedAt, point).toBe(State.StartedAt);
      expect(await query(instance, 'select count(*), sum(amount) from orders'), point).toEqual(['1000|625625.00']);
    }
  });

  it('while it changes settings leaves a run that resume ends as fixed, and rollback brings the file back to the byte', async () => {
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
    const before = await folderOf(settings);
    const chosen = ['step 1 is journalled+250', 'step 1 is applied'];
    for (const point of everyPoint ? await pointsOf(settings, 'never') : chosen) {
      await forget(settings);
      expect((await child(settings, 'never', point)).signal, point).toBe('SIGKILL');
      await withRemediation(settings, 'never', async (remediation) => {
        expect(await ending(remediation), point).toBe('fixed');
        expect(await helpersOf(settings), point).toEqual([]);
        await waitReady(instance);
        expect(await query(instance, 'show shared_buffers'), point).toEqual(['128MB']);
        await back(remediation, point);
      });
      await waitReady(instance);
      expect(await folderOf(settings), point).toEqual(before);
      expect(await query(instance, 'show shared_buffers'), point).toEqual(['1GB']);
      expect(await query(instance, 'select count(*), sum(amount) from orders'), point).toEqual(['1000|625625.00']);
    }
  });
});

interface Ended {
  readonly signal: string | null;
  readonly points: readonly string[];
  readonly outcomes: readonly string[];
}

async function child(run: Run, raise: string, point = ''): Promise<Ended> {
  const script = join(import.meta.dirname, 'memory-child.ts');
  const started = spawn(process.execPath, [script, run.folder, run.prefix, raise, point], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said, [, signal]] = await Promise.all([text(started.stdout), once(started, 'close')]);
  return { points: [], outcomes: [], ...(said === '' ? {} : JSON.parse(said)), signal };
}

/** All that an undisturbed run passes; it is rolled back. */
async function pointsOf(run: Run, raise: 'raise' | 'never'): Promise<readonly string[]> {
  const { points, outcomes } = await child(run, raise);
  expect(outcomes).toEqual(['fixed']);
  await withRemediation(run, raise, async (remediation) => back(remediation, 'undisturbed'));
  return points;
}

/** Two that were rolled back within an hour would hand the next one to a person. */
async function forget(run: Run): Promise<void> {
  await rm(join(run.folder, '.problems'), { recursive: true, force: true });
}

async function back(remediation: Remediation, point: string): Promise<void> {
  const [run] = await journal(remediation);
  expect(await rollback(remediation, run?.id ?? ''), point).toMatchObject({ outcome: 'rolled-back' });
}

/** How the newest run ends, resumed or over already; one that was killed before it was planned is begun again. */
async function ending(remediation: Remediation): Promise<string | null | undefined> {
  const reports = await resume(remediation);
  if (reports.length > 0) return reports.length === 1 ? reports[0]?.outcome : 'several';
  const [newest] = await journal(remediation);
  if (newest?.phase === 'ended') return newest.outcome;
  return (await remediate(remediation, { yes: true })).runs[0]?.outcome;
}

async function withRemediation(
  run: Run,
  raise: 'raise' | 'never',
  work: (remediation: Remediation) => Promise<void>,
): Promise<void> {
  const remediation = await openMemory(run, raise === 'never' ? { raise } : {});
  try {
    await work(remediation);
  } finally {
    remediation.close();
  }
}

/** The bytes of postgresql.auto.conf, and what lies at the top of the data directory with owner and mode. */
async function folderOf(run: Run): Promise<readonly string[]> {
  const { container } = await findInstance(run, 'settings');
  const script =
    'cd "$PGDATA" && sha256sum postgresql.auto.conf && stat -c "%n %u:%g %a" .[!.]* * 2>/dev/null | grep -v "^postmaster\\."';
  return (await execIn(container, ['bash', '-c', script])).stdout.split('\n');
}

/** Helpers that see the run's data: after a resumption none of the killed process is left. */
async function helpersOf(run: Run): Promise<readonly string[]> {
  const filters = JSON.stringify({ label: ['problems.helper'] });
  const all = await run.docker.listContainers({ all: true, filters });
  return all.filter(({ Mounts }) => Mounts.some(({ Name = '' }) => Name.startsWith(run.prefix))).map(({ Id }) => Id);
}
