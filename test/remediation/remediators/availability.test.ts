import { describe, expect, it } from 'vitest';
import type { ContainerState, EngineEvent } from '../../../src/host/docker/types.ts';
import { availability } from '../../../src/remediation/remediators/availability/index.ts';
import type { Json } from '../../../src/remediation/contract.ts';
import { createTestHost, type TestHost, type TestSqlAnswer } from '../../../src/testing/index.ts';

const started = '2026-05-01T10:00:00Z';
const exited = { status: 'exited', running: false, startedAt: started, finishedAt: '2026-05-01T12:00:00Z' };
const soon = { ...exited, finishedAt: '2026-05-01T10:00:02Z' };

async function idOf(host: TestHost): Promise<string> {
  return (await host.reader.instance('orders'))?.container.id ?? '';
}

interface World {
  readonly state?: Partial<ContainerState>;
  readonly restarts?: number;
  readonly log?: readonly string[];
  /** `kill 15`, `die`, `start`. */
  readonly events?: readonly string[];
  readonly answer?: TestSqlAnswer;
  readonly inspect?: Json;
  readonly created?: string;
}

async function hostOf({
  state,
  restarts,
  log = [],
  events = [],
  answer = [{ one: '1' }],
  inspect = {},
  created,
}: World): Promise<TestHost> {
  const plain = createTestHost({ instances: [{ name: 'orders' }] });
  const [instance] = await plain.reader.instances();
  const container = instance?.container;
  if (container === undefined) throw new Error('the test host has no container');
  return createTestHost({
    instances: [
      {
        name: 'orders',
        container: {
          inspect,
          state: { ...container.state, ...state },
          ...(restarts === undefined ? {} : { restarts }),
          ...(created === undefined ? {} : { created }),
        },
        sql: () => answer,
      },
    ],
    docker: {
      file: async () => undefined,
      events: async () => events.map((text) => eventOf(text, container.id)),
      logs: async () => log.map((text) => ({ at: '2026-05-01T10:00:01Z', stream: 'stderr', text })),
    },
  });
}

function eventOf(text: string, actor: string): EngineEvent {
  const [action = '', signal] = text.split(' ');
  const attributes: Record<string, string> = signal === undefined ? {} : { signal };
  return { at: '2026-05-01T12:00:00Z', type: 'container', action, actor, attributes };
}

const fatal = '2026-05-01 10:00:01.2 UTC [1] FATAL:  could not load server certificate file "x.crt": No such file';
const ready = '2026-05-01 10:00:01.2 UTC [1] LOG:  database system is ready to accept connections';
const shut = '2026-05-01 12:00:00.0 UTC [1] LOG:  database system is shut down';

describe('an instance that is down', () => {
  it.each<readonly [string, World, string, 'starts' | 'asks' | 'leaves']>([
    ['never-started', { state: { status: 'created', running: false } }, 'was created and never started', 'asks'],
    ['failed', { state: { ...exited, error: 'no such device' } }, 'could not be started: no such device', 'leaves'],
    ['failed', { state: { ...soon, exitCode: 1 }, log: [fatal] }, 'could not load server certificate', 'leaves'],
    ['failed', { state: { ...soon, exitCode: 3 } }, 'does not start: exit code 3', 'leaves'],
    [
      'failed',
      { state: { ...exited, exitCode: 137 }, log: [ready] },
      'was killed or crashed (exit code 137)',
      'starts',
    ],
    ['failed', { state: { ...exited, exitCode: 2 }, log: [ready] }, 'was killed or crashed (exit code 2)', 'starts'],
    ['failed', { state: { ...exited, exitCode: 137, oomKilled: true } }, 'out of memory', 'asks'],
    [
      'failed',
      { state: { ...exited, exitCode: 134 }, log: [ready, 'x PANIC:  could not write'] },
      'has crashed',
      'asks',
    ],
    ['stopped', { state: exited, log: [ready, shut] }, 'it was shut down in an orderly way', 'asks'],
    ['stopped', { state: exited, events: ['start', 'kill 15', 'die', 'stop'] }, 'someone stopped it', 'asks'],
    ['stopped', { state: { ...exited, exitCode: 137 }, events: ['kill 9', 'die'] }, 'someone killed it', 'asks'],
    ['paused', { state: { status: 'paused' } }, 'is paused', 'leaves'],
    ['restart-loop', { state: { status: 'restarting', exitCode: 1 }, log: [fatal] }, 'tries again and again', 'leaves'],
    ['not-answering', { answer: { message: 'connect ETIMEDOUT' } }, 'does not answer: connect ETIMEDOUT', 'leaves'],
    ['unhealthy', { state: { health: 'unhealthy' } }, 'the health check of its container fails', 'leaves'],
  ])('is found as %s, and says why', async (kind, world, says, then) => {
    const host = await hostOf(world);
    const { findings, notLookedAt } = await availability.detect(host.reader);
    expect(notLookedAt).toEqual([]);
    expect(findings).toMatchObject([{ id: `availability/orders/${kind}`, kind }]);
    const [finding] = findings;
    if (finding === undefined) throw new Error('nothing was found');
    expect(finding.summary).toContain(says);
    const made = await availability.plan(finding, host.reader);
    expect(made.type === 'refusal' ? 'leaves' : made.approval === undefined ? 'starts' : 'asks').toBe(then);
    if (made.type === 'plan') expect(made.steps.map(({ action }) => action)).toEqual(['container.start']);
  });

  it('was not stopped by the signal of an earlier run of its container', async () => {
    const events = ['kill 15', 'die', 'start', 'die'];
    const host = await hostOf({ state: { ...exited, exitCode: 2 }, events, log: [ready] });
    expect((await availability.detect(host.reader)).findings).toMatchObject([{ kind: 'failed' }]);
  });
});

describe('an instance that answers', () => {
  it.each<readonly [string, TestSqlAnswer]>([
    ['a query', [{ one: '1' }]],
    ['that the password is wrong', { message: 'password authentication failed', sqlstate: '28P01' }],
    ['that it has no slot left', { message: 'sorry, too many clients already', sqlstate: '53300' }],
  ])('%s is not down', async (_, answer) => {
    const host = await hostOf({ answer });
    expect(await availability.detect(host.reader)).toEqual({ findings: [], notLookedAt: [] });
  });

  it.each<readonly [string, World]>([
    ['is still starting', { answer: { message: 'the database system is starting up', sqlstate: '57P03' } }],
    ['has not said yet that it is ready', { answer: { message: 'connect ECONNREFUSED' }, log: ['LOG:  starting'] }],
  ])('is neither down nor healthy while it %s', async (_, world) => {
    const { findings, notLookedAt } = await availability.detect((await hostOf(world)).reader);
    expect(findings).toEqual([]);
    expect(notLookedAt).toMatchObject([{ remediator: 'availability', instance: 'orders' }]);
  });
});

describe('a health check that fails while the server answers', () => {
  it.for<readonly [test: readonly string[], output: string, says: string, advice: string]>([
    [
      ['CMD-SHELL', 'psql -U nosuch -d app -c "select 1"'],
      'psql: error: connection to server on socket "/run/.s" failed: FATAL:  role "nosuch" does not exist\n',
      'is wrong: it logs in as a role that does not exist',
      'pg_isready -h 127.0.0.1 -p 5432 -U postgres -d postgres',
    ],
    [
      ['CMD', 'psql', '-d', 'nosuch'],
      'psql: error: FATAL:  database "nosuch" does not exist',
      'a database that does not exist',
      'pg_isready',
    ],
    [
      ['CMD', 'pg_isready', '-p', '5433'],
      '/var/run/postgresql:5433 - no response\n',
      'no server listens at the address',
      'pg_isready -h 127.0.0.1 -p 5432',
    ],
    [['CMD-SHELL', 'pgisready'], '/bin/sh: 1: pgisready: not found\n', 'has no such program', 'pg_isready'],
    [['CMD', 'pg_isready'], '/run:5432 - no response\n', 'fails: /run:5432 - no response', 'State.Health'],
    [['CMD', 'psql'], 'psql: error: FATAL:  sorry, too many clients already\n', 'too many clients', 'State.Health'],
    [['CMD', 'true'], '', 'the health check of its container fails.', 'State.Health'],
  ])('%s', async ([Test, Output, says, advice]) => {
    const inspect = {
      Config: { Healthcheck: { Test } },
      State: { Health: { Log: [{ ExitCode: 1, Output }] } },
    };
    const host = await hostOf({ state: { health: 'unhealthy' }, inspect });
    const [finding] = (await availability.detect(host.reader)).findings;
    if (finding === undefined) throw new Error('nothing was found');
    expect(finding.summary).toContain(says);
    expect(await availability.plan(finding, host.reader)).toMatchObject({ advice: expect.stringContaining(advice) });
  });
});

describe('an init script that failed at the first start', () => {
  const ran = 'entrypoint: running /docker-entrypoint-initdb.d/1-roles.sh';
  const failed = '/docker-entrypoint-initdb.d/1-roles.sh: line 3: createuser: command not found';
  const again = 'PostgreSQL Database directory appears to contain a database; Skipping initialization';
  const young = { created: new Date(Date.now() - 3_600_000).toISOString(), startedAt: new Date().toISOString() };

  it.for<readonly [string, readonly string[], Partial<typeof young>, string | undefined]>([
    ['and the server was started again', [ran, failed, again, ready], {}, 'line 3: createuser: command not found'],
    ['and nothing says why', [ran, again, ready], {}, 'did not run to its end.'],
    ['a day ago', [ran, failed, again, ready], { created: '2026-01-01T10:00:00Z' }, undefined],
    ['but did not', [ran, 'PostgreSQL init process complete; ready for start up.', ready], {}, undefined],
    ['but is still running', [ran], {}, undefined],
    ['if there was none', [again, ready], {}, undefined],
  ])('is told while the server answers: %s', async ([, log, times, says]) => {
    const { created, startedAt } = { ...young, ...times };
    const host = await hostOf({ log, created, state: { startedAt } });
    const { findings } = await availability.detect(host.reader);
    if (says === undefined) expect(findings).toEqual([]);
    else expect(findings).toMatchObject([{ kind: 'half-made', summary: expect.stringContaining(says) }]);
    const made = findings[0] === undefined ? undefined : await availability.plan(findings[0], host.reader);
    if (says !== undefined)
      expect(made).toMatchObject({ advice: expect.stringContaining('run what is missing by hand') });
  });

  it('is not started again as if it had crashed, however long it took', async () => {
    const host = await hostOf({ state: { ...exited, exitCode: 1 }, log: [ran, failed] });
    const [finding] = (await availability.detect(host.reader)).findings;
    expect(finding).toMatchObject({
      kind: 'failed',
      summary: expect.stringContaining('1-roles.sh did not run to its end'),
    });
    expect(finding && (await availability.plan(finding, host.reader))).toMatchObject({ type: 'refusal' });
  });
});

describe('an instance that must exist', () => {
  it('is found if no container has its name, and is not made again', async () => {
    const expected = [{ name: 'gone', because: 'the config expects it' }];
    const host = createTestHost({ expected, docker: { events: async () => [] } });
    const { findings } = await availability.detect(host.reader);
    expect(findings).toMatchObject([
      {
        id: 'availability/gone/missing',
        summary: 'gone is gone: no container has its name, but the config expects it.',
      },
    ]);
    const [finding] = findings;
    if (finding === undefined) throw new Error('nothing was found');
    const made = await availability.plan(finding, host.reader);
    expect(made).toMatchObject({ type: 'refusal', advice: expect.stringContaining('problems forget gone') });
  });
});

describe('the plan of a start', () => {
  it('holds only for the same stop of the same container, and while nothing else uses its data', async () => {
    const host = await hostOf({ state: { ...exited, exitCode: 137 }, log: [ready] });
    const [finding] = (await availability.detect(host.reader)).findings;
    if (finding === undefined) throw new Error('nothing was found');
    const made = await availability.plan(finding, host.reader);
    const id = await idOf(host);
    expect(made).toMatchObject({
      steps: [
        {
          expects: [
            { check: 'container', ref: id, running: false, startedAt: started },
            { check: 'volume-unused', except: [id] },
          ],
        },
      ],
    });
  });

  it('is refused if the container was replaced since it was found', async () => {
    const host = await hostOf({ state: { ...exited, exitCode: 137 }, log: [ready] });
    const [finding] = (await availability.detect(host.reader)).findings;
    if (finding === undefined) throw new Error('nothing was found');
    const other = { ...finding, details: { ...finding.details, container: 'another' } };
    expect(await availability.plan(other, host.reader)).toMatchObject({ type: 'refusal' });
  });
});

describe('a server that does not start', () => {
  const at = '2026-05-01 10:00:01.2 UTC [1]';
  it.for<readonly [string, readonly string[], string]>([
    [
      'the data of another major version',
      [
        `${at} FATAL:  database files are incompatible with server`,
        `${at} DETAIL:  The data directory was initialized by PostgreSQL version 15, which is not compatible with this version 17.2.`,
      ],
      'Run an image of PostgreSQL 15',
    ],
    [
      'a setting that it does not know',
      [
        `${at} LOG:  unrecognized configuration parameter "shared_bufers" in file "/etc/postgresql/postgresql.conf" line 7`,
        `${at} FATAL:  configuration file "/etc/postgresql/postgresql.conf" contains errors`,
      ],
      'Correct line 7 of /etc/postgresql/postgresql.conf',
    ],
    [
      'a line of a config file that it cannot read',
      [
        `${at} LOG:  syntax error in file "/data/postgresql.auto.conf" line 3, near token "="`,
        `${at} FATAL:  configuration file "/data/postgresql.auto.conf" contains errors`,
      ],
      'Correct line 3 of /data/postgresql.auto.conf',
    ],
    [
      'a library that is missing',
      [`${at} FATAL:  could not access file "timescaledb": No such file or directory`],
      'has no library timescaledb',
    ],
    [
      'a locale that is missing',
      [`${at} FATAL:  database locale is incompatible with operating system`],
      'does not have the locale',
    ],
    [
      'a full disk',
      [`${at} FATAL:  could not write lock file "postmaster.pid": No space left on device`],
      'never delete files in pg_wal',
    ],
    [
      'no password for an empty data directory',
      ['Error: Database is uninitialized and superuser password is not specified.'],
      'check the mounts first',
    ],
    [
      'files that are no database',
      ['initdb: error: directory "/var/lib/postgresql/data" exists but is not empty'],
      'holds PG_VERSION',
    ],
    [
      'damaged WAL',
      [
        `${at} PANIC:  could not locate a valid checkpoint record`,
        `${at} FATAL:  could not locate a valid checkpoint record`,
      ],
      'Do not run pg_resetwal',
    ],
    [
      'an init script that failed',
      [
        '/usr/local/bin/docker-entrypoint.sh: running /docker-entrypoint-initdb.d/2-tables.sql',
        'CREATE TABLE',
        'psql:/docker-entrypoint-initdb.d/2-tables.sql:2: ERROR:  type "geometry" does not exist',
      ],
      'run on an empty data directory only',
    ],
    ['something unknown', [`${at} FATAL:  the moon is full`], 'Remove the cause first'],
  ])('gets advice for %s', async ([, log, advice]) => {
    const host = await hostOf({ state: { ...soon, exitCode: 1 }, log });
    const [finding] = (await availability.detect(host.reader)).findings;
    expect(finding).toMatchObject({ kind: 'failed' });
    const made = finding === undefined ? undefined : await availability.plan(finding, host.reader);
    expect(made).toMatchObject({ type: 'refusal', advice: expect.stringContaining(advice) });
  });
});
