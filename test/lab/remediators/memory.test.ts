import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { detect, plan, remediate, type Remediation, rollback, tune } from '../../../src/app/remediation.ts';
import { oneOf, soak } from '../../soak.ts';
import { execIn, logOf } from '../exec.ts';
import { createInstance, findInstance, type LabInstance, psql, query, startInstance, waitReady } from '../instance.ts';
import { addOrders } from '../rows.ts';
import type { Run } from '../run.ts';
import { scenarioNamed } from '../scenarios/index.ts';
import { snapshotEngine } from '../snapshot.ts';
import { createRun, labRuns, majors } from '../support.ts';
import { eventually } from '../waiting.ts';
import { openMemory } from './open-remediator.ts';

const runs = await labRuns();
const MiB = 2 ** 20;

describe.skipIf(!runs)('a limit that is too small for shared_buffers', { concurrent: true }, () => {
  // The pass that test/lab/smoke.test.ts makes, in detail.
  it.runIf(soak).for(majors(15))(
    'is found after the kernel killed PostgreSQL %i, planned without a change, and raised while the server runs',
    async (postgres, test) => {
      const run = await createRun(test, { postgres });
      await scenarioNamed('memory-oversized').up(run, () => undefined);
      const { container } = await findInstance(run, 'production');
      const looking = await open(test, run, {}, { onlyLooking: true });

      const { findings, notLookedAt } = await detect(looking);
      expect(notLookedAt).toEqual([]);
      expect(findings.map(({ id }) => id)).toEqual(['memory/production/oom-killed']);
      expect(findings[0]?.details).toMatchObject({ cause: 'shared-buffers', limit: 96 * MiB });
      const before = await snapshotEngine(run);
      const { proposals } = await plan(looking);
      expect(proposals.map(({ decision }) => decision?.automation)).toEqual(['auto']);
      expect(await snapshotEngine(run)).toEqual(before);
      const remediation = await open(test, run);

      const { State } = await container.inspect();
      const [report] = (await remediate(remediation)).runs;
      expect(report).toMatchObject({ outcome: 'fixed', automation: 'auto', failure: null, downtimeMs: 0 });
      const after = await container.inspect();
      expect(after.State.StartedAt).toBe(State.StartedAt);
      expect(after.HostConfig.Memory).toBeGreaterThan(1024 * MiB);
      expect(await detect(remediation)).toMatchObject({ findings: [], notLookedAt: [], interruptedRuns: [] });
      expect(await query(await findInstance(run, 'production'), 'select count(*) from history')).toEqual(['140000']);

      expect(await rollback(remediation, report?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
      expect((await container.inspect()).HostConfig).toMatchObject({ Memory: 96 * MiB, MemorySwap: 96 * MiB });
    },
  );

  // test/lab/remediators/memory-crash.test.ts lowers them as well, and restores every byte.
  it.runIf(soak).for(majors(17))(
    'is kept if it may not be raised: shared_buffers of PostgreSQL %i are lowered with approval, and rolled back byte for byte',
    async (postgres, test) => {
      const run = await createRun(test, { postgres });
      const limit = 512 * MiB;
      const instance = await startInstance(run, {
        name: 'large',
        storage: 'bind',
        settings: { shared_buffers: '1GB', work_mem: '8MB' },
        host: { Memory: limit, MemorySwap: limit },
      });
      await addOrders(instance);
      const remediation = await open(test, run, { raise: 'never' });
      const text = await autoConf(remediation);
      expect((await detect(remediation)).findings.map(({ id }) => id)).toEqual([
        'memory/large/shared-buffers-over-limit',
      ]);

      expect((await remediate(remediation)).runs).toMatchObject([{ outcome: 'awaiting-approval' }]);
      const [report] = (await remediate(remediation, { yes: true })).runs;
      expect(report).toMatchObject({ outcome: 'fixed', failure: null });
      expect(await query(instance, 'show shared_buffers')).toEqual(['128MB']);
      // What a shutdown would have to write was written before it, while clients were served.
      const log = await logOf(instance.container);
      const ahead = log.indexOf('checkpoint starting: immediate force wait');
      expect(ahead).toBeGreaterThan(-1);
      expect(ahead).toBeLessThan(log.lastIndexOf('received fast shutdown request'));
      const audit = await remediation.session.store.audit.list(report?.id ?? '');
      expect(audit.filter(({ event }) => event === 'nothing was done ahead')).toEqual([]);
      expect(await query(instance, 'select count(*) from orders')).toEqual(['1000']);
      // All of its 100 connections at once would still need more: advice, but no finding while it is far from the limit.
      expect((await detect(remediation)).findings).toEqual([]);
      const { warnings } = await tune(remediation, { instance: 'large' });
      expect(warnings).toEqual([expect.stringContaining('more than its limit of 512MB')]);

      expect(await rollback(remediation, report?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
      await waitReady(instance);
      expect(await autoConf(remediation)).toBe(text);
      expect(await query(instance, 'show shared_buffers')).toEqual(['1GB']);
    },
  );
});

describe.skipIf(!runs)('a worst case above the limit', () => {
  it('is a finding only near the limit, and lowered by a reload if the limit may not be raised, unattended and without downtime', async (test) => {
    const run = await createRun(test);
    const limit = 700 * MiB;
    const instance = await startInstance(run, {
      name: 'tight',
      storage: 'volume',
      settings: { max_connections: '20' },
      host: { Memory: limit, MemorySwap: limit },
    });
    await query(instance, "alter system set work_mem = '5MB'");
    await query(instance, 'select pg_reload_conf()');
    const { State } = await instance.container.inspect();
    const remediation = await open(test, run, { raise: 'never' });
    const text = await autoConf(remediation);
    expect((await detect(remediation)).findings).toEqual([]);
    // A session that holds 576 MB brings it near the limit, until the settings have been changed.
    // A constant would be computed while planning, and held several times.
    const texts = Array.from(
      { length: 12 },
      (_, index) => `held${index} text := repeat(left(random()::text, 1), 48000000);`,
    );
    const holding = psql(instance, `do $$ declare ${texts.join(' ')} begin perform pg_sleep(300); end $$`);
    await eventually(120_000, async () => (await detect(remediation)).findings.length > 0);
    expect((await detect(remediation)).findings.map(({ id }) => id)).toEqual(['memory/tight/worst-case-over-limit']);
    const released = eventually(120_000, async () => {
      if ((await query(instance, 'show autovacuum_work_mem'))[0] === '-1') return false;
      await query(
        instance,
        "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(300)%' and pid <> pg_backend_pid()",
      );
      return true;
    });
    const [report] = (await remediate(remediation)).runs;
    await Promise.all([released, holding]);
    expect(report).toMatchObject({ outcome: 'fixed', automation: 'auto', failure: null, downtimeMs: 0 });
    expect((await query(instance, 'show autovacuum_work_mem'))[0]).not.toBe('-1');
    expect((await instance.container.inspect()).State.StartedAt).toBe(State.StartedAt);
    expect((await detect(remediation)).findings).toEqual([]);

    expect(await rollback(remediation, report?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
    expect(await autoConf(remediation)).toBe(text);
    expect(await query(instance, 'show autovacuum_work_mem')).toEqual(['-1']);
  });
});

describe.skipIf(!runs)('a server that does not come up', { concurrent: true }, () => {
  // A start that is refused, and a setting on the command line, have a test each.
  it.runIf(soak)('again and again because of its command line is recreated with smaller values', async (test) => {
    const run = await createRun(test);
    const instance = await createInstance(run, {
      name: 'asking',
      storage: 'volume',
      settings: { shared_buffers: '900GB' },
      host: { Memory: 2048 * MiB, MemorySwap: 2048 * MiB },
    });
    const first = await startInstance(run, { name: 'first', storage: 'volume' });
    await addOrders(first);
    await first.container.remove({ force: true });
    await instance.container.remove();
    const again = await createInstance(run, {
      name: 'asking',
      storage: 'anonymous',
      password: first.password,
      settings: { shared_buffers: '900GB' },
      host: { Memory: 2048 * MiB, MemorySwap: 2048 * MiB, Binds: [`${first.data}:/var/lib/postgresql/data`] },
    });
    await again.container.start();
    await eventually(20_000, async () => (await again.container.inspect()).RestartCount > 1);
    const remediation = await open(test, run);
    const { findings, notLookedAt } = await detect(remediation);
    expect([findings.map(({ id }) => id), notLookedAt]).toEqual([['memory/asking/start-refused'], []]);
    const { proposals } = await plan(remediation);
    expect(proposals.map(({ plan: made }) => (made.type === 'refusal' ? made.reason : made.type))).toEqual(['plan']);
    const { runs: reports } = await remediate(remediation, { yes: true });
    expect(reports).toMatchObject([{ outcome: 'fixed', failure: null }]);
    const made = await findInstance(run, 'asking');
    expect(await query(made, 'show shared_buffers')).toEqual(['512MB']);
    expect(await query(made, 'select count(*) from orders')).toEqual(['1000']);
  });

  it.for(oneOf(['unless-stopped', 'no']))(
    'because of shared_buffers larger than the machine gets the previous value back; restart policy %s',
    async (policy, test) => {
      const run = await createRun(test);
      const instance = await startInstance(run, {
        name: 'huge',
        storage: 'bind',
        settings: { shared_buffers: '64MB' },
      });
      await addOrders(instance);
      await query(instance, "alter system set work_mem = '5MB'");
      await query(instance, "alter system set shared_buffers = '900GB'");
      await instance.container.update({ RestartPolicy: { Name: policy } });
      await instance.container.restart();
      await eventually(30_000, async () => {
        const { State, RestartCount } = await instance.container.inspect();
        return State.Status === 'exited' || RestartCount > 1;
      });
      const remediation = await open(test, run);
      const text = await autoConf(remediation);

      const { findings } = await detect(remediation);
      expect(findings.map(({ id }) => id)).toEqual(['memory/huge/start-refused']);
      // One that the engine keeps restarting is down, though it says that it runs.
      const [report] = (await remediate(remediation)).runs;
      expect(report).toMatchObject({ outcome: 'fixed', automation: 'auto', failure: null });
      expect(await query(instance, 'show shared_buffers')).toEqual(['64MB']);
      expect(await query(instance, 'show work_mem')).toEqual(['5MB']);
      expect(await query(instance, 'select count(*) from orders')).toEqual(['1000']);
      expect((await detect(remediation)).findings).toEqual([]);

      expect(await rollback(remediation, report?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
      expect(await autoConf(remediation)).toBe(text);
      if (policy === 'no') expect((await instance.container.inspect()).State.Running).toBe(false);
    },
  );

  it('because its recovery is repeatedly killed at the limit gets a higher limit, and recovers', async (test) => {
    const run = await createRun(test);
    const limit = 64 * MiB;
    const roomy = 1024 * MiB;
    const instance = await startInstance(run, {
      name: 'looping',
      storage: 'volume',
      settings: { shared_buffers: '512MB', max_wal_size: '4GB', checkpoint_timeout: '1h', max_connections: '20' },
      host: { Memory: roomy, MemorySwap: roomy, RestartPolicy: { Name: 'no' } },
    });
    await addOrders(instance);
    await query(instance, 'checkpoint');
    // Enough of it that replay fills the buffers.
    await query(
      instance,
      'create table history as select n, repeat(md5(n::text), 30) as entry from generate_series(1, 200000) as n',
    );
    await instance.container.kill();
    await instance.container.update({ Memory: limit, MemorySwap: limit });
    for (let starts = 0; starts < 2; starts += 1) {
      await instance.container.start();
      await eventually(60_000, async () => (await instance.container.inspect()).State.Status === 'exited');
    }
    const remediation = await open(test, run);
    const { findings } = await detect(remediation);
    expect(findings.map(({ id }) => id)).toEqual(['memory/looping/oom-in-recovery']);

    const [report] = (await remediate(remediation)).runs;
    expect(report).toMatchObject({ outcome: 'fixed', automation: 'auto', failure: null });
    expect(await query(instance, 'select count(*) from history')).toEqual(['200000']);
    expect(await query(instance, 'select count(*) from orders')).toEqual(['1000']);
    expect((await detect(remediation)).findings).toEqual([]);
  });
});

// The smoke test raises the limit of a server whose backend was killed.
describe.skipIf(!runs || !soak)('a limit of 256 MB with shared_buffers of 1 GB', () => {
  it('lets the server start, kills it under load, and is raised so that the same load succeeds', async (test) => {
    const run = await createRun(test, { postgres: 15 });
    const limit = 256 * MiB;
    const instance = await startInstance(run, {
      name: 'dying',
      storage: 'volume',
      settings: { shared_buffers: '1GB', max_connections: '20' },
      host: { Memory: limit, MemorySwap: limit, RestartPolicy: { Name: 'no' } },
    });
    await query(instance, 'create extension pg_prewarm');
    await query(
      instance,
      'create table history as select n, repeat(md5(n::text), 30) as entry from generate_series(1, 350000) as n; checkpoint;',
    );
    expect((await psql(instance, "select pg_prewarm('history')")).code).not.toBe(0);
    const remediation = await open(test, run);
    await eventually(60_000, async () => {
      const { findings } = await detect(remediation);
      return findings.some(({ kind }) => kind === 'oom-killed' || kind === 'oom-in-recovery');
    });
    const [report] = (await remediate(remediation)).runs;
    expect(report).toMatchObject({ outcome: 'fixed', automation: 'auto', failure: null });
    expect((await psql(instance, "select pg_prewarm('history')")).code).toBe(0);
    expect((await detect(remediation)).findings).toEqual([]);
  });
});

describe.skipIf(!runs)('a /dev/shm that is too small for parallel queries', { concurrent: true }, () => {
  const parallelHash = `set max_parallel_workers_per_gather = 2; set parallel_setup_cost = 0; set parallel_tuple_cost = 0;
    set min_parallel_table_scan_size = 0; set work_mem = '64MB'; set enable_mergejoin = off; set enable_nestloop = off;
    select count(*) from wide as a join wide as b on a.entry = b.entry;`;

  async function wide(run: Run, name: string): Promise<LabInstance> {
    const instance = await startInstance(run, { name, storage: 'volume', host: { ShmSize: 4 * MiB } });
    await query(
      instance,
      'create table wide as select n, repeat(md5(n::text), 4) as entry from generate_series(1, 60000) as n; analyze wide;',
    );
    expect((await psql(instance, parallelHash)).stderr).toContain('could not resize shared memory segment');
    return instance;
  }

  it('is enlarged in a new container on the same data, with approval', async (test) => {
    const run = await createRun(test);
    await wide(run, 'parallel');
    const remediation = await open(test, run);
    expect((await detect(remediation)).findings.map(({ id }) => id)).toEqual(['memory/parallel/shm-too-small']);
    const [report] = (await remediate(remediation, { yes: true })).runs;
    expect(report).toMatchObject({ outcome: 'fixed', failure: null });
    const made = await findInstance(run, 'parallel');
    expect((await made.container.inspect()).HostConfig.ShmSize).toBe(256 * MiB);
    expect(await query(made, parallelHash)).toEqual(['60000']);
    expect((await detect(remediation)).findings).toEqual([]);

    expect(await rollback(remediation, report?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
    const back = await findInstance(run, 'parallel');
    await waitReady(back);
    expect((await back.container.inspect()).HostConfig.ShmSize).toBe(4 * MiB);
    expect(await query(back, 'select count(*) from wide')).toEqual(['60000']);
  });

  it.runIf(soak)(
    'of a container with changes outside its volumes is avoided by a reload that turns parallel queries off, with approval',
    async (test) => {
      const run = await createRun(test);
      const instance = await wide(run, 'kept');
      await instance.container.exec({ Cmd: ['sh', '-c', 'echo 1 > /etc/kept'] }).then(async (exec) => exec.start({}));
      await eventually(5_000, async () => (await execIn(instance.container, ['cat', '/etc/kept'])).code === 0);
      const remediation = await open(test, run);
      // Only the log shows it, and any role can write to the log.
      expect((await remediate(remediation)).runs).toMatchObject([
        { outcome: 'awaiting-approval', automation: 'approve' },
      ]);
      const [report] = (await remediate(remediation, { yes: true })).runs;
      expect(report).toMatchObject({ outcome: 'fixed', failure: null, downtimeMs: 0 });
      expect(await query(instance, 'show max_parallel_workers_per_gather')).toEqual(['0']);
      expect((await detect(remediation)).findings).toEqual([]);
    },
  );
});

describe.skipIf(!runs)('a setting on the command line', () => {
  it('is changed in a new container on the same data, with approval, and rolled back with the old one', async (test) => {
    const run = await createRun(test, { postgres: 15 });
    const limit = 512 * MiB;
    const instance = await startInstance(run, {
      name: 'stated',
      storage: 'volume',
      settings: { shared_buffers: '1GB' },
      host: { Memory: limit, MemorySwap: limit },
    });
    await addOrders(instance);
    const remediation = await open(test, run, { raise: 'never' });
    expect((await remediate(remediation)).runs).toMatchObject([{ outcome: 'awaiting-approval' }]);
    const [report] = (await remediate(remediation, { yes: true })).runs;
    expect(report).toMatchObject({ outcome: 'fixed', failure: null });
    const made = await findInstance(run, 'stated');
    expect((await made.container.inspect()).Config.Cmd).toContain('shared_buffers=128MB');
    expect(await query(made, 'show shared_buffers')).toEqual(['128MB']);
    expect(await query(made, 'select count(*) from orders')).toEqual(['1000']);

    expect(await rollback(remediation, report?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
    const back = await findInstance(run, 'stated');
    await waitReady(back);
    expect(back.container.id).toBe(instance.container.id);
    expect(await query(back, 'show shared_buffers')).toEqual(['1GB']);
    expect(await query(back, 'select count(*) from orders')).toEqual(['1000']);
  });
});

describe.skipIf(!runs)('a case that is never repaired', { concurrent: true }, () => {
  const limited = { storage: 'seeded', settings: { shared_buffers: '1GB' }, host: { Memory: 256 * MiB } } as const;

  it.for(
    oneOf([
      ['belongs to Compose', { 'com.docker.compose.project': 'shop' }, /Compose project shop/],
      ['belongs to Swarm', { 'com.docker.swarm.service.id': 'x1', 'com.docker.swarm.service.name': 'db' }, /Swarm/],
    ] as const),
  )('is a limit of an instance that %s', async ([, labels, reason], test) => {
    const run = await createRun(test);
    await startInstance(run, { name: 'owned', ...limited, container: { Labels: labels } });
    const remediation = await open(test, run);
    // It starts without complaint, and will be killed.
    expect((await detect(remediation)).findings.map(({ kind }) => kind)).toEqual(['shared-buffers-over-limit']);
    const { proposals } = await plan(remediation);
    expect(proposals[0]?.plan).toMatchObject({ type: 'refusal', reason: expect.stringMatching(reason) });
  });

  it('is a setting that a standby needs, since its primary determines it', async (test) => {
    const run = await createRun(test);
    const instance = await startInstance(run, { name: 'standby', ...limited });
    await execIn(instance.container, ['sh', '-c', 'touch "$PGDATA/standby.signal"'], { user: 'postgres' });
    await instance.container.restart();
    await waitReady(instance);
    const remediation = await open(test, run);
    const { proposals } = await plan(remediation);
    expect(proposals[0]?.plan).toMatchObject({ type: 'refusal', reason: expect.stringContaining('standby') });
  });

  it('is a server whose files were broken since its start, because it would not start again', async (test) => {
    const run = await createRun(test);
    const instance = await startInstance(run, {
      name: 'broken',
      storage: 'bind',
      settings: { shared_buffers: '1GB' },
      host: { Memory: 512 * MiB },
    });
    const file = join(run.folder, 'resources/postgres/instances/broken/config/postgresql.conf');
    await appendFile(file, '\nwork_mem = many\n');
    const { proposals } = await plan(await open(test, run, { raise: 'never' }));
    expect(proposals[0]?.plan).toMatchObject({ type: 'refusal', reason: expect.stringContaining('work_mem') });
    expect((await instance.container.inspect()).State.Running).toBe(true);
  });

  it('is an instance without a limit, although the config can request a report', async (test) => {
    const run = await createRun(test);
    await startInstance(run, { name: 'free', storage: 'seeded' });
    expect((await detect(await open(test, run))).findings).toEqual([]);
    const remediation = await open(test, run, { noLimit: 'always' });
    expect((await detect(remediation)).findings.map(({ id }) => id)).toEqual(['memory/free/no-limit']);
    const { proposals } = await plan(remediation);
    expect(proposals[0]?.plan).toMatchObject({
      type: 'refusal',
      advice: expect.stringMatching(/docker update --memory \d+ --memory-swap \d+ /),
    });
  });
});

describe.skipIf(!runs)('healthy instances', () => {
  it('give no finding, whether running, stopped, with a sufficient limit or without one', async (test) => {
    const run = await createRun(test);
    for (const name of soak ? ['healthy', 'port-conflict', 'pool-exhaustion'] : [])
      await scenarioNamed(name).up(run, () => undefined);
    const roomy = { storage: 'seeded', host: { Memory: 3072 * MiB, MemorySwap: 3072 * MiB } } as const;
    await startInstance(run, { name: 'roomy', ...roomy });
    const stopped = await startInstance(run, { name: 'stopped', ...roomy });
    await stopped.container.stop();
    // Killed by an operator, and recovering without help.
    const killed = await startInstance(run, { name: 'killed', ...roomy });
    await killed.container.kill();
    await killed.container.start();
    await waitReady(killed);
    expect(await detect(await open(test, run))).toMatchObject({ findings: [], notLookedAt: [], interruptedRuns: [] });
  });
});

async function open(
  test: TestContext,
  run: Run,
  settings: Parameters<typeof openMemory>[1] = {},
  options: Parameters<typeof openMemory>[2] = {},
): Promise<Remediation> {
  const remediation = await openMemory(run, settings, options);
  test.onTestFinished(() => remediation.close());
  return remediation;
}

async function autoConf({ session }: Remediation): Promise<string> {
  const [instance] = await session.reader.instances();
  if (instance === undefined) throw new Error('no instance');
  const bytes = await session.reader.docker.file(
    instance.container.id,
    `${instance.dataDirectory}/postgresql.auto.conf`,
  );
  return Buffer.from(bytes ?? []).toString();
}
