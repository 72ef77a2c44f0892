import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openRemediation, runs } from '../../../src/app/remediation.ts';
import { openSwarm } from '../../../src/app/swarm.ts';
import { loadConfig } from '../../../src/config/config.ts';
import { runHelper } from '../container.ts';
import { createInstance, findInstance, query, startInstance, waitReady } from '../instance.ts';
import { addOrders } from '../rows.ts';
import type { Run } from '../run.ts';
import { createRun, labRuns } from '../support.ts';
import { eventually } from '../waiting.ts';

const registry = `# Problems

<!-- EMBED:ACTIVEPROBLEM:START -->
### Wrong volume ownership of orders
**Status:** [active]
**Severity:** [critical]
**Frequency:** [constant]
**Impact:** [system_down]
**Last Occurrence:** 2025-08-14

#### Description
PostgreSQL of orders cannot read its data directory.

#### Investigation Status
- **Root Cause:** A restore ran as root.
<!-- EMBED:ACTIVEPROBLEM:END -->
`;
const task = 'resolution-root--wrong-volume-ownership-of-orders';

describe.skipIf(!(await labRuns()))('a worker that is killed in mid-repair', { timeout: 180_000 }, () => {
  it('is followed by another one, and the effect happens once', async (test) => {
    const run = await createRun(test);
    const { folder, prefix } = run;
    const volume = await breakOrders(run);
    await writeFile(join(folder, 'PROBLEMS.md'), registry);
    const remediation = {
      containers: `^${prefix}vrooli-postgres-(.+)$`,
      automation: { 'volume-permissions': 'auto' },
    };
    const triage = { classes: { permissions: 'auto' } };
    await writeFile(join(folder, 'problems.config.json'), JSON.stringify({ remediation, triage }));
    const config = await loadConfig(folder);
    const swarm = await openSwarm({ cwd: folder, config });
    const opened = await openRemediation({ folder, config: config.remediation });

    expect(await ended(begin(folder, 'first', 'step 0 is applied'))).toBe('SIGKILL');
    expect(await swarm.tasks({ ids: [task] })).toMatchObject([{ status: { state: 'claimed', worker: 'first' } }]);
    expect(await swarm.outcomes()).toEqual([]);

    await sleep(2_100);
    const watched = watchServers(run, volume);
    const others = [begin(folder, 'second'), begin(folder, 'third')];
    expect(await Promise.all(others.map(ended))).toEqual([0, 0]);
    await waitReady(await findInstance(run, 'orders'));
    expect(await watched.most()).toBe(1);

    expect(await swarm.outcomes()).toMatchObject([
      {
        task,
        result: 'done',
        worker: expect.stringMatching(/^(?:second|third)$/),
        notes: expect.stringMatching(/^Fixed/),
      },
    ]);
    expect(await runs(opened)).toMatchObject([{ outcome: 'fixed', plan: { remediator: 'volume-permissions' } }]);
    expect(await query(await findInstance(run, 'orders'), 'select count(*), sum(amount) from orders')).toEqual([
      '1000|625625.00',
    ]);
    const recorded = await readFile(join(folder, 'PROBLEMS.md'), 'utf8');
    expect(recorded.match(/fixed it/g)).toHaveLength(1);
    opened.close();
    swarm.close();
  });
});

/** An instance that does not start, since its files belong to root. Returns the name of its volume. */
async function breakOrders(run: Run): Promise<string> {
  const first = await startInstance(run, { name: 'orders', storage: 'volume' });
  await addOrders(first);
  await first.container.remove({ force: true });
  const volume = first.data ?? '';
  await runHelper(run, volume, 'chown -R 0:0 /folder && chmod 0755 /folder');
  const { container } = await createInstance(run, {
    name: 'orders',
    storage: 'anonymous',
    password: first.password,
    container: { User: '999:999' },
    host: { RestartPolicy: { Name: 'no' }, Binds: [`${volume}:/var/lib/postgresql/data`] },
  });
  await container.start();
  await eventually(20_000, async () => (await container.inspect()).State.Status === 'exited');
  return volume;
}

function begin(folder: string, worker: string, killAt = '') {
  const child = join(import.meta.dirname, 'worker-child.ts');
  return spawn(process.execPath, [child, folder, worker, killAt], { stdio: ['ignore', 'ignore', 'inherit'] });
}

async function ended(worker: ReturnType<typeof begin>): Promise<number | string> {
  const [code, signal] = await once(worker, 'close');
  return signal ?? code;
}

/** Counts the servers on a volume until it is asked for the most that it has seen. */
function watchServers({ docker }: Run, volume: string) {
  const over = new AbortController();
  async function watch(): Promise<number> {
    let most = 0;
    while (!over.signal.aborted) {
      const found = await docker.listContainers({ filters: JSON.stringify({ volume: [volume], status: ['running'] }) });
      most = Math.max(most, found.filter(({ Labels }) => !('problems.helper' in Labels)).length);
      await sleep(100);
    }
    return most;
  }
  const watching = watch();
  return {
    async most(): Promise<number> {
      over.abort();
      return watching;
    },
  };
}
