import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { remediate, rollback, type Step } from '../../../src/app/remediation.ts';
import { startInstance } from '../instance.ts';
import { createRun, labRuns } from '../support.ts';
import { openAsked } from './asked.ts';

describe.skipIf(!(await labRuns()))('the volume of a rolled-back run', () => {
  it('is listed with a command that removes it, unless someone else created it', async (test) => {
    const run = await createRun(test);
    const instance = await startInstance(run, { name: 'orders', storage: 'bind' });
    const { Image } = await instance.container.inspect();
    const [volume, archive] = [`${run.prefix}copied`, `${run.prefix}copied-archive`];
    const container = instance.container.id;
    const steps: readonly Step[] = [
      { action: 'volume.prepare', params: { volume: archive, image: Image, uid: 999, gid: 999 } },
      { action: 'container.stop', params: { container } },
      { action: 'volume.copy', params: { source: instance.data ?? '', volume, image: Image } },
      { action: 'container.start', params: { container } },
    ];
    const remediation = await openAsked(run, { instance: 'orders', steps, verified: true });
    const { runs } = await remediate(remediation, { yes: true });
    expect(runs).toMatchObject([{ outcome: 'fixed', leftovers: [] }]);
    const { outcome, leftovers } = await rollback(remediation, runs[0]?.id ?? '');
    remediation.close();
    expect(outcome).toBe('rolled-back');
    expect(leftovers.map(({ object }) => object)).toEqual([`volume ${archive}`, `volume ${volume}`]);

    const [, copied] = leftovers;
    const sh = promisify(execFile);
    await sh('sh', ['-c', copied?.command ?? '']);
    await expect(run.docker.getVolume(volume).inspect()).rejects.toMatchObject({ statusCode: 404 });
    await run.docker.getVolume(archive).inspect();

    await run.docker.createVolume({ Name: volume, Labels: run.labels });
    await expect(sh('sh', ['-c', copied?.command ?? ''])).rejects.toMatchObject({ code: 1 });
    await run.docker.getVolume(volume).inspect();
    await run.docker.getVolume(volume).remove();
    await run.docker.getVolume(archive).remove();
  });
});
