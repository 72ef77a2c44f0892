import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { detect, openRemediation, remediate, rollback } from 'problem-registry/remediation';
import { checkAction, checkRemediator, createTestHost, type TestHost } from 'problem-registry/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { writeNote } from './note.ts';
import { missingRestartPolicy } from './remediator.ts';

/** One instance without a restart policy, one with. */
function brokenHost(): TestHost {
  return createTestHost({
    instances: [
      { name: 'orders', container: { restartPolicy: { name: 'no', maximumRetryCount: 0 } } },
      { name: 'billing' },
    ],
    files: { '/project/instances/orders/config/instance.conf': 'port="5434"\n' },
  });
}

describe('note.write', () => {
  it.each([[{}], [{ '/project/NOTE': 'old' }]])('keeps its contract with the files %j', async (files) => {
    const { acting, world } = createTestHost({ files });
    await checkAction(writeNote, { params: { path: '/project/NOTE', text: 'new' }, host: acting, world });
  });
});

describe('missing-restart-policy', () => {
  it('finds and plans for the instance without a policy only', async () => {
    const { detection, plans } = await checkRemediator(missingRestartPolicy, {
      host: brokenHost().reader,
      actions: [writeNote],
    });
    expect(detection.findings.map(({ id }) => id)).toEqual(['missing-restart-policy/orders/no-policy']);
    expect(plans).toMatchObject([
      { type: 'plan', steps: [{}, { params: { path: '/project/instances/orders/NOTE' } }] },
    ]);
  });

  it('refuses to plan for a container that was recreated', async () => {
    const { reader } = brokenHost();
    const [finding] = (await missingRestartPolicy.detect(reader)).findings;
    if (finding === undefined) throw new Error('nothing was found');
    const stale = { ...finding, details: { ...finding.details, container: 'another' } };
    expect(await missingRestartPolicy.plan(stale, reader)).toMatchObject({ type: 'refusal' });
  });

  it('is run, verified and rolled back by the engine', async () => {
    const { open, world } = brokenHost();
    const broken = world();
    const folder = await mkdtemp(join(tmpdir(), 'plugin-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const remediation = await openRemediation({
      folder: import.meta.dirname,
      config: { state: join(folder, 'state.db') },
      plugins: ['./index.ts'],
      remediators: [],
      host: open,
    });
    const { runs } = await remediate(remediation);
    expect(runs).toMatchObject([{ outcome: 'fixed', instance: 'orders' }]);
    expect((await detect(remediation)).findings).toEqual([]);
    expect(world()).toMatchObject({ files: { '/project/instances/orders/NOTE': 'restart policy: unless-stopped\n' } });
    await rollback(remediation, runs[0]?.id ?? '');
    expect(world()).toEqual(broken);
    remediation.close();
  });
});
