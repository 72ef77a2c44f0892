import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { runs } from '../../../src/app/remediation.ts';
import { startGui } from '../gui.ts';
import { waitReady } from '../instance.ts';
import type { Run } from '../run.ts';
import { closeTestRun, labRuns, openTestRun } from '../support.ts';
import { startClient, startServer } from './network-causes.ts';
import { openNetworks } from './open-networks.ts';
import { stateFile } from './open-ports.ts';

const child = fileURLToPath(new URL('network-reconnect-child.ts', import.meta.url));

describe.skipIf(!(await labRuns()))('network-reconnect, killed at any point of its run', () => {
  let run: Run;
  beforeAll(async () => {
    run = await openTestRun();
  });
  afterAll(() => closeTestRun(run));

  it.concurrent('goes on from each by resume, and ends as fixed with the client connected once', async (test) => {
    const points = (await inChild(await outside(run, 'whole'), await stateFile(test), 'remediate')).points;
    expect(points.length).toBeGreaterThan(10);
    for (const [index, some] of inTwo(points).entries()) {
      const world = await outside(run, `killed-${index}`);
      expect(await killedAtEach(test, world, some)).toBe('fixed');
      expect(await networksOf(world.client)).toEqual([`${run.prefix}other`, run.network]);
    }
  });

  it.concurrent('goes on going back, and ends as rolled back with the client as it was', async (test) => {
    const { points } = await inChild(await outside(run, 'refused', 'not-this-one'), await stateFile(test), 'remediate');
    const way = points.slice(points.indexOf('phase verifying begins'));
    expect(way.length).toBeGreaterThan(6);
    const world = await outside(run, 'refused-killed', 'not-this-one');
    expect(await killedAtEach(test, world, way)).toBe('rolled-back');
    expect(await networksOf(world.client)).toEqual([`${run.prefix}other`]);
  });

  it.concurrent('puts a server back on its network under its new name, wherever it was cut off', async (test) => {
    const steps = ['begins', 'is journalled', 'is applied', 'is recorded'].map((point) => `step 0 ${point}`);
    for (const [index, some] of inTwo(steps).entries()) {
      const world = await nameless(run, `nameless-${index}`);
      expect(await killedAtEach(test, world, some)).toBe('fixed');
      expect(await networksOf(world.server)).toEqual([run.network]);
    }
  });
});

/** A process that finds a step applied records it at once: it does not come by the point where that is recorded. */
function inTwo(points: readonly string[]): readonly (readonly string[])[] {
  const isRecorded = (point: string): boolean => /^step \d+ is recorded$/.test(point);
  return [points.filter((point) => !isRecorded(point)), points.filter(isRecorded)];
}

interface World {
  readonly run: Run;
  readonly instance: string;
  readonly server: Docker.Container;
  readonly client: Docker.Container;
}

/** A server and a client on another network that was told its name. */
async function outside(run: Run, name: string, password?: string): Promise<World> {
  const server = await startServer(run, name);
  const client = await startClient(run, server, {
    network: `${run.prefix}other`,
    ...(password === undefined ? {} : { password }),
  });
  await waitReady(server);
  return { run, instance: name, server: server.container, client };
}

/** A server and a GUI on one network, which was told a name that the server does not have. */
async function nameless(run: Run, name: string): Promise<World> {
  const server = await startServer(run, name);
  const gui = await startGui(run, server, { address: `${name}-db` });
  await waitReady(server);
  return { run, instance: name, server: server.container, client: gui.container };
}

interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly points: readonly string[];
}

/** Remediates, or resumes, in a process of its own. */
async function inChild(
  { run, instance }: World,
  state: string,
  ...what: readonly ['remediate' | 'resume', string?]
): Promise<Ended> {
  const args = [
    child,
    run.folder,
    run.prefix,
    state,
    instance,
    run.network,
    ...what.filter((word) => word !== undefined),
  ];
  const started = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  started.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  started.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code, signal] = await once(started, 'close');
  if (code !== 0 && signal === null) throw new Error(stderr);
  return { signal, points: stdout === '' ? [] : JSON.parse(stdout).points };
}

/**
 * One process remediates and is killed at the first point, the next resumes and is killed at the second, and so on; the
 * last one is left alone. Returns the outcome in the journal.
 */
async function killedAtEach(
  test: Pick<TestContext, 'onTestFinished'>,
  world: World,
  points: readonly string[],
): Promise<string | null | undefined> {
  const state = await stateFile(test);
  for (const [index, point] of points.entries()) {
    const { signal } = await inChild(world, state, index === 0 ? 'remediate' : 'resume', point);
    expect(signal, point).toBe('SIGKILL');
  }
  await inChild(world, state, 'resume');
  const networks = await openNetworks(world.run, state);
  const [record] = await runs(networks);
  networks.close();
  return record?.outcome;
}

async function networksOf(container: Docker.Container): Promise<readonly string[]> {
  return Object.keys((await container.inspect()).NetworkSettings.Networks).sort();
}
