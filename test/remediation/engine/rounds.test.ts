import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProblemsError } from '../../../src/errors.ts';
import { plan, remediate, resume, type RunReport, runs } from '../../../src/app/remediation.ts';
import { run as problems } from '../../cli/run.ts';
import { answers, brokenFolder, openFolder, removeFolder } from '../broken-files.ts';
import { ofThree } from '../three-instances.ts';
import { run } from './processes.ts';

let folder = '';
beforeEach(async () => {
  folder = await brokenFolder();
});
afterEach(async () => removeFolder(folder));

describe('one finding that cannot be planned', { timeout: 30_000 }, () => {
  const refusing = ofThree((instance) => {
    if (instance === 'billing') throw new ProblemsError('not-found', 'There is no container billing.');
  });

  it('results in a failed report, and the others are still repaired', async () => {
    const remediation = await openFolder(folder, { remediators: [refusing] });
    const { runs: reports } = await remediate(remediation);
    expect(reports).toMatchObject([
      { instance: 'archive', outcome: 'fixed' },
      { instance: 'billing', outcome: 'failed', id: null, failure: { message: 'There is no container billing.' } },
      { instance: 'orders', outcome: 'fixed' },
    ]);
    expect(await answers(folder)).toEqual(['right', 'wrong', 'right']);
    remediation.close();
  });

  it('results in a refusal of `plan`, and the others are still planned', async () => {
    const remediation = await openFolder(folder, { remediators: [refusing] });
    const { proposals } = await plan(remediation);
    expect(proposals).toMatchObject([
      { plan: { type: 'plan' } },
      { plan: { type: 'refusal', reason: 'There is no container billing.' }, effects: [] },
      { plan: { type: 'plan' } },
    ]);
    remediation.close();
  });
});

describe('a round that is stopped', { timeout: 30_000 }, () => {
  it('names the findings that were not dealt with', async () => {
    const stop = new AbortController();
    const remediation = await openFolder(folder, { remediators: [ofThree(() => undefined)] });
    const made = await remediate(remediation, { signal: stop.signal, onReport: () => stop.abort() });
    expect(made.runs).toMatchObject([{ instance: 'archive', outcome: 'fixed' }]);
    expect(made.notRun).toMatchObject([{ instance: 'billing' }, { instance: 'orders' }]);
    expect(await answers(folder)).toEqual(['right', 'wrong', 'wrong']);
    remediation.close();
  });
});

describe('one run that cannot begin', { timeout: 30_000 }, () => {
  it('ends as failed, keeps no lock, and the others are still repaired', async () => {
    const remediation = await openFolder(folder, { remediators: [ofThree(() => undefined)] });
    const { session } = remediation;
    const { runs: journal } = session.store;
    const odd = {
      ...journal,
      // Between the plan and the lock: the engine refuses the request that starts the second run.
      async changeFrom(...args: Parameters<typeof journal.changeFrom>) {
        const { plan: of } = (await journal.get(args[0].id)) ?? {};
        if (of?.target.instance === 'billing' && args[2].phase === 'preparing')
          throw new ProblemsError('engine-refused', 'No.');
        return journal.changeFrom(...args);
      },
    };
    const held = { ...remediation, session: { ...session, store: { ...session.store, runs: odd } } };
    const { runs: reports } = await remediate(held);
    expect(reports).toMatchObject([
      { outcome: 'fixed' },
      { outcome: 'failed', failure: { message: 'No.' } },
      { outcome: 'fixed' },
    ]);
    expect(await runs(remediation, reports[1]?.id ?? '')).toMatchObject([{ phase: 'ended', outcome: 'failed' }]);
    remediation.close();
  });
});

describe('an error that affects all findings', () => {
  it('ends the round after delivering the earlier reports', { timeout: 30_000 }, async () => {
    let other: DatabaseSync | undefined;
    const locking = ofThree((instance) => {
      if (instance !== 'billing') return;
      other = new DatabaseSync(join(folder, '.problems', 'state.db'));
      other.exec('BEGIN EXCLUSIVE');
    });
    const remediation = await openFolder(folder, { remediators: [locking] });
    const made: RunReport[] = [];
    await expect(remediate(remediation, { onReport: (report) => made.push(report) })).rejects.toMatchObject({
      code: 'state-locked',
    });
    other?.exec('ROLLBACK');
    other?.close();
    expect(made).toMatchObject([{ instance: 'archive', outcome: 'fixed' }]);
    expect(await answers(folder)).toEqual(['right', 'wrong', 'wrong']);
    remediation.close();
  });
});

describe('problems remediate', () => {
  it('prints what it did before the engine became unreachable, and exits with 2', { timeout: 30_000 }, async () => {
    const [three, errors] = ['../three-instances.ts', '../../../src/errors.ts'].map((path) =>
      JSON.stringify(join(import.meta.dirname, path)),
    );
    const plugin = [
      `import { ofThree } from ${three};`,
      `import { ProblemsError } from ${errors};`,
      'export default { apiVersion: 1, remediators: [ofThree((instance) => {',
      "  if (instance === 'billing') throw new ProblemsError('engine-unreachable', 'The engine is gone.');",
      '})] };',
    ];
    await writeFile(join(folder, 'plugin.ts'), plugin.join('\n'));
    await writeFile(join(folder, 'problems.config.json'), JSON.stringify({ plugins: ['./plugin.ts'] }));
    const { code, stdout, stderr } = await problems(
      ['remediate', '--remediator', 'broken-files', '--json', '--trust-config'],
      { cwd: folder },
    );
    expect(code).toBe(2);
    expect(stderr).toContain('The engine is gone.');
    expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 1, runs: [{ instance: 'archive', outcome: 'fixed' }] });
    expect(await answers(folder)).toEqual(['right', 'wrong', 'wrong']);
  });
});

describe('resuming all', () => {
  it('skips a run that cannot be resumed, and finishes the others', { timeout: 30_000 }, async () => {
    await run(folder, 'remediate', 'step 1 is applied');
    const remediation = await openFolder(folder);
    const [open] = await runs(remediation);
    const { runs: journal } = remediation.session.store;
    const at = remediation.session.at();
    // A newer run on the same data, which the older one still locks.
    await journal.create({
      id: 'r-newer',
      project: open?.project ?? never(),
      plan: open?.plan ?? never(),
      decision: open?.decision ?? never(),
      phase: 'planned',
      at: '2999-01-01T00:00:00.000Z',
    });
    await journal.changeWaiting('r-newer', { phase: 'verifying' }, at);
    const reports = await resume(remediation);
    expect(reports).toMatchObject([
      { id: 'r-newer', failure: { class: 'conflict' } },
      { id: open?.id, outcome: 'fixed' },
    ]);
    remediation.close();
  });
});

function never(): never {
  throw new Error('there is no run');
}
