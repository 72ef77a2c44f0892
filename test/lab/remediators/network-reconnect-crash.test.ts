import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runs } from '../../../src/app/remediation.ts';
import { startGui } from '../gui.ts';
import { oneOf, someOf } from '../../soak.ts';
import { waitReady } from '../instance.ts';
import type { Run } from '../run.ts';
import { closeTestRun, labRuns, openTestRun } from '../support.ts';
import { inProcess, type Opened, withRemediation } from './crash.ts';
import { startClient, startServer } from './network-causes.ts';

const lab = await labRuns();

describe.skipIf(!lab)('a repair of networks whose process is killed', { concurrent: true, timeout: 600_000 }, () => {
  let run: Run;
  beforeAll(async () => {
    run = await openTestRun();
  });
  afterAll(() => closeTestRun(run));

  it('connects the client once, however often it is killed and resumed', async () => {
    const { points } = await inProcess((await outside(run, 'whole')).opened);
    expect(points.length).toBeGreaterThan(10);
    for (const [index, some] of oneOf(inTwo(someOf(points))).entries()) {
      const world = await outside(run, `killed-${index}`);
      expect(await killedAtEach(world, some)).toBe('fixed');
      expect(await networksOf(world.client)).toEqual([`${run.prefix}other`, run.network]);
    }
  });

  it('leaves the client as it was, however often a rollback is killed and resumed', async () => {
    const { points } = await inProcess((await outside(run, 'refused', 'not-this-one')).opened);
    const way = points.slice(points.indexOf('phase verifying begins'));
    expect(way.length).toBeGreaterThan(6);
    const world = await outside(run, 'refused-killed', 'not-this-one');
    expect(await killedAtEach(world, someOf(way))).toBe('rolled-back');
    expect(await networksOf(world.client)).toEqual([`${run.prefix}other`]);
  });

  it("restores a server's alias on its network, wherever it is killed", async () => {
    const steps = ['begins', 'is journalled', 'is applied', 'is recorded'].map((point) => `step 0 ${point}`);
    for (const [index, some] of oneOf(inTwo(steps)).entries()) {
      const world = await nameless(run, `nameless-${index}`);
      expect(await killedAtEach(world, some)).toBe('fixed');
      expect(await networksOf(world.server)).toEqual([run.network]);
    }
  });
});

/** A process that finds a step applied records it immediately and skips the point of the record. */
function inTwo(points: readonly string[]): readonly (readonly string[])[] {
  const isRecorded = (point: string): boolean => /^step \d+ is recorded$/.test(point);
  return [points.filter((point) => !isRecorded(point)), points.filter(isRecorded)];
}

interface World {
  readonly opened: Opened;
  readonly server: Docker.Container;
  readonly client: Docker.Container;
}

/** A server and a client on another network that uses the server's name. */
async function outside(run: Run, name: string, password?: string): Promise<World> {
  const server = await startServer(run, name);
  const client = await startClient(run, server, {
    network: `${run.prefix}other`,
    ...(password === undefined ? {} : { password }),
  });
  await waitReady(server);
  return { opened: await openedOn(run, name), server: server.container, client };
}

/** A server and a GUI on one network; the GUI uses a name that the server does not have. */
async function nameless(run: Run, name: string): Promise<World> {
  const server = await startServer(run, name);
  const gui = await startGui(run, server, { address: `${name}-db` });
  await waitReady(server);
  return { opened: await openedOn(run, name), server: server.container, client: gui.container };
}

/** With a separate folder, and so a separate journal. */
async function openedOn({ folder: project, prefix, network }: Run, instance: string): Promise<Opened> {
  const folder = join(project, instance);
  await mkdir(folder);
  return {
    remediator: 'network-reconnect',
    run: { folder, prefix },
    settings: { sharedNetworks: [network] },
    options: { instances: [instance] },
  };
}

/**
 * One process remediates and is killed at the first point, the next resumes and is killed at the second, and so on; the
 * last one is left alone. Returns the outcome in the journal.
 */
async function killedAtEach({ opened }: World, points: readonly string[]): Promise<string | null | undefined> {
  for (const [index, killAt] of points.entries()) {
    const { signal } = await inProcess({ ...opened, action: index === 0 ? 'remediate' : 'resume', killAt });
    expect(signal, killAt).toBe('SIGKILL');
  }
  await inProcess({ ...opened, action: 'resume' });
  let outcome: string | null | undefined;
  await withRemediation(opened, async (remediation) => {
    outcome = (await runs(remediation))[0]?.outcome;
  });
  return outcome;
}

async function networksOf(container: Docker.Container): Promise<readonly string[]> {
  return Object.keys((await container.inspect()).NetworkSettings.Networks).sort();
}
