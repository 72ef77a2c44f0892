import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openRemediation, runs } from '../../../src/app/remediation.ts';
import { openSwarm } from '../../../src/app/swarm.ts';
import { loadConfig } from '../../../src/config/config.ts';
import { findInstance, query, waitReady } from '../instance.ts';
import { createRun, labRuns } from '../support.ts';
import { breakOrders, registry, task, watchServers } from './broken-orders.ts';

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
    expect(await query(await findInstance(run, 'orders'), 'select count(*) from orders')).toEqual(['1000']);
    const recorded = await readFile(join(folder, 'PROBLEMS.md'), 'utf8');
    expect(recorded.match(/fixed it/g)).toHaveLength(1);
    opened.close();
    swarm.close();
  });
});

function begin(folder: string, worker: string, killAt = '') {
  const child = join(import.meta.dirname, 'worker-child.ts');
  return spawn(process.execPath, [child, folder, worker, killAt], { stdio: ['ignore', 'ignore', 'inherit'] });
}

async function ended(worker: ReturnType<typeof begin>): Promise<number | string> {
  const [code, signal] = await once(worker, 'close');
  return signal ?? code;
}
