import { readdir } from 'node:fs/promises';
import { describe, expect, it, type TestContext } from 'vitest';
import { type Ran, run as runProblems, temporaryFolder } from '../../cli/run.ts';
import { createInstance } from '../instance.ts';
import { createVolume, type Run } from '../run.ts';
import { createRun, labRuns } from '../support.ts';

describe.skipIf(!(await labRuns()))('problems ports', () => {
  it('shows the owner of each port, and leases a free one', async (test) => {
    const { run, problems, first, last } = await project(test);
    const made = await createInstance(run, { name: 'made', storage: 'seeded', port: first });

    const shown = await problems('ports');
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toBe(
      ` PORT  USED BY\n${first}  container ${made.containerName} (stopped)\n${first + 1}  reserved for postgis in the config\n` +
        `${last - first - 1} of ${last - first + 1} ports are free: ${first + 2}-${last}.\n`,
    );

    const leased = await problems('ports', 'lease', 'orders');
    expect(leased).toMatchObject({
      code: 0,
      stdout: `${first + 2}\n`,
      stderr: expect.stringContaining('Reserved for orders until 20'),
    });
    expect(await problems('ports', 'lease', 'orders')).toMatchObject({ stdout: `${first + 2}\n` });
    expect(JSON.parse((await problems('ports', 'lease', 'billing', '--ttl', '1', '--json')).stdout)).toMatchObject({
      schemaVersion: 1,
      lease: { port: first + 3, instance: 'billing', state: 'reserved' },
    });

    const { ports } = JSON.parse((await problems('ports', '--json')).stdout);
    expect(ports).toHaveLength(last - first + 1);
    expect(ports[2]).toMatchObject({ port: first + 2, holders: [{ type: 'lease', name: 'orders' }] });
  });

  it('exits with 1 when no port is left', async (test) => {
    const { problems } = await project(test, 1);
    expect(await problems('ports', 'lease', 'orders')).toMatchObject({ code: 1, stdout: '' });
  });
});

describe.skipIf(!(await labRuns()))('problems preflight', () => {
  it('accepts or refuses a port, a volume and a memory limit, with reasons, and changes nothing', async (test) => {
    const { run, problems, first, folder } = await project(test);
    const volume = await createVolume(run, 'data');
    const made = await createInstance(run, {
      name: 'made',
      storage: 'seeded',
      port: first,
      host: { Binds: [`${volume}:/var/lib/postgresql/seeded`] },
    });

    const no = await problems('preflight', '--port', String(first), '--volume', volume, '--memory', '900g');
    expect(no.code).toBe(1);
    expect(no.stdout).toContain(`port: no, container ${made.containerName} (stopped)\n`);
    expect(no.stdout).toContain(
      `volume: yes, the stopped container ${made.containerName} uses it: only one of the two may ever run\n`,
    );
    expect(no.stdout).toMatch(
      /^memory: no, containers may use \d+ MiB, 921600 MiB are requested, and the budget is \d+ MiB/m,
    );

    await made.container.start();
    expect(await problems('preflight', '--volume', volume)).toMatchObject({
      code: 1,
      stdout: `volume: no, ${made.containerName} is running on it: two servers on one volume corrupt it\n`,
    });
    const yes = await problems(
      'preflight',
      '--port',
      String(first + 2),
      '--volume',
      'another',
      '--memory',
      '16m',
      '--json',
    );
    expect(yes.code).toBe(0);
    expect(JSON.parse(yes.stdout)).toMatchObject({
      schemaVersion: 1,
      ok: true,
      answers: [{ about: 'port' }, { about: 'volume' }, { about: 'memory' }],
    });
    expect(await readdir(folder)).toEqual(['problems.config.yaml']);
  });
});

/** A folder with a config for the ports of a run; the second of them is reserved. */
async function project(
  test: Pick<TestContext, 'onTestFinished' | 'task'>,
  size?: number,
): Promise<{
  readonly run: Run;
  readonly first: number;
  readonly last: number;
  readonly folder: string;
  readonly problems: (...args: readonly string[]) => Promise<Ran>;
}> {
  const run = await createRun(test);
  const { first } = run.ports.instances;
  const last = size === undefined ? run.ports.instances.last : first + size - 1;
  const reserved = size === undefined ? first + 1 : first;
  const folder = temporaryFolder({
    'problems.config.yaml': `remediation:\n  settings:\n    port-reassignment:\n      range: ${first}-${last}\n      reserved:\n        "${reserved}": postgis\n`,
  });
  test.onTestFinished(() => folder[Symbol.asyncDispose]());
  return { run, first, last, folder: folder.path, problems: (...args) => runProblems(args, { cwd: folder.path }) };
}
