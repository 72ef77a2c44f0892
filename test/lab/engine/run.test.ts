import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { plan, remediate, resume, rollback, runs } from '../../../src/app/remediation.ts';
import { startInstance } from '../instance.ts';
import type { Run } from '../run.ts';
import { snapshotEngine } from '../snapshot.ts';
import { createRun, labRuns } from '../support.ts';
import { openExample } from './example.ts';
import { forwardEngine } from './forwarder.ts';

describe.skipIf(!(await labRuns()))('a run on a real engine', () => {
  it('repairs with a remediator and an action of a plugin, and rolls back on request', async (test) => {
    const run = await createRun(test);
    const { container } = await startInstance(run, {
      name: 'orders',
      storage: 'bind',
      host: { RestartPolicy: { Name: 'no' } },
    });
    const remediation = await openExample(run);
    const note = join(run.folder, 'resources/postgres/instances/orders/NOTE');

    const before = await worldOf(run);
    const { proposals } = await plan(remediation);
    expect(proposals[0]?.decision?.automation).toBe('auto');
    expect(await worldOf(run)).toEqual(before);

    const { runs: reports } = await remediate(remediation);
    expect(reports).toMatchObject([{ outcome: 'fixed', instance: 'orders', downtimeMs: 0 }]);
    expect((await container.inspect()).HostConfig.RestartPolicy?.Name).toBe('unless-stopped');
    expect(await readFile(note, 'utf8')).toContain('unless-stopped');

    expect(await rollback(remediation, reports[0]?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
    expect((await container.inspect()).HostConfig.RestartPolicy?.Name).toBe('no');
    await expect(readFile(note)).rejects.toThrow('ENOENT');
    remediation.close();
  });

  it('does not start if another machine has just created a container on the same data', async (test) => {
    const run = await createRun(test);
    const { containerName } = await startInstance(run, {
      name: 'orders',
      storage: 'volume',
      host: { RestartPolicy: { Name: 'no' } },
      container: { Labels: { 'problems.run': 'r-of-another-machine' } },
    });
    const remediation = await openExample(run);
    const { runs: reports } = await remediate(remediation);
    expect(reports).toMatchObject([
      { outcome: 'failed', failure: { class: 'conflict', message: expect.stringContaining(containerName) } },
    ]);
    remediation.close();
  });

  it('stops the second server on a volume first when it is resumed, and suspends the instance', async (test) => {
    const run = await createRun(test);
    const first = await startInstance(run, {
      name: 'orders',
      storage: 'volume',
      host: { RestartPolicy: { Name: 'no' } },
    });
    const child = join(import.meta.dirname, 'child.ts');
    const [, signal] = await once(
      spawn(process.execPath, [child, run.folder, run.prefix, 'step 0 is applied']),
      'close',
    );
    expect(signal).toBe('SIGKILL');

    const remediation = await openExample(run);
    const [open] = await runs(remediation);
    const second = await run.docker.createContainer({
      name: `${first.containerName}-second`,
      Image: (await first.container.inspect()).Image,
      Labels: { ...run.labels, 'problems.run': open?.id ?? '' },
      HostConfig: { Binds: [`${first.data}:/var/lib/postgresql/data`] },
    });
    await second.start();
    expect(await resume(remediation)).toMatchObject([{ outcome: 'rolled-back', failure: { class: 'data-risk' } }]);
    expect((await second.inspect()).State.Running).toBe(false);
    expect((await first.container.inspect()).State.Running).toBe(true);
    expect((await remediate(remediation, { yes: true })).runs).toMatchObject([
      { outcome: 'planned', automation: 'human' },
    ]);
    remediation.close();
  });

  it.for([
    ['comes back within its patience, and is fixed', 1_000, 'fixed'],
    ['does not come back: it stays open, and resume ends it', undefined, 'stuck'],
  ] as const)('waits for an engine that %s', async ([, returnsAfterMs, outcome], test) => {
    const run = await createRun(test);
    const { container } = await startInstance(run, {
      name: 'orders',
      storage: 'volume',
      host: { RestartPolicy: { Name: 'no' } },
    });
    const forwarder = await forwardEngine(join(run.folder, 'engine.sock'));
    vi.stubEnv('DOCKER_HOST', forwarder.address);
    const remediation = await openExample(run, {
      patienceMs: returnsAfterMs === undefined ? 1_000 : 20_000,
      atPoint: async (name) => {
        if (name !== 'step 0 is journalled') return;
        await forwarder.close();
        if (returnsAfterMs !== undefined) setTimeout(() => void forwarder.open(), returnsAfterMs);
      },
    });
    const { runs: reports } = await remediate(remediation);
    vi.unstubAllEnvs();
    expect(reports).toMatchObject([{ outcome }]);
    if (outcome === 'stuck') {
      expect(reports).toMatchObject([{ failure: { class: 'transient' } }]);
      await forwarder.open();
      expect(await resume(remediation)).toMatchObject([{ outcome: 'rolled-back' }]);
    }
    expect((await container.inspect()).HostConfig.RestartPolicy?.Name).toBe(
      outcome === 'fixed' ? 'unless-stopped' : 'no',
    );
    remediation.close();
    await forwarder.close();
  });
});

/** Everything but the tool's own state. */
async function worldOf(run: Run): Promise<unknown> {
  const { files, ...engine } = await snapshotEngine(run);
  return { ...engine, files: Object.entries(files).filter(([path]) => !path.startsWith('.problems/')) };
}
