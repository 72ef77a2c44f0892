import { spawn } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { connect as connectTo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { describe, expect, it } from 'vitest';
import { detect, plan, type Plan, type Refusal, remediate, rollback } from '../../../src/app/remediation.ts';
import { soak } from '../../soak.ts';
import { connect } from '../client.ts';
import {
  createInstance,
  type InstanceSettings,
  type LabInstance,
  query,
  startInstance,
  waitReady,
} from '../instance.ts';
import { holdPort } from '../ports.ts';
import { readInstanceConf } from '../project.ts';
import { addOrders } from '../rows.ts';
import { createVolume, ensureNetwork, type Run } from '../run.ts';
import { snapshotEngine, tablesOf } from '../snapshot.ts';
import { labRuns } from '../support.ts';
import { eventually } from '../waiting.ts';
import { createPortRun, openPorts } from './open-ports.ts';

/** Where the image has its cluster. */
const seededData = '/var/lib/postgresql/seeded';

describe.skipIf(!(await labRuns()))('port-reassignment', () => {
  describe('an instance that lost its port to another', () => {
    it('moves to a free one on the same data, updates the files of its clients, and rolls back', async (test) => {
      const { run, ports } = await createPortRun(test);
      const { loser, winner } = await conflict(run, { name: `orders-${run.id}`, storage: 'bind' });
      const { name, password, port: taken = 0 } = loser;
      const passfile = join(run.folder, '.pgpass');
      await writeFile(
        join(run.folder, '.env'),
        `URL=postgresql://vrooli:${password}@localhost:${taken}/vrooli\nPGPORT=${taken}\n`,
      );
      await writeFile(passfile, `localhost:${taken}:vrooli:vrooli:${password}\nlocalhost:${taken}:*:vrooli:other\n`);
      await chmod(passfile, 0o600);
      await writeFile(join(run.folder, 'docker-compose.yml'), `services: {db: {ports: ["${taken}:5432"]}}\n`);
      const before = await snapshotEngine(run);

      const { detected, proposals } = await plan(ports);
      expect(detected.findings).toMatchObject([{ instance: name, kind: 'port-taken', risk: 'safe' }]);
      expect(detected.findings[0]?.evidence).toContainEqual({
        type: 'message',
        text: expect.stringContaining('port is already allocated'),
      });
      const planned = planOf(proposals[0]?.plan);
      expect(planned.unpredictable.join('\n')).toMatch(
        /\.env contains port \d+ in line 2.*\n.*\.pgpass contains port \d+ in line 2.*\n.*docker-compose\.yml publishes/,
      );
      expect(JSON.stringify(proposals)).not.toContain(password);
      expect(await snapshotEngine(run), 'planning changes nothing').toEqual(before);

      const { runs: reports } = await remediate(ports);
      expect(reports).toMatchObject([
        { instance: name, outcome: 'fixed', automation: 'auto', verification: { result: 'verified' } },
      ]);
      expect(await detect(ports)).toMatchObject({ findings: [], notLookedAt: [], interruptedRuns: [] });

      const moved = await again(loser);
      const port = moved.port ?? 0;
      expect(port).not.toBe(taken);
      const client = await connect(moved);
      expect(await client.query('select count(*)::int as rows from orders')).toEqual([{ rows: 1000 }]);
      await client.end();
      expect(await readInstanceConf(run, name)).toMatchObject({ port: String(port), password });
      expect(await readFile(join(run.folder, '.env'), 'utf8')).toBe(
        `URL=postgresql://vrooli:${password}@localhost:${port}/vrooli\nPGPORT=${taken}\n`,
      );
      expect(await readFile(passfile, 'utf8')).toBe(
        `localhost:${port}:vrooli:vrooli:${password}\nlocalhost:${taken}:*:vrooli:other\n`,
      );
      expect(await readFile(join(run.folder, 'docker-compose.yml'), 'utf8')).toContain(`"${taken}:5432"`);
      expect((await winner.container.inspect()).State.Running, 'the healthy one is left alone').toBe(true);
      expect(await ports.session.reader.leases.list()).toMatchObject([{ instance: name, port, state: 'bound' }]);
      expect(await remediate(ports)).toMatchObject({ runs: [] });

      expect(await rollback(ports, reports[0]?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
      const after = await snapshotEngine(run);
      expect(after.files).toEqual(before.files);
      expect(Object.keys(after.containers)).toEqual(Object.keys(before.containers));
      expect((await loser.container.inspect()).HostConfig).toEqual(
        (before.containers[loser.containerName] as Docker.ContainerInspectInfo).HostConfig,
      );
      expect(await ports.session.reader.leases.list()).toEqual([]);
      await winner.container.stop();
      await loser.container.start();
      await waitReady(loser);
      expect(await query(loser, 'select count(*) from orders')).toEqual(['1000']);
    });

    it('keeps its anonymous volume, its networks with aliases and addresses, and every option of its container', async (test) => {
      const { run, ports } = await createPortRun(test);
      const second = `${run.prefix}second`;
      const subnet = `10.${200 + (process.pid % 50)}.${Number.parseInt(run.id.slice(0, 2), 16)}`;
      await run.docker.createNetwork({
        Name: second,
        Labels: { ...run.labels },
        IPAM: { Driver: 'default', Config: [{ Subnet: `${subnet}.0/24` }] },
      });
      await ensureNetwork(run);
      const loser = await startInstance(run, {
        name: `orders-${run.id}`,
        storage: 'seeded',
        settings: { shared_buffers: '16MB' },
        env: { TZ: 'Europe/Berlin', ODD: 'a=b "c" $d' },
        container: {
          Labels: { team: 'billing', 'odd label': 'ä "quoted"' },
          Volumes: { [seededData]: {} },
          StopTimeout: 77,
          Hostname: 'orders-host',
          NetworkingConfig: { EndpointsConfig: { [run.network]: { Aliases: ['orders-db'] } } },
        },
        host: {
          Memory: 512 * 2 ** 20,
          MemorySwap: 512 * 2 ** 20,
          ShmSize: 128 * 2 ** 20,
          RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 4 },
          LogConfig: { Type: 'json-file', Config: { 'max-size': '5m' } },
          Ulimits: [{ Name: 'nofile', Soft: 4096, Hard: 8192 }],
          Tmpfs: { '/scratch': 'size=1m' },
          ExtraHosts: ['elsewhere:192.0.2.7'],
          CapDrop: ['MKNOD'],
          Sysctls: { 'net.core.somaxconn': '256' },
          OomScoreAdj: 100,
          PidsLimit: 300,
          Dns: ['192.0.2.53'],
          SecurityOpt: ['no-new-privileges'],
        },
      });
      await run.docker.getNetwork(second).connect({
        Container: loser.container.id,
        EndpointConfig: { Aliases: ['orders-second'], IPAMConfig: { IPv4Address: `${subnet}.99` } },
      });
      await addOrders(loser);
      const tables = await tablesOf(loser.container, loser.user);
      await loser.container.stop();
      await take(run, loser.port ?? 0);
      await refusedStart(loser);
      const old = await loser.container.inspect();

      const { runs: reports } = await remediate(ports);
      expect(reports[0]?.failure).toBeNull();
      expect(reports).toMatchObject([{ outcome: 'fixed' }]);
      const moved = await again(loser);
      const made = await moved.container.inspect();
      expect(carriedOver(made)).toEqual(carriedOver(old));
      expect(made.HostConfig.PortBindings).toEqual({ '5432/tcp': [{ HostIp: '', HostPort: String(moved.port) }] });
      expect(made.HostConfig.RestartPolicy).toEqual(old.HostConfig.RestartPolicy);
      expect(made.Mounts.map(({ Name, Destination, RW }) => [Name, Destination, RW])).toEqual(
        old.Mounts.map(({ Name, Destination, RW }) => [Name, Destination, RW]),
      );
      expect(await tablesOf(moved.container, loser.user)).toEqual(tables);
      const aside = await run.docker.getContainer(old.Id).inspect();
      expect([aside.State.Running, aside.HostConfig.RestartPolicy?.Name, aside.Name]).toEqual([
        false,
        'no',
        `/${loser.containerName}.pgops-old-${old.Id.slice(0, 12)}`,
      ]);
      expect(reports[0]?.leftovers).toMatchObject([{ command: `docker rm ${aside.Name.slice(1)}` }]);
    });

    it('gets its first cluster on the new port if it has never run', async (test) => {
      const { run, ports } = await createPortRun(test);
      const port = await run.takePort();
      await take(run, port);
      const fresh = await createInstance(run, { name: `fresh-${run.id}`, storage: 'volume', port });
      await refusedStart(fresh);
      const { runs: reports } = await remediate(ports);
      expect(reports).toMatchObject([{ instance: fresh.name, outcome: 'fixed' }]);
      expect(await query(await again(fresh), 'select 1')).toEqual(['1']);
    });

    it('is moved, checked, and stopped again if an operator had stopped it', async (test) => {
      const { run, ports } = await createPortRun(test);
      const stopped = await startInstance(run, await inVolume(run));
      await stopped.container.stop();
      await take(run, stopped.port ?? 0);
      const { runs: reports } = await remediate(ports);
      expect(reports).toMatchObject([{ instance: stopped.name, outcome: 'fixed' }]);
      const moved = await again(stopped);
      expect((await moved.container.inspect()).State).toMatchObject({ Status: 'exited', ExitCode: 0, Error: '' });
      expect(await ports.session.reader.leases.list()).toMatchObject([{ port: moved.port, state: 'bound' }]);
      expect(await detect(ports)).toMatchObject({ findings: [], notLookedAt: [], interruptedRuns: [] });
    });

    it('is only started if its port is free again by then', async (test) => {
      const { run, ports } = await createPortRun(test);
      const { loser, winner } = await conflict(run, await inVolume(run));
      await winner.container.remove({ force: true });
      const { Id: id } = await loser.container.inspect();
      const { runs: reports } = await remediate(ports);
      expect(reports).toMatchObject([
        { finding: `port-reassignment/${loser.name}/start-not-retried`, outcome: 'fixed', leftovers: [] },
      ]);
      const same = await again(loser);
      expect((await same.container.inspect()).Id).toBe(id);
      expect([same.port, await query(same, 'select count(*) from orders')]).toEqual([loser.port, ['1000']]);
    });

    it('is restored if the new port is stolen before its start', async (test) => {
      const { run, state } = await createPortRun(test);
      const { loser } = await conflict(run, await inVolume(run));
      const before = await snapshotEngine(run);
      let thief: Awaited<ReturnType<typeof holdPort>> | undefined;
      test.onTestFinished(() => thief?.close());
      const ports = await openPorts(
        run,
        state,
        {},
        {
          async atPoint(point) {
            if (point !== 'step 3 is recorded') return;
            const [lease] = await ports.session.reader.leases.list();
            thief = await holdPort(lease?.port ?? 0);
          },
        },
      );
      test.onTestFinished(() => ports.close());
      const { runs: reports } = await remediate(ports);
      expect(reports).toMatchObject([
        { outcome: 'rolled-back', failure: { class: 'precondition', message: expect.stringContaining('is in use') } },
      ]);
      const after = await snapshotEngine(run);
      expect({ ...after, containers: Object.keys(after.containers) }).toEqual({
        ...before,
        containers: Object.keys(before.containers),
      });
      expect(carriedOver(await loser.container.inspect())).toEqual(
        carriedOver(before.containers[loser.containerName] as Docker.ContainerInspectInfo),
      );
    });
  });

  describe('detection', () => {
    it('finds nothing on healthy or stopped instances, or if address, family or protocol differ', async (test) => {
      const { run, ports } = await createPortRun(test);
      const one = await seeded(run, 'one', { hostIp: '127.0.0.1' });
      await seeded(run, 'two', { hostIp: '127.0.0.2', port: one.port ?? 0 });
      const four = await seeded(run, 'four', { hostIp: '0.0.0.0' });
      await seeded(run, 'six', { hostIp: '::', port: four.port ?? 0 });
      const stopped = await seeded(run, 'stopped');
      await waitReady(stopped);
      await stopped.container.stop();
      await createInstance(run, { name: `made-${run.id}`, storage: 'seeded' });
      expect(await detect(ports)).toMatchObject({ findings: [], notLookedAt: [], interruptedRuns: [] });
    });

    it('identifies a listener outside Docker, of both families or one, on every address or one', async (test) => {
      const { run, ports } = await createPortRun(test);
      for (const host of ['0.0.0.0', '127.0.0.1', '::1']) {
        const instance = await seeded(run, `a${host.replace(/\W/g, '')}`, {}, false);
        const held = await holdPort(instance.port ?? 0, host);
        await refusedStart(instance);
        const { findings } = await detect(ports);
        const found = findings.find((finding) => finding.instance === instance.name);
        expect(found, host).toMatchObject({
          kind: 'port-taken',
          summary: expect.stringContaining('a program outside Docker'),
        });
        await held.close();
        const { findings: later } = await detect(ports);
        expect(
          later.find((finding) => finding.instance === instance.name),
          host,
        ).toMatchObject({ kind: 'start-not-retried' });
      }
    });

    it('identifies a client that got the port for an outgoing connection', async (test) => {
      const { run, ports } = await createPortRun(test);
      const { port, close } = await outgoingConnection();
      test.onTestFinished(close);
      await refusedStart(await seeded(run, 'client', { port }, false));
      expect((await detect(ports)).findings).toMatchObject([{ kind: 'port-taken', details: { port } }]);
    });

    it('identifies an address that this machine does not have, which no other port would fix', async (test) => {
      const { run, ports } = await createPortRun(test);
      const instance = await seeded(run, 'elsewhere', { hostIp: '192.0.2.7' }, false);
      await refusedStart(instance);
      const { detected, proposals } = await plan(ports);
      expect(detected.findings).toMatchObject([{ kind: 'host-address-missing' }]);
      expect(proposals[0]?.plan).toMatchObject({ type: 'refusal', reason: expect.stringContaining('192.0.2.7') });
    });

    it('identifies a docker-proxy that outlived its container: escalated, since only a restart of the engine helps', async (test) => {
      const { run, ports } = await createPortRun(test);
      const { loser, winner } = await conflict(run, { name: `orders-${run.id}`, storage: 'seeded' });
      await winner.container.remove({ force: true });
      const left = spawn(
        'docker-proxy',
        [
          '-proto',
          'tcp',
          '-host-ip',
          '0.0.0.0',
          '-host-port',
          String(loser.port),
          '-container-ip',
          '192.0.2.7',
          '-container-port',
          '5432',
        ],
        {
          stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
        },
      );
      test.onTestFinished(() => void left.kill('SIGKILL'));
      await eventually(5000, async () => (await detect(ports)).findings[0]?.kind === 'stale-allocation');
      const { proposals } = await plan(ports);
      expect(proposals[0]?.plan).toMatchObject({
        type: 'refusal',
        advice: expect.stringContaining('Restart the Docker Engine'),
      });
    });

    it('selects the younger of two stopped instances, unless the younger has a lease', async (test) => {
      const { run, ports } = await createPortRun(test);
      const older = await createInstance(run, { name: `older-${run.id}`, storage: 'seeded' });
      const port = older.port ?? 0;
      const younger = await createInstance(run, { name: `younger-${run.id}`, storage: 'seeded', port });
      expect((await detect(ports)).findings.map(({ instance }) => instance)).toEqual([younger.name]);
      const { id } = await ports.session.reader.docker.info();
      await ports.session.store.leases(id).take({ instance: younger.name, ports: [port], ttlMs: 60_000 });
      expect((await detect(ports)).findings).toMatchObject([
        { instance: older.name, summary: expect.stringContaining(`a lease of ${younger.name}`) },
      ]);
    });

    it('selects a range only if all of it is taken', async (test) => {
      const { run, ports } = await createPortRun(test);
      const [first, second] = [await run.takePort(), await run.takePort()];
      expect(second).toBe(first + 1);
      const ranged = await createInstance(run, {
        name: `ranged-${run.id}`,
        storage: 'seeded',
        port: false,
        host: { PortBindings: { '5432/tcp': [{ HostIp: '', HostPort: `${first}-${second}` }] } },
      });
      await take(run, first);
      expect((await detect(ports)).findings).toEqual([]);
      await take(run, second);
      expect((await detect(ports)).findings).toMatchObject([{ instance: ranged.name, kind: 'port-taken' }]);
    });
  });

  describe('an instance that must not be moved', () => {
    it.for<[string, Partial<InstanceSettings>, RegExp]>([
      ['is removed when it stops', { host: { AutoRemove: true, RestartPolicy: { Name: 'no' } } }, /--rm/],
      [
        'belongs to Compose',
        { container: { Labels: { 'com.docker.compose.project': 'shop' } } },
        /Compose project shop/,
      ],
      [
        'belongs to Swarm',
        { container: { Labels: { 'com.docker.swarm.service.id': 'x', 'com.docker.swarm.service.name': 'db' } } },
        /Swarm service db/,
      ],
      ['has its data in itself', {}, /in the container itself/],
    ])('and %s is refused with the reason', async ([, settings, reason], test) => {
      const { run, ports } = await createPortRun(test);
      const port = await run.takePort();
      await take(run, port);
      await createInstance(run, { name: `orders-${run.id}`, storage: 'seeded', port, ...settings });
      const { runs: reports } = await remediate(ports);
      expect(reports).toMatchObject([
        { outcome: 'failed', failure: { class: 'unsafe', message: expect.stringMatching(reason) } },
      ]);
    });

    it('has installed software in its container, or shares its data with a running one', async (test) => {
      const { run, ports } = await createPortRun(test);
      const settings = await inVolume(run);
      const { loser, winner } = await conflict(run, settings);
      await winner.container.stop();
      await loser.container.start();
      await waitReady(loser);
      const exec = await loser.container.exec({ Cmd: ['touch', '/usr/lib/extension.so'], User: '0:0' });
      await exec.start({});
      await eventually(5000, async () =>
        (await loser.container.changes()).some(({ Path }: { Path: string }) => Path === '/usr/lib/extension.so'),
      );
      await loser.container.stop();
      await winner.container.start();
      expect((await plan(ports)).proposals[0]?.plan).toMatchObject({
        reason: expect.stringContaining('/usr/lib/extension.so'),
      });

      const { host: sameData } = settings;
      const clean = await seeded(run, 'clean', { port: loser.port ?? 0, host: sameData }, false);
      await seeded(run, 'second', { host: sameData });
      const { proposals } = await plan(ports);
      expect(proposals.find(({ finding }) => finding.instance === clean.name)?.plan).toMatchObject({
        reason: expect.stringContaining(`second-${run.id} is running on the data`),
      });
    });
  });

  describe('an instance that runs on a port that the config reserves for others', () => {
    it('is moved only with approval, with a downtime of at most twice that of a restart', async (test) => {
      const { run, state } = await createPortRun(test);
      let instance = await startInstance(run, await inVolume(run));
      await addOrders(instance);
      const restarts: number[] = [];
      const reassignments: number[] = [];
      // Alternating, so that other load of the machine affects both.
      for (let turn = 0; turn < (soak ? 3 : 1); turn += 1) {
        const { container, port = 0 } = instance;
        restarts.push(await downtimeOf(port, () => container.restart({ t: 120 })));
        await waitReady(instance);
        const ports = await openPorts(run, state, { reserved: { [String(port)]: 'postgis' } });
        test.onTestFinished(() => ports.close());
        expect(await remediate(ports)).toMatchObject({
          runs: [{ outcome: 'awaiting-approval', automation: 'approve' }],
        });
        expect((await container.inspect()).State.Running).toBe(true);

        const { runs: reports } = await remediate(ports, { yes: true });
        expect(reports).toMatchObject([{ outcome: 'fixed', failure: null }]);
        reassignments.push(reports[0]?.downtimeMs ?? Number.NaN);
        instance = await again(instance);
        expect(await query(instance, 'select count(*) from orders')).toEqual(['1000']);
      }
      process.stderr.write(
        `downtime: reassignments ${reassignments.join(', ')} ms, restarts ${restarts.join(', ')} ms\n`,
      );
      expect(Math.min(...reassignments)).toBeGreaterThan(0);
      expect(median(reassignments)).toBeLessThanOrEqual(2 * median(restarts));
    });
  });
});

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

/** `loser` was stopped, `winner` was given its port, and now the one does not start. */
async function conflict(run: Run, settings: InstanceSettings): Promise<{ loser: LabInstance; winner: LabInstance }> {
  const loser = await startInstance(run, settings);
  await addOrders(loser);
  await loser.container.stop();
  const winner = await take(run, loser.port ?? 0);
  await waitReady(winner);
  await refusedStart(loser);
  return { loser, winner };
}

/** A ready cluster in a named volume: the engine copies what the image has there into an empty one. */
async function inVolume(run: Run): Promise<InstanceSettings & Required<Pick<InstanceSettings, 'host'>>> {
  const name = `orders-${run.id}`;
  return { name, storage: 'seeded', host: { Binds: [`${await createVolume(run, `${name}-data`)}:${seededData}`] } };
}

function take(run: Run, port: number): Promise<LabInstance> {
  return seeded(run, `winner${port}`, { port });
}

async function seeded(
  run: Run,
  name: string,
  settings: Partial<InstanceSettings> = {},
  start = true,
): Promise<LabInstance> {
  const instance = await createInstance(run, { name: `${name}-${run.id}`, storage: 'seeded', ...settings });
  if (start) await instance.container.start();
  return instance;
}

async function refusedStart({ container }: LabInstance): Promise<void> {
  const refused = await container.start().then(
    () => false,
    () => true,
  );
  expect(refused, 'it must not start').toBe(true);
}

/** The instance as it is now: another container under the name, on another port. */
async function again(instance: LabInstance): Promise<LabInstance> {
  const container = instance.run.docker.getContainer(instance.containerName);
  const { HostConfig } = await container.inspect();
  const bindings = HostConfig.PortBindings as Record<string, { HostPort: string }[]>;
  return { ...instance, container, port: Number(bindings['5432/tcp']?.[0]?.HostPort) };
}

function planOf(made: Plan | Refusal | undefined): Plan {
  if (made?.type !== 'plan') throw new Error(`no plan: ${JSON.stringify(made)}`);
  return made;
}

/** All of an inspection that a recreate has to keep. The mounts are compared apart: anonymous ones get a name in Binds. */
function carriedOver({
  Config,
  HostConfig,
  NetworkSettings,
  Path,
  Args,
  Platform,
}: Docker.ContainerInspectInfo): unknown {
  const labels = Object.entries(Config.Labels).filter(
    ([label]) => !['problems.run', 'problems.token', 'problems.recreated-from'].includes(label),
  );
  const networks = Object.entries(NetworkSettings.Networks).map(([name, { IPAMConfig, Links, Aliases }]) => [
    name,
    { IPAMConfig, Links, Aliases: (Aliases ?? []).filter((alias: string) => !/^[0-9a-f]{12}$/.test(alias)) },
  ]);
  const { PortBindings: _ports, Binds: _binds, RestartPolicy: _policy, ...host } = HostConfig;
  const hostname = /^[0-9a-f]{12}$/.test(Config.Hostname) ? '' : Config.Hostname;
  return {
    Path,
    Args,
    Platform,
    Config: { ...Config, Labels: Object.fromEntries(labels), Hostname: hostname, Image: '' },
    HostConfig: { ...host, Mounts: host.Mounts ?? [] },
    networks: Object.fromEntries(networks),
  };
}

/** A client's connection, with the port that the system has chosen for it. */
async function outgoingConnection(): Promise<{ readonly port: number; readonly close: () => void }> {
  const server = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const socket = connectTo({ host: '127.0.0.1', port: address.port });
  await once(socket, 'connect');
  return {
    port: socket.localPort ?? 0,
    close() {
      socket.destroy();
      server.close();
    },
  };
}

/** From the begin of `work` until PostgreSQL answers a client on the port again: its first byte to an SSLRequest. */
async function downtimeOf(port: number, work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  while (!(await answersOn(port))) await sleep(20);
  return Math.round(performance.now() - begun);
}

function answersOn(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTo({ host: '127.0.0.1', port });
    socket.setTimeout(1000, () => socket.destroy());
    socket.once('connect', () => socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])));
    socket.once('data', () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
