import { describe, expect, it } from 'vitest';
import type { ServerProcess, SqlResult } from '../../../src/host/postgres/types.ts';
import { sessionEndForSlot } from '../../../src/remediation/actions/session-end-for-slot.ts';
import { connectionPool } from '../../../src/remediation/remediators/connection-pool/index.ts';
import { limitsOfServer } from '../../../src/remediation/remediators/connection-pool/observe.ts';
import { leastMissed } from '../../../src/remediation/remediators/connection-pool/plan-slot.ts';
import { createTestHost, type TestHostOptions } from '../../../src/testing/index.ts';

function processOf(title: string, more: Partial<ServerProcess> = {}): ServerProcess {
  return { pid: 100, started: '5000', uid: 999, idleMs: 1_000, title: `postgres: ${title}`, ...more };
}

describe('the session that loses least', () => {
  it.for([
    [
      'an idle one, before one that is in a transaction, however long',
      [
        processOf('app shop 10.0.0.1(1) idle in transaction', { pid: 11, idleMs: 900_000 }),
        processOf('app shop 10.0.0.1(2) idle', { pid: 12, idleMs: 10 }),
      ],
      12,
    ],
    [
      'the one that has not run for the longest time',
      [
        processOf('app shop 10.0.0.1(1) idle', { pid: 11, idleMs: 2_000 }),
        processOf('app shop 10.0.0.1(2) idle', { pid: 12, idleMs: 60_000 }),
        processOf('app shop [local] idle', { pid: 13, idleMs: null }),
      ],
      12,
    ],
    [
      'the oldest one, if the kernel does not tell when it ran',
      [
        processOf('app shop 10.0.0.1(1) idle', { pid: 11, idleMs: null, started: '9000' }),
        processOf('app shop 10.0.0.1(2) idle', { pid: 12, idleMs: null, started: '800' }),
      ],
      12,
    ],
    [
      'one whose transaction has failed already, before one that might still commit',
      [
        processOf('app shop 10.0.0.1(1) idle in transaction', { pid: 11, idleMs: 9_000 }),
        processOf('app shop 10.0.0.1(2) idle in transaction (aborted)', { pid: 12 }),
      ],
      12,
    ],
    ['one of a server with a cluster_name', [processOf('main: app shop 10.0.0.1(1) idle', { pid: 11 })], 11],
    [
      'none that works',
      [processOf('app shop 10.0.0.1(1) SELECT'), processOf('app shop [local] UPDATE waiting')],
      undefined,
    ],
    [
      'no WAL sender',
      [processOf('walsender app 10.0.0.1(1) idle'), processOf('main: walsender app 10.0.0.1(1) idle')],
      undefined,
    ],
    [
      'no worker and none of the server’s own processes',
      [
        processOf('autovacuum worker shop'),
        processOf('autovacuum launcher'),
        processOf('logical replication launcher'),
        processOf('parallel worker for PID 12'),
        processOf('checkpointer'),
      ],
      undefined,
    ],
    ['none whose state is not in its title', [processOf('app shop 10.0.0.1(1) authentication')], undefined],
    ['no process of root, which is no server', [processOf('app shop 10.0.0.1(1) idle', { uid: 0 })], undefined],
  ] as const)('is %s', ([, processes, pid]) => {
    expect(leastMissed(processes)?.pid).toBe(pid);
    expect(leastMissed(processes.toReversed())?.pid).toBe(pid);
  });
});

const full = 'sorry, too many clients already';
const idle = processOf('app shop 10.0.0.1(1) idle', { pid: 61, idleMs: 90_500 });

function hostOf(message: string, processes: readonly ServerProcess[], change: TestHostOptions['change'] = {}) {
  return createTestHost({
    instances: [{ name: 'orders', sql: { [limitsOfServer]: { message, sqlstate: '53300' } } }],
    probes: { serverProcesses: async () => processes },
    change,
  });
}

async function planned(message: string, processes: readonly ServerProcess[]) {
  const { reader } = hostOf(message, processes);
  const { findings } = await connectionPool.detect(reader);
  const [found] = findings;
  if (found === undefined) throw new Error('nothing was found');
  return { found, plan: await connectionPool.plan(found, reader) };
}

describe('a server that refuses even superusers', () => {
  it('is planned to be entered by ending one idle session, and checked again after that', async () => {
    const { found, plan } = await planned(full, [processOf('app shop 10.0.0.1(2) SELECT'), idle]);
    expect(found).toMatchObject({ kind: 'no-slot-left', summary: expect.stringContaining('superusers included') });
    expect(plan).toMatchObject({
      type: 'plan',
      summary: 'End one session of orders to get in: role app in shop from 10.0.0.1, idle, for 90 s.',
      steps: [
        {
          action: 'session.end-for-slot',
          params: {
            instance: 'orders',
            pid: 61,
            started: '5000',
            uid: 999,
            title: 'postgres: app shop 10.0.0.1(1) idle',
          },
        },
      ],
      risk: 'safe',
      checkAgain: true,
    });
  });

  it('risks data if only sessions in transactions are idle', async () => {
    const { plan } = await planned(full, [processOf('app shop [local] idle in transaction', { idleMs: null })]);
    expect(plan).toMatchObject({
      type: 'plan',
      summary: 'End one session of orders to get in: role app in shop from its own container, idle in transaction.',
      risk: 'data',
    });
  });

  it('is left to you if every session works', async () => {
    const { plan } = await planned(full, [processOf('app shop 10.0.0.1(2) SELECT')]);
    expect(plan).toMatchObject({ type: 'refusal', reason: expect.stringContaining('no process title shows an idle') });
  });

  it.for([
    'remaining connection slots are reserved for roles with the SUPERUSER attribute',
    'too many connections for role "orders"',
  ])('loses no session if one slot more would not help: %s', async (message) => {
    const { found, plan } = await planned(message, [idle]);
    expect(found.summary).toContain(message);
    expect(found.summary).not.toContain('superusers included');
    expect(plan).toMatchObject({
      type: 'refusal',
      reason: expect.stringContaining('One slot more would not let it in'),
    });
  });
});

describe('session.end-for-slot', () => {
  const params = { instance: 'orders', pid: 61, started: '5000', uid: 999, title: idle.title };
  const taken: SqlResult = { ok: true, rows: [], truncated: false, via: 'network' };
  const stillFull: SqlResult = { ok: false, message: full, sqlstate: '53300', via: 'network' };

  function acting(answer: 'sent' | 'gone' | 'changed', slot: SqlResult) {
    const done: string[] = [];
    const { acting: host } = hostOf(full, [idle], {
      sql: {
        endBackend: async (_, { pid, title }) => {
          done.push(`end ${pid} ${title}`);
          return answer;
        },
        takeSlot: async () => {
          done.push('take');
          return slot;
        },
      },
    });
    return { host, done };
  }

  it('ends the process and takes its slot at once', async () => {
    const { host, done } = acting('sent', taken);
    expect(await sessionEndForSlot.isDone(params, host, host.run)).toBe(false);
    await sessionEndForSlot.apply(params, host);
    expect(done).toEqual([`end 61 ${idle.title}`, 'take']);
  });

  it('leaves a process alone that does something else now', async () => {
    const { host, done } = acting('changed', taken);
    await expect(sessionEndForSlot.apply(params, host)).rejects.toThrow('was left alone');
    expect(done).toEqual([`end 61 ${idle.title}`]);
  });

  it('fails if another client was quicker', async () => {
    const { host } = acting('sent', stillFull);
    await expect(sessionEndForSlot.apply(params, host)).rejects.toThrow('no slot could be taken within 15 s');
  });

  it('is done once the process has gone, whatever has its pid now', async () => {
    const { acting: host } = hostOf(full, [{ ...idle, started: '9999' }]);
    expect(await sessionEndForSlot.isDone(params, host, host.run)).toBe(true);
  });

  it.for([{ uid: 0 }, { pid: 1 }, { title: 'nginx: worker' }, { started: '5000; reboot' }])(
    'refuses parameters of a plan that name another kind of process: %j',
    (wrong) => {
      expect(sessionEndForSlot.params['~standard'].validate({ ...params, ...wrong })).toHaveProperty('issues');
    },
  );
});
