import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { openRemediation, runs } from '../../src/app/remediation.ts';
import { loadConfig } from '../../src/config/config.ts';
import { bin, run as runProblems } from '../cli/run.ts';
import { runHelper } from './container.ts';
import { createInstance, findInstance, type LabInstance, query, startInstance, waitReady } from './instance.ts';
import { addOrders } from './rows.ts';
import type { Run } from './run.ts';
import { createRun, labRuns } from './support.ts';
import { eventually } from './waiting.ts';

/** A minute is what the service promises. */
const promisedMs = 60_000;

describe.skipIf(!(await labRuns()))('the service', { concurrent: true, timeout: 300_000 }, () => {
  it('tells within a minute that an instance is stopped, killed, paused or removed, and that it is back', async (test) => {
    const run = await createRun(test);
    const instances = await Promise.all(
      ['stopped', 'killed', 'paused', 'removed'].map((name) =>
        startInstance(run, { name, storage: 'seeded', host: notRestarted }),
      ),
    );
    const [stopped, killed, paused, removed] = instances.map(({ container }) => container);
    await configure(run, { rounds: '1h' });
    await serve(test, run);
    await sees(run, (seen) => seen.instances.length === 4 && seen.instances.every(({ status }) => status === 'up'));

    await Promise.all([
      stopped?.stop({ t: 1 }),
      killed?.kill(),
      paused?.pause(),
      removed?.remove({ force: true, v: true }),
    ]);
    const words = {
      killed: 'exit code 137',
      paused: 'paused',
      removed: 'No container has its name',
      stopped: 'exited',
    };
    const down = await sees(run, (seen) =>
      Object.entries(words).every(([name, text]) =>
        seen.instances.some(
          ({ instance, status: now, reason }) => instance === name && now === 'down' && reason?.includes(text) === true,
        ),
      ),
    );
    expect(down.code).toBe(1);

    await Promise.all([stopped?.start(), killed?.start(), paused?.unpause()]);
    await sees(run, ({ instances: now }) => now.filter(({ status }) => status === 'up').length === 3);
  });

  it('finishes a repair after it was killed in the middle of it, with one server on the volume', async (test) => {
    const run = await createRun(test);
    await breakOrders(run);
    await configure(run, { rounds: '1h', remediate: 'auto-only' }, { 'volume-permissions': 'auto' });
    const first = await serve(test, run);
    const { config, folder } = await opened(run);
    const journal = await openRemediation({ folder, config: config.remediation, onlyLooking: true });
    test.onTestFinished(() => journal.close());
    await eventually(120_000, async () =>
      (await runs(journal)).some(({ phase }) => phase === 'running' || phase === 'verifying'),
    );
    first.kill('SIGKILL');
    await once(first, 'close');
    expect(JSON.parse((await status(run)).stdout)).toMatchObject({ verdict: 'unknown' });

    await serve(test, run);
    await eventually(120_000, async () => (await runs(journal)).every(({ phase }) => phase === 'ended'));
    for (const { outcome } of await runs(journal)) expect(['fixed', 'rolled-back']).toContain(outcome);
    await eventually(120_000, async () => (await runs(journal)).some(({ outcome }) => outcome === 'fixed'));
    const orders = await findInstance(run, 'orders');
    await waitReady(orders);
    expect(await query(orders, 'select count(*), sum(amount) from orders')).toEqual(['1000|625625.00']);
  });
});

/** Otherwise the engine would start it again itself. */
const notRestarted = { RestartPolicy: { Name: 'no' } };

interface Seen {
  readonly instances: readonly { readonly instance: string; readonly status: string; readonly reason: string | null }[];
}

async function configure(
  { folder, prefix }: Run,
  service: Readonly<Record<string, string>>,
  automation: Readonly<Record<string, string>> = {},
): Promise<void> {
  const remediation = { containers: `^${prefix}vrooli-postgres-(.+)$`, state: '.problems/state.db', automation };
  const config = { remediation, service: { look: '5s', listen: 'off', ...service } };
  await writeFile(join(folder, 'problems.config.json'), JSON.stringify(config));
}

async function opened({ folder }: Run) {
  return { folder, config: await loadConfig(folder) };
}

/** Ends with the test. */
async function serve(test: TestContext, { folder }: Run): Promise<ChildProcess> {
  const child = spawn(process.execPath, [bin, 'serve', '--json'], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  const log: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => log.push(text));
  test.onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'close');
      expect(child.exitCode, log.join('')).toBe(0);
    }
  });
  await eventually(60_000, async () => {
    if (child.exitCode !== null) throw new Error(`serve ended: ${log.join('')}`);
    return log.join('').includes('started: process');
  });
  return child;
}

async function status({ folder }: Run): Promise<Awaited<ReturnType<typeof runProblems>>> {
  return runProblems(['status', '--json'], { cwd: folder });
}

async function sees(
  run: Run,
  isSo: (seen: Seen) => boolean,
): Promise<{ readonly code: number | null; readonly seen: Seen }> {
  let last = await status(run);
  await eventually(promisedMs, async () => {
    last = await status(run);
    return isSo(JSON.parse(last.stdout));
  });
  return { code: last.code, seen: JSON.parse(last.stdout) };
}

/** An instance that does not start, since its files belong to root. */
async function breakOrders(run: Run): Promise<LabInstance> {
  const first = await startInstance(run, { name: 'orders', storage: 'volume' });
  await addOrders(first);
  await first.container.remove({ force: true });
  await runHelper(run, first.data ?? '', 'chown -R 0:0 /folder && chmod 0755 /folder');
  const { container } = await createInstance(run, {
    name: 'orders',
    storage: 'anonymous',
    password: first.password,
    container: { User: '999:999' },
    host: { ...notRestarted, Binds: [`${first.data}:/var/lib/postgresql/data`] },
  });
  await container.start();
  await eventually(20_000, async () => (await container.inspect()).State.Status === 'exited');
  return first;
}
