import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { leasePort, listPorts } from '../../../src/app/remediation.ts';
import { soak } from '../../soak.ts';
import { holdPort } from '../ports.ts';
import { removeObjects, type Run } from '../run.ts';
import { createRun, labRuns } from '../support.ts';
import type { LeaseJob } from './lease-worker.ts';
import { openPorts, stateFile } from './open-ports.ts';

/** In soak every container is started. The short form creates them and starts none. */
const size = soak
  ? { processes: 8, each: 8, killed: 3, start: true }
  : { processes: 4, each: 4, killed: 1, start: false };

/** Below the range that clients take ports from, above the blocks of the lab's runs. */
const soakRange = { first: 30_000, last: 30_099 };

describe.skipIf(!(await labRuns()))(
  `${size.processes * size.each} instances created at once by ${size.processes} processes`,
  () => {
    it(
      'with leases: some processes are killed in the middle, no two instances share a port, and no lease is left over',
      async (test) => {
        const run = await widened(await createRun(test));
        const state = await stateFile(test);
        const killed: string[] = [];
        const begun = performance.now();
        await Promise.all(
          jobs(run, state, 'lease').map(async (job, index) => {
            if (index >= size.killed) return finish(job);
            // A different moment for each: its port is leased, and its container is not there yet.
            const at = 1 + (index % (job.instances.length - 1));
            const child = startWorker(job);
            for await (const [word, instance] of child.lines) {
              if (word === 'port' && instance === job.instances[at]) child.process.kill('SIGKILL');
            }
            expect(await child.ended).toBe('SIGKILL');
            killed.push(job.instances[at] ?? '');
            // Another process continues with them; the unfinished work of the killed one is abandoned.
            return finish({ ...job, instances: job.instances.slice(index === 0 ? at + 1 : at) });
          }),
        );
        const took = Math.round(performance.now() - begun);

        const claimed = await claimedPorts(run);
        expect(killed).toHaveLength(size.killed);
        expect(claimed).toHaveLength(size.processes * size.each - 1);
        expect(new Set(claimed).size, 'no two containers declare one port').toBe(claimed.length);
        if (size.start) expect(await runningOf(run)).toBe(claimed.length);

        const later = await openPorts(run, state, {}, { now: () => new Date(Date.now() + 10 * 60_000) });
        test.onTestFinished(() => later.close());
        const leasesAtOnce = await openPorts(run, state);
        const held = (await listPorts(leasesAtOnce)).filter(({ holders }) => holders.length > 0);
        leasesAtOnce.close();
        expect(held.length, 'until it expires, the lease of the one given up keeps its port').toBe(claimed.length + 1);

        await listPorts(later);
        const leases = await later.session.reader.leases.list();
        expect(leases.map(({ port }) => port)).toEqual([...claimed].sort((a, b) => a - b));
        expect(leases.every(({ state }) => state === 'bound')).toBe(true);

        await removeObjects({ docker: run.docker, run: run.id });
        await listPorts(later);
        expect(await later.session.reader.leases.list(), 'with their containers gone, no lease is left').toEqual([]);
        process.stderr.write(
          `leases: ${claimed.length} instances, ${killed.length} processes killed, ${new Set(claimed).size} different ports, ${took} ms\n`,
        );
      },
      soak ? 600_000 : undefined,
    );

    it(
      'with a plain scan, for comparison: several instances get the same port, and only one of these starts',
      async (test) => {
        const run = await widened(await createRun(test));
        const begun = performance.now();
        const started: number[] = [];
        let created = 0;
        await Promise.all(
          jobs(run, join(run.folder, 'unused.db'), 'scan').map(async (job) => {
            const child = startWorker({ ...job, start: true });
            for await (const [word, , port] of child.lines) {
              if (word !== 'created') continue;
              created += 1;
              if (port !== '0') started.push(Number(port));
            }
            expect(await child.ended).toBe(0);
          }),
        );
        const took = Math.round(performance.now() - begun);
        const claimed = await claimedPorts(run);
        expect(created).toBe(size.processes * size.each);
        expect(new Set(claimed).size).toBeLessThan(claimed.length);
        process.stderr.write(
          `scan: ${created} instances, ${new Set(claimed).size} different ports, ${created - started.length} did not start, ${took} ms\n`,
        );
      },
      soak ? 600_000 : undefined,
    );

    it('get no port that is in use, and an instance that asks again keeps and extends its lease', async (test) => {
      const run = await createRun(test);
      const ports = await openPorts(run, await stateFile(test));
      test.onTestFinished(() => ports.close());
      const held = await holdPort(run.ports.instances.first, '::1');
      test.onTestFinished(() => held.close());
      const first = await leasePort(ports, { instance: 'orders', ttlMs: 60_000 });
      expect(first?.port).toBe(run.ports.instances.first + 1);
      const again = await leasePort(ports, { instance: 'orders', ttlMs: 120_000 });
      expect({ ...again, expiresAt: null }).toEqual({ ...first, expiresAt: null });
      expect(Date.parse(again?.expiresAt ?? '')).toBeGreaterThan(Date.parse(first?.expiresAt ?? ''));
      expect((await leasePort(ports, { instance: 'billing', ttlMs: 60_000 }))?.port).not.toBe(first?.port);
      await expect(leasePort(ports, { instance: '../orders', ttlMs: 60_000 })).rejects.toThrow(
        'Invalid instance name "../orders"',
      );
    });
  },
);

async function widened(run: Run): Promise<Run> {
  return soak ? { ...run, ports: { ...run.ports, instances: soakRange } } : run;
}

function jobs(run: Run, state: string, way: LeaseJob['way']): readonly LeaseJob[] {
  return Array.from({ length: size.processes }, (_, process) => ({
    run: { id: run.id, prefix: run.prefix, folder: run.folder },
    state,
    ...run.ports.instances,
    instances: Array.from({ length: size.each }, (_unused, number) => `p${process}-${number}`),
    way,
    start: size.start,
  }));
}

async function finish(job: LeaseJob): Promise<void> {
  const child = startWorker(job);
  child.process.stdout.resume();
  expect(await child.ended).toBe(0);
}

function startWorker(job: LeaseJob) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'lease-worker.ts'), JSON.stringify(job)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close').then(([code, signal]) => (signal ?? code) as number | string);
  return { process: child, ended, lines: wordsOf(createInterface(child.stdout)) };
}

async function* wordsOf(
  lines: AsyncIterable<string>,
): AsyncGenerator<readonly [word: string, instance: string, port: string]> {
  for await (const line of lines) {
    const [word = '', instance = '', port = ''] = line.split(' ');
    yield [word, instance, port];
  }
}

async function claimedPorts(run: Run): Promise<readonly number[]> {
  const containers = await containersOf(run);
  const inspected = await Promise.all(containers.map(({ Id }) => run.docker.getContainer(Id).inspect()));
  return inspected.map(({ HostConfig }) =>
    Number((HostConfig.PortBindings as Record<string, { HostPort: string }[]>)['5432/tcp']?.[0]?.HostPort),
  );
}

async function runningOf(run: Run): Promise<number> {
  return (await containersOf(run)).filter(({ State }) => State === 'running').length;
}

function containersOf({ docker, id }: Run) {
  return docker.listContainers({ all: true, filters: JSON.stringify({ label: [`problems.lab=${id}`] }) });
}
