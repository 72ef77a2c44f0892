import { describe, expect, it, type TestContext } from 'vitest';
import {
  detect,
  plan,
  remediate,
  type Remediation,
  type RemediationOptions,
  rollback,
} from '../../../src/app/remediation.ts';
import { poolerCreate } from '../../../src/remediation/actions/pooler-create.ts';
import type { Json } from '../../../src/remediation/contract.ts';
import { oneOf, soak } from '../../soak.ts';
import { connect, refusalOf } from '../client.ts';
import { runContainer, startContainer } from '../container.ts';
import { actingHost } from '../engine/host.ts';
import { execIn, logOf } from '../exec.ts';
import { findInstance, type LabInstance, query, startInstance, waitReady } from '../instance.ts';
import { addOrders } from '../rows.ts';
import type { Run } from '../run.ts';
import { scenarioNamed } from '../scenarios/index.ts';
import { createRun, labRuns, majors } from '../support.ts';
import { eventually } from '../waiting.ts';
import { openPools } from './open-remediator.ts';

const runs = await labRuns();

describe.skipIf(!runs)('sessions that leak', { concurrent: true, timeout: 600_000 }, () => {
  // The pass that test/lab/smoke.test.ts makes, in detail.
  it.runIf(soak).for(majors(17))(
    'on PostgreSQL %i are found when all slots are taken, ended, and limited by a timeout',
    async (postgres, test) => {
      const run = await createRun(test, { postgres });
      await scenarioNamed('pool-exhaustion').up(run, () => undefined);
      const main = await findInstance(run, 'main');
      const before = await autoConf(main);
      const remediation = await open(test, run);
      await eventually(30_000, async () => (await detect(remediation)).findings[0]?.kind === 'leak');
      const { findings, notLookedAt } = await detect(remediation);
      expect(findings.map(({ id }) => id)).toEqual(['connection-pool/main/leak']);
      expect(notLookedAt).toEqual([]);
      expect(findings[0]?.summary).toContain('role app in vrooli, application orders-worker (97)');

      const { proposals } = await plan(remediation);
      expect(proposals.map(({ plan: made }) => made.type === 'plan' && made.steps.map(({ action }) => action))).toEqual(
        [['role.alter-setting', 'session.terminate']],
      );
      expect(proposals[0]?.decision).toMatchObject({ automation: 'approve' });
      expect(await sessionsOfApp(main)).toBe(97);

      const { runs: reports } = await remediate(remediation, { yes: true });
      expect(reports.map(({ outcome, failure }) => [outcome, failure])).toEqual([['fixed', null]]);
      expect(reports[0]?.verification?.checks).toContainEqual({
        name: '92 sessions at once',
        ok: true,
        seen: '92 of 92 as vrooli, acting as app in vrooli',
      });
      expect(await sessionsOfApp(main)).toBe(0);
      expect(await timeouts(main)).toEqual(['{idle_in_transaction_session_timeout=300s}']);
      expect((await detect(remediation)).findings).toEqual([]);

      expect(await rollback(remediation, reports[0]?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
      expect(await timeouts(main)).toEqual([]);
      expect(await autoConf(main)).toBe(before);
      expect(await query(main, 'select count(*), sum(amount) from orders')).toEqual(['1000|625625.00']);
    },
  );
});

describe.skipIf(!runs)('sessions that nothing uses', { timeout: 600_000 }, () => {
  it('of an ordinary role get a timeout and are ended; stuck ones of the image’s superuser are ended as well', async (test) => {
    const run = await createRun(test, { postgres: 17 });
    const idle = await startInstance(run, { name: 'idle', storage: 'seeded', settings: { max_connections: '20' } });
    await query(idle, "create role app login password 'hidden'");
    await Promise.all(Array.from({ length: 16 }, () => connect(idle, app)));
    const remediation = await open(test, run, { idleSeconds: 2, stuckSeconds: 2 });
    await untilFound(remediation, 'oversized-pools');
    const { proposals } = await plan(remediation);
    expect(proposals.map(({ plan: made }) => made.type === 'plan' && made.steps.map(({ action }) => action))).toEqual([
      ['role.alter-setting', 'session.terminate'],
    ]);
    expect(proposals[0]?.decision).toMatchObject({ automation: 'approve' });
    const { runs: reports } = await remediate(remediation, { yes: true });
    expect(reports.map(({ outcome, failure }) => [outcome, failure])).toEqual([['fixed', null]]);
    expect(await sessionsOfApp(idle)).toBe(0);
    expect(await timeouts(idle)).toEqual(['{idle_session_timeout=600s}']);

    // Over the network, as an application would.
    const own = await Promise.all(Array.from({ length: 15 }, () => connect(idle)));
    await Promise.all(own.map((client) => client.query('begin; select 1')));
    await untilFound(remediation, 'leak');
    const ended = (await remediate(remediation, { yes: true })).runs;
    expect(ended.map(({ outcome, failure }) => [outcome, failure])).toEqual([['fixed', null]]);
    const left = "select count(*) from pg_stat_activity where state like 'idle in transaction%'";
    expect(await query(idle, left)).toEqual(['0']);
  });
});

describe.skipIf(!runs)('too few slots', { concurrent: true, timeout: 600_000 }, () => {
  // The test with our pooler increases them in the same file.
  it.runIf(soak)(
    'are increased in postgresql.auto.conf, which overrides the mounted file, and rolled back byte for byte',
    async (test) => {
      const run = await createRun(test, { postgres: 17 });
      const busy = await startInstance(run, {
        name: 'busy',
        storage: 'bind',
        settings: { max_connections: '20' },
        host: memory,
      });
      await addOrders(busy);
      await load(busy, { clients: 17, script: 'select pg_sleep(0.1);' });
      const before = await autoConf(busy);
      const remediation = await open(test, run);
      await untilFound(remediation, 'undersized');
      const { runs: reports } = await remediate(remediation, { yes: true });
      expect(reports.map(({ outcome, failure }) => [outcome, failure])).toEqual([['fixed', null]]);
      expect(reports[0]?.steps.map(({ action }) => action)).toEqual([
        'container.stop',
        'setting.alter-stopped',
        'container.start',
      ]);
      expect(reports[0]?.verification?.checks.map(({ name }) => name)).toContain('memory stays below 85% of the limit');
      const raised = Number((await query(busy, 'show max_connections', { socket: true }))[0]);
      expect(raised).toBeGreaterThanOrEqual(30);
      expect((await detect(remediation)).findings).toEqual([]);

      expect(await rollback(remediation, reports[0]?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
      await waitReady(busy);
      expect(await autoConf(busy)).toBe(before);
      expect(await query(busy, 'show max_connections', { socket: true })).toEqual(['20']);
      expect(await owners(busy)).toEqual(['postgres']);
      expect(await query(busy, 'select count(*) from orders', { socket: true })).toEqual(['1000']);
    },
  );

  // test/lab/remediators/memory.test.ts recreates a container for a setting on its command line.
  it.runIf(soak)('are increased on the command line with a new container, and the old one is kept', async (test) => {
    const run = await createRun(test, { postgres: 15 });
    const busy = await startInstance(run, {
      name: 'busy',
      storage: 'volume',
      settings: { max_connections: '20' },
      host: memory,
    });
    await addOrders(busy);
    await load(busy, { clients: 17, script: 'select pg_sleep(0.1);' });
    const remediation = await open(test, run);
    await untilFound(remediation, 'undersized');
    const { runs: reports } = await remediate(remediation, { yes: true });
    expect(reports.map(({ outcome, failure }) => [outcome, failure])).toEqual([['fixed', null]]);
    const now = await findInstance(run, 'busy');
    expect(now.container.id).not.toBe(busy.container.id);
    expect((await now.container.inspect()).Config.Cmd).toEqual([
      'postgres',
      '-c',
      expect.stringMatching(/^max_connections=[34]0$/),
    ]);
    expect(await query(now, 'select count(*) from orders', { socket: true })).toEqual(['1000']);

    expect(await rollback(remediation, reports[0]?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
    await waitReady(busy);
    expect((await findInstance(run, 'busy')).container.id).toBe(busy.container.id);
    expect(await query(busy, 'show max_connections', { socket: true })).toEqual(['20']);
  });
});

describe.skipIf(!runs)('more clients than memory allows', { concurrent: true, timeout: 600_000 }, () => {
  it.for(
    oneOf([
      ['transaction', 17],
      ['session', 15],
    ] as const),
  )('get a pooler in %s mode in front of PostgreSQL %i', async ([mode, postgres], test) => {
    const run = await createRun(test, { postgres });
    const shop = await startInstance(run, {
      name: 'shop',
      storage: 'seeded',
      settings: { max_connections: '25' },
      host: { Memory: 300 * 2 ** 20 },
    });
    const pooler = `${shop.containerName}-pooler`;
    // Not an object of the lab, because the lab would leave it.
    test.onTestFinished(() =>
      run.docker
        .getContainer(pooler)
        .remove({ force: true })
        .catch(() => undefined),
    );
    await query(shop, "create role app login password 'hidden'");
    const clients = await Promise.all(Array.from({ length: 12 }, () => connect(shop, app)));
    const more = await Promise.allSettled(Array.from({ length: 14 }, () => connect(shop, app)));
    expect(more.filter(({ status }) => status === 'rejected').length).toBeGreaterThanOrEqual(4);
    for (const one of more) if (one.status === 'fulfilled') await one.value.end();
    const remediation = await open(test, run, {
      poolerImage: 'problems-lab/pgbouncer:1',
      pressure: 0.5,
      logMinutes: 60,
      idleSeconds: 86_400,
      ...(mode === 'transaction' ? { poolMode: mode } : {}),
    });
    await untilFound(remediation, 'undersized');
    const { runs: reports } = await remediate(remediation, { yes: true });
    expect(reports.map(({ outcome, failure }) => [outcome, failure])).toEqual([['fixed', null]]);
    expect(reports[0]?.verification?.checks.map(({ name }) => name)).toContainEqual(
      expect.stringMatching(/^\d+ clients at once through the pooler$/),
    );
    expect(await query(shop, 'show max_connections')).toEqual(['25']);
    expect((await detect(remediation)).findings.map(({ kind }) => kind)).toEqual(['past-the-pooler']);
    await Promise.all(clients.map((client) => client.end()));

    const direct = await requests(run, shop.containerName, 5432);
    expect(direct.code).not.toBe(0);
    const pooled = await requests(run, pooler, 6432);
    expect(pooled.stdout).toContain('transactions actually processed: 600/600');
    const inspected = await run.docker.getContainer(pooler).inspect();
    const secret = (await execIn(run.docker.getContainer(pooler), ['cat', '/tmp/problems-pooler/userlist.txt'])).stdout;
    expect(JSON.stringify(inspected)).not.toContain(/" "(.*)"/.exec(secret)?.[1]);
    expect(inspected.HostConfig.Memory).toBeGreaterThan(64 * 2 ** 20);
    // A pooler is no server, although its name begins like one.
    expect((await remediation.session.reader.instances()).map(({ name }) => name)).toEqual(['shop']);
    expect(await query(shop, "select has_table_privilege('problems_pooler', 'pg_authid', 'select')")).toEqual(['f']);

    expect(await rollback(remediation, reports[0]?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
    await expect(run.docker.getContainer(pooler).inspect()).rejects.toMatchObject({ statusCode: 404 });
    expect(await query(shop, "select nspname from pg_namespace where nspname ~ 'problems'")).toEqual([]);
    expect(await query(shop, "select rolname from pg_roles where rolname ~ 'problems'")).toEqual([]);
  });
});

describe.skipIf(!runs)('a restart behind our pooler', { timeout: 600_000 }, () => {
  it('makes its clients wait, and none of them loses a transaction', async (test) => {
    const run = await createRun(test, { postgres: 17 });
    const shop = await startInstance(run, {
      name: 'shop',
      storage: 'bind',
      settings: { max_connections: '25' },
      host: memory,
    });
    await query(shop, "create role app login password 'hidden'");
    const pooler = `${shop.containerName}-pooler`;
    test.onTestFinished(() =>
      run.docker
        .getContainer(pooler)
        .remove({ force: true })
        .catch(() => undefined),
    );
    const remediation = await open(test, run, { pressure: 0.5, logMinutes: 60 });
    const host = await actingHost(remediation);
    const image = (await host.docker.image('problems-lab/pgbouncer:1'))?.id ?? '';
    const { uid, gid } = await host.probes.imageUser(image, 'postgres');
    await poolerCreate.apply(
      {
        instance: 'shop',
        name: pooler,
        image,
        user: `${uid}:${gid}`,
        networks: [run.network],
        server: { host: shop.containerName, port: 5432 },
        databases: ['vrooli'],
        mode: 'transaction',
        poolSize: 12,
        perDatabase: 15,
        maxClients: 100,
        ownConnections: 2,
      },
      host,
    );
    const client = await startContainer(run, {
      name: 'client',
      image: `problems-lab/postgres-seeded:${run.postgres}`,
      entrypoint: ['bash', '-c', "echo 'select pg_sleep(0.05);' | pgbench -n -c 30 -j 2 -T 600 -f -"],
      env: { PGHOST: pooler, PGPORT: '6432', PGUSER: 'app', PGPASSWORD: 'hidden', PGDATABASE: 'vrooli' },
    });
    const more = await Promise.allSettled(Array.from({ length: 24 }, () => connect(shop, app)));
    for (const one of more) if (one.status === 'fulfilled') await one.value.end();
    await untilFound(remediation, 'undersized');
    const { runs: reports } = await remediate(remediation, { yes: true });
    expect(reports.map(({ outcome, failure }) => [outcome, failure])).toEqual([['fixed', null]]);
    expect(reports[0]?.steps.map(({ action }) => action)).toEqual([
      'pooler.pause',
      'container.stop',
      'setting.alter-stopped',
      'container.start',
      'pooler.resume',
    ]);
    expect((await client.inspect()).State.Running).toBe(true);
    expect(await logOf(client)).not.toMatch(/abort|FATAL|ERROR/i);
    expect(await rollback(remediation, reports[0]?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
    expect((await client.inspect()).State.Running).toBe(true);
    expect(await logOf(client)).not.toMatch(/abort|FATAL|ERROR/i);
  });
});

describe.skipIf(!runs)('a problem that more slots would not fix', { concurrent: true, timeout: 600_000 }, () => {
  it('is the limit of a role: nothing is raised, and the case is escalated', async (test) => {
    const run = await createRun(test, { postgres: 17 });
    const fenced = await startInstance(run, { name: 'fenced', storage: 'seeded' });
    await query(fenced, "create role app login password 'hidden' connection limit 3");
    const holder = await Promise.all(Array.from({ length: 3 }, () => connect(fenced, app)));
    const { message } = await refusalOf(connect(fenced, app));
    expect(message).toBe('too many connections for role "app"');
    const remediation = await open(test, run);
    expect((await detect(remediation)).findings.map(({ id }) => id)).toEqual([
      'connection-pool/fenced/deliberate-limit/role-app',
    ]);
    const { runs: reports } = await remediate(remediation, { yes: true });
    expect(reports).toMatchObject([{ outcome: 'failed', failure: { class: 'unsafe' } }]);
    expect(reports[0]?.dossier).not.toBeNull();
    expect(await query(fenced, "select rolconnlimit from pg_roles where rolname = 'app'")).toEqual(['3']);
    expect(await query(fenced, 'show max_connections')).toEqual(['100']);
    await Promise.all(holder.map((client) => client.end()));
  });

  it('is a lock that many sessions wait for, even if they have taken every slot', async (test) => {
    const run = await createRun(test, { postgres: 15 });
    const jam = await startInstance(run, { name: 'jam', storage: 'seeded', settings: { max_connections: '20' } });
    await addOrders(jam);
    await query(jam, "create role app login password 'hidden'; grant all on orders to app");
    const root = await connect(jam, app);
    await root.query('begin; lock table orders in access exclusive mode');
    const waiting = await Promise.all(Array.from({ length: 16 }, () => connect(jam, app)));
    const blocked = waiting.map((client) => client.query('select count(*) from orders').catch(() => undefined));
    const remediation = await open(test, run);
    await untilFound(remediation, 'lock-pile-up');
    const { findings } = await detect(remediation);
    expect(findings.map(({ id }) => id)).toEqual(['connection-pool/jam/lock-pile-up']);
    const { runs: reports } = await remediate(remediation, { yes: true });
    expect(reports).toMatchObject([{ outcome: 'failed', failure: { class: 'unsafe' } }]);
    expect(reports[0]?.failure?.message).toMatch(
      /pid \d+ \(role app in vrooli, idle in transaction since 20.*Z\) holds the lock; 16 sessions wait for it; its last statement: begin; lock table orders in access exclusive mode/,
    );
    await root.query('commit');
    await Promise.all(blocked);
    expect(await query(jam, 'show max_connections', { socket: true })).toEqual(['20']);
    await Promise.all([root, ...waiting].map((client) => client.end()));
    expect((await detect(remediation)).findings).toEqual([]);
  });
});

describe.skipIf(!runs)('a server that accepts no connections', () => {
  it('not even from a superuser, is entered by ending the session that loses least, and diagnosed', async (test) => {
    const run = await createRun(test, { postgres: 17 });
    const shut = await startInstance(run, { name: 'shut', storage: 'seeded', settings: { max_connections: '12' } });
    const working = await connect(shut);
    await working.query('begin; create table kept (id int)');
    const all = await Promise.allSettled(Array.from({ length: 13 }, () => connect(shut)));
    const idle = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(idle).toHaveLength(11);
    const { message } = await refusalOf(connect(shut));
    expect(message).toBe('sorry, too many clients already');
    const remediation = await open(test, run);
    const { findings } = await detect(remediation);
    expect(findings.map(({ id }) => id)).toEqual(['connection-pool/shut/no-slot-left']);
    expect(findings[0]?.evidence).toMatchObject([
      { type: 'message', text: 'sorry, too many clients already', sqlstate: '53300' },
      {
        type: 'probe',
        result: expect.stringMatching(/^11 × vrooli vrooli [\d.]+ idle\n1 × vrooli vrooli [\d.]+ idle in/),
      },
    ]);
    const { runs: waiting } = await remediate(remediation);
    expect(waiting).toMatchObject([{ outcome: 'awaiting-approval' }]);

    const containers = `^${run.prefix}vrooli-postgres-(.+)$`;
    const allowed = await open(test, run, {}, { config: { containers, allow: ['end-session-for-slot'] } });
    const { runs: reports } = await remediate(allowed);
    expect(reports[0]).toMatchObject({ outcome: 'fixed', failure: null });
    expect(reports[0]?.verification?.checks).toContainEqual({
      name: 'who holds the slots is known',
      ok: true,
      seen: expect.stringMatching(/^11 × role vrooli in vrooli(?:, application .*)? from [\d.]+$/),
    });
    // The slot is still ours: the usual diagnosis follows. Which one fits depends on how long this took.
    expect(reports.slice(1).map(({ finding }) => finding)).toEqual([
      expect.stringMatching(/^connection-pool\/shut\/(?!no-slot-left)/),
    ]);
    const answers = await Promise.allSettled(idle.map((client) => client.query('select 1')));
    expect(answers.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    await working.query('commit');
    expect(await working.query('select count(*) from kept')).toEqual([{ count: '0' }]);
    await Promise.all([working, ...idle].map((client) => client.end().catch(() => undefined)));
    expect((await detect(remediation)).findings).toEqual([]);
  });
});

describe.skipIf(!runs)('nothing is found', { concurrent: true, timeout: 600_000 }, () => {
  it.runIf(soak).for(['healthy', 'memory-oversized', 'migration-race', 'volume-permissions'] as const)(
    'in the scenario %s',
    async (name, test) => {
      const run = await createRun(test);
      await scenarioNamed(name).up(run, () => undefined);
      expect((await detect(await open(test, run))).findings).toEqual([]);
    },
  );

  it('on a server whose slots are half taken, with a transaction that thinks', async (test) => {
    const run = await createRun(test, { postgres: 15 });
    const half = await startInstance(run, { name: 'half', storage: 'seeded' });
    await query(half, "create role app login password 'hidden'");
    const clients = await Promise.all(Array.from({ length: 48 }, () => connect(half, app)));
    for (const client of clients.slice(0, 4)) await client.query('begin; select 1');
    expect(await detect(await open(test, run))).toMatchObject({ findings: [], notLookedAt: [], interruptedRuns: [] });
    await Promise.all(clients.map((client) => client.end()));
  });
});

const app = { user: 'app', password: 'hidden' };
/** Without a limit an instance's share depends on what else runs on the machine. */
const memory = { Memory: 2 * 2 ** 30 };

/** 200 clients at once, three transactions each, as the application's role. */
async function requests(run: Run, host: string, port: number): ReturnType<typeof runContainer> {
  return runContainer(run, {
    image: `problems-lab/postgres-seeded:${run.postgres}`,
    entrypoint: ['bash', '-c', "echo 'select 1;' | pgbench -n -c 200 -j 4 -t 3 -f -"],
    env: { PGHOST: host, PGPORT: String(port), PGUSER: 'app', PGPASSWORD: 'hidden', PGDATABASE: 'vrooli' },
  });
}

/** A client container that opens its sessions again whenever they are ended. */
async function load(
  instance: LabInstance,
  { clients, script }: { readonly clients: number; readonly script: string },
): Promise<void> {
  await query(instance, "create role app login password 'hidden'");
  await startContainer(instance.run, {
    name: `load-${instance.name}`,
    image: `problems-lab/postgres-seeded:${instance.run.postgres}`,
    entrypoint: ['bash', '-c', `while sleep 0.3; do echo '${script}' | pgbench -n -c ${clients} -T 600 -f -; done`],
    env: {
      PGHOST: instance.containerName,
      PGUSER: 'app',
      PGPASSWORD: 'hidden',
      PGDATABASE: instance.database,
      PGAPPNAME: 'load',
    },
  });
}

/** A moment may show something else: sessions come one after the other. */
async function untilFound(remediation: Remediation, kind: string): Promise<void> {
  let last: unknown;
  await eventually(60_000, async () => {
    const found = await detect(remediation);
    last = found;
    return found.findings.length === 1 && found.findings[0]?.kind === kind;
  }).catch((error: unknown) => {
    throw new Error(`${kind} was not found, but ${JSON.stringify(last)}`, { cause: error });
  });
}

/** Whose files are in the data directory. */
async function owners({ container }: LabInstance): Promise<readonly string[]> {
  const { stdout } = await execIn(container, ['sh', '-c', 'find "$PGDATA" -printf "%u\n" | sort -u'], { user: '0:0' });
  return stdout.split('\n').filter((line) => line !== '');
}

async function open(
  test: Pick<TestContext, 'onTestFinished'>,
  run: Run,
  settings: { readonly [key: string]: Json } = {},
  options: Partial<RemediationOptions> = {},
): Promise<Remediation> {
  const remediation = await openPools(run, settings, options);
  test.onTestFinished(() => remediation.close());
  return remediation;
}

async function sessionsOfApp(instance: LabInstance): Promise<number> {
  const sql = "select count(*) from pg_stat_activity where usename = 'app'";
  return Number((await query(instance, sql, { socket: true }))[0]);
}

async function timeouts(instance: LabInstance): Promise<readonly string[]> {
  return query(instance, 'select setconfig from pg_db_role_setting');
}

async function autoConf({ container }: LabInstance): Promise<string> {
  return (await execIn(container, ['sh', '-c', 'cat "$PGDATA/postgresql.auto.conf"'], { user: 'postgres' })).stdout;
}
