import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  approve,
  bindCall,
  detect,
  type Remediation,
  type RemediationEvent,
  type RequestedWork,
  review,
  runs,
  submit,
} from '../../../src/app/remediation.ts';
import { answers, brokenFiles, brokenFolder, openFolder, removeFolder } from '../broken-files.ts';

let folder = '';
beforeEach(async () => {
  folder = await brokenFolder();
});
afterEach(async () => removeFolder(folder));

/** A request to repair only the first file: the detector still finds the other two. */
async function request(remediation: Remediation): Promise<RequestedWork> {
  const { reader } = remediation.session;
  const [finding] = (await brokenFiles.detect(reader)).findings;
  if (finding === undefined) throw new Error('the files are right');
  const plan = await brokenFiles.plan(finding, reader);
  if (plan.type === 'refusal') throw new Error(plan.reason);
  return { finding, plan: { ...plan, requested: true, steps: plan.steps.slice(0, 1) } };
}

describe('submitted work', () => {
  it('runs with journal and verification, and no detector runs again', async () => {
    const remediation = await openFolder(folder, {
      remediators: [{ ...brokenFiles, verify: async () => ({ result: 'verified', checks: [] }) }],
    });
    expect(await submit(remediation, await request(remediation))).toMatchObject({
      outcome: 'fixed',
      remediator: 'broken-files',
      problem: null,
    });
    expect(await answers(folder)).toEqual(['right', 'wrong', 'wrong']);
    expect((await runs(remediation))[0]?.plan.requested).toBe(true);
    remediation.close();
  });

  it('is rolled back when it cannot be verified', async () => {
    const remediation = await openFolder(folder);
    expect(await submit(remediation, await request(remediation))).toMatchObject({ outcome: 'rolled-back' });
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
    remediation.close();
  });

  it('waits for approval if the caller requires it, and runs once approved', async () => {
    const remediation = await openFolder(folder, {
      remediators: [{ ...brokenFiles, verify: async () => ({ result: 'verified', checks: [] }) }],
    });
    const report = await submit(remediation, await request(remediation), { automation: 'approve' });
    expect(report).toMatchObject({ outcome: 'awaiting-approval' });
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
    expect(await approve(remediation, report.id ?? '', 'operator')).toMatchObject({ outcome: 'fixed' });
    remediation.close();
  });

  it('is reported as failed when its plan is a refusal', async () => {
    const remediation = await openFolder(folder);
    const { finding } = await request(remediation);
    const plan = { type: 'refusal', reason: 'No.', advice: 'Ask again.' } as const;
    expect(await submit(remediation, { finding, plan })).toMatchObject({
      outcome: 'failed',
      failure: { class: 'unsafe', message: 'No. Ask again.' },
    });
    remediation.close();
  });

  it('can be reviewed without a change', async () => {
    const remediation = await openFolder(folder);
    const proposal = await review(remediation, await request(remediation));
    expect(proposal.decision?.automation).toBe('auto');
    expect(proposal.effects).toHaveLength(1);
    expect(await runs(remediation)).toEqual([]);
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
    remediation.close();
  });
});

describe('a call', () => {
  it('emits its events in order to its own listener', async () => {
    const remediation = await openFolder(folder);
    const events: RemediationEvent[] = [];
    await detect(remediation, { onEvent: (event) => events.push(event) });
    await detect(remediation);
    expect(events.map(({ type }) => type)).toEqual(['round', 'check', 'check', 'finding', 'round']);
    expect(events.at(-1)).toEqual({ type: 'round', state: 'ended', findings: 1, skipped: 0 });
    remediation.close();
  });

  it('emits phases and steps of a run', async () => {
    const remediation = await openFolder(folder);
    const events: RemediationEvent[] = [];
    await submit(remediation, await request(remediation), { onEvent: (event) => events.push(event) });
    const told = events.map((event) =>
      event.type === 'run' ? event.phase : event.type === 'step' ? event.state : event.type,
    );
    expect(told).toEqual(['preparing', 'running', 'applying', 'verifying', 'undoing', 'undoing', 'ended']);
    expect(events.at(-1)).toMatchObject({ type: 'run', phase: 'ended', outcome: 'rolled-back' });
    remediation.close();
  });

  it('opens no second host for a signal that it is bound to', async () => {
    const remediation = await openFolder(folder);
    const { signal } = new AbortController();
    const bound = bindCall(remediation, { signal });
    expect(bound.session.reader).not.toBe(remediation.session.reader);
    expect(bindCall(bound, { signal }).session.reader).toBe(bound.session.reader);
    remediation.close();
  });

  it('rejects with the reason of its signal, and leaves the remediation usable', async () => {
    const remediation = await openFolder(folder);
    const reason = new Error('stopped');
    await expect(detect(remediation, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect((await detect(remediation)).findings).toHaveLength(1);
    remediation.close();
  });
});
