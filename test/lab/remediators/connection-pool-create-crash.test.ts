import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detect, resume, rollback, type RunRecord, runs as journal } from '../../../src/app/remediation.ts';
import { soak } from '../../soak.ts';
import { type Client, connect } from '../client.ts';
import { type EngineCall, type Fault, type FaultyEngine, openFaultyEngine } from '../engine/faulty-engine.ts';
import { execIn } from '../exec.ts';
import { type LabInstance, query, startInstance } from '../instance.ts';
import type { Run } from '../run.ts';
import { closeTestRun, labRuns, openTestRun } from '../support.ts';
import { eventually } from '../waiting.ts';
import { begin, type Opened, withRemediation } from './crash.ts';

const lab = await labRuns();
const app = { user: 'app', password: 'hidden' };
/** In the order of the plan. */
const databases = ['shop', 'vrooli'] as const;
const settings = {
  samples: 2,
  secondsBetween: 0.3,
  poolerImage: 'problems-lab/pgbouncer:1',
  pressure: 0.5,
  logMinutes: 60,
  idleSeconds: 86_400,
} as const;

/** Where inside `pooler.create` the process ends. */
const points = [
  'the role is made',
  'the first of two lookups is made',
  'the container is created',
  'the container is started, without its configuration',
  'half of the configuration is delivered',
  'the configuration is delivered',
] as const;
type Point = (typeof points)[number];

describe.skipIf(!lab)('a process that is killed while it adds a pooler', { timeout: 1_800_000 }, () => {
  let run: Run;
  let shop: LabInstance;
  let engine: FaultyEngine;
  let opened: Opened;
  let clients: readonly Client[] = [];
  beforeAll(async () => {
    run = await openTestRun({ postgres: 17 });
    opened = { remediator: 'connection-pool', run, settings };
    engine = await openFaultyEngine(join(run.folder, 'engine.sock'));
    shop = await startCrowded(run);
    clients = await crowd(shop);
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
    await run.docker
      .getContainer(poolerOf(shop))
      .remove({ force: true })
      .catch(() => undefined);
    await engine.close();
    await closeTestRun(run);
  });

  it.for(soak ? points : (['the container is started, without its configuration'] as const))(
    'after %s leaves a run that resume ends as fixed: clients are answered through the pooler',
    async (point) => {
      await killedAt(point);
      await withRemediation(opened, async (remediation) => {
        expect(await resume(remediation)).toMatchObject([{ outcome: 'fixed', failure: null }]);
        for (const database of databases) expect(await throughPooler(database), database).toBe('app\n');
        expect((await detect(remediation)).notLookedAt).toEqual([]);
        const [{ id } = { id: '' }] = await journal(remediation);
        expect(await rollback(remediation, id)).toMatchObject({ outcome: 'rolled-back' });
      });
      expect(await left()).toEqual([]);
    },
  );

  it.for(soak ? points : [])(
    'after %s leaves a run that rollback ends without a role, schema or container left',
    async (point) => {
      const { id } = await killedAt(point);
      await withRemediation(opened, async (remediation) =>
        expect(await rollback(remediation, id)).toMatchObject({ outcome: 'rolled-back' }),
      );
      expect(await left()).toEqual([]);
    },
  );

  /** The run that is left open, with the world as it is at that point. */
  async function killedAt(point: Point): Promise<RunRecord> {
    // After two rollbacks within an hour, the next run would be escalated to an operator.
    await rm(join(run.folder, '.problems'), { recursive: true, force: true });
    expect(await left()).toEqual([]);
    // With the engine behind faults.
    const { process: child, ended } = begin(opened, { DOCKER_HOST: engine.address });
    const end = (): void => void child.kill('SIGKILL');
    if (point === 'the role is made') await atSchema(databases[0], end);
    else if (point === 'the first of two lookups is made') await atSchema(databases[1], end);
    else engine.faultOf = faultAt(point, poolerOf(shop), end);
    expect((await ended).signal, point).toBe('SIGKILL');
    engine.faultOf = () => undefined;
    expect((await left()).length, point).toBe(points.indexOf(point) === 0 ? 1 : points.indexOf(point) === 1 ? 2 : 4);
    // What reads its configuration and gets none runs on and on, and that is not being up.
    if (point.includes('without') || point.includes('half')) {
      await eventually(60_000, hasRunFor(6_000));
      const file = ['cat', '/tmp/problems-pooler/pgbouncer.ini'];
      expect((await execIn(run.docker.getContainer(poolerOf(shop)), file)).code, point).not.toBe(0);
    }
    let record: RunRecord | undefined;
    await withRemediation(opened, async (remediation) => {
      [record] = await journal(remediation);
    });
    if (record?.steps[0]?.state !== 'applying') throw new Error(`${point}: ${JSON.stringify(record?.steps)}`);
    return record;
  }

  /** Blocks the child before it creates its schema in a database, and ends it and its session there. */
  async function atSchema(database: string, end: () => void): Promise<void> {
    const holder = await connect(shop, { database });
    await holder.query('begin; lock table pg_catalog.pg_namespace in share mode');
    const waits = `pid from pg_stat_activity where wait_event_type = 'Lock' and query like 'CREATE SCHEMA%'`;
    await eventually(120_000, async () => (await query(shop, `select ${waits}`)).length === 1);
    end();
    await query(shop, `select pg_terminate_backend(pid, 5000) from (select ${waits}) as waiting`);
    await holder.end();
  }

  function hasRunFor(ms: number): () => Promise<boolean> {
    return async () => {
      const { State } = await run.docker.getContainer(poolerOf(shop)).inspect();
      return State.Status === 'running' && Date.now() - Date.parse(State.StartedAt) > ms;
    };
  }

  /** What there is of a pooler. */
  async function left(): Promise<readonly string[]> {
    const role = await query(shop, "select 'role ' || rolname from pg_roles where rolname ~ 'problems'");
    const schemas = await Promise.all(
      databases.map((database) =>
        query(shop, "select 'schema ' || current_database() from pg_namespace where nspname ~ 'problems'", {
          database,
        }),
      ),
    );
    const container = await run.docker
      .getContainer(poolerOf(shop))
      .inspect()
      .then(
        () => ['container'],
        () => [],
      );
    return [...role, ...schemas.flat(), ...container];
  }

  async function throughPooler(database: string): Promise<string> {
    const env = { PGHOST: poolerOf(shop), PGPORT: '6432', PGUSER: 'app', PGPASSWORD: 'hidden', PGDATABASE: database };
    const { stdout, stderr } = await execIn(shop.container, ['psql', '-XAtc', 'select current_user'], { env });
    return stdout + stderr;
  }
});

/** Requests of the engine that make, start and ask for the pooler's container, of all that a run makes. */
function faultAt(point: Point, pooler: string, end: () => void): (call: EngineCall) => Fault | undefined {
  let made = false;
  let started: string | undefined;
  return ({ method, path }) => {
    if (method === 'POST' && path.includes('/containers/create') && path.includes(pooler)) {
      made = true;
      return point === 'the container is created' ? { type: 'cut-answer', before: end } : undefined;
    }
    if (!made || started !== undefined) {
      const isAsked = started !== undefined && method === 'GET' && path.includes(`${started}/json`);
      return isAsked && point === 'the configuration is delivered' ? { type: 'cut', before: end } : undefined;
    }
    if (path.includes('/attach') && point === 'half of the configuration is delivered')
      return { type: 'cut-stream', bytes: 400, before: end };
    if (method !== 'POST' || !path.includes('/start')) return undefined;
    started = /containers\/(\w+)\/start/.exec(path)?.[1];
    return point === 'the container is started, without its configuration'
      ? { type: 'cut-answer', before: end }
      : undefined;
  };
}

function poolerOf({ containerName }: LabInstance): string {
  return `${containerName}-pooler`;
}

/** A server with few slots, no memory for more, and two databases. */
async function startCrowded(run: Run): Promise<LabInstance> {
  const shop = await startInstance(run, {
    name: 'shop',
    storage: 'volume',
    settings: { max_connections: '25' },
    host: { Memory: 300 * 2 ** 20 },
  });
  await query(shop, "create role app login password 'hidden'");
  await query(shop, 'create database shop');
  return shop;
}

/** Twelve clients that stay, and refusals in the log. */
async function crowd(shop: LabInstance): Promise<readonly Client[]> {
  const clients = await Promise.all(
    Array.from({ length: 12 }, (_, index) => connect(shop, { ...app, database: databases[index % 2] ?? '' })),
  );
  const more = await Promise.allSettled(Array.from({ length: 14 }, () => connect(shop, app)));
  for (const one of more) if (one.status === 'fulfilled') await one.value.end();
  expect(more.filter(({ status }) => status === 'rejected').length).toBeGreaterThanOrEqual(4);
  return clients;
}
