import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { remediate, type Remediation } from '../../../src/app/remediation.ts';
import type { RunChange } from '../../../src/remediation/store/store.ts';
import { brokenFolder, openFolder, removeFolder } from '../broken-files.ts';

/** Runs of which someone may have to know: the service asks for them at each phase of a run. */
describe('pending runs', () => {
  let folder: string;
  let remediation: Remediation;
  let minute = 0;
  beforeAll(async () => {
    folder = await brokenFolder();
    remediation = await openFolder(folder, { config: { automation: { 'broken-files': 'approve' } } });
    await remediate(remediation);
  });
  afterAll(async () => {
    remediation.close();
    await removeFolder(folder);
  });

  /** A run about a finding, a minute after the one before. */
  async function note(id: string, finding: string, change: RunChange, project?: string): Promise<void> {
    const { runs } = remediation.session.store;
    const [first] = await runs.list({ limit: 1 });
    if (first === undefined) throw new Error('there is no run');
    minute += 1;
    const at = new Date(Date.UTC(2999, 0, 1, 0, minute)).toISOString();
    await runs.create({
      ...first,
      id,
      project: project ?? first.project,
      plan: { ...first.plan, finding: { ...first.plan.finding, id: finding } },
      phase: 'planned',
      at,
    });
    await runs.changeWaiting(id, change, at);
  }

  it('are those that wait, are stuck or have not ended, unless a later one is about the same finding', async () => {
    await note('waits', 'a', { phase: 'awaiting-approval' });
    await note('waits-replaced', 'b', { phase: 'awaiting-approval' });
    await note('stuck', 'c', { phase: 'ended', outcome: 'stuck' });
    await note('stuck-replaced', 'd', { phase: 'ended', outcome: 'stuck' });
    await note('runs', 'd', { phase: 'running' });
    await note('fixed', 'b', { phase: 'ended', outcome: 'fixed' });
    await note('runs-and-replaced', 'e', { phase: 'undoing' });
    await note('fixed-later', 'e', { phase: 'ended', outcome: 'fixed' });
    await note('planned', 'f', { phase: 'planned' });
    await note('of-another-project', 'g', { phase: 'awaiting-approval' }, '/elsewhere');
    const { store, project } = remediation.session;
    const ids = (await store.runs.pending(project)).map(({ id }) => id);
    expect(ids.slice(0, 4)).toEqual(['runs-and-replaced', 'runs', 'stuck', 'waits']);
    // The last one is the run that the engine itself has made.
    expect(ids).toHaveLength(5);
  });
});
