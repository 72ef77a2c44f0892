import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, type TestContext } from 'vitest';
import { resume, runs as journal } from '../../../src/app/remediation.ts';
import { someOf } from '../../soak.ts';
import { findInstance, query, startInstance, waitReady } from '../instance.ts';
import { openPorts, stateFile } from '../remediators/open-ports.ts';
import { addOrders } from '../rows.ts';
import { createVolume, type Run } from '../run.ts';
import { createRun, labRuns } from '../support.ts';

const name = 'orders';

describe.skipIf(!(await labRuns()))(
  'a process that is killed at any point',
  { concurrent: true, timeout: 1_800_000 },
  () => {
    it('while moving a running instance to another port leaves a run that resume ends, with one server and every row', async (test) => {
      const turns = await movable(test);
      const { points, outcomes } = await turns.next();
      expect(outcomes).toEqual(['fixed']);
      expect(points).toContain('step 5 is applied');
      for (const point of someOf(points)) expect(await turns.killed(point), point).toBe('fixed');
    });

    it('while rolling back from a stolen port leaves a run that resume ends as rolled back, with one server and every row', async (test) => {
      const turns = await movable(test);
      const stealAt = 'step 3 is recorded';
      const { points, outcomes } = await turns.next({ stealAt });
      expect(outcomes).toEqual(['rolled-back']);
      const way = points.slice(points.indexOf('phase undoing begins'));
      expect(way.length).toBeGreaterThan(12);
      for (const point of someOf(way)) expect(await turns.killed(point, stealAt), point).toBe('rolled-back');
    });
  },
);

interface Ended {
  readonly points: readonly string[];
  readonly outcomes: readonly string[];
  readonly signal: string | null;
}

interface Turns {
  /** Moves the instance from the port it has now. */
  next(fault?: { readonly killAt?: string; readonly stealAt?: string }): Promise<Ended>;
  /** The same, killed and resumed. What must hold of every end is checked; returns how the run ended. */
  killed(point: string, stealAt?: string): Promise<string | null | undefined>;
}

async function movable(test: TestContext): Promise<Turns> {
  const run = await createRun(test);
  const state = await stateFile(test);
  const volume = await createVolume(run, `${name}-data`);
  const host = { Binds: [`${volume}:/var/lib/postgresql/seeded`] };
  await addOrders(await startInstance(run, { name, storage: 'seeded', host }));
  /** Each turn is days after the one before: what failed in one does not stop the next. */
  let aheadMs = 0;

  async function next(fault: { readonly killAt?: string; readonly stealAt?: string } = {}): Promise<Ended> {
    aheadMs += 2 * 86_400_000;
    await removeAside(run, volume);
    const { port } = await findInstance(run, name);
    const { id, prefix, folder, ports } = run;
    const asked = JSON.stringify({ settings: { id, prefix, folder, ports }, state, port, aheadMs, ...fault });
    const child = spawn(process.execPath, [join(import.meta.dirname, 'moving-child.ts'), asked], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said, [, signal]] = await Promise.all([text(child.stdout), once(child, 'close')]);
    return { points: [], outcomes: [], ...(said === '' ? {} : JSON.parse(said)), signal };
  }

  return {
    next,
    async killed(point, stealAt) {
      const { port } = await findInstance(run, name);
      const { signal } = await next({ killAt: point, ...(stealAt === undefined ? {} : { stealAt }) });
      expect(signal, point).toBe('SIGKILL');
      expect(await serversOn(run, volume), point).toBeLessThanOrEqual(1);
      const reserved = { [String(port)]: 'somebody else' };
      const ports = await openPorts(run, state, { reserved }, { now: () => new Date(Date.now() + aheadMs) });
      try {
        const [report] = await resume(ports);
        expect(await serversOn(run, volume), point).toBe(1);
        const instance = await findInstance(run, name);
        await waitReady(instance);
        expect(await query(instance, 'select count(*), sum(amount) from orders'), point).toEqual(['1000|625625.00']);
        // At the last point the run was over already.
        return report?.outcome ?? (await journal(ports))[0]?.outcome;
      } finally {
        ports.close();
      }
    },
  };
}

async function onVolume(run: Run, volume: string): ReturnType<Run['docker']['listContainers']> {
  return run.docker.listContainers({ all: true, filters: JSON.stringify({ volume: [volume] }) });
}

async function serversOn(run: Run, volume: string): Promise<number> {
  return (await onVolume(run, volume)).filter(({ State }) => State === 'running').length;
}

/** Leftovers that an operator removes after a fix; their port counts as claimed until then. */
async function removeAside(run: Run, volume: string): Promise<void> {
  for (const { Id, Names } of await onVolume(run, volume))
    if (Names.some((one) => one.includes('.pgops-old-'))) await run.docker.getContainer(Id).remove();
}
