import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import {
  type DetectResult,
  detect,
  plan,
  type Plan,
  type Refusal,
  remediate,
  type Remediation,
  rollback,
} from '../../../src/app/remediation.ts';
import { soak } from '../../soak.ts';
import { startContainer } from '../container.ts';
import { askGui, findGui, startGui } from '../gui.ts';
import { findInstance, query, startInstance, waitReady } from '../instance.ts';
import { ensureNetwork, type Run } from '../run.ts';
import { healthy } from '../scenarios/healthy.ts';
import { poolExhaustion } from '../scenarios/pool-exhaustion.ts';
import { portConflict } from '../scenarios/port-conflict.ts';
import { volumePermissions } from '../scenarios/volume-permissions.ts';
import { webguiUnreachable } from '../scenarios/webgui-unreachable.ts';
import { snapshotEngine } from '../snapshot.ts';
import { closeTestRun, createRun, labRuns, openTestRun } from '../support.ts';
import { eventually, inTurn } from '../waiting.ts';
import {
  addressOn,
  closeAccess,
  closedNetwork,
  guiOf,
  startClient,
  startServer,
  waitInside,
} from './network-causes.ts';
import { openNetworks, type Settings } from './open-remediator.ts';
import { stateFile } from './open-ports.ts';

describe.skipIf(!(await labRuns()))('network-reconnect', () => {
  // The pass that test/lab/smoke.test.ts makes, in detail.
  it.runIf(soak)(
    'connects a web GUI to the network of its instance, after which it shows real data; and disconnects it on rollback',
    async (test) => {
      const run = await createRun(test);
      await webguiUnreachable.up(run, () => undefined);
      const networks = await openFor(test, run);
      const gui = await findGui(run, 'reports');
      const [identifier] = await query(
        await findInstance(run, 'reports'),
        'select system_identifier from pg_control_system()',
      );
      const before = await snapshotEngine(run);

      const { detected, proposals } = await plan(networks);
      expect(detected.notLookedAt).toEqual([]);
      expect(detected.findings.map(({ instance, kind }) => [instance, kind])).toEqual([
        ['reports', 'no-common-network'],
        ['sales', 'asks-itself'],
      ]);
      expect(detected.findings[0]?.evidence).toContainEqual({
        type: 'probe',
        name: `GET /api/connection of ${gui.containerName}`,
        result: expect.stringMatching(/^503 .*could not translate host name/),
      });
      expect(planOf(proposals[0]?.plan)).toMatchObject({
        risk: 'safe',
        steps: [{ action: 'network.connect' }],
        downtime: { seconds: 0 },
      });
      expect(proposals[0]?.decision).toMatchObject({ automation: 'auto' });
      expect(planOf(proposals[1]?.plan)).toMatchObject({
        summary: expect.stringContaining('vrooli-postgres-sales:5432 in PGWEB_DATABASE_URL'),
        risk: 'restart',
      });
      expect(proposals[1]?.decision).toMatchObject({ automation: 'approve' });
      for (const { env } of await networks.session.reader.docker.containers()) {
        const password = env['POSTGRES_PASSWORD'];
        if (password !== undefined && password.length > 20)
          expect(JSON.stringify([detected, proposals])).not.toContain(password);
      }
      expect(await snapshotEngine(run), 'planning changes nothing').toEqual(before);

      const { runs } = await remediate(networks);
      expect(runs[0]).toMatchObject({
        instance: 'reports',
        outcome: 'fixed',
        automation: 'auto',
        downtimeMs: 0,
        verification: { result: 'verified' },
      });
      expect(runs[0]?.verification?.checks).toHaveLength(4);
      expect(runs[1]).toMatchObject({
        instance: 'sales',
        outcome: 'awaiting-approval',
      });
      const begun = performance.now();
      expect((await detect(networks)).findings.map(({ instance }) => instance)).toEqual(['sales']);
      const detectMs = Math.round(performance.now() - begun);
      expect(await askGui(gui, '/')).toEqual({ status: 200, body: `vrooli|vrooli|${identifier}\n` });
      expect((await snapshotEngine(run)).data).toEqual(before.data);
      process.stderr.write(
        `connect step ${stepMs(runs[0]?.steps[0])} ms, run ${stepMs(runs[0])} ms, detect of two clients ${detectMs} ms\n`,
      );

      expect(await rollback(networks, runs[0]?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
      expect(await snapshotEngine(run)).toEqual(before);
    },
  );

  // The smoke test does it too.
  it.runIf(soak)(
    'recreates a web GUI that was configured with its own address, after approval; and restores the old one',
    async (test) => {
      const run = await createRun(test);
      const sales = await startInstance(run, { name: 'sales', storage: 'seeded' });
      await startGui(run, sales, { address: `localhost:${sales.port}` });
      const networks = await openFor(test, run);
      const gui = await findGui(run, 'sales');
      expect((await askGui(gui, '/')).status).toBe(503);
      const before = await snapshotEngine(run);

      const { runs } = await remediate(networks, { yes: true });
      expect(runs).toMatchObject([{ instance: 'sales', outcome: 'fixed', verification: { result: 'verified' } }]);
      expect((await askGui(gui, '/')).status).toBe(200);
      expect((await detect(networks)).findings).toEqual([]);
      expect(JSON.stringify(runs)).not.toContain(sales.password);
      const aside = runs[0]?.leftovers[0]?.object ?? '';
      expect(aside).toContain('.pgops-old-');

      expect(await rollback(networks, runs[0]?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
      await eventually(20_000, async () => (await askGui(gui, '/').catch(() => undefined))?.status === 503);
      expect((await snapshotEngine(run)).data).toEqual(before.data);
      expect((await detect(networks)).findings).toMatchObject([{ kind: 'asks-itself' }]);
    },
  );

  it.runIf(soak)(
    'finds nothing on healthy instances, or if the problem is ports, volumes or connections',
    async (test) => {
      const run = await createRun(test);
      await Promise.all(
        [healthy, portConflict, volumePermissions, poolExhaustion].map((scenario) => scenario.up(run, () => undefined)),
      );
      expect(await detect(await openFor(test, run))).toMatchObject({
        findings: [],
        notLookedAt: [],
        interruptedRuns: [],
      });
    },
  );

  describe("distinguishes by the client's error and the engine's state", () => {
    let run: Run;
    let detected: DetectResult;
    let proposals: Awaited<ReturnType<typeof plan>>['proposals'];

    beforeAll(async () => {
      run = await openTestRun();
      await ensureNetwork(run);
      await inTurn(3, causes(run));
      let close: () => unknown = () => undefined;
      const networks = await openFor({ onTestFinished: (fn) => void (close = fn as () => unknown) }, run);
      ({ detected, proposals } = await plan(networks));
      close();
    });
    afterAll(() => closeTestRun(run));

    it.for<[cause: string, client: string, kind: string, said: RegExp | undefined]>([
      [
        'a server that is stopped, whose name has left the DNS',
        'client-stopped',
        'server-stopped',
        /could not translate host name/,
      ],
      ['a server that is paused', 'client-paused', 'server-paused', /timeout expired/],
      ['a client that asks itself', 'client-itself', 'asks-itself', /Connection refused/],
      ['two that are on no common network', 'client-outside', 'no-common-network', /could not translate host name/],
      [
        "an address on a network that is not the client's",
        'vrooli-pgweb-isolated',
        'no-common-network',
        /timeout expired/,
      ],
      [
        'two on the default bridge, which knows no names',
        'client-bridge',
        'default-bridge',
        /could not translate host name/,
      ],
      [
        'a name that the server does not have there',
        'vrooli-pgweb-nameless',
        'missing-alias',
        /could not translate host name/,
      ],
      ['a name that two servers have', 'client-twice', 'duplicate-alias', undefined],
      ['a name that another server has', 'vrooli-pgweb-astray', 'wrong-server', undefined],
      [
        'an address that nobody has any more',
        'vrooli-pgweb-stale',
        'stale-address',
        /No route to host|timeout expired/,
      ],
      ['an address that another container has by now', 'vrooli-pgweb-taken', 'stale-address', undefined],
      ["the host's port asked for inside", 'client-port', 'wrong-port', /Connection refused/],
      ['a server that listens to itself alone', 'client-listen', 'listen-address', /Connection refused/],
      [
        'a server whose access rules leave the client out',
        'client-hba',
        'hba-refused',
        /no pg_hba\.conf entry for host "[\d.]+", user "vrooli"/,
      ],
      ['TLS that the server has not', 'client-tls', 'tls-refused', /server does not support SSL, but SSL was required/],
      ['a wrong password', 'client-password', 'password-refused', /password authentication failed for user "vrooli"/],
      ['a database that does not exist', 'client-database', 'database-missing', /database "nowhere" does not exist/],
      [
        'a pooler of somebody else that refuses the client',
        'client-pooled',
        'pooler-refuses',
        /SASL authentication failed|password authentication failed/,
      ],
      ['a network that lets nobody talk', 'client-closed', 'unreachable', /timeout expired/],
    ])('%s', ([, client, kind, said]) => {
      const found = findingsOf(detected, client);
      expect([...new Set(found.map((finding) => finding.kind))]).toEqual([kind]);
      const messages = found[0]?.evidence.flatMap((one) => (one.type === 'message' ? [one.text] : [])) ?? [];
      if (said === undefined) expect(messages).toEqual([]);
      else expect(messages.join('\n')).toMatch(said);
    });

    it('and tries the published ports as a client on the host does', () => {
      const ofHost = detected.findings.filter(({ kind }) => kind.startsWith('host-'));
      expect(ofHost.map(({ id }) => id)).toEqual([
        'network-reconnect/hba/host-refused',
        'network-reconnect/listen/host-not-heard',
      ]);
      expect(ofHost[0]?.summary).toMatch(/pg_hba\.conf.* from \d+\.\d+\.\d+\.1\.$/);
      const advice = proposals.flatMap(({ finding, plan: made }) =>
        finding.kind === 'host-refused' && made.type === 'refusal' ? [made.advice] : [],
      );
      expect(advice).toEqual([expect.stringMatching(/host "vrooli" "vrooli" \d+\.\d+\.\d+\.1\/32 scram-sha-256/)]);
    });

    it('and ignores clients whose connection works', () => {
      expect(findingsOf(detected, 'client-sound')).toEqual([]);
      expect(findingsOf(detected, 'client-through')).toEqual([]);
      expect(detected.notLookedAt).toEqual([]);
    });

    it('with SQLSTATEs, rules, settings and the other server as evidence', () => {
      expect(findingsOf(detected, 'client-hba')[0]?.evidence).toContainEqual({
        type: 'message',
        text: expect.any(String),
        sqlstate: '28000',
      });
      expect(findingsOf(detected, 'client-hba')[0]?.evidence).toContainEqual({
        type: 'query',
        sql: expect.stringContaining('pg_hba_file_rules'),
        result: expect.stringContaining('local'),
      });
      expect(findingsOf(detected, 'client-listen')[0]?.evidence).toContainEqual({
        type: 'query',
        sql: 'SHOW listen_addresses',
        result: 'localhost',
      });
      const twice = findingsOf(detected, 'client-twice');
      expect(twice.map(({ instance }) => instance)).toEqual(['twice', 'twin']);
      expect(twice[0]?.evidence).toContainEqual({
        type: 'probe',
        name: expect.stringContaining('vrooli-postgres-twin'),
        result: expect.stringContaining('database vrooli'),
      });
    });

    it('and plans network connections, and new clients for those with a wrong address; all else is refused with advice', () => {
      const planned = proposals.filter(({ plan: made }) => made.type === 'plan').map(({ finding }) => finding.kind);
      expect([...new Set(planned)].sort()).toEqual([
        'asks-itself',
        'missing-alias',
        'no-common-network',
        'stale-address',
        'wrong-port',
      ]);
      for (const { plan: made, finding } of proposals) {
        if (made.type === 'plan') continue;
        expect(made.advice, finding.id).not.toBe('');
        expect(made.advice.replace('Never use trust or 0.0.0.0/0.', ''), finding.id).not.toMatch(/trust|0\.0\.0\.0\/0/);
      }
      expect(proposalOf(proposals, 'client-bridge')).toMatchObject({
        type: 'refusal',
        advice: expect.stringContaining('docker network create'),
      });
    });
  });

  describe.concurrent('makes only the necessary connections', () => {
    it('for a client that exits without its database and is restarted by the engine', async (test) => {
      const run = await createRun(test);
      const server = await startServer(run, 'loop');
      await waitReady(server);
      const command = ['bash', '-c', 'psql -X -c "select 1" "$DATABASE_URL" || exit 1; sleep 900'];
      const client = await startClient(run, server, { network: `${run.prefix}other`, command, restart: true });
      await eventually(20_000, async () => (await client.inspect()).RestartCount > 2);
      const networks = await openFor(test, run);
      const { runs } = await remediate(networks);
      expect(runs).toMatchObject([{ outcome: 'fixed', finding: expect.stringContaining('/no-common-network/') }]);
      await eventually(60_000, async () => (await client.inspect()).State.Status === 'running');
    });

    it('and does not use a network with other programs, unless the config names it', async (test) => {
      const run = await createRun(test);
      const server = await startServer(run, 'shared');
      await waitReady(server);
      const client = await startClient(run, server, { network: `${run.prefix}other` });
      await startClient(run, server, { name: 'tenant', address: 'example.org' });
      const { proposals } = await plan(await openFor(test, run));
      expect(proposals[0]?.plan).toMatchObject({
        type: 'refusal',
        reason: expect.stringContaining(`${run.prefix}tenant`),
        advice: expect.stringContaining('sharedNetworks'),
      });
      const { runs } = await remediate(await openFor(test, run, { sharedNetworks: [run.network] }));
      expect(runs).toMatchObject([{ outcome: 'fixed' }]);
      expect(await networksOf(client)).toEqual([`${run.prefix}other`, run.network]);
    });

    it('and adds a server alias only with approval, and removes it on rollback', async (test) => {
      const run = await createRun(test);
      const server = await startServer(run, 'named', { aliases: ['kept'] });
      await waitReady(server);
      const gui = await startGui(run, server, { address: 'orders-db' });
      const networks = await openFor(test, run);
      const before = await snapshotEngine(run);
      const { runs: waiting } = await remediate(networks);
      expect(waiting).toMatchObject([{ outcome: 'awaiting-approval', automation: 'approve' }]);
      expect(await snapshotEngine(run), 'waiting changes nothing').toEqual(before);

      const { runs } = await remediate(networks, { yes: true });
      expect(runs).toMatchObject([{ outcome: 'fixed', steps: [{ action: 'network.name' }] }]);
      expect(await namesOf(server.container, run.network)).toEqual(['kept', 'orders-db']);
      process.stderr.write(`named in ${stepMs(runs[0]?.steps[0])} ms, first answer after ${runs[0]?.downtimeMs} ms\n`);
      expect(await askGui(gui)).toMatchObject({ status: 200 });
      expect(await rollback(networks, runs[0]?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
      expect(await namesOf(server.container, run.network)).toEqual(['kept']);
      expect(await query(server, 'select 1')).toEqual(['1']);
    });

    it('and connects a GUI although nothing in it answers, as before, and goes on with its page', async (test) => {
      const run = await createRun(test);
      const server = await startServer(run, 'silent');
      await waitReady(server);
      const client = await startClient(run, server, { name: guiOf(server), network: `${run.prefix}other` });
      // A page that is silent earlier may still be starting.
      await eventually(40_000, async () => Date.now() - Date.parse((await client.inspect()).State.StartedAt) > 30_000);
      const { runs } = await remediate(await openFor(test, run, { pageSeconds: 2 }));
      expect(runs).toMatchObject([
        { outcome: 'fixed', verification: { result: 'verified' } },
        { outcome: 'awaiting-approval', finding: expect.stringContaining('/silent/page-silent/') },
      ]);
      expect(runs[0]?.verification?.checks.at(-1)?.name).toContain('did not answer before either');
      expect(await networksOf(client)).toEqual([`${run.prefix}other`, run.network]);
    });

    it('and rolls back if the client still cannot reach its instance', async (test) => {
      const run = await createRun(test);
      const server = await startServer(run, 'wrong');
      await waitReady(server);
      const client = await startClient(run, server, { network: `${run.prefix}other`, password: 'not-this-one' });
      const { runs } = await remediate(await openFor(test, run));
      expect(runs).toMatchObject([
        { outcome: 'rolled-back', failure: { message: expect.stringContaining('password authentication failed') } },
      ]);
      expect(await networksOf(client)).toEqual([`${run.prefix}other`]);
    });
  });
});

/** A world in which one thing each is wrong, by the clients' names. */
function causes(run: Run): readonly (() => Promise<unknown>)[] {
  const second = `${run.prefix}second`;
  return [
    async () => startClient(run, await startServer(run, 'sound')),
    async () => {
      const server = await startServer(run, 'stopped');
      await startClient(run, server);
      await server.container.stop();
    },
    async () => {
      const server = await startServer(run, 'paused');
      await startClient(run, server);
      await waitReady(server);
      await server.container.pause();
    },
    async () => {
      const server = await startServer(run, 'itself', { port: await run.takePort() });
      await startClient(run, server, { address: `localhost:${server.port}` });
    },
    async () => {
      await ensureNetwork(run, second);
      await startClient(run, await startServer(run, 'outside'), { network: second });
    },
    async () => {
      const server = await startServer(run, 'isolated');
      await startClient(run, server, {
        name: guiOf(server),
        network: second,
        address: await addressOn(server.container, run.network),
      });
    },
    async () => startClient(run, await startServer(run, 'bridge', { network: 'bridge' }), { network: 'bridge' }),
    async () => {
      const server = await startServer(run, 'nameless');
      await startClient(run, server, { name: guiOf(server), address: 'orders-db' });
    },
    async () => {
      const server = await startServer(run, 'twice', { aliases: ['db'] });
      await waitReady(server);
      await waitReady(await startServer(run, 'twin', { aliases: ['db'] }));
      await startClient(run, server, { address: 'db:5432' });
    },
    async () => {
      const server = await startServer(run, 'astray');
      const other = await startServer(run, 'elsewhere', { aliases: ['orders'] });
      await waitReady(other);
      await startClient(run, server, { name: guiOf(server), address: 'orders' });
      await startClient(run, server, { name: guiOf({ ...server, name: 'none' }), address: 'orders' });
    },
    async () => {
      const server = await startServer(run, 'stale');
      const own = await addressOn(server.container, run.network);
      await startClient(run, server, { name: guiOf(server), address: own.replace(/\.\d+$/, '.250') });
    },
    async () => {
      const server = await startServer(run, 'taken');
      const other = await startServer(run, 'taker');
      await waitReady(other);
      await startClient(run, server, { name: guiOf(server), address: await addressOn(other.container, run.network) });
    },
    async () => {
      const server = await startServer(run, 'port', { port: await run.takePort() });
      await startClient(run, server, { address: `${server.containerName}:${server.port}` });
    },
    async () => {
      const server = await startServer(run, 'listen', {
        port: await run.takePort(),
        settings: { listen_addresses: 'localhost' },
      });
      await startClient(run, server);
      await waitInside(server);
    },
    async () => {
      const server = await startServer(run, 'hba', { port: await run.takePort() });
      await startClient(run, server);
      await closeAccess(server);
    },
    async () => {
      const server = await startServer(run, 'pooled');
      await startContainer(run, {
        name: 'pgbouncer',
        image: 'problems-lab/pgbouncer:1',
        env: { DB_HOST: server.containerName, DB_USER: server.user, DB_PASSWORD: server.password },
      });
      const address = `${run.prefix}pgbouncer:6432`;
      await startClient(run, server, { name: 'client-through', address });
      await startClient(run, server, { address, password: 'not-this-one' });
    },
    async () => startClient(run, await startServer(run, 'tls'), { parameters: '?sslmode=require' }),
    async () => startClient(run, await startServer(run, 'password'), { password: 'not-this-one' }),
    async () => startClient(run, await startServer(run, 'database'), { database: 'nowhere' }),
    async () => {
      const network = await closedNetwork(run);
      await startClient(run, await startServer(run, 'closed', { network }), { network });
    },
  ];
}

function findingsOf({ findings }: DetectResult, client: string): DetectResult['findings'] {
  return findings.filter(({ id }) => id.endsWith(`-${client}`));
}

function proposalOf(
  proposals: readonly { readonly finding: { readonly id: string }; readonly plan: Plan | Refusal }[],
  client: string,
): Plan | Refusal | undefined {
  return proposals.find(({ finding }) => finding.id.endsWith(`-${client}`))?.plan;
}

function planOf(made: Plan | Refusal | undefined): Plan {
  if (made?.type !== 'plan') throw new Error(`no plan: ${JSON.stringify(made)}`);
  return made;
}

function stepMs(times: { readonly startedAt: string | null; readonly endedAt: string | null } | undefined): number {
  return Date.parse(times?.endedAt ?? '') - Date.parse(times?.startedAt ?? '');
}

async function networksOf(container: Docker.Container): Promise<readonly string[]> {
  return Object.keys((await container.inspect()).NetworkSettings.Networks).sort();
}

/** The names that a container was given on a network, without the engine's own. */
async function namesOf(container: Docker.Container, network: string): Promise<readonly string[]> {
  const { Id, NetworkSettings } = await container.inspect();
  const aliases: readonly string[] = NetworkSettings.Networks[network]?.Aliases ?? [];
  return aliases.filter((alias) => alias !== Id.slice(0, 12)).sort();
}

/** Closed when the test ends. The state is outside the project, so that snapshots do not see it. */
async function openFor(
  test: Pick<TestContext, 'onTestFinished'>,
  run: Run,
  settings: Settings = {},
): Promise<Remediation> {
  const networks = await openNetworks(run, settings, { state: await stateFile(test) });
  test.onTestFinished(() => networks.close());
  return networks;
}
