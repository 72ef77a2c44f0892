import { existsSync } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createConnection } from 'node:net';
import { once } from 'node:events';

import { describe, expect, it } from 'vitest';

import { oneOf } from '../soak.ts';
import { connect, refusalOf } from './client.ts';
import { startContainer } from './container.ts';
import { createVolume, removeObjects, type Run, runLabel } from './run.ts';
import { findInstance, psql, query, startInstance, type Storage } from './instance.ts';
import { freePort, holdPort, reservePorts } from './ports.ts';
import { instanceFolder, readInstanceConf } from './project.ts';
import { addOrders } from './rows.ts';
import { scenarioNamed } from './scenarios/index.ts';
import { snapshotEngine } from './snapshot.ts';
import { closeTestRun, createRun, keepEvidence, labRuns, openTestRun } from './support.ts';

describe('ports for a run', () => {
  it('are exclusive until they are released', async () => {
    const reserved = await Promise.all(Array.from({ length: 20 }, () => reservePorts()));
    const firsts = reserved.map(({ instances }) => instances.first);
    expect(new Set(firsts).size).toBe(20);
    await Promise.all(reserved.map((ports) => ports.release()));
    const again = await reservePorts();
    expect(firsts).toContain(again.instances.first);
    await again.release();
  });
});

describe.skipIf(!(await labRuns()))('a run of the lab', () => {
  it('treats a port as taken if a program listens on it or a stopped container claims it', async (test) => {
    const run = await createRun(test);
    const instance = await startInstance(run, { name: 'claimant', storage: 'seeded' });
    await instance.container.stop();
    const held = await holdPort(await run.takePort());
    const { instances } = run.ports;
    const free = await freePort(run.docker, instances, new Set());
    expect([instance.port, held.port, free]).toEqual([instances.first, instances.first + 1, instances.first + 2]);
    const socket = createConnection(held.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
    await held.close();
    expect(await freePort(run.docker, instances, new Set())).toBe(held.port);
  });

  it.for(oneOf<Storage>(['bind', 'volume', 'anonymous', 'seeded']))(
    'starts an instance whose data is %s',
    async (storage, test) => {
      const run = await createRun(test);
      const started = await startInstance(run, { name: 'one', storage, settings: { work_mem: '5MB' } });
      await addOrders(started);
      const found = await findInstance(run, 'one');
      expect({ ...found, container: found.container.id }).toMatchObject({
        port: started.port,
        password: started.password,
        database: 'vrooli',
        container: started.container.id,
      });
      expect(await query(found, 'show work_mem; select sum(amount) from orders')).toEqual(['5MB', '625625.00']);
      expect(await refusalOf(connect(found, { password: 'wrong' }))).toMatchObject({ code: '28P01' });
      expect((await psql(found, 'select * from nothing')).stderr).toContain('ERROR:  42P01:');
    },
  );

  it('detects changes of containers, data and files with snapshots, and no change otherwise', async (test) => {
    const run = await createRun(test);
    const [served, stopped] = await Promise.all(
      ['served', 'stopped'].map((name) => startInstance(run, { name, storage: 'bind' })),
    );
    if (served === undefined || stopped === undefined) throw new Error('no instances');
    await addOrders(served);
    await addOrders(stopped);
    await stopped.container.stop();

    const before = await snapshotEngine(run);
    expect(before.data[served.containerName]).toEqual([expect.stringMatching(/^vrooli: orders\|1000\|-?\d+$/)]);
    expect(before.data[stopped.containerName]).toEqual([expect.stringMatching(/^files [0-9a-f]{64}$/)]);
    expect(Object.keys(before.files)).toContain('resources/postgres/instances/served/config/instance.conf');
    expect(await snapshotEngine(run)).toEqual(before);

    await query(served, 'update orders set amount = amount + 1 where id = 500');
    await stopped.container.update({ Memory: 512 * 1024 * 1024, MemorySwap: -1 });
    const after = await snapshotEngine(run);
    expect(after.data[served.containerName]).not.toEqual(before.data[served.containerName]);
    expect(after.data[stopped.containerName]).toEqual(before.data[stopped.containerName]);
    expect(after.containers[stopped.containerName]).not.toEqual(before.containers[stopped.containerName]);
    expect(after.files).toEqual(before.files);
  });

  it('leaves no container, network, volume, folder or port when it is closed', async () => {
    const run = await openTestRun();
    await scenarioNamed('port-conflict').up(run, () => undefined);
    await createVolume(run, 'spare');
    const { container } = await startInstance(run, { name: 'lost', storage: 'anonymous' });
    const anonymous = (await container.inspect()).Mounts[0]?.Name ?? '';
    await container.remove({ force: true });
    // As a remediator does it: bound by name, the anonymous volume would outlive the container.
    const adopter = { image: 'problems-lab/webgui:1', entrypoint: ['sleep', '600'], binds: [`${anonymous}:/data`] };
    await startContainer(run, adopter);
    await closeTestRun(run);

    expect(await objectsOf(run)).toEqual({ containers: 0, networks: 0, volumes: 0 });
    expect((await run.docker.listVolumes()).Volumes.map(({ Name }) => Name)).not.toContain(anonymous);
    expect(existsSync(run.folder)).toBe(false);
  });

  it('creates an instance as the managed system does: its settings, data and server settings in one folder', async (test) => {
    const run = await createRun(test);
    const { port, password, data } = await startInstance(run, {
      name: 'laid',
      storage: 'bind',
      settings: { work_mem: '5MB' },
    });
    const folder = instanceFolder(run, 'laid');
    expect(await readInstanceConf(run, 'laid')).toMatchObject({
      port: String(port),
      password,
      database: 'vrooli',
      networks: run.network,
    });
    expect((await stat(join(folder, 'config', 'instance.conf'))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(folder, 'config', 'postgresql.conf'), 'utf8')).toContain("work_mem = '5MB'");
    expect(data).toBe(join(folder, 'data'));
    expect((await stat(join(folder, 'data'))).uid).toBe(999);
  });

  it('keeps the logs and inspections of its containers when a test fails, without their passwords', async (test) => {
    const run = await createRun(test);
    const { containerName, password } = await startInstance(run, { name: 'failed', storage: 'seeded' });
    const folder = await keepEvidence(run, 'a test that fails');
    test.onTestFinished(() => rm(folder, { recursive: true }));
    expect(await readFile(join(folder, `${containerName}.log`), 'utf8')).toContain('ready to accept connections');
    const inspection = await readFile(join(folder, `${containerName}.json`), 'utf8');
    expect(inspection).toContain('POSTGRES_PASSWORD=…');
    expect(inspection).not.toContain(password);
  });

  it('does not touch the resources of another run', async (test) => {
    const [one, other] = [await createRun(test), await createRun(test)];
    await Promise.all([one, other].map((run) => startInstance(run, { name: 'same', storage: 'bind' })));
    const before = await snapshotEngine(other);
    expect(await removeObjects({ docker: one.docker, run: one.id })).toEqual({
      containers: [`${one.prefix}vrooli-postgres-same`],
      networks: [one.network],
      volumes: [],
    });
    expect(await snapshotEngine(other)).toEqual(before);
  });
});

async function objectsOf(run: Run): Promise<Readonly<Record<'containers' | 'networks' | 'volumes', number>>> {
  const filters = JSON.stringify({ label: [`${runLabel}=${run.id}`] });
  const [containers, networks, volumes] = await Promise.all([
    run.docker.listContainers({ all: true, filters }),
    run.docker.listNetworks({ filters }),
    run.docker.listVolumes({ filters }),
  ]);
  return { containers: containers.length, networks: networks.length, volumes: volumes.Volumes.length };
}
