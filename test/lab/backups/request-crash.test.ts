import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/host/index.ts';
import { remediate, type Remediation, resume, runs as journal } from '../../../src/remediation/index.ts';
import { startInstance } from '../instance.ts';
import { backupFolder } from '../project.ts';
import type { Run } from '../run.ts';
import { createRun, labRuns } from '../support.ts';
import { openRequests } from './open-backups.ts';

const everyPoint = process.env['PROBLEMS_LAB_POINTS'] === 'all';

describe.skipIf(!(await labRuns()))('a process that is killed', { concurrent: true, timeout: 900_000 }, () => {
  it('while it removes backups leaves a run that resume ends, with every good backup that must stay', async (test) => {
    const run = await createRun(test);
    const settings = { expire: ['many/1', 'many/2'] };
    await layGood(run, ['1', '2', '3', '4']);
    const { points, outcomes } = await child(run, settings);
    expect(outcomes).toEqual(['fixed']);
    expect(await lying(run, 'many')).toEqual(['3', '4']);
    const chosen = ['step 0 is applied', 'step 1 is journalled', 'phase cleaning begins', 'step 2 is applied'];
    expect(points).toEqual(expect.arrayContaining(chosen));
    for (const point of everyPoint ? points : chosen) {
      await rm(join(run.folder, '.problems'), { recursive: true });
      await layGood(run, ['1', '2', '3', '4']);
      expect((await child(run, settings, point)).signal, point).toBe('SIGKILL');
      expect(await lying(run, 'many'), point).toEqual(expect.arrayContaining(['3', '4']));
      expect(await ending(run, settings), point).toBe('fixed');
      expect(await lying(run, 'many'), point).toEqual(['3', '4']);
      expect(await readdir(join(dirname(backupFolder(run, 'many', 'x')), '.expired')), point).toEqual([]);
    }
  });

  it('while a backup is taken leaves no half one among the backups, and resume takes it whole', async (test) => {
    const run = await createRun(test);
    await startInstance(run, { name: 'shop', storage: 'seeded' });
    const settings = { take: { instance: 'shop', name: 'first', drill: false } };
    for (const point of ['step 0 is journalled+900', 'step 0 is applied']) {
      expect((await child(run, settings, point)).signal, point).toBe('SIGKILL');
      expect(await ending(run, settings), point).toBe('fixed');
      expect(await readdir(dirname(backupFolder(run, 'shop', 'x'))), point).toEqual(['first']);
      const host = (await openRequests(run, {})).session.reader;
      expect(await host.backups.read('shop/first'), point).toMatchObject({ state: 'complete', reached: 'L3' });
      await rm(join(run.folder, '.problems'), { recursive: true });
      await rm(backupFolder(run, 'shop', 'first'), { recursive: true });
    }
  });
});

interface Ended {
  readonly signal: string | null;
  readonly points: readonly string[];
  readonly outcomes: readonly string[];
}

async function child(run: Run, settings: Json, point = ''): Promise<Ended> {
  const script = join(import.meta.dirname, 'request-child.ts');
  const started = spawn(process.execPath, [script, run.folder, run.prefix, JSON.stringify(settings), point], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said, [, signal]] = await Promise.all([text(started.stdout), once(started, 'close')]);
  return { points: [], outcomes: [], ...(said === '' ? {} : JSON.parse(said)), signal };
}

/** How the newest run ends, resumed or over already; one that was killed before it was planned is begun again. */
async function ending(run: Run, settings: { readonly [key: string]: Json }): Promise<string | null | undefined> {
  const remediation: Remediation = await openRequests(run, settings);
  try {
    const reports = await resume(remediation);
    if (reports.length > 0) return reports.length === 1 ? reports[0]?.outcome : 'several';
    const [newest] = await journal(remediation);
    if (newest?.phase === 'ended') return newest.outcome;
    return (await remediate(remediation, { remediators: ['backup-request'], yes: true })).runs[0]?.outcome;
  } finally {
    remediation.close();
  }
}

async function layGood(run: Run, names: readonly string[]): Promise<void> {
  const check = { level: 'L4', result: 'passed', at: '2026-01-01T00:00:00Z', says: [], ms: 1 };
  const record = { schemaVersion: 1, checks: [check], files: [], filesAt: '', filesBy: 'completion' };
  for (const name of names) {
    const folder = backupFolder(run, 'many', name);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'full.sql'), '-- PostgreSQL database dump\n');
    await writeFile(join(folder, 'verification.json'), JSON.stringify(record));
  }
}

async function lying(run: Run, instance: string): Promise<readonly string[]> {
  const names = await readdir(dirname(backupFolder(run, instance, 'x')));
  return names.filter((name) => !name.startsWith('.')).sort();
}
