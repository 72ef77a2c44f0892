import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { type Ran, run as runProblems } from '../../cli/run.ts';
import { soak } from '../../soak.ts';
import { createInstance, findInstance, type LabInstance, query, startInstance, waitReady } from '../instance.ts';
import type { Run } from '../run.ts';
import { fillDisk, logOf, mayMount } from '../scenarios/disk-full.ts';
import { scenarioNamed } from '../scenarios/index.ts';
import { instanceNamed, openRunHost } from '../backups/open-backups.ts';
import { createRun, labRuns, majors } from '../support.ts';
import { eventually } from '../waiting.ts';

describe.skipIf(!(await labRuns()))('an instance that is down', { concurrent: true, timeout: 300_000 }, () => {
  it('is started again if its server was killed, and keeps its rows', async (test) => {
    const { orders, problems } = await seeded(test);
    await query(orders, 'create table kept as select 1 as one');
    // From the machine, as the kernel does when memory is short: the engine knows of no signal.
    process.kill((await orders.container.inspect()).State.Pid, 'SIGKILL');
    await orders.container.wait();
    const detected = await problems('detect', '--json');
    expect(detected.code).toBe(1);
    expect(JSON.parse(detected.stdout).findings).toMatchObject([{ id: 'availability/orders/failed' }]);
    const { code, stdout } = await problems('remediate', '--json');
    expect({ code, runs: JSON.parse(stdout).runs }).toMatchObject({
      code: 0,
      runs: [{ remediator: 'availability', outcome: 'fixed' }],
    });
    expect(await query(orders, 'select one from kept')).toEqual(['1']);
    const after = await problems('detect');
    expect({ code: after.code, stderr: after.stderr }).toEqual({
      code: 0,
      stderr: '1 of 1 instance healthy, no findings.\n',
    });
  });

  it('is left alone if someone stopped it, until the start is approved', async (test) => {
    const { orders, problems } = await seeded(test);
    await orders.container.stop();
    const { code, stdout } = await problems('remediate', '--json');
    const [waiting] = JSON.parse(stdout).runs;
    expect({ code, waiting }).toMatchObject({
      code: 1,
      waiting: { finding: 'availability/orders/stopped', outcome: 'awaiting-approval' },
    });
    expect((await orders.container.inspect()).State.Running).toBe(false);
    expect((await problems('approve', waiting.id)).code).toBe(0);
    expect(await query(orders, 'select 1')).toEqual(['1']);
  });

  it('is explained in the words of its server, and not started, if it would fail again', async (test) => {
    const run = await createRun(test);
    const orders = await startInstance(run, { name: 'orders', storage: 'volume', host: notRestarted });
    await query(orders, "alter system set shared_preload_libraries = 'no_such_library'");
    await query(orders, "select pg_create_physical_replication_slot('reader', true)");
    await orders.container.stop();
    await orders.container.start();
    await orders.container.wait();
    const problems = await commands(run);
    const { code, stdout } = await problems('remediate');
    expect(code).toBe(1);
    expect(stdout).toContain('could not access file "no_such_library"');
    expect(stdout).toContain(`docker start ${orders.containerName}`);
    expect((await orders.container.inspect()).State.Running).toBe(false);
    // What is told of a full disk is read from a server that is down.
    const host = openRunHost(run);
    const use = await host.reader.probes.diskUse(await instanceNamed(host, 'orders'));
    expect(use).toMatchObject({ slots: ['reader'], waiting: 0 });
    expect(use?.folders['pg_wal']).toBeGreaterThanOrEqual(2 ** 20);
    expect(use?.size).toBeGreaterThan(use?.free ?? 0);
  });

  it.for(majors(17))(
    'PostgreSQL %i: is repaired with approval if its lock file is empty or old, a setting is refused or its image does not fit',
    async (postgres, test) => {
      const run = await createRun(test, { postgres });
      await scenarioNamed('not-starting').up(run, () => undefined);
      const problems = await commands(run);
      const asked = JSON.parse((await problems('remediate', '--remediator', 'availability', '--json')).stdout).runs;
      expect(asked).toMatchObject([
        { finding: 'availability/crashed/failed', outcome: 'awaiting-approval' },
        { finding: 'availability/floated/failed', outcome: 'awaiting-approval' },
        { finding: 'availability/mistyped/failed', outcome: 'awaiting-approval' },
        { finding: 'availability/reused/failed', outcome: 'awaiting-approval' },
        { finding: 'availability/unfinished/half-made', outcome: 'failed' },
      ]);
      const planned = asked.slice(0, 4);
      for (const { id } of planned) expect(await problems('approve', id)).toMatchObject({ code: 0 });
      for (const name of ['crashed', 'floated', 'mistyped', 'reused'])
        expect(await query(await findInstance(run, name), 'select one from kept')).toEqual(['1']);
      expect(
        await query(await findInstance(run, 'mistyped'), 'select error from pg_file_settings where error is not null'),
      ).toEqual([]);
      const after = JSON.parse((await problems('detect', '--remediator', 'availability', '--json')).stdout);
      expect(after.findings).toMatchObject([
        { id: 'availability/unfinished/half-made', summary: expect.stringContaining('type "geometry" does not exist') },
      ]);
      // test/lab/engine/actions.test.ts undoes each of the steps.
      if (!soak) return;
      for (const { id } of planned) expect(await problems('rollback', id)).toMatchObject({ code: 0 });
      // Everything is as it was: each refuses to start with the same words.
      for (const name of ['crashed', 'floated', 'mistyped', 'reused']) {
        const { container } = await findInstance(run, name);
        await container.start();
        await container.wait();
      }
      const { stdout } = await problems('detect', '--remediator', 'availability');
      expect(stdout).toContain('lock file "postmaster.pid" is empty');
      expect(stdout).toContain('lock file "postmaster.pid" already exists');
      expect(stdout).toContain('which is not compatible with this version');
      expect(stdout).toContain('"TimeZone": "US/Nowhere"');
      expect(stdout).toContain('"work_mem": "4XB"');
    },
  );

  it.runIf(mayMount())('is told with what fills its disk, and nothing is deleted', async (test) => {
    const run = await createRun(test);
    await scenarioNamed('disk-full').up(run, () => undefined);
    const problems = await commands(run);
    const { code, stdout } = await problems('remediate', '--remediator', 'availability');
    expect(code).toBe(1);
    expect(stdout).toContain('No space left on device');
    expect(stdout).toMatch(/On it are server logs \(log\): [\d.]+ MiB, databases \(base\): [\d.]+ MiB, /);
    expect(stdout).toContain('WAL is kept for the replication slot forgotten');
    expect(stdout).toMatch(/Old files in log of the data directory may go\. .*Then run `docker start \S+-full`/);
    await fillDisk(run, 4);
    const full = await findInstance(run, 'full');
    await full.container.start();
    await waitReady(full);
    expect(await query(full, 'select one from kept')).toEqual(['1']);
    expect(await problems('detect', '--remediator', 'availability')).toMatchObject({ code: 0 });
    const filling = JSON.parse((await problems('detect', '--remediator', 'server-limits', '--json')).stdout);
    expect(filling.findings).toMatchObject([{ id: 'server-limits/full/disk-fills' }]);
    await rm(logOf(run));
    expect(await problems('detect', '--remediator', 'server-limits')).toMatchObject({ code: 0 });
  });

  it('is not called so for a health check that is wrong: the right one is told', async (test) => {
    const run = await createRun(test);
    await scenarioNamed('wrong-check').up(run, () => undefined);
    const { code, stdout } = await (await commands(run))('plan', '--remediator', 'availability');
    expect(code).toBe(1);
    expect(stdout).toContain('its container is wrong: it logs in as a role that does not exist');
    expect(stdout).toMatch(
      /Create the container with this check instead: pg_isready -h 127\.0\.0\.1 -p 5432 -U vrooli/,
    );
  });

  it('is described the same at every moment of a restart loop', async (test) => {
    const run = await createRun(test);
    const settings = { no_such_setting: '1' };
    const { container } = await createInstance(run, { name: 'orders', storage: 'seeded', settings });
    await container.start();
    await eventually(20_000, async () => (await container.inspect()).RestartCount > 0);
    const problems = await commands(run);
    for (let look = 0; look < 8; look += 1) {
      const { code, stdout } = await problems('detect', '--json');
      const { findings, notLookedAt } = JSON.parse(stdout);
      // Its data is in the container itself, which volume-permissions says each time.
      const skipped = notLookedAt.filter(({ lasting }: { readonly lasting?: true }) => lasting !== true);
      expect({ look, code, findings, skipped }).toMatchObject({
        look,
        code: 1,
        findings: [{ id: 'availability/orders/restart-loop' }],
        skipped: [],
      });
    }
  });

  it('is found while it is paused, and holds up no other instance', async (test) => {
    const { orders, problems, run } = await seeded(test);
    await startInstance(run, { name: 'billing', storage: 'seeded' });
    await orders.container.pause();
    const { code, stdout } = await problems('detect', '--json');
    const { findings, lookedAt } = JSON.parse(stdout);
    expect(code).toBe(1);
    expect(findings).toMatchObject([{ id: 'availability/orders/paused' }]);
    expect(lookedAt).toMatchObject([
      { instance: 'billing', remediators: expect.arrayContaining(['availability', 'connection-pool', 'memory']) },
      { instance: 'orders' },
    ]);
    await orders.container.unpause();
  });

  it('is missed if it was there before and its container is gone, until it is forgotten', async (test) => {
    const { orders, problems } = await seeded(test);
    // Makes the state file, which remembers what was seen.
    await problems('remediate');
    await orders.container.remove({ force: true, v: true });
    const { code, stdout } = await problems('detect');
    expect({ code, stdout }).toMatchObject({ code: 1, stdout: expect.stringContaining('orders is gone') });
    expect((await problems('forget', 'orders')).code).toBe(0);
    const after = await problems('detect');
    expect({ code: after.code, stderr: after.stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is no PostgreSQL instance'),
    });
  });
});

/** Otherwise the engine would start it again itself. */
const notRestarted = { RestartPolicy: { Name: 'no' } };

interface Seeded {
  readonly run: Run;
  readonly orders: LabInstance;
  readonly problems: (...args: readonly string[]) => Promise<Ran>;
}

async function seeded(test: TestContext): Promise<Seeded> {
  const run = await createRun(test);
  const orders = await startInstance(run, { name: 'orders', storage: 'seeded', host: notRestarted });
  return { run, orders, problems: await commands(run) };
}

/** The command line in the run's folder, for the instances of the run. */
async function commands(run: Run): Promise<Seeded['problems']> {
  const config = { remediation: { containers: `^${run.prefix}vrooli-postgres-(.+)$` } };
  await writeFile(join(run.folder, 'problems.config.json'), JSON.stringify(config));
  return (...args) => runProblems(args, { cwd: run.folder });
}
