import { describe, expect, it, type TestContext } from 'vitest';
import { type Ran, run as runProblems, temporaryFolder } from '../cli/run.ts';
import { connect } from './client.ts';
import { execIn, logOf } from './exec.ts';
import { createInstance, type InstanceSettings, query, startInstance, waitReady } from './instance.ts';
import type { PostgresMajor, Run } from './run.ts';
import { createRun, labRuns, majors } from './support.ts';

const MiB = 2 ** 20;
const GiB = 2 ** 30;

/** A limit of memory, and a quota of CPUs, which may be more than the machine has. */
function limits(memory: number, cpus: number): NonNullable<InstanceSettings['host']> {
  return { Memory: memory, MemorySwap: memory, CpuPeriod: 100_000, CpuQuota: cpus * 100_000 };
}

interface Shown {
  readonly name: string;
  readonly current: string | null;
  readonly recommended: string;
  readonly changes: boolean;
  readonly rule: string;
  readonly pgtune: string | null;
  readonly source: string | null;
  readonly takes: string;
  readonly pendingRestart: boolean;
}

describe.skipIf(!(await labRuns()))('problems tune', () => {
  it.for(majors(17))(
    'recommends the values of PGTune for PostgreSQL %i in 16 GB with 8 CPUs',
    async (postgres, test) => {
      const { run, tune } = await project(test, postgres);
      const orders = await startInstance(run, { name: 'orders', storage: 'seeded', host: limits(16 * GiB, 8) });

      const { tuning, of } = await tune('orders', '--profile', 'oltp');
      expect(tuning).toMatchObject({
        schemaVersion: 1,
        instance: 'orders',
        profile: 'oltp',
        postgres,
        memory: { bytes: 16 * GiB, is: 'limit' },
        cpus: { count: 8, is: 'quota' },
        fits: true,
        needsPooler: false,
      });
      expect(of('max_connections')).toMatchObject({ current: '100', recommended: '300', takes: 'restart' });
      expect(of('shared_buffers')).toMatchObject({ current: '128MB', recommended: '4GB', rule: 'pgtune' });
      expect(of('effective_cache_size')).toMatchObject({ current: '4GB', recommended: '12GB', takes: 'reload' });
      expect(of('maintenance_work_mem')).toMatchObject({ current: '64MB', recommended: '1GB' });
      expect(of('work_mem')).toMatchObject({ current: '4MB', recommended: '13617kB', source: 'default' });
      expect(of('max_parallel_workers_per_gather')).toMatchObject({ recommended: '4' });
      expect(of('checkpoint_completion_target')).toMatchObject({ current: '0.9', changes: false });

      await orders.container.update(limits(8 * GiB, 4));
      const mixed = await tune('orders');
      expect(
        ['shared_buffers', 'effective_cache_size', 'maintenance_work_mem', 'work_mem'].map(mixed.recommended),
      ).toEqual(['2GB', '6GB', '512MB', '10082kB']);
      await orders.container.update(limits(4 * GiB, 4));
      const desktop = await tune('orders', '--profile', 'desktop', '--connections', '20');
      expect(
        ['shared_buffers', 'effective_cache_size', 'maintenance_work_mem', 'work_mem', 'wal_buffers'].map(
          desktop.recommended,
        ),
      ).toEqual(['256MB', '1GB', '256MB', '9102kB', '7864kB']);
    },
  );

  it('recommends values that fit for a container of 512 MB and half a CPU, with the source of each setting', async (test) => {
    const { run, problems, tune } = await project(test, 17);
    const orders = await startInstance(run, {
      name: 'orders',
      storage: 'seeded',
      settings: { max_connections: '150' },
      host: limits(512 * MiB, 0.5),
    });
    await query(orders, `alter system set work_mem = '16MB'`);
    await query(orders, `alter system set shared_buffers = '200MB'`);
    await query(orders, 'select pg_reload_conf()');
    const idle = await Promise.all(Array.from({ length: 8 }, () => connect(orders)));
    test.onTestFinished(async () => void (await Promise.all(idle.map((client) => client.end()))));

    const { tuning, of } = await tune('orders', '--profile', 'web');
    expect(tuning).toMatchObject({
      memory: { bytes: 512 * MiB, is: 'limit' },
      cpus: { count: 0.5, is: 'quota' },
      fits: true,
      containerSettings: [],
    });
    expect(tuning.worstCase).toBeLessThanOrEqual(0.8 * 512 * MiB);
    expect(tuning.backends.backends).toBeGreaterThanOrEqual(8);
    // The measured memory of an idle session, docs/engineering/memory.md#cost-of-a-connection: 3.1 MB.
    expect(tuning.backends.p95).toBeGreaterThan(0.5 * MiB);
    expect(tuning.backends.p95).toBeLessThan(12 * MiB);
    expect(of('max_connections')).toMatchObject({
      current: '150',
      rule: 'connections',
      pgtune: '200',
      source: 'command line',
      takes: 'recreate',
    });
    expect(of('work_mem')).toMatchObject({
      current: '16MB',
      source: expect.stringMatching(/\/postgresql\.auto\.conf$/),
      takes: 'reload',
    });
    expect(of('shared_buffers')).toMatchObject({ current: '128MB', pendingRestart: true });
    // Its own settings would not fit; a limit that is never near is only advice.
    const worst = expect.stringContaining('its present settings allow');
    expect(tuning.warnings).toEqual([worst]);

    const crowded = await Promise.all(Array.from({ length: 60 }, () => connect(orders)));
    test.onTestFinished(async () => void (await Promise.all(crowded.map((client) => client.end()))));
    const then = await tune('orders', '--profile', 'web');
    expect(then.tuning.warnings).toEqual([worst, expect.stringContaining('sessions are open now, more than')]);

    const { code, stdout } = await problems('tune', 'orders', '--profile', 'web');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^orders {2}PostgreSQL 17, profile web, ssd\n {2}512 MiB of memory \(its limit\), 0\.5 CPUs/,
    );
    expect(stdout).toMatch(/^work_mem +16MB +\S+ +reload +postgresql\.auto\.conf {2}/m);
    expect(stdout).toMatch(/^shared_buffers .* restart pending /m);
    expect(stdout).toMatch(/^At worst [\d.]+ MiB of 409\.6 MiB that may be used\.$/m);
  });

  it('recommends values that the server accepts, and then no further change', async (test) => {
    const { run, tune } = await project(test, 15);
    const orders = await startInstance(run, { name: 'orders', storage: 'seeded', host: limits(GiB, 2) });
    const before = await tune('orders', '--profile', 'desktop');
    for (const { name, recommended } of before.tuning.settings)
      await query(orders, `alter system set ${name} = '${recommended}'`);
    await orders.container.restart();
    await waitReady(orders);
    const { tuning } = await tune('orders', '--profile', 'desktop');
    expect(tuning.settings.filter(({ changes }: Shown) => changes)).toEqual([]);
  });

  it('recommends values for 512 MB that hold when every connection sorts and hashes at once', async (test) => {
    const { run, tune } = await project(test, 17);
    const orders = await startInstance(run, { name: 'orders', storage: 'seeded', host: limits(512 * MiB, 1) });
    const { tuning, of } = await tune('orders', '--profile', 'web');
    for (const { name, recommended } of tuning.settings)
      await query(orders, `alter system set ${name} = '${recommended}'`);
    await orders.container.restart();
    await waitReady(orders);
    await query(orders, `create table orders as select n, md5(n::text) as code from generate_series(1, 40000) as n`);

    // The three reserved for superusers remain.
    const sessions = Number(of('max_connections')?.recommended) - 3;
    const clients = await Promise.all(Array.from({ length: sessions }, () => connect(orders)));
    test.onTestFinished(async () => void (await Promise.all(clients.map((client) => client.end()))));
    const sums = await Promise.all(
      clients.map((client) =>
        client.query(`select count(*) from (
          select a.code, count(*) from orders a join orders b using (n) group by a.code order by a.code collate "C" desc) as found`),
      ),
    );
    expect(sums).toEqual(clients.map(() => [{ count: '40000' }]));
    const killed = await execIn(orders.container, ['cat', '/sys/fs/cgroup/memory/memory.oom_control']);
    if (killed.code === 0) expect(killed.stdout).toMatch(/^oom_kill 0$/m);
    expect(await logOf(orders.container)).not.toContain('terminated by signal 9');
  });

  it('keeps the WAL that a slot needs, and limits the rest', async (test) => {
    const { run, tune } = await project(test, 17);
    const orders = await startInstance(run, { name: 'orders', storage: 'seeded', host: limits(4 * GiB, 2) });
    expect((await tune('orders', '--profile', 'desktop')).of('wal_level')).toMatchObject({
      current: 'replica',
      recommended: 'minimal',
      takes: 'restart',
    });
    await query(orders, `select pg_create_physical_replication_slot('standby')`);
    expect((await tune('orders', '--profile', 'desktop')).of('wal_level')).toMatchObject({
      recommended: 'replica',
      rule: 'backups',
      pgtune: 'minimal',
      changes: false,
    });
  });

  it('warns about a standby, and leaves its WAL settings unchanged', async (test) => {
    const { run, tune } = await project(test, 15);
    const orders = await startInstance(run, { name: 'orders', storage: 'seeded', host: limits(4 * GiB, 2) });
    await execIn(orders.container, ['sh', '-c', 'touch "$PGDATA/standby.signal"'], { user: 'postgres' });
    await orders.container.restart();
    await waitReady(orders);
    const { tuning, of } = await tune('orders', '--profile', 'desktop');
    expect(of('wal_level')).toMatchObject({ recommended: 'replica', rule: 'backups' });
    expect(tuning.warnings).toEqual([expect.stringContaining('it is a standby')]);
  });

  it('reads the files of a stopped instance, and lists the facts that are unknown', async (test) => {
    const { run, tune } = await project(test, 17);
    const orders = await startInstance(run, {
      name: 'orders',
      storage: 'bind',
      settings: { max_connections: '77' },
      host: limits(GiB, 1),
    });
    await query(orders, `alter system set work_mem = '3MB'`);
    await orders.container.stop();

    const { tuning, of } = await tune('orders', '--profile', 'desktop');
    expect(tuning).toMatchObject({ running: false, postgres: 17, backends: null });
    expect(of('max_connections')).toMatchObject({ current: '77', source: '/etc/postgresql/postgresql.conf' });
    expect(of('work_mem')).toMatchObject({ current: '3MB', source: expect.stringMatching(/auto\.conf$/) });
    expect(of('wal_level')).toMatchObject({ recommended: 'replica', rule: 'backups' });
    expect(tuning.unknown).toContain('settings were read from its files, since it is not running');
  });

  it('does the same for an instance without free slots, and still measures its sessions', async (test) => {
    const { run, tune } = await project(test, 15);
    const orders = await startInstance(run, {
      name: 'orders',
      storage: 'seeded',
      settings: { max_connections: '12' },
      host: limits(GiB, 1),
    });
    const clients = await Promise.all(Array.from({ length: 12 }, () => connect(orders)));
    test.onTestFinished(async () => void (await Promise.all(clients.map((client) => client.end()))));

    const { tuning, of } = await tune('orders');
    expect(tuning.backends.backends).toBe(12);
    expect(of('max_connections')).toMatchObject({ current: '12', source: 'command line', takes: 'recreate' });
    expect(tuning.unknown[0]).toMatch(
      /^settings were read from its files, since it does not answer: .*too many clients/,
    );
  });

  it('assumes a share of the machine for an instance without a limit, and recommends a limit', async (test) => {
    const { run, tune } = await project(test, 17);
    await startInstance(run, { name: 'free', storage: 'seeded' });
    await startInstance(run, { name: 'other', storage: 'seeded', host: limits(256 * MiB, 1) });
    const { tuning } = await tune('free');
    expect(tuning.memory.is).toBe('share');
    expect(tuning.containerSettings).toContainEqual(expect.objectContaining({ name: 'memory', current: 'none' }));
  });

  it('refuses the name of an unknown instance', async (test) => {
    const { problems } = await project(test, 17);
    const { code, stdout, stderr } = await problems('tune', 'nobody');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('There is no instance nobody.');
  });
});

describe.skipIf(!(await labRuns()))('problems fleet', () => {
  it('shows limits, worst cases and free memory, including stopped instances', async (test) => {
    const { run, problems } = await project(test, 17);
    await startInstance(run, {
      name: 'big',
      storage: 'seeded',
      settings: { shared_buffers: '200MB' },
      host: limits(512 * MiB, 1),
    });
    await startInstance(run, {
      name: 'fine',
      storage: 'seeded',
      settings: { max_connections: '20', shared_buffers: '128MB', autovacuum_work_mem: '16MB' },
      host: limits(GiB, 1),
    });
    await startInstance(run, { name: 'free', storage: 'seeded' });
    await createInstance(run, { name: 'idle', storage: 'seeded', host: limits(256 * MiB, 1) });

    const { stdout } = await problems('fleet', '--json');
    const { schemaVersion, instances, host } = JSON.parse(stdout);
    expect(schemaVersion).toBe(1);
    expect(
      instances.map(({ instance, running, limit, findings }: Findings) => [instance, running, limit, findings]),
    ).toEqual([
      ['big', true, 512 * MiB, ['worst-case', 'shared-buffers']],
      ['fine', true, GiB, []],
      ['free', true, 0, ['no-limit']],
      ['idle', false, 256 * MiB, ['worst-case', 'shared-buffers']],
    ]);
    expect(host.unlimited).toContain(`${run.prefix}vrooli-postgres-free`);
    expect(host.promised).toBeGreaterThanOrEqual(512 * MiB + GiB + 256 * MiB);
    expect(host.promised + host.left).toBe(host.budget);
    expect(host.budget + host.reserve).toBe(host.memory);

    const shown = await problems('fleet');
    expect(shown.stdout).toMatch(/^INSTANCE +STATE +LIMIT +SHARED BUFFERS +CONNECTIONS +AT WORST +SHARE +FINDINGS$/m);
    expect(shown.stdout).toMatch(/^big +running +512 MiB +200 MiB +100 /m);
    expect(shown.stdout).toMatch(/^free +running +none +128 MiB .* no limit, on a machine with other containers$/m);
    expect(shown.stdout).toMatch(/^idle +stopped +256 MiB /m);
    expect(shown.stdout).toMatch(/^Machine: [\d.]+ GiB, of which [\d.]+ GiB are reserved for itself; /m);
  });

  it('exits with 1 if instances are promised more memory than the machine has, as preflight refuses too', async (test) => {
    const { run, problems } = await project(test, 17);
    await createInstance(run, { name: 'huge', storage: 'seeded', host: { Memory: 900 * GiB } });
    const { code, stdout } = await problems('fleet');
    expect(code).toBe(1);
    expect(stdout).toMatch(/GiB more than available/);
    expect(await problems('preflight', '--memory', '16m')).toMatchObject({ code: 1 });
    expect(await problems('preflight', '--memory', '16m', '--instance', 'huge')).toMatchObject({ code: 0 });
  });
});

interface Findings {
  readonly instance: string;
  readonly running: boolean;
  readonly limit: number;
  readonly findings: readonly string[];
}

/** A folder whose config selects only the instances of one run. */
async function project(test: Pick<TestContext, 'onTestFinished' | 'task'>, postgres: PostgresMajor) {
  const run: Run = await createRun(test, { postgres });
  const folder = temporaryFolder({
    'problems.config.yaml': `remediation:\n  containers: ^${run.prefix}vrooli-postgres-(.+)$\n`,
  });
  test.onTestFinished(() => folder[Symbol.asyncDispose]());
  function problems(...args: readonly string[]): Promise<Ran> {
    return runProblems(args, { cwd: folder.path });
  }
  async function tune(...args: readonly string[]) {
    const { code, stdout, stderr } = await problems('tune', ...args, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const tuning = JSON.parse(stdout);
    function of(name: string): Shown | undefined {
      return tuning.settings.find((setting: Shown) => setting.name === name);
    }
    return { tuning, of, recommended: (name: string) => of(name)?.recommended };
  }
  return { run, problems, tune };
}
