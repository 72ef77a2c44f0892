import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeVerification } from '../../../src/backups/sidecar-files.ts';
import { schemaQuery, fingerprintOf } from '../../../src/migration/index.ts';
import { checkValue, parseValue } from '../../../src/remediation/standard-schema.ts';
import { actions, type Host, type Json, type Remediation } from '../../../src/app/remediation.ts';
import { connect } from '../client.ts';
import { createContainer, runHelper, startContainer } from '../container.ts';
import { execIn } from '../exec.ts';
import { createInstance, findInstance, type LabInstance, psql, query, startInstance, waitReady } from '../instance.ts';
import type { Run } from '../run.ts';
import { closeTestRun, labRuns, openTestRun } from '../support.ts';
import { eventually } from '../waiting.ts';
import { actingHost, openLab, textOf } from './host.ts';
import { actionVerdicts } from '../../../src/testing/index.ts';

const runs = await labRuns();

describe.skipIf(!runs)('every action', () => {
  let run: Run;
  let remediation: Remediation;
  let host: Host;
  let instance: LabInstance;
  let other: string;
  beforeAll(async () => {
    run = await openTestRun();
    remediation = await openLab(run);
    host = await actingHost(remediation);
    instance = await startInstance(run, { name: 'orders', storage: 'volume' });
    other = (await run.docker.createNetwork({ Name: `${run.prefix}other`, Labels: { ...run.labels } })).id;
  });
  afterAll(async () => {
    remediation.close();
    await closeTestRun(run);
  });

  const tested = new Set<string>();
  async function broken(name: string, params: Json, world: () => Promise<unknown>): Promise<readonly string[]> {
    const action = actions.find((one) => one.name === name);
    if (action === undefined) throw new Error(`no action ${name}`);
    tested.add(name);
    const verdicts = await actionVerdicts(action, { params, host, world, kills: false });
    return verdicts.filter(({ kept }) => !kept).map(({ promise }) => promise);
  }

  async function container(): Promise<unknown> {
    const found = await host.docker.container(instance.container.id);
    return {
      name: found?.name,
      policy: found?.restartPolicy,
      running: found?.state.running,
      networks: found?.endpoints.map(({ network, aliases }) => [network, aliases]),
    };
  }

  it('container.update-restart-policy keeps its promises', async () => {
    expect(
      await broken(
        'container.update-restart-policy',
        { container: instance.container.id, policy: { name: 'no', maximumRetryCount: 0 } },
        container,
      ),
    ).toEqual([]);
  });

  it('container.rename keeps its promises', async () => {
    expect(
      await broken(
        'container.rename',
        { container: instance.container.id, name: `${instance.containerName}.pgops-old-1` },
        container,
      ),
    ).toEqual([]);
  });

  it('network.connect keeps its promises', async () => {
    expect(
      await broken(
        'network.connect',
        { network: `${run.prefix}other`, container: instance.container.id, aliases: ['pg-orders'] },
        container,
      ),
    ).toEqual([]);
    expect(other).not.toBe('');
  });

  it('network.disconnect keeps its promises', async () => {
    expect(
      await broken('network.disconnect', { network: run.network, container: instance.container.id }, container),
    ).toEqual([]);
  });

  it('network.name keeps its promises', async () => {
    const params = { network: run.network, container: instance.container.id, aliases: ['orders-db', 'pg-orders'] };
    expect(await broken('network.name', params, container)).toEqual([]);
  });

  it('container.stop keeps its promises, and PostgreSQL has shut down cleanly', async () => {
    expect(await broken('container.stop', { container: instance.container.id }, container)).toEqual([]);
    await waitReady(instance);
  });

  it('container.stop-second stops only a second server on the same data, and its undo does not start it again', async () => {
    const first = await startInstance(run, { name: 'first', storage: 'volume' });
    const second = await startInstance(run, {
      name: 'second',
      storage: 'volume',
      password: first.password,
      host: { Binds: [`${first.data}:/var/lib/postgresql/data`] },
    });
    const params = { container: second.container.id, other: first.container.id };
    const world = async (): Promise<unknown> =>
      (await host.docker.containers())
        .filter(({ name }) => [first.containerName, second.containerName].includes(name))
        .map(({ name, state }) => [name, state.running]);
    expect(await broken('container.stop-second', params, world)).toEqual([
      'is not undone yet',
      'undo restores',
      'undone twice equals once',
    ]);
    expect(await world()).toEqual([
      [first.containerName, true],
      [second.containerName, false],
    ]);
    const action = actions.find(({ name }) => name === 'container.stop-second');
    const alone = { container: first.container.id, other: second.container.id };
    await expect(action?.apply(alone, host)).rejects.toMatchObject({ code: 'step-refused' });
  });

  it('container.recreate makes a container that differs only in its port, on the same data, and its undo leaves nothing behind', async () => {
    const anonymous = await startInstance(run, { name: 'anon', storage: 'anonymous' });
    await query(anonymous, 'create table keep as select generate_series(1, 100) as a');
    const port = await run.takePort();
    const name = anonymous.containerName;
    const old = anonymous.container.id;
    await host.change.docker.rename(old, `${name}.old`);
    const params = { from: old, name, edits: { ports: { '5432/tcp': [{ hostIp: '', hostPort: String(port) }] } } };
    const world = async (): Promise<unknown> =>
      (await host.docker.containers())
        .filter((one) => one.name.startsWith(name))
        .map((one) => [one.name, one.state.running, one.portBindings]);
    expect(await broken('container.recreate', params, world)).toEqual([]);

    const action = actions.find((one) => one.name === 'container.recreate');
    await action?.apply(parseValue(action.params, params, 'params'), host);
    const [before, after] = [
      await run.docker.getContainer(old).inspect(),
      await run.docker.getContainer(name).inspect(),
    ];
    const { Labels: oldLabels, Hostname: _, Image: image, ...oldConfig } = before.Config;
    const { Labels: newLabels, Hostname: __, Image: newImage, ...newConfig } = after.Config;
    expect(newConfig).toEqual(oldConfig);
    expect(newLabels).toMatchObject({ ...oldLabels, 'problems.run': 'r-test' });
    expect([newImage, image]).toEqual([before.Image, expect.stringContaining('problems-lab')]);
    const volume = before.Mounts[0]?.Name;
    const differences = Object.keys(before.HostConfig).filter(
      (key) =>
        JSON.stringify(Reflect.get(before.HostConfig, key)) !== JSON.stringify(Reflect.get(after.HostConfig, key)),
    );
    expect(differences.sort()).toEqual(['Binds', 'PortBindings']);
    expect(after.HostConfig.Binds).toEqual([`${volume}:/var/lib/postgresql/data:nocopy`]);
    expect(Object.keys(after.NetworkSettings.Networks)).toEqual(Object.keys(before.NetworkSettings.Networks));

    // Two servers on one volume destroy it, so the engine never starts the second one.
    await expect(host.change.docker.start(name)).rejects.toMatchObject({ code: 'step-refused' });
    await host.change.docker.stop(old, { timeoutSeconds: 120 });
    await host.change.docker.start(name);
    const moved = { ...anonymous, container: run.docker.getContainer(after.Id) };
    await waitReady(moved);
    expect(await query(moved, 'select count(*) from keep')).toEqual(['100']);
  });

  it('container.change-image makes a container with what the other image declares, and its undo leaves nothing behind', async () => {
    const image = `problems-lab/postgres:${run.postgres === 17 ? 15 : 17}`;
    const { id: imageId, env: declared } = (await host.docker.image(image)) ?? { id: '', env: {} };
    const made = await createInstance(run, { name: 'floated', storage: 'volume', env: { EXTRA: 'own' } });
    const [from, name] = [made.container.id, made.containerName];
    await host.change.docker.rename(from, `${name}.old`);
    const world = async (): Promise<unknown> =>
      (await host.docker.containers())
        .filter((one) => one.name.startsWith(name))
        .map((one) => [one.name, one.image, one.mounts]);
    const params = { from, name, image, imageId };
    expect(await broken('container.change-image', params, world)).toEqual([]);
    const action = actions.find((one) => one.name === 'container.change-image');
    await action?.apply(params, host);
    const found = await host.docker.container(name);
    expect(found).toMatchObject({ image: imageId, imageName: image, env: { ...declared, EXTRA: 'own' } });
    await expect(action?.prepare({ ...params, imageId: `sha256:${'0'.repeat(64)}` }, host)).rejects.toMatchObject({
      code: 'step-refused',
    });
  });

  it('container.recreate keeps data in anonymous volumes, in every notation of their mounts', async () => {
    const image = `problems-lab/postgres-seeded:${run.postgres}`;
    const common = { image, entrypoint: ['sleep', '600'] };
    const named = `${run.prefix}kept-volume`;
    await run.docker.createVolume({ Name: named, Labels: { ...run.labels } });
    const other = await createContainer(run, {
      ...common,
      name: 'volumes-of-another',
      binds: [`${run.folder}:/folder-of-another`, '/of-another'],
    });
    const client = await startContainer(run, {
      ...common,
      name: 'many-mounts',
      binds: ['/bare'],
      host: {
        VolumesFrom: [`${run.prefix}volumes-of-another`],
        Tmpfs: { '/fast': 'size=1m' },
        Mounts: [
          { Type: 'volume', Target: '/kept/', Source: '', ReadOnly: false },
          { Type: 'volume', Target: '/named', Source: named, ReadOnly: false },
        ],
      },
    });
    const places = ['/bare', '/of-another', '/kept', '/named', '/folder-of-another'];
    for (const place of places) await execIn(client, ['sh', '-c', `echo ${place} >${place}/file`]);
    const { Id: old } = await client.inspect();
    const name = `${run.prefix}many-mounts`;
    await client.rename({ name: `${name}.old` });
    // Another container has its name now, with its own volumes.
    await other.rename({ name: `${run.prefix}another-by-now` });
    await createContainer(run, { ...common, name: 'volumes-of-another', binds: ['/of-another'] });

    const action = actions.find((one) => one.name === 'container.recreate');
    const params = { from: old, name, edits: {} };
    await action?.apply(params, host);
    await client.stop({ t: 0 });
    const made = run.docker.getContainer(name);
    await made.start();
    for (const place of places)
      expect(await execIn(made, ['cat', `${place}/file`])).toMatchObject({ code: 0, stdout: `${place}\n` });
    const destinations = async (id: string): Promise<unknown> =>
      (await host.docker.container(id))?.mounts.map(({ name: volume, source, destination }) => [
        volume || source,
        destination,
      ]);
    expect(await destinations(name)).toEqual(await destinations(old));
  });

  it('container.recreate does not treat a container with other data as its result', async () => {
    const image = `problems-lab/postgres-seeded:${run.postgres}`;
    const old = await createContainer(run, { name: 'with-data', image, binds: ['/data'] });
    const { Id: from } = await old.inspect();
    await old.rename({ name: `${run.prefix}with-data.old` });
    const name = `${run.prefix}with-data`;
    await run.docker.createContainer({
      name,
      Image: image,
      Labels: { ...run.labels, 'problems.recreated-from': from },
      HostConfig: { NetworkMode: run.network, Binds: ['/data'] },
    });
    const action = actions.find((one) => one.name === 'container.recreate');
    const params = { from, name, edits: {} };
    expect(await action?.isDone(params, host, host.run)).toBe(false);
    await expect(action?.apply(params, host)).rejects.toMatchObject({ code: 'step-refused' });
  });

  it('container.stop does not count as done if the server was killed, although nothing runs any more', async () => {
    const killed = await startInstance(run, { name: 'killed', storage: 'seeded' });
    await killed.container.update({ RestartPolicy: { Name: 'no' } });
    const action = actions.find((one) => one.name === 'container.stop');
    const params = { container: killed.container.id, timeoutSeconds: 30, clean: true };
    await killed.container.kill();
    await eventually(10_000, async () => !(await killed.container.inspect()).State.Running);
    expect(await action?.isDone(params, host, host.run)).toBe(false);
    await expect(action?.apply(params, host)).rejects.toThrow(/ended with exit code 137/);
    expect(await action?.isDone({ ...params, clean: false }, host, host.run)).toBe(true);
    await killed.container.start();
    await waitReady(killed);
    await killed.container.stop({ t: 30 });
    expect(await action?.isDone(params, host, host.run)).toBe(true);
  });

  it('container.start keeps its promises', async () => {
    await host.change.docker.stop(instance.container.id, { timeoutSeconds: 60 });
    expect(await broken('container.start', { container: instance.container.id }, container)).toEqual([]);
  });

  it('file.replace keeps its promises, and keeps the password in the same file out of the plan', async () => {
    const path = join(run.folder, 'instance.conf');
    const text = 'port="5434"\npassword="hidden"\n';
    await writeFile(path, text);
    const params = {
      path,
      from: hash(text),
      to: hash(text.replace('5434', '5436')),
      edits: [{ at: 6, before: '5434', after: '5436' }],
    };
    expect(await broken('file.replace', params, async () => textOf(path))).toEqual([]);
  });

  it('port.lease, port.bind and port.release keep their promises', async () => {
    const leases = async (): Promise<unknown> =>
      (await host.leases.list()).map(({ port, instance: name, state }) => [port, name, state]);
    expect(await broken('port.lease', { instance: 'orders', port: 5440 }, leases)).toEqual([]);
    await host.change.leases.take({ instance: 'orders', ports: [5440], ttlMs: 60_000 });
    expect(await broken('port.bind', { instance: 'orders', port: 5440 }, leases)).toEqual([]);
    expect(await broken('port.release', { instance: 'orders', port: 5440 }, leases)).toEqual([]);
    await host.change.leases.release(5440, 'orders');
  });

  it('volume.chown keeps its promises and restores each owner', async () => {
    await host.change.docker.stop(instance.container.id, { timeoutSeconds: 60 });
    const found = await host.docker.container(instance.container.id);
    const [mount] = found?.mounts ?? [];
    if (found === undefined || mount === undefined) throw new Error('no volume');
    await host.change.docker.runHelper({
      task: 'change-owners',
      image: found.image,
      command: ['sh', '-c', 'cd /d && chown 1000:1000 PG_VERSION && chown -R 0:0 base && chown 70:70 . && chmod 750 .'],
      mounts: [{ type: 'volume', source: mount.name, target: '/d', readonly: false }],
    });
    const { uid, gid } = await host.probes.imageUser(found.image, 'postgres');
    const world = async (): Promise<unknown> =>
      (await host.probes.survey(mount, found.image)).entries.map((entry) => [
        entry.path,
        entry.uid,
        entry.gid,
        entry.mode,
      ]);
    expect(
      await broken(
        'volume.chown',
        { mount: { type: 'volume', source: mount.name }, image: found.image, uid, gid },
        world,
      ),
    ).toEqual([]);
  });

  it('volume.copy keeps its promises, except that it never deletes the copied data', async (test) => {
    const bound = await startInstance(run, { name: 'bound', storage: 'bind' });
    await host.change.docker.stop(bound.container.id, { timeoutSeconds: 60 });
    const found = await host.docker.container(bound.container.id);
    const volume = `${run.prefix}copied`;
    test.onTestFinished(async () => run.docker.getVolume(volume).remove());
    const world = async (): Promise<unknown> => {
      if ((await host.docker.volume(volume)) === undefined) return 'no volume';
      const mount = { type: 'volume', name: volume, source: '', destination: '', writable: false, anonymous: false };
      return (await host.probes.survey(mount, found?.image ?? '')).entries.map(({ path, uid, mode }) => [
        path,
        uid,
        mode,
      ]);
    };
    const params = { source: bound.data ?? '', volume, image: found?.image ?? '' };
    expect(await broken('volume.copy', params, world)).toEqual([
      'is not undone yet',
      'undo restores',
      'undone twice equals once',
    ]);
  });

  it('pooler.create, pooler.pause and pooler.resume keep their promises', async () => {
    const behind = await startInstance(run, { name: 'behind', storage: 'seeded' });
    const image = await host.docker.image('problems-lab/pgbouncer:1');
    const { uid, gid } = await host.probes.imageUser(image?.id ?? '', 'postgres');
    const name = `${behind.containerName}-pooler`;
    const params = {
      instance: 'behind',
      name,
      image: image?.id ?? '',
      user: `${uid}:${gid}`,
      networks: [run.network],
      server: { host: behind.containerName, port: 5432 },
      databases: ['vrooli', 'postgres'],
      mode: 'session',
      poolSize: 5,
      perDatabase: 10,
      maxClients: 100,
      ownConnections: 2,
    };
    const world = async (): Promise<unknown> => ({
      container: (await host.docker.container(name))?.state.status,
      roles: await query(behind, 'select rolname from pg_roles order by 1'),
      schemas: await query(behind, 'select nspname from pg_namespace order by 1'),
      functions: await query(behind, "select proname from pg_proc where proname = 'lookup'"),
    });
    expect(await broken('pooler.create', params, world)).toEqual([]);

    const create = actions.find((action) => action.name === 'pooler.create');
    await create?.apply(params, host);
    const one = { instance: 'behind' };
    const pause = actions.find((action) => action.name === 'pooler.pause');
    const paused = async (): Promise<unknown> => String(await pause?.isDone(one, host, host.run));
    expect(await broken('pooler.pause', one, paused)).toEqual([]);
    await pause?.apply(one, host);
    expect(await broken('pooler.resume', one, paused)).toEqual([]);
    await create?.undo?.(params, null, host);
  });

  it('session.end-idle, session.terminate and session.end-for-slot keep their promises, except that they cannot reopen a session', async () => {
    const busy = await startInstance(run, { name: 'sessions', storage: 'seeded' });
    await query(
      busy,
      `create role app login password 'hidden'; create table written (a int); grant all on written to app`,
    );
    const app = { user: 'app', password: 'hidden' };
    const clients = await Promise.all(Array.from({ length: 5 }, () => connect(busy, app)));
    const [reads, writes, locks, works, goesOn] = clients;
    const [idle] = (await works?.query('select pg_backend_pid() as pid')) ?? [];
    await reads?.query('begin; select 1');
    await writes?.query('begin; insert into written values (1)');
    await locks?.query('begin; select pg_advisory_lock(1)');
    await works?.query('select 1');
    await goesOn?.query('begin; select 1');
    const all = await query(busy, "select pid || '|' || backend_start from pg_stat_activity where usename = 'app'");
    const sessions = all.map((line) => {
      const [pid = '', backendStart = ''] = line.split('|');
      return { pid: Number(pid), backendStart, role: 'app' };
    });
    // Busy for as long as the checks take, on a busy machine too.
    const beat = setInterval(() => void goesOn?.query('select 1').catch(() => undefined), 1000);
    await new Promise((resolve) => setTimeout(resolve, 6_100));
    const world = async (): Promise<unknown> =>
      query(busy, "select pid from pg_stat_activity where usename = 'app' order by 1");
    const unkept = ['is not undone yet', 'undo restores', 'undone twice equals once'];
    expect(await broken('session.end-idle', { instance: 'sessions', sessions, minimumSeconds: 6 }, world)).toEqual(
      unkept,
    );
    await writes?.query('select 1');
    expect(await world()).toHaveLength(4);
    clearInterval(beat);
    await goesOn?.query('commit');
    await new Promise((resolve) => setTimeout(resolve, 6_100));
    expect(await broken('session.terminate', { instance: 'sessions', sessions, minimumSeconds: 6 }, world)).toEqual(
      unkept,
    );
    // Sessions with an advisory lock or outside a transaction remain.
    expect(await world()).toHaveLength(3);
    const found = await host.instance('sessions');
    if (found === undefined) throw new Error('no instance sessions');
    const process = (await host.probes.serverProcesses(found)).find(({ pid }) => pid === idle?.['pid']);
    const { pid = 0, started = '', uid = 0, title = '' } = process ?? {};
    expect(await broken('session.end-for-slot', { instance: 'sessions', pid, started, uid, title }, world)).toEqual(
      unkept,
    );
    expect(await world()).toHaveLength(2);
    await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
  });

  /** The bytes of postgresql.auto.conf, and everything in its folder with owner and mode. */
  async function autoConf(made: LabInstance): Promise<unknown> {
    const found = await host.docker.container(made.container.id);
    const [mount] = found?.mounts ?? [];
    if (found === undefined || mount === undefined) throw new Error('no volume');
    const bytes = await host.docker.file(found.id, '/var/lib/postgresql/data/postgresql.auto.conf');
    const { entries } = await host.probes.survey(mount, found.image);
    return [
      Buffer.from(bytes ?? []).toString(),
      entries
        .filter(({ path }) => !path.includes('/') && path !== 'postmaster.pid' && path !== 'postmaster.opts')
        .map((entry) => [entry.path, entry.uid, entry.gid, entry.mode]),
    ];
  }

  it('setting.alter keeps its promises: its undo restores the file byte for byte, owned by the server', async () => {
    const made = await startInstance(run, { name: 'tuned', storage: 'volume' });
    await query(made, "alter system set work_mem = '8MB'");
    const settings = { work_mem: '2MB', log_line_prefix: "%m it's \\ [%p] ", idle_session_timeout: null };
    const world = async (): Promise<unknown> => autoConf(made);
    expect(await broken('setting.alter', { instance: 'tuned', settings }, world)).toEqual([]);
    expect(await query(made, 'show work_mem')).toEqual(['8MB']);

    const action = actions.find(({ name }) => name === 'setting.alter');
    const late = { instance: 'tuned', settings: { shared_buffers: '64MB' } };
    expect(action && checkValue(action.params, late)).toMatchObject({ ok: false });
    const unsafe = { instance: 'tuned', settings: { fsync: 'off' } };
    expect(action && checkValue(action.params, unsafe)).toMatchObject({ ok: false });
  });

  it('setting.alter refuses a setting from the command line', async () => {
    await startInstance(run, { name: 'fixed', storage: 'volume', settings: { work_mem: '3MB' } });
    const action = actions.find(({ name }) => name === 'setting.alter');
    const params = { instance: 'fixed', settings: { work_mem: '2MB' } };
    await expect(action?.prepare(params, host)).rejects.toThrow(/is set by the command line/);
  });

  it('setting.alter-stopped keeps its promises, even for a server that cannot start', async () => {
    const made = await startInstance(run, { name: 'refused', storage: 'volume' });
    await query(made, "alter system set shared_buffers = '900GB'");
    await host.change.docker.stop(made.container.id, { timeoutSeconds: 60 });
    const settings = { shared_buffers: '64MB', max_connections: '40', work_mem: null };
    const world = async (): Promise<unknown> => autoConf(made);
    const params = { instance: 'refused', settings };
    expect(await broken('setting.alter-stopped', params, world)).toEqual([]);
    const action = actions.find(({ name }) => name === 'setting.alter-stopped');
    await action?.apply(parseValue(action.params, params, 'params'), host);
    await host.change.docker.start(made.container.id);
    await waitReady(made);
    expect(await query(made, 'show shared_buffers')).toEqual(['64MB']);
    await expect(action?.apply({ instance: 'refused', settings: { work_mem: '1MB' } }, host)).rejects.toThrow(
      /is running/,
    );
  });

  it('lock-file.set-aside and setting.comment-out keep their promises', async () => {
    const made = await findInstance(run, 'refused');
    const { id } = made.container;
    await host.change.docker.stop(id, { timeoutSeconds: 60 });
    const breaking = `cd /folder; : > postmaster.pid; chown 999:999 postmaster.pid`;
    await runHelper(run, made.data ?? '', breaking);
    const world = async (): Promise<unknown> => {
      const read = async (file: string) =>
        Buffer.from((await host.docker.file(id, `/var/lib/postgresql/data/${file}`)) ?? 'none').toString();
      return Promise.all(['postgresql.conf', 'postmaster.pid', 'postmaster.pid.pgops-old-1'].map(read));
    };
    const params = { instance: 'refused', name: 'postmaster.pid.pgops-old-1', sha256: hash('') };
    const action = actions.find(({ name }) => name === 'lock-file.set-aside');
    await expect(action?.apply(params, host)).rejects.toThrow(/written a moment ago/);
    await runHelper(run, made.data ?? '', "touch -d '6 minutes ago' /folder/postmaster.pid");
    expect(await broken('lock-file.set-aside', params, world)).toEqual([]);
    const conf = Buffer.from((await host.docker.file(id, '/var/lib/postgresql/data/postgresql.conf')) ?? '').toString();
    const lines = { instance: 'refused', file: 'postgresql.conf', sha256: hash(conf), lines: [1, 3] };
    expect(await broken('setting.comment-out', lines, world)).toEqual([]);
  });

  it('container.update-memory keeps its promises, and never lowers a limit', async () => {
    const limit = 256 * 2 ** 20;
    const made = await startInstance(run, {
      name: 'limited',
      storage: 'seeded',
      host: { Memory: limit, MemorySwap: limit },
    });
    const world = async (): Promise<unknown> => {
      const { HostConfig } = await made.container.inspect();
      return [HostConfig.Memory, HostConfig.MemorySwap];
    };
    const container = made.container.id;
    expect(
      await broken('container.update-memory', { container, memory: 2 * limit, memorySwap: 2 * limit }, world),
    ).toEqual([]);
    const action = actions.find(({ name }) => name === 'container.update-memory');
    await expect(action?.prepare({ container, memory: limit / 2, memorySwap: limit / 2 }, host)).rejects.toThrow(
      /can only be raised/,
    );
    await expect(action?.prepare({ container, memory: 2 ** 50, memorySwap: 2 ** 50 }, host)).rejects.toThrow(
      /can be at most/,
    );
  });

  it('container.update-memory undoes a raise with a stop if more memory is in use by then, and never goes below the old limit', async () => {
    const [limit, raised] = [96 * 2 ** 20, 512 * 2 ** 20];
    const made = await startInstance(run, {
      name: 'filled',
      storage: 'seeded',
      settings: { shared_buffers: '256MB' },
      host: { Memory: limit, MemorySwap: limit },
    });
    const action = actions.find(({ name }) => name === 'container.update-memory');
    const params = { container: made.container.id, memory: raised, memorySwap: raised };
    const before = await action?.prepare(params, host);
    await action?.apply(params, host);
    // Row by row into shared_buffers: bulk reads and bulk writes use a ring buffer instead.
    await query(made, 'create unlogged table filling (t text)');
    await query(made, "insert into filling select repeat('x', 1000) from generate_series(1, 150000)");
    const atChange: unknown[] = [];
    const { docker } = host.change;
    const watched: Host = {
      ...host,
      change: {
        ...host.change,
        docker: {
          ...docker,
          async updateMemory(ref, limits) {
            atChange.push([limits.memory, (await host.docker.container(ref))?.state.running]);
            await docker.updateMemory(ref, limits);
          },
        },
      },
    };
    await action?.undo?.(params, before ?? null, watched);
    expect(atChange).toEqual([[limit, false]]);
    await waitReady(made);
    expect(await action?.isUndone?.(params, before ?? null, host)).toBe(true);
    expect((await made.container.inspect()).State.OOMKilled).toBe(false);
  });

  it('role.alter-setting keeps its promises for any role name', async () => {
    const made = await startInstance(run, { name: 'roles', storage: 'seeded' });
    await query(made, `create role "app ""x"";'"`);
    await query(made, `alter role "app ""x"";'" set work_mem = '1MB'`);
    const world = async (): Promise<unknown> =>
      query(made, 'select setdatabase <> 0, setrole::regrole, setconfig from pg_db_role_setting order by 1, 2');
    const base = { instance: 'roles', role: `app "x";'`, name: 'work_mem', value: '2MB' };
    expect(await broken('role.alter-setting', base, world)).toEqual([]);
    expect(await broken('role.alter-setting', { ...base, value: null }, world)).toEqual([]);
    const timeout = { name: 'idle_in_transaction_session_timeout', value: '10min' };
    expect(
      await broken('role.alter-setting', { instance: 'roles', database: made.database, ...timeout }, world),
    ).toEqual([]);
    expect(await broken('role.alter-setting', { ...base, ...timeout, database: made.database }, world)).toEqual([]);
  });

  it('volume.prepare keeps its promises, except that it never removes a volume', async (test) => {
    const volume = `${run.prefix}prepared`;
    test.onTestFinished(async () => run.docker.getVolume(volume).remove());
    const image = `problems-lab/postgres:${run.postgres}`;
    const mount = { type: 'volume', name: volume, source: '', destination: '', writable: false, anonymous: false };
    const world = async (): Promise<unknown> =>
      (await host.docker.volume(volume)) === undefined ? 'none' : (await host.probes.survey(mount, image)).entries;
    expect(await broken('volume.prepare', { volume, image, uid: 999, gid: 70 }, world)).toEqual([
      'is not undone yet',
      'undo restores',
      'undone twice equals once',
    ]);
    expect(await world()).toMatchObject([{ path: '.', uid: 999, gid: 70, mode: '700' }]);
    const other = { ...host, run: { ...host.run, id: 'r-other' } };
    const action = actions.find(({ name }) => name === 'volume.prepare');
    await expect(action?.apply({ volume, image, uid: 0, gid: 0 }, other)).rejects.toThrow(/already/);
  });

  it('archive.switch keeps its promises, except that archived files stay; so does slot.drop for a physical slot', async () => {
    const settings = { archive_mode: 'on', archive_command: 'true' };
    const made = await startInstance(run, { name: 'archives', storage: 'seeded', settings });
    const world = async (): Promise<unknown> => query(made, 'select archived_count > 0 from pg_stat_archiver');
    expect(await broken('archive.switch', { instance: 'archives' }, world)).toEqual([
      'is not undone yet',
      'undo restores',
      'undone twice equals once',
    ]);

    await query(
      made,
      "select pg_create_physical_replication_slot('gone', true), pg_create_physical_replication_slot('read', true)",
    );
    const [begins = ''] = await query(made, "select restart_lsn from pg_replication_slots where slot_name = 'gone'");
    const slots = async (): Promise<unknown> => query(made, 'select slot_name from pg_replication_slots order by 1');
    const drop = { instance: 'archives', slot: 'gone', type: 'physical', begins };
    expect(await broken('slot.drop', drop, slots)).toEqual([]);
    const action = actions.find(({ name }) => name === 'slot.drop');
    await expect(action?.apply({ ...drop, slot: 'read', begins: '0/1' }, host)).rejects.toThrow(/Something reads/);
  });

  async function found(name: string) {
    const one = await host.instance(name);
    if (one === undefined) throw new Error(`no instance ${name}`);
    return one;
  }

  it('migration.apply, migration.record and index.drop-invalid keep their promises, except that an invalid index is not recreated', async () => {
    const ledger = await startInstance(run, { name: 'ledger', storage: 'seeded' });
    await query(ledger, 'create table customers (email text)');
    await query(ledger, "insert into customers select 'same' from generate_series(1, 2)");
    const folder = join(run.folder, 'migrations');
    const name = '001_email.sql';
    const sql = 'create index concurrently customers_email on customers (email);\n';
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, name), sql);
    const place = { instance: 'ledger', container: ledger.container.id, database: ledger.database, role: ledger.user };
    const world = async (): Promise<unknown> => ({
      indexes: await query(ledger, "select indexrelid::regclass from pg_index where indrelid = 'customers'::regclass"),
      listed: await query(
        ledger,
        "select count(*) from (select to_regclass('schema_migrations') is not null as there) as t, lateral query_to_xml(case when there then 'select version from schema_migrations' else 'select 1 where false' end, false, true, '') as x where x::text like '%001_email%'",
      ),
    });
    expect(await broken('migration.apply', { ...place, folder, name, sha256: hash(sql) }, world)).toEqual([]);

    const second = '002_there.sql';
    const there = 'create table there (a int);\n';
    await writeFile(join(folder, second), there);
    await query(ledger, there);
    const answer = await host.sql.query(await found('ledger'), schemaQuery([{ schema: undefined, name: 'there' }]));
    const fingerprint = fingerprintOf(answer.ok ? (answer.rows[0]?.['description'] ?? '') : answer.message);
    const record = { ...place, folder, name: second, sha256: hash(there), fingerprint };
    expect(
      await broken('migration.record', record, async () =>
        query(ledger, "select version from schema_migrations where version like '002%'"),
      ),
    ).toEqual([]);

    await psql(ledger, 'create unique index concurrently half on customers (email)');
    const [oid = ''] = await query(ledger, "select 'half'::regclass::oid");
    expect(await broken('index.drop-invalid', { ...place, oid, name: 'public.half' }, world)).toEqual([
      'is not undone yet',
      'undo restores',
      'undone twice equals once',
    ]);
    const [sound = ''] = await query(ledger, "create index half on customers (email); select 'half'::regclass::oid");
    const drop = actions.find((one) => one.name === 'index.drop-invalid');
    await expect(drop?.apply({ ...place, oid: sound, name: 'public.half' }, host)).rejects.toMatchObject({
      code: 'step-refused',
    });
  });

  it('index.rebuild and collation.refresh keep their promises, except that nothing is undone', async () => {
    const made = await startInstance(run, { name: 'sorted', storage: 'seeded' });
    await query(made, 'create table "Names" (n text); create index "By name" on "Names" (n)');
    await query(made, "update pg_database set datcollversion = '1' where datname = current_database()");
    const place = { instance: 'sorted', container: made.container.id, database: made.database };
    const [oid = ''] = await query(made, `select '"By name"'::regclass::oid`);
    const index = { oid, name: 'public."By name"' };
    const world = async (): Promise<unknown> =>
      query(
        made,
        'select datcollversion, \'public."By name"\'::regclass::oid from pg_database where datname = current_database()',
      );
    const refresh = { ...place, own: true, collations: [], rebuilt: [index] };
    const action = actions.find(({ name }) => name === 'collation.refresh');
    await expect(action?.apply(refresh, host)).rejects.toThrow(/has not been rebuilt/);
    const unkept = ['is not undone yet', 'undo restores', 'undone twice equals once'];
    expect(await broken('index.rebuild', { ...place, ...index }, world)).toEqual(unkept);
    expect(await broken('collation.refresh', refresh, world)).toEqual(unkept);

    // Duplicates that the old order has let in: the rebuild fails, and leaves the old index alone.
    await query(
      made,
      'create unique index twice on "Names" (n); update pg_index set indisunique = false where indexrelid = \'twice\'::regclass',
    );
    await query(
      made,
      "insert into \"Names\" values ('a'), ('a'); update pg_index set indisunique = true where indexrelid = 'twice'::regclass",
    );
    const [twice = ''] = await query(made, "select 'twice'::regclass::oid");
    const rebuild = actions.find(({ name }) => name === 'index.rebuild');
    const again = { ...place, oid: twice, name: 'public.twice' };
    await expect(rebuild?.apply(again, host)).rejects.toMatchObject({ code: 'step-refused' });
    expect(
      await query(made, `select indexrelid::regclass from pg_index where indrelid = '"Names"'::regclass order by 1`),
    ).toHaveLength(2);
  });

  it('backup.take keeps its promises, except that it never deletes a backup', async () => {
    const kept = await startInstance(run, { name: 'kept', storage: 'seeded' });
    const world = async (): Promise<unknown> => host.backups.list(kept.name);
    expect(await broken('backup.take', { instance: kept.name, name: 'first' }, world)).toEqual([
      'is not undone yet',
      'undo restores',
      'undone twice equals once',
    ]);
  });

  it('backup.quarantine keeps its promises; so does backup.prove, except that its result stays recorded', async () => {
    const ref = 'kept/first';
    const place = async (): Promise<unknown> => {
      const backup = await host.backups.read(ref);
      return [backup?.state, backup?.parts, backup?.quarantine?.reason];
    };
    expect(await broken('backup.quarantine', { ref, reason: 'truncated: failed at L2.' }, place)).toEqual([]);
    const reached = async (): Promise<unknown> => (await host.backups.read(ref))?.verdict;
    const unkept = ['is not undone yet', 'undo restores', 'undone twice equals once'];
    expect(await broken('backup.prove', { ref, level: 'L4', upTo: 'L4' }, reached)).toEqual(unkept);
    expect(await reached()).toBe('good');
  });

  it('backup.restore and instance.create keep their promises, except that they never delete restored data', async (test) => {
    const volume = `${run.prefix}restored`;
    const name = `${run.prefix}vrooli-postgres-restored`;
    test.onTestFinished(async () => run.docker.getVolume(volume).remove());
    const kept = await host.instance('kept');
    const like = kept?.container.id ?? '';
    const image = kept?.container.image ?? '';
    const mount = { type: 'volume', name: volume, source: '', destination: '', writable: false, anonymous: false };
    const filled = async (): Promise<unknown> =>
      (await host.docker.volume(volume)) === undefined
        ? 'none'
        : (await host.probes.survey(mount, image)).entries.map(({ path, uid, mode }) => [path, uid, mode]);
    const wanted = { ref: 'kept/first', volume, folder: '.', like, role: kept?.user ?? '', database: 'vrooli' };
    expect(await broken('backup.restore', { ...wanted, to: null, archive: null }, filled)).toEqual([
      'is not undone yet',
      'undo restores',
      'undone twice equals once',
    ]);
    const containers = async (): Promise<unknown> =>
      (await host.docker.containers()).filter((one) => one.name.startsWith(name)).map((one) => [one.name, one.mounts]);
    const port = await run.takePort();
    expect(await broken('instance.create', { like, name, volume, serverPort: 5432, port }, containers)).toEqual([]);
  });

  it('backup.expire keeps its promises, and backup.remove deletes only what has expired', async () => {
    const parent = host.backups.folders[0] ?? '';
    const good = { level: 'L4', result: 'passed', at: '2026-01-01T00:00:00Z', says: [], ms: 1 } as const;
    for (const name of ['1', '2', '3']) {
      await mkdir(join(parent, 'many', name), { recursive: true });
      await writeFile(join(parent, 'many', name, 'full.sql'), '-- PostgreSQL database dump\n');
      const proof = { schemaVersion: 1, checks: [good], files: [], filesAt: '', filesBy: 'completion' } as const;
      await writeVerification(join(parent, 'many', name), `many/${name}`, proof);
    }
    const world = async (): Promise<unknown> => {
      const { backups } = await host.backups.list('many');
      return [backups.map(({ ref, verdict }) => [ref, verdict]), await host.backups.expired('many')];
    };
    expect(await broken('backup.expire', { ref: 'many/1' }, world)).toEqual([]);
    const expire = actions.find(({ name }) => name === 'backup.expire');
    await expire?.apply({ ref: 'many/1' }, host);
    await expect(expire?.apply({ ref: 'many/2' }, host)).rejects.toMatchObject({ code: 'step-refused' });
    expect(await broken('backup.remove', { ref: 'many/1' }, world)).toEqual([]);
    expect(await world()).toEqual([
      [
        ['many/2', 'good'],
        ['many/3', 'good'],
      ],
      [],
    ]);
  });

  it('backup.release keeps its promises', async () => {
    const ref = 'aside/first';
    const folder = join(host.backups.folders[0] ?? '', ref);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'full.sql'), '-- PostgreSQL database dump\n');
    const quarantine = actions.find(({ name }) => name === 'backup.quarantine');
    await quarantine?.apply({ ref, reason: 'truncated: failed at L0.' }, host);
    const place = async (): Promise<unknown> => {
      const backup = await host.backups.read(ref);
      return [backup?.state, backup?.parts, backup?.quarantine?.reason];
    };
    expect(await broken('backup.release', { ref }, place)).toEqual([]);
    expect(await place()).toContain('quarantined');
  });

  it('is tested here, or with the project that it needs in test/lab/remediators/compose.test.ts', () => {
    const others = ['compose.change'];
    expect(actions.map(({ name }) => name).filter((name) => !tested.has(name))).toEqual(others);
  });
});

describe.skipIf(!runs)('the host', () => {
  it('refuses every change by an owner that has lost its locks', async () => {
    const run = await openTestRun();
    const remediation = await openLab(run);
    const host = await actingHost(remediation);
    await actingHost(remediation);
    await expect(host.change.docker.createVolume(`${run.prefix}late`, {})).rejects.toMatchObject({ code: 'lock-held' });
    expect(await host.docker.volume(`${run.prefix}late`)).toBeUndefined();
    remediation.close();
    await closeTestRun(run);
  });
});

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
