import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, type TestContext, vi } from 'vitest';
import { remediate, type RunReport } from '../../../src/app/remediation.ts';
import { soak } from '../../soak.ts';
import { createEngineClient } from '../engine.ts';
import { findInstance, query, startInstance, waitReady } from '../instance.ts';
import { holdPort, reservePorts } from '../ports.ts';
import { openPorts, stateFile } from '../remediators/open-ports.ts';
import { addOrders } from '../rows.ts';
import { createVolume, openRun, removeFolder, type Run } from '../run.ts';
import { labRuns } from '../support.ts';
import { ensureImages } from '../images/images.ts';
import { mayRunEngine, openSecondEngine, type SecondEngine } from './second-engine.ts';

const lab = await labRuns();
const rows = ['1000|625625.00'];

describe.skipIf(!lab || !mayRunEngine())('an engine restart during a move', () => {
  let engine: SecondEngine;
  let run: Run;
  let volume = '';
  beforeAll(async () => {
    const docker = createEngineClient();
    await ensureImages(docker, () => undefined);
    engine = await openSecondEngine(docker, 'problems-lab/postgres-seeded:17');
    const id = randomBytes(4).toString('hex');
    const folder = await mkdtemp(join(tmpdir(), `problems-lab-${id}-`));
    run = await openRun({ id, docker: engine.docker, folder, ports: await reservePorts(), prefix: `lab-${id}-` });
    volume = await createVolume(run, 'data');
    const host = { Binds: [`${volume}:/var/lib/postgresql/seeded`], RestartPolicy: { Name: 'always' } };
    await addOrders(await startInstance(run, { name: 'orders', storage: 'seeded', host }));
  });
  afterAll(async () => {
    await engine.close();
    await removeFolder(createEngineClient(), run.folder);
    await run.ports.release();
  });

  const ends = [
    ['SIGTERM', 'step 1 is recorded'],
    ['SIGTERM', 'step 3 is recorded'],
    ['SIGKILL', 'step 4 is applied'],
    ['SIGKILL', 'step 5 is applied'],
  ] as const;
  it.for(soak ? ends : [ends[1], ends[3]])(
    'by %s, when %s, lets the run end fixed or rolled back, with one server running',
    async ([signal, point], test) => {
      let starting: Promise<void> | undefined;
      const reports = await moved(test, async (name) => {
        if (name !== point) return;
        await engine.end(signal);
        // The run continues meanwhile, and waits.
        starting = sleep(1_000).then(() => engine.start());
      });
      await starting;
      expect(reports.map(({ outcome }) => outcome)).toEqual([expect.stringMatching(/^(fixed|rolled-back)$/)]);
    },
  );

  it('lets the run end rolled back if the new port is stolen too, with the old container running', async (test) => {
    const before = await findInstance(run, 'orders');
    const reports = await moved(test, async (name, port) => {
      if (name !== 'step 3 is recorded') return;
      await engine.end('SIGTERM');
      await engine.start();
      const thief = await holdPort(port);
      test.onTestFinished(() => thief.close());
    });
    expect(reports).toMatchObject([{ outcome: 'rolled-back' }]);
    expect((await findInstance(run, 'orders')).container.id).toBe(before.container.id);
  });

  /** Moves the instance, and checks what must hold of every end: one server on the volume, every row there. */
  async function moved(
    test: TestContext,
    atPoint: (name: string, newPort: number) => Promise<void>,
  ): Promise<readonly RunReport[]> {
    await removeAside();
    const { port } = await findInstance(run, 'orders');
    vi.stubEnv('DOCKER_HOST', engine.address);
    const ports = await openPorts(
      run,
      await stateFile(test),
      { reserved: { [String(port)]: 'somebody else' } },
      {
        // Runs of other state files are another machine's for a quarter of an hour.
        now: () => new Date(Date.now() + 3_600_000),
        atPoint: async (name) => {
          const lease = name === 'step 3 is recorded' ? (await ports.session.reader.leases.list())[0] : undefined;
          await atPoint(name, lease?.port ?? 0);
        },
      },
    );
    test.onTestFinished(() => ports.close());
    await ports.session.reader.docker.info();
    vi.unstubAllEnvs();
    const { runs } = await remediate(ports, { yes: true });
    expect(await serversOnVolume(), JSON.stringify(runs.map(({ outcome, failure }) => [outcome, failure]))).toBe(1);
    const instance = await findInstance(run, 'orders');
    await waitReady(instance);
    expect(await query(instance, 'select count(*), sum(amount) from orders')).toEqual(rows);
    return runs;
  }

  async function serversOnVolume(): Promise<number> {
    return (await run.docker.listContainers({ filters: JSON.stringify({ volume: [volume] }) })).length;
  }

  async function removeAside(): Promise<void> {
    for (const { Id, Names } of await run.docker.listContainers({ all: true }))
      if (Names.some((one) => one.includes('.pgops-old-'))) await run.docker.getContainer(Id).remove();
  }
});
