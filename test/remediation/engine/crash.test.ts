import type { ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { resume, runs } from '../../../src/app/remediation.ts';
import { someOf } from '../../soak.ts';
import { answers, brokenFolder, openFolder, removeFolder } from '../broken-files.ts';
import { writePlugin } from '../two-files.ts';
import { begin, run } from './processes.ts';

const folders: string[] = [];
afterAll(async () => Promise.all(folders.map(removeFolder)));

async function newFolder(): Promise<string> {
  const folder = await brokenFolder();
  folders.push(folder);
  return folder;
}

describe('a process that is killed at any point of a run', { timeout: 300_000 }, () => {
  it('leaves a run that the next resume ends as fixed, with every file right', async () => {
    const { points } = await run(await newFolder(), 'remediate');
    expect(points.length).toBeGreaterThan(15);
    await everyone(someOf(points), async (point) => {
      const folder = await newFolder();
      const killed = await run(folder, 'remediate', point);
      expect(killed.signal, point).toBe('SIGKILL');

      const remediation = await openFolder(folder);
      const open = (await runs(remediation))[0];
      const reports = await resume(remediation);
      // At the last point the run has already ended.
      if (open?.phase !== 'ended') expect(reports, point).toMatchObject([{ outcome: 'fixed' }]);
      expect((await runs(remediation))[0]?.outcome, point).toBe('fixed');
      expect(await answers(folder), point).toEqual(['right', 'right', 'right']);
      expect(await remediation.session.store.audit.verify()).toBeUndefined();
      remediation.close();
    });
  });

  it('leaves a run that is rolled back if the target has changed meanwhile', async () => {
    const folder = await newFolder();
    await run(folder, 'remediate', 'step 1 is journalled');
    await writeFile(join(folder, 'c.conf'), 'answer = theirs\n');
    const { outcomes } = await run(folder, 'resume');
    expect(outcomes).toMatchObject([{ outcome: 'rolled-back' }]);
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'theirs']);
  });

  it('leaves a run that continues to roll back, even if it is killed again during the rollback', async () => {
    const { points } = await run(await newFolder(), 'spoiled');
    const way = points.slice(points.indexOf('phase undoing begins'));
    expect(way.length).toBeGreaterThan(6);
    await everyone(someOf(way), async (point) => {
      const again = await newFolder();
      expect((await run(again, 'spoiled', point)).signal, point).toBe('SIGKILL');
      const remediation = await openFolder(again);
      await resume(remediation);
      expect((await runs(remediation))[0]?.outcome, point).toBe('rolled-back');
      remediation.close();
      expect(await answers(again), point).toEqual(['wrong', 'wrong', 'theirs']);
    });
  });
});

describe('a step that fails halfway', { timeout: 300_000 }, () => {
  it('is undone to the state before it, wherever the process is killed until then', async () => {
    const folder = await newFolder();
    await writePlugin(folder);
    const { points, outcomes } = await run(folder, 'spoiled');
    expect(outcomes).toMatchObject([{ outcome: 'rolled-back' }]);
    const way = points.slice(points.indexOf('step 1 is journalled'), points.indexOf('undo 1 is recorded'));
    expect(way).toContain('step 1 has failed');
    await everyone(someOf(way), async (point) => {
      const again = await newFolder();
      await writePlugin(again);
      expect((await run(again, 'spoiled', point)).signal, point).toBe('SIGKILL');
      await run(again, 'resume');
      expect(await answers(again), point).toEqual(['wrong', 'wrong', 'theirs']);
    });
  });

  it('is never retried: a run that resumes at a failed step rolls back from there', async () => {
    const folder = await newFolder();
    await run(folder, 'remediate', 'step 1 is applied');
    const remediation = await openFolder(folder);
    const [open] = await runs(remediation);
    const { runs: journal } = remediation.session.store;
    await journal.step(
      { id: open?.id ?? '', token: open?.token ?? 0 },
      1,
      'failed',
      remediation.session.at(),
      'it failed',
    );
    expect(await resume(remediation)).toMatchObject([{ outcome: 'rolled-back', failure: { message: 'it failed' } }]);
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
    remediation.close();
  });
});

describe('two processes', { timeout: 120_000 }, () => {
  it('do not work on one volume: one repairs, the other names the owner of the lock', async () => {
    const folder = await newFolder();
    const first = begin(folder, 'remediate', 'hang:step 0 is journalled');
    await hanging(first.process);
    const second = await run(folder, 'remediate');
    expect(second.outcomes).toMatchObject([{ outcome: 'failed', failure: { class: 'conflict' } }]);
    first.process.kill('SIGKILL');
    await first.ended;
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
  });

  it('end with one repair and no half-written file if they start together', async () => {
    const folder = await newFolder();
    const ended = await Promise.all([run(folder, 'remediate'), run(folder, 'remediate'), run(folder, 'remediate')]);
    const outcomes = ended.flatMap((one) => one.outcomes.map(({ outcome }) => outcome));
    expect(outcomes.filter((outcome) => outcome === 'fixed').length).toBe(1);
    expect(await answers(folder)).toEqual(['right', 'right', 'right']);
  });

  it('take over a run only after its process has died', async () => {
    const folder = await newFolder();
    const first = begin(folder, 'remediate', 'hang:step 1 is applied');
    await hanging(first.process);
    const remediation = await openFolder(folder);
    const id = (await runs(remediation))[0]?.id ?? '';
    await expect(resume(remediation, id)).rejects.toMatchObject({ code: 'run-live' });
    first.process.kill('SIGKILL');
    await first.ended;
    expect(await resume(remediation, id)).toMatchObject([{ outcome: 'fixed' }]);
    remediation.close();
  });
});

/** Four at a time. */
async function everyone(points: readonly string[], check: (point: string) => Promise<void>): Promise<void> {
  const waiting = [...points];
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (let point = waiting.shift(); point !== undefined; point = waiting.shift()) await check(point);
    }),
  );
}

async function hanging(process: ChildProcess): Promise<void> {
  await new Promise<void>((resolve) =>
    process.stdout?.on('data', (chunk: Buffer) => chunk.toString().includes('hanging') && resolve()),
  );
}
