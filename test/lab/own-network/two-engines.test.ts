import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineName } from '../../../src/app/state-file.ts';
import { openPostgresSwarm } from '../../../src/swarm/postgres/store.ts';
import type { SwarmStore } from '../../../src/swarm/store.ts';
import { soak } from '../../soak.ts';
import { hasPostgres, type PostgresServer, startPostgres } from '../../swarm/postgres-server.ts';
import { createEngineClient } from '../engine.ts';
import { ensureImages } from '../images/images.ts';
import { findInstance, psql } from '../instance.ts';
import { reservePorts } from '../ports.ts';
import { openRun, removeFolder, removeObjects, type Run } from '../run.ts';
import { labRuns } from '../support.ts';
import { breakOrders, registry, task, watchServers } from '../swarm/broken-orders.ts';
import { eventually } from '../waiting.ts';
import { mayRunEngine, openSecondEngine, type SecondEngine } from './second-engine.ts';

const lab = await labRuns();

/** A machine: its engine, which only programs in its network namespace reach in full, and a checkout of its project. */
interface Machine {
  readonly run: Run;
  readonly volume: string;
  readonly engine: string;
  readonly queue: SwarmStore;
  /**
   * Starts a worker of the machine, which ends itself at the point. Returns its exit code, or the signal that ended it.
   * @param folder Default: its checkout of its own project.
   */
  worker(name: string, options?: { readonly killAt?: string; readonly folder?: string }): Promise<number | string>;
}

// Takes most of a minute for two engines. Each of the parts has a faster test.
describe.skipIf(!soak || !lab || !hasPostgres || !mayRunEngine())('two engines in two network namespaces', () => {
  let server: PostgresServer;
  let second: SecondEngine;
  const machines: Machine[] = [];
  const docker = createEngineClient();

  beforeAll(async () => {
    await ensureImages(docker, () => undefined);
    [server, second] = await Promise.all([
      startPostgres(),
      openSecondEngine(docker, 'problems-lab/postgres-seeded:17'),
    ]);
    // The machine's engine is where the program is that made this network; the second one is where this test is.
    machines.push(
      await machine(docker, 'first', '', ['nsenter', `--net=${outerNetwork()}`]),
      await machine(second.docker, 'second', second.address, []),
    );
  });
  afterAll(async () => {
    for (const { queue, run } of machines) {
      queue.close();
      await removeObjects({ docker: run.docker, run: run.id });
      await removeFolder(docker, run.folder);
      await run.ports.release();
    }
    await second.close();
    await server[Symbol.asyncDispose]();
  });

  async function machine(engine: Docker, project: string, host: string, enter: readonly string[]): Promise<Machine> {
    const id = randomBytes(4).toString('hex');
    const folder = await mkdtemp(join(tmpdir(), `problems-lab-${id}-`));
    const run = await openRun({ id, docker: engine, folder, ports: await reservePorts(), prefix: `lab-${id}-` });
    const { ID }: { readonly ID: string } = await engine.info();
    await checkOut(folder, run.prefix, project, ID);
    const volume = await breakOrders(run);
    return {
      run,
      volume,
      engine: engineName(ID),
      queue: await openPostgresSwarm(server.socketUrl, { project }),
      async worker(name, { killAt = '', folder: place = folder } = {}) {
        const child = join(import.meta.dirname, '..', 'swarm', 'worker-child.ts');
        const [command, ...words] = [...enter, process.execPath, child, place, name, killAt];
        const env = { ...process.env, ...(host === '' ? {} : { DOCKER_HOST: host }) };
        const [code, signal] = await once(
          spawn(command, words, { env, stdio: ['ignore', 'ignore', 'inherit'] }),
          'close',
        );
        return signal ?? code;
      },
    };
  }

  async function checkOut(folder: string, prefix: string, project: string, engine: string): Promise<void> {
    await writeFile(join(folder, 'PROBLEMS.md'), registry);
    const config = {
      swarm: { store: server.socketUrl, project, engine },
      remediation: {
        containers: `^${prefix}vrooli-postgres-(.+)$`,
        automation: { 'volume-permissions': 'auto' },
        state: join(folder, 'state.db'),
      },
      triage: { classes: { permissions: 'auto' } },
    };
    await writeFile(join(folder, 'problems.config.json'), JSON.stringify(config));
  }

  it('each serve their own, and a worker that is killed in mid-repair is followed by one of its machine', async () => {
    const [first, other] = machines;
    if (first === undefined || other === undefined) throw new Error('There is no machine.');
    const watched = machines.map(({ run, volume }) => watchServers(run, volume));
    // The second engine is repaired meanwhile.
    const ends = await Promise.all([first.worker('one', { killAt: 'step 0 is applied' }), other.worker('two')]);
    expect(ends).toEqual(['SIGKILL', 0]);
    // Until the leases have ended.
    await sleep(2_100);
    // The first project is checked out on the second machine too: its workers get nothing that is for the first.
    const elsewhere = join(other.run.folder, 'first');
    await mkdir(elsewhere);
    await checkOut(elsewhere, first.run.prefix, 'first', first.engine);
    expect(await other.worker('elsewhere', { folder: elsewhere })).toBe(0);
    expect(await first.queue.list()).toMatchObject([{ id: task, engine: first.engine, status: { state: 'open' } }]);
    expect(await first.queue.outcomes()).toEqual([]);
    expect(await first.worker('three')).toBe(0);

    for (const [index, worker] of ['three', 'two'].entries()) {
      const own = machines[index];
      expect(await own?.queue.outcomes()).toMatchObject([{ task, result: 'done', worker, engine: own?.engine }]);
      expect(await watched[index]?.most()).toBe(1);
      const recorded = await readFile(join(own?.run.folder ?? '', 'PROBLEMS.md'), 'utf8');
      expect(recorded.match(/fixed it/g)).toHaveLength(1);
    }
    for (const { run } of machines) {
      const orders = await findInstance(run, 'orders');
      await eventually(20_000, async () => (await psql(orders, 'select count(*) from orders')).stdout === '1000\n');
    }
  });
});

/** The network namespace of the nearest ancestor that has another one. */
function outerNetwork(): string {
  const own = readlinkSync('/proc/self/ns/net');
  for (let pid = process.ppid; pid > 1;) {
    const path = `/proc/${pid}/ns/net`;
    if (readlinkSync(path) !== own) return path;
    pid = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  }
  throw new Error('This test needs a network of its own: npm run lab -- test two-engines');
}
