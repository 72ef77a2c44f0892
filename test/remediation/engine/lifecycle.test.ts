import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  approve,
  openRemediation,
  plan,
  remediate,
  type RemediationEvent,
  rollback,
  runs,
  type Remediator,
} from '../../../src/app/remediation.ts';
import { createTestHost } from '../../../src/testing/index.ts';
import { answers, brokenFiles, brokenFolder, fileNames, openFolder, removeFolder } from '../broken-files.ts';

let folder = '';
beforeEach(async () => {
  folder = await brokenFolder();
});
afterEach(async () => removeFolder(folder));

describe('a plan that may run unattended', () => {
  it('ends as fixed: the files are right, the detector finds nothing, every step is journalled as done', async () => {
    const remediation = await openFolder(folder);
    const { runs: reports } = await remediate(remediation);

    expect(reports.map(({ outcome }) => outcome)).toEqual(['fixed']);
    expect(await answers(folder)).toEqual(['right', 'right', 'right']);
    expect(reports[0]?.steps.map(({ state }) => state)).toEqual(['done', 'done', 'done']);
    expect(reports[0]?.verification?.result).toBe('verified');
    expect((await remediate(remediation)).runs).toEqual([]);
    remediation.close();
  });

  it('is not made for a requested problem that does not exist', async () => {
    const remediation = await openFolder(folder);
    await expect(remediate(remediation, { ids: ['postgres/some-other-problem'] })).rejects.toMatchObject({
      code: 'not-found',
    });
    expect(await runs(remediation)).toEqual([]);
    remediation.close();
  });
});

describe('planning', () => {
  it('changes nothing and shows what each step would change', async () => {
    const remediation = await openFolder(folder);
    const { proposals } = await plan(remediation);
    expect(proposals[0]?.effects[0]?.effects).toEqual([
      { object: `${join(folder, 'a.conf')} at 18`, before: 'wrong', after: 'right' },
    ]);
    expect(proposals[0]?.decision?.automation).toBe('auto');
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
    expect(await runs(remediation)).toEqual([]);
    remediation.close();
  });

  it('takes what one step leaves for the value before a later one, and leaves out what does not change', async () => {
    const file = { '/project/a.conf': 'wrong' };
    const { open } = createTestHost({ instances: [{ name: 'orders' }], files: file });
    const changing: typeof brokenFiles = {
      ...brokenFiles,
      async plan(finding, host) {
        const made = await brokenFiles.plan(finding, host);
        const steps = ['no', 'unless-stopped', 'unless-stopped'].map((name) => ({
          action: 'container.update-restart-policy',
          params: { container: 'vrooli-postgres-orders', policy: { name, maximumRetryCount: 0 } },
        }));
        return made.type === 'refusal' ? made : { ...made, steps };
      },
    };
    const remediation = await openRemediation({ folder, host: open, onlyLooking: true, remediators: [changing] });
    const { proposals } = await plan(remediation);
    const object = 'vrooli-postgres-orders: restart policy';
    expect(proposals[0]?.effects.map(({ effects }) => effects)).toEqual([
      [{ object, before: 'unless-stopped', after: 'no' }],
      [{ object, before: 'no', after: 'unless-stopped' }],
      [],
    ]);
    remediation.close();
  });

  it('counts the same steps as the run does', async () => {
    const withCleanup: typeof brokenFiles = {
      ...brokenFiles,
      async plan(finding, host) {
        const made = await brokenFiles.plan(finding, host);
        return made.type === 'refusal'
          ? made
          : { ...made, steps: made.steps.slice(0, 2), cleanup: made.steps.slice(2) };
      },
      verify: async () => ({ result: 'verified', checks: [] }),
    };
    const remediation = await openFolder(folder, { remediators: [withCleanup] });
    const planned = (await plan(remediation)).proposals[0]?.effects ?? [];
    const steps: string[] = [];
    function onEvent(event: RemediationEvent): void {
      if (event.type === 'step' && event.state === 'applying')
        steps.push(`${event.index + 1} of ${event.of}: ${event.what}`);
    }
    await remediate(remediation, { onEvent });
    expect(steps).toEqual(planned.map(({ step }, index) => `${index + 1} of ${planned.length}: ${step}`));
    remediation.close();
  });
});

describe('a step that fails', () => {
  it('causes the rollback of all earlier steps', async () => {
    const remediation = await openFolder(folder, {
      atPoint: async (name) => {
        // An edit by another process between two of our steps.
        if (name === 'step 1 is recorded') await writeFile(join(folder, 'c.conf'), 'answer = theirs\n');
      },
    });
    const { runs: reports } = await remediate(remediation);
    expect(reports).toMatchObject([{ outcome: 'rolled-back', failure: { class: 'precondition' } }]);
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'theirs']);
    expect(reports[0]?.steps.map(({ state }) => state)).toEqual(['undone', 'undone', 'pending']);
    remediation.close();
  });

  it('ends as stuck, with a report and a suspension, if undo would overwrite changes by others', async () => {
    const remediation = await openFolder(folder, {
      atPoint: async (name) => {
        if (name === 'step 1 is recorded') await writeFile(join(folder, 'a.conf'), 'answer = theirs\n');
        if (name === 'step 1 is recorded') await writeFile(join(folder, 'c.conf'), 'answer = theirs\n');
      },
    });
    const { runs: reports } = await remediate(remediation);
    expect(reports).toMatchObject([{ outcome: 'stuck', failure: { class: 'rollback-failed' } }]);
    expect(await answers(folder)).toEqual(['theirs', 'wrong', 'theirs']);
    expect(await readFile(reports[0]?.dossier ?? '', 'utf8')).toContain('file\\.replace'.replace('\\', ''));
    expect(await remediation.session.store.suspensions.get('orders')).toBeDefined();
    remediation.close();
  });
});

describe('a repair that does not help', () => {
  const blind: Remediator = { ...brokenFiles, verify: async () => ({ result: 'impossible', checks: [] }) };
  const failing: Remediator = {
    ...brokenFiles,
    verify: async () => ({ result: 'not-verified', checks: [{ name: 'answer', ok: false, seen: 'no' }] }),
  };
  const stubborn: Remediator = {
    ...brokenFiles,
    async detect(host) {
      const text = (await host.files.read(join(folder, 'a.conf')))?.text ?? '';
      const { findings } = await brokenFiles.detect(host);
      return text.includes('right')
        ? { findings: [{ ...lastFinding, details: { folder } }], notLookedAt: [] }
        : { findings, notLookedAt: [] };
    },
  };
  const lastFinding = {
    id: 'broken-files/orders/wrong-text',
    remediator: 'broken-files',
    instance: 'orders',
    kind: 'wrong-text',
    summary: 'still there',
    risk: 'safe',
    evidence: [],
    problem: null,
  } as const;

  it.each([
    ['its verification says no', failing, 'step-failed'],
    ['its verification could not be asked', blind, 'unverified'],
    ['the same detector still finds it', stubborn, 'unverified'],
  ] as const)('is undone when %s', async (_when, remediator, failureClass) => {
    const remediation = await openFolder(folder, { remediators: [remediator] });
    const { runs: reports } = await remediate(remediation);
    expect(reports).toMatchObject([{ outcome: 'rolled-back', failure: { class: failureClass } }]);
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
    remediation.close();
  });
});

describe('data that may be damaged', () => {
  const watcher: Remediator = {
    ...brokenFiles,
    name: 'watcher',
    async detect() {
      const finding = {
        id: 'watcher/orders/damage',
        remediator: 'watcher',
        instance: 'orders',
        kind: 'damage',
        summary: 'a page of orders is damaged',
        risk: 'data',
        evidence: [],
        details: { folder },
        problem: null,
        corruption: true,
      } as const;
      return { findings: [finding], notLookedAt: [] };
    },
    plan: async () => ({ type: 'refusal', reason: 'It is damaged.', advice: 'Look.' }),
  };

  it('stops every other remediator on its instance, in every later call too, until you lift the suspension', async () => {
    const waiting = await openFolder(folder, { config: { automation: { 'broken-files': 'approve' } } });
    const { runs: before } = await remediate(waiting);
    waiting.close();

    const remediation = await openFolder(folder, { remediators: [watcher, brokenFiles] });
    const { runs: reports } = await remediate(remediation, { yes: true, automation: 'auto' });
    expect(reports.map(({ remediator, outcome }) => [remediator, outcome])).toEqual([
      ['broken-files', 'planned'],
      ['watcher', 'failed'],
    ]);
    remediation.close();

    const later = await openFolder(folder);
    const { runs: again } = await remediate(later, { yes: true, automation: 'auto' });
    expect(again).toMatchObject([{ outcome: 'planned', automation: 'human' }]);
    expect(again[0]?.reasons.join(' ')).toContain('a page of orders is damaged');
    await expect(approve(later, before[0]?.id ?? '', 'somebody')).rejects.toMatchObject({ code: 'step-refused' });
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);

    await later.session.store.suspensions.lift('orders', later.session.at());
    expect(await approve(later, before[0]?.id ?? '', 'somebody')).toMatchObject({ outcome: 'fixed' });
    later.close();
  });
});

describe('policy', () => {
  it('makes a run wait for approval, after which another process can run it', async () => {
    const first = await openFolder(folder, { config: { automation: { 'broken-files': 'approve' } } });
    const { runs: waiting } = await remediate(first);
    expect(waiting).toMatchObject([{ outcome: 'awaiting-approval' }]);
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
    first.close();

    const second = await openFolder(folder);
    expect(await approve(second, waiting[0]?.id ?? '', 'somebody')).toMatchObject({ outcome: 'fixed' });
    expect((await runs(second))[0]?.approvedBy).toBe('somebody');
    second.close();
  });

  it('never runs a plan with automation `human`, not even with --yes, and writes a report', async () => {
    const remediation = await openFolder(folder, { config: { automation: { 'broken-files': 'human' } } });
    const { runs: reports } = await remediate(remediation, { yes: true });
    expect(reports).toMatchObject([{ outcome: 'planned', automation: 'human' }]);
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
    const dossier = reports[0]?.dossier ?? '';
    expect(await readFile(dossier, 'utf8')).toContain('## What you must decide');
    expect((await stat(dossier)).mode & 0o777).toBe(0o600);
    remediation.close();
  });

  it('stops trying after two failures in a day', async () => {
    const failing: Remediator = { ...brokenFiles, verify: async () => ({ result: 'not-verified', checks: [] }) };
    const remediation = await openFolder(folder, { remediators: [failing] });
    const outcomes = [];
    for (let round = 0; round < 3; round += 1) outcomes.push((await remediate(remediation)).runs[0]?.outcome);
    expect(outcomes).toEqual(['rolled-back', 'rolled-back', 'planned']);
    remediation.close();
  });

  it('pauses everything while the file `paused` exists', async () => {
    const before = await openFolder(folder);
    before.close();
    await writeFile(join(folder, '.problems', 'paused'), '');
    const remediation = await openFolder(folder);
    expect((await remediate(remediation, { yes: true })).runs).toMatchObject([
      { outcome: 'planned', automation: 'human' },
    ]);
    remediation.close();
  });
});

describe('a stop request', () => {
  it('takes effect between two steps, and finished steps are undone', async () => {
    const stop = new AbortController();
    const remediation = await openFolder(folder, {
      atPoint: (name) => {
        if (name === 'step 0 is journalled') stop.abort();
      },
    });
    const { runs: reports } = await remediate(remediation, { signal: stop.signal });
    expect(reports).toMatchObject([{ outcome: 'rolled-back', failure: { class: 'interrupted' } }]);
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
    remediation.close();
  });
});

describe('rolling back a fixed run', () => {
  it('restores the old texts', async () => {
    const remediation = await openFolder(folder);
    const { runs: reports } = await remediate(remediation);
    expect(await rollback(remediation, reports[0]?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
    remediation.close();
  });

  it('is refused if the files have been changed since', async () => {
    const remediation = await openFolder(folder);
    const { runs: reports } = await remediate(remediation);
    await writeFile(join(folder, 'b.conf'), 'answer = right\n# ours\n');
    await expect(rollback(remediation, reports[0]?.id ?? '')).rejects.toMatchObject({ code: 'step-refused' });
    expect(await answers(folder)).toEqual(['right', 'right', 'right']);
    expect(await readFile(join(folder, 'b.conf'), 'utf8')).toContain('# ours');
    remediation.close();
  });
});

describe('files', () => {
  it('keep their mode', async () => {
    const { chmod } = await import('node:fs/promises');
    await chmod(join(folder, fileNames[0]), 0o640);
    const remediation = await openFolder(folder);
    await remediate(remediation);
    expect((await stat(join(folder, fileNames[0]))).mode & 0o777).toBe(0o640);
    remediation.close();
  });
});
