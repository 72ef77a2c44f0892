import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it, type TestContext } from 'vitest';

import { recordId } from '../../src/registry/identity.ts';
import { soak } from '../soak.ts';
import { type Client, connect, refusalOf } from './client.ts';
import { runContainer } from './container.ts';
import { execIn, logOf } from './exec.ts';
import { askGui, findGui } from './gui.ts';
import { findInstance } from './instance.ts';
import { copyRegistry } from './project.ts';
import type { PostgresMajor, Run } from './run.ts';
import { broken } from './scenarios/all.ts';
import { backupsOf } from './scenarios/backup-corruption.ts';
import { scenarioNamed, scenarios } from './scenarios/index.ts';
import { createRun, labRuns, majors } from './support.ts';

describe('the list of scenarios', () => {
  it('contains every file of the folder and nothing else', async () => {
    const files = (await readdir(join(import.meta.dirname, 'scenarios'))).filter((name) => name !== 'index.ts');
    expect(new Set(scenarios.map(({ name }) => `${name}.ts`))).toEqual(new Set(files));
    expect(scenarios).toHaveLength(files.length);
  });

  it('has one scenario for each problem of the fixture registry that affects an instance', async () => {
    const registry = await readFile(join(import.meta.dirname, '../../fixtures/resources/postgres/PROBLEMS.md'), 'utf8');
    const block = /<!-- EMBED:(?:ACTIVE|INTERMITTENT|RESOLVED)PROBLEM:START -->\s*### (.+)/g;
    const ids = [...registry.matchAll(block)].map(([, title = '']) => recordId('postgres', title));
    expect(ids).toHaveLength(7);
    expect(new Set(broken.map(({ problem }) => problem))).toEqual(new Set(ids));
  });
});

// The smoke tests show that the tool finds each; these show that it is really there, without the tool.
describe.skipIf(!(await labRuns()) || !soak)('a running scenario', { concurrent: true }, () => {
  it.for(majors(15))('port-conflict: PostgreSQL %i loses its port to another instance', async (postgres, test) => {
    const run = await takeUp(test, 'port-conflict', postgres);
    const alpha = await findInstance(run, 'alpha');
    const { State, NetworkSettings } = await alpha.container.inspect();
    expect(State).toMatchObject({ Status: 'exited', Running: false });
    expect(State.Error).toContain(`Bind for 0.0.0.0:${alpha.port} failed: port is already allocated`);
    expect(NetworkSettings.Ports).toEqual({});
    const beta = await findInstance(run, 'beta');
    expect(beta.port).toBe(alpha.port);
    expect(await refusalOf(countOrders(run, 'beta'))).toEqual({
      code: '42P01',
      message: 'relation "orders" does not exist',
    });
  });

  it.for([
    [15, 'remaining connection slots are reserved for non-replication superuser connections'],
    [17, 'remaining connection slots are reserved for roles with the SUPERUSER attribute'],
  ] as const)(
    'pool-exhaustion: PostgreSQL %i refuses an ordinary role while pg_isready stays green',
    async ([postgres, message], test) => {
      const run = await takeUp(test, 'pool-exhaustion', postgres);
      const main = await findInstance(run, 'main');
      const worker = await run.docker.getContainer(`${run.prefix}vrooli-orders-worker`).inspect();
      const password = worker.Config.Env.find((line) => line.startsWith('PGPASSWORD='))?.slice(11) ?? '';
      const refused = await refusalOf(connect(main, { user: 'app', password }));
      expect(refused).toEqual({ code: '53300', message });
      expect(await execIn(main.container, ['pg_isready', '-U', 'vrooli'])).toMatchObject({ code: 0 });
    },
  );

  it('backup-corruption: none of the newer backups restores, and the instance is sound', async (test) => {
    const run = await takeUp(test, 'backup-corruption');
    const { good, cut, half, terminal, copied } = backupsOf(run);
    const { container } = await findInstance(run, 'archive');

    expect((await readFile(join(good, 'full.sql'), 'utf8')).slice(-300)).toContain('PostgreSQL database dump complete');
    expect(await readFile(join(cut, 'full.sql'), 'utf8')).toMatch(/\n\d+\tcustomer \d+\t[\d.]+\n$/);
    expect(await readDump(run, half, '--list')).toMatchObject({ code: 0 });
    const read = await readDump(run, half, '--file=/dev/null');
    expect(read.code).toBe(1);
    expect(read.stdout).toContain('pg_restore: error: could not read from input file: end of file');
    // The effect of a terminal depends on where it finds the bytes of a line end: an error, or no damage.
    const changed = await readDump(run, terminal, '--file=-');
    expect(changed.code === 0 && changed.stdout.includes('customer')).toBe(false);
    const served = await runContainer(run, {
      image: `problems-lab/postgres:${run.postgres}`,
      network: 'none',
      binds: [`${join(copied, 'data')}:/var/lib/postgresql/data`],
    });
    expect(served.stdout).toContain('PANIC:  could not locate a valid checkpoint record');

    const check = ['pg_amcheck', '-U', 'vrooli', '--install-missing', '--heapallindexed', 'vrooli'];
    expect(await execIn(container, check)).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(await countOrders(run, 'archive')).toBe(5000);
  });

  it('volume-permissions: one instance does not start, and another cannot read a table', async (test) => {
    const run = await takeUp(test, 'volume-permissions');
    const [restored, mixed] = [await findInstance(run, 'restored'), await findInstance(run, 'mixed')];
    const log = await logOf(restored.container);
    expect(log).toContain('FATAL:  data directory "/var/lib/postgresql/data" has wrong ownership');
    const refused = await refusalOf(countOrders(run, 'mixed'));
    expect(refused.code).toBe('42501');
    expect(refused.message).toMatch(/^could not open file "base\/\d+\/\d+": Permission denied$/);
    expect(await execIn(mixed.container, ['pg_isready'])).toMatchObject({ code: 0 });
  });

  it.for(majors(17))(
    'migration-race: PostgreSQL %i lets one runner through and leaves an invalid index',
    async (postgres, test) => {
      const run = await takeUp(test, 'migration-race', postgres);
      const ledger = await findInstance(run, 'ledger');
      const log = await logOf(ledger.container);
      const duplicate = 'duplicate key value violates unique constraint "pg_(type_typname|class_relname)_nsp_index"';
      expect(log).toMatch(new RegExp(duplicate));
      // One that looks a moment later fails in another way.
      expect(log.match(new RegExp(`${duplicate}|relation "customers" already exists`, 'g'))).toHaveLength(3);
      const valid = "select indisvalid from pg_index where indexrelid = 'customers_email'::regclass";
      await asClient(run, 'ledger', async (client) => {
        expect(await client.query('select version from schema_migrations')).toEqual([{ version: '001_customers' }]);
        expect(await client.query(valid)).toEqual([{ indisvalid: false }]);
      });
    },
  );

  it('memory-oversized: a backend is killed, and Docker does not report it', async (test) => {
    const run = await takeUp(test, 'memory-oversized');
    const { container } = await findInstance(run, 'production');
    expect(await logOf(container)).toMatch(/server process \(PID \d+\) was terminated by signal 9: Killed/);
    const { State, RestartCount } = await container.inspect();
    expect(State.Running).toBe(true);
    expect(RestartCount).toBe(0);
    await asClient(run, 'production', async (client) => {
      expect(await client.query('show shared_buffers')).toEqual([{ shared_buffers: '128MB' }]);
    });
  });

  it('webgui-unreachable: both pages show an error, and both instances answer on their host ports', async (test) => {
    const run = await takeUp(test, 'webgui-unreachable');
    const reports = await askGui(await findGui(run, 'reports'));
    expect(reports.status).toBe(503);
    expect(reports.body).toContain(`could not translate host name "${run.prefix}vrooli-postgres-reports" to address`);
    const sales = await askGui(await findGui(run, 'sales'));
    expect(sales.status).toBe(503);
    expect(sales.body).toContain('Connection refused');
    for (const name of ['reports', 'sales']) expect(await countOrders(run, name)).toBe(1000);
  });

  it('healthy: the instance and its page answer', async (test) => {
    const run = await takeUp(test, 'healthy');
    const page = await askGui(await findGui(run, 'steady'));
    expect(page.status).toBe(200);
    expect(page.body).toMatch(/^vrooli\|vrooli\|\d+$/m);
    expect(await countOrders(run, 'steady')).toBe(1000);
  });
});

async function takeUp(test: TestContext, name: string, postgres: PostgresMajor = 17): Promise<Run> {
  const run = await createRun(test, { scenario: name, postgres });
  await copyRegistry(run);
  await scenarioNamed(name).up(run, () => undefined);
  return run;
}

async function asClient<T>(run: Run, name: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await connect(await findInstance(run, name));
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function countOrders(run: Run, name: string): Promise<number> {
  return asClient(run, name, async (client) => {
    const [row] = await client.query('select count(*) from orders');
    return Number(row?.['count']);
  });
}

function readDump(run: Run, folder: string, option: string): ReturnType<typeof runContainer> {
  return runContainer(run, {
    image: `problems-lab/postgres-seeded:${run.postgres}`,
    entrypoint: ['pg_restore', option, '/backup/full.dump'],
    network: 'none',
    binds: [`${folder}:/backup:ro`],
  });
}
