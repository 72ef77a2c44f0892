import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Ran, run as runProblems } from '../../cli/run.ts';
import { soak } from '../../soak.ts';
import { createInstance, findInstance, query, startInstance, waitReady } from '../instance.ts';
import { addOrders } from '../rows.ts';
import { scenarioNamed } from '../scenarios/index.ts';
import { createRun, labRuns } from '../support.ts';

describe.skipIf(!(await labRuns()))('problems remediate --to-named-volume', { concurrent: true }, () => {
  // test/lab/remediators/volume-permissions-crash.test.ts moves data to a named volume, for the setting of the same name.
  it.runIf(soak)('plans the move, waits for approval, moves the data, and finds nothing more to move', async (test) => {
    const run = await createRun(test);
    const { prefix, folder } = run;
    await addOrders(await startInstance(run, { name: 'orders', storage: 'bind' }));
    const config = { remediation: { containers: `^${prefix}vrooli-postgres-(.+)$` } };
    await writeFile(join(folder, 'problems.config.json'), JSON.stringify(config));
    function problems(...args: readonly string[]): Promise<Ran> {
      return runProblems(args, { cwd: folder });
    }
    const before = await findInstance(run, 'orders');

    const planned = await problems('plan', '--to-named-volume', 'orders', '--json');
    expect(planned).toMatchObject({ code: 1, stderr: '' });
    expect(JSON.parse(planned.stdout)).toMatchObject({
      plans: [
        {
          finding: { id: 'volume-permissions/orders/bind-mount', risk: 'data' },
          plan: { requested: true, remediator: 'volume-permissions' },
          decision: { automation: 'approve' },
        },
      ],
      notLookedAt: [],
    });
    expect((await findInstance(run, 'orders')).container.id).toBe(before.container.id);

    const waits = await problems('remediate', '--to-named-volume', 'orders', '--json');
    expect(waits.code).toBe(1);
    const [waiting] = JSON.parse(waits.stdout).runs;
    expect(waiting).toMatchObject({ outcome: 'awaiting-approval', problem: null });

    // The config does not name the move: the approved request is enough.
    expect(await problems('approve', waiting.id)).toMatchObject({ code: 0 });
    const moved = await findInstance(run, 'orders');
    const volume = `${prefix}vrooli-postgres-orders-data`;
    expect(moved.data).toBe(volume);
    expect(await query(moved, 'select count(*), sum(amount) from orders')).toEqual(['1000|625625.00']);

    const again = await problems('remediate', '--to-named-volume', 'orders', '--yes', '--json');
    expect({ code: again.code, told: JSON.parse(again.stdout) }).toEqual({
      code: 0,
      told: { schemaVersion: 1, runs: [], notLookedAt: [], lookedAt: [] },
    });
  });
});

describe.skipIf(!(await labRuns()))('data in an anonymous volume', () => {
  it('is found, moved with approval, and found again when another volume takes its place', async (test) => {
    const run = await createRun(test);
    const { prefix, folder } = run;
    await scenarioNamed('wrong-mount').up(run, () => undefined);
    const config = { remediation: { containers: `^${prefix}vrooli-postgres-(.+)$` } };
    await writeFile(join(folder, 'problems.config.json'), JSON.stringify(config));
    const problems = async (...args: readonly string[]) => {
      const { code, stdout } = await runProblems([...args, '--json'], { cwd: folder });
      return { code, ...JSON.parse(stdout) };
    };
    const only = ['--remediator', 'volume-permissions', '--instance', 'misplaced'] as const;
    const before = await findInstance(run, 'misplaced');

    expect(await problems('detect', ...only)).toMatchObject({
      code: 1,
      findings: [{ kind: 'anonymous-volume', summary: expect.stringContaining('misplaced-postgres is mounted at') }],
      notLookedAt: [],
    });
    const { runs } = await problems('remediate', ...only);
    expect(runs).toMatchObject([{ outcome: 'awaiting-approval' }]);
    expect(await problems('approve', runs[0].id)).toMatchObject({ code: 0 });

    const moved = await findInstance(run, 'misplaced');
    expect(moved.data).toBe(`${before.containerName}-data`);
    expect(await query(moved, 'select count(*), sum(amount) from orders')).toEqual(['1000|625625.00']);
    // The old data are still where they were.
    expect(await run.docker.getVolume(before.data ?? '').inspect()).toMatchObject({ Name: before.data });
    expect(await problems('detect', ...only)).toMatchObject({ code: 0, findings: [], notLookedAt: [] });

    await moved.container.remove({ force: true });
    const fresh = await createInstance(run, { name: 'misplaced', storage: 'volume' });
    await fresh.container.start();
    await waitReady(fresh);
    expect(await problems('detect', ...only)).toMatchObject({
      code: 1,
      findings: [{ kind: 'empty-cluster', summary: expect.stringContaining(`${moved.data} holds one with data`) }],
    });
  });
});
