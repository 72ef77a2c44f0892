import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { run as runProblems } from '../cli/run.ts';
import { openFaultyEngine } from './engine/faulty-engine.ts';
import { startInstance } from './instance.ts';
import { createRun, labRuns } from './support.ts';

const root = join(import.meta.dirname, '..', '..');
const record = `# Problems

<!-- EMBED:ACTIVEPROBLEM:START -->
### No restart policy
**Status:** [active]
**Severity:** [high]
**Frequency:** [frequent]
**Impact:** [system_down]
**Discovered:** [2025-06-03]

#### Description
Stays down after a restart of the engine.
<!-- EMBED:ACTIVEPROBLEM:END -->
`;

describe.skipIf(!(await labRuns()))('the records of a registry', { timeout: 300_000 }, () => {
  it('become resolved only if their check ran and found nothing where the problem was', async (test) => {
    const { problems, text, orders, billing, faulty } = await project(test);
    await without(orders, billing);

    // Another instance of the same record is still as it was.
    expect(await problems('remediate', '--instance', 'orders', '--yes')).toMatchObject({ code: 0 });
    expect(await text()).toContain('**Status:** [active]');
    expect(await text()).toContain('fixed it');
    expect(await problems('remediate', '--yes')).toMatchObject({ code: 0 });
    expect(await text()).toContain('**Status:** [resolved]');

    const before = await text();
    const unasked = [
      ['detect', '--record', '--instance', 'orders'],
      ['detect', '--record', 'missing-restart-policy/orders/no-policy'],
    ] as const;
    for (const args of unasked) {
      expect(await problems(...args), args.join(' ')).toMatchObject({ code: 0 });
      expect(await text(), args.join(' ')).toBe(before);
    }
    expect(await faulty('detect', '--record')).toMatchObject({
      code: 2,
      stdout: expect.stringContaining('not checked'),
    });
    expect(await text()).toBe(before);
    await billing.stop();
    expect(await problems('detect', '--record')).toMatchObject({ code: 0 });
    expect(await text()).toBe(before);
    await billing.start();
    expect(await problems('detect', '--record')).toMatchObject({ code: 0 });
    expect(await text()).toContain('EMBED:RESOLVEDPROBLEM:START');
  });
});

/** Two instances, a registry, and the example of a remediator; a fix has held as soon as it is made. */
async function project(test: TestContext) {
  const run = await createRun(test);
  const [orders, billing] = [await start('orders'), await start('billing')];
  await cp(join(root, 'examples', 'plugin'), join(run.folder, 'plugin'), { recursive: true });
  await symlink(join(root, 'node_modules'), join(run.folder, 'node_modules'));
  await writeFile(join(run.folder, 'PROBLEMS.md'), record);
  await writeFile(
    join(run.folder, 'problems.config.yaml'),
    `plugins: [./plugin/index.ts]
remediation: { holdDays: 0, containers: '^${run.prefix}vrooli-postgres-(.+)$' }
`,
  );
  const engine = await openFaultyEngine(join(run.folder, 'engine.sock'));
  engine.faultOf = ({ path }) => (path.includes('/containers/json') ? { type: 'status', status: 500 } : undefined);
  test.onTestFinished(() => engine.close());
  function problems(...args: readonly string[]) {
    return runProblems([...args, '--trust-config', '--remediator', 'missing-restart-policy'], {
      cwd: run.folder,
      env: {},
    });
  }
  function faulty(...args: readonly string[]) {
    const env = { DOCKER_HOST: engine.address };
    return runProblems([...args, '--trust-config', '--remediator', 'missing-restart-policy'], { cwd: run.folder, env });
  }
  const text = (): Promise<string> => readFile(join(run.folder, 'PROBLEMS.md'), 'utf8');
  return { problems, faulty, text, orders, billing };

  async function start(name: string) {
    return (await startInstance(run, { name, storage: 'seeded' })).container;
  }
}

type Container = Awaited<ReturnType<typeof startInstance>>['container'];

async function without(...containers: readonly Container[]): Promise<void> {
  for (const container of containers) await container.update({ RestartPolicy: { Name: 'no' } });
}
