import { describe, expect, it } from 'vitest';
import { containerOf } from '../../../src/host/docker/shapes.ts';
import type { Container } from '../../../src/host/docker/types.ts';
import type { SqlResult } from '../../../src/host/postgres/types.ts';
import type { Instance } from '../../../src/host/instance.ts';
import { findRestartLoops, isAnswer, serves } from '../../../src/remediation/shared/availability.ts';

const now = new Date('2026-01-01T12:00:00Z');

function container(status: string, restarts: number, seconds: number): Container {
  const startedAt = new Date(now.getTime() - seconds * 1000).toISOString();
  const running = status === 'running' || status === 'restarting' || status === 'paused';
  return containerOf({
    Id: 'a',
    RestartCount: restarts,
    State: { Status: status, Running: running, StartedAt: startedAt },
  });
}

function state(status: string, restarts: number, seconds: number): boolean | undefined {
  return serves(container(status, restarts, seconds), now);
}

describe('the check for clients before a stop', () => {
  it.for([
    // No clients, whatever happened before.
    ['exited', 0, 5, false],
    ['exited', 7, 5, false],
    ['created', 0, 0, false],
    ['restarting', 3, 1, false],
    ['restarting', 3, 4_000, false],
    // Up, and not started by the engine itself, or a while ago: its server may be slow, and its clients wait.
    ['running', 0, 1, true],
    ['running', 0, 4_000, true],
    ['running', 3, 4_000, true],
    ['paused', 0, 1, true],
    // Only an answer of the server can decide.
    ['running', 1, 1, undefined],
    ['running', 9, 59, undefined],
    ['running', 9, 61, true],
  ] as const)('%s, started %i times by the engine, %i s ago: %s', ([status, restarts, seconds, expected]) => {
    expect(state(status, restarts, seconds)).toBe(expected);
  });

  it.for([
    ['53300', true],
    ['28P01', true],
    ['28000', true],
    ['3D000', true],
    ['42501', true],
    ['XX000', true],
    ['57P03', false],
    ['08006', false],
    [undefined, false],
  ] as const)('a refusal with %s is an answer: %s', ([sqlstate, expected]) => {
    expect(isAnswer({ ok: false, message: 'no', sqlstate, via: 'network' })).toBe(expected);
    expect(isAnswer({ ok: true, rows: [], truncated: false, via: 'network' })).toBe(true);
  });
});

describe('a container that was restarted just now', () => {
  const noServer: SqlResult = { ok: false, message: 'No such file', sqlstate: undefined, via: 'exec' };
  const rows: SqlResult = { ok: true, rows: [{ one: '1' }], truncated: false, via: 'network' };

  function instanceOf(one: Container): Instance {
    return {
      name: 'orders',
      container: one,
      user: 'postgres',
      database: 'postgres',
      port: 5432,
      dataDirectory: '/var/lib/postgresql/data',
      dataMount: undefined,
      volumeKey: 'volume:engine/orders',
      folder: undefined,
      declared: {},
    };
  }

  /** Each question takes the next of these; the last one is given again and again. */
  function hostThat(states: readonly Container[], answers: readonly SqlResult[]) {
    const [left, said] = [[...states], [...answers]];
    return {
      signal: new AbortController().signal,
      asked: () => [states.length - left.length, answers.length - said.length],
      instance: async () => instanceOf((left.length > 1 ? left.shift() : left[0]) ?? container('exited', 1, 1)),
      sql: {
        query: async () => (said.length > 1 ? said.shift() : said[0]) ?? noServer,
        readTables: async () => noServer,
      },
    };
  }

  it('is in a restart loop if it exits without an answer, or was restarted meanwhile', async () => {
    const running = container('running', 2, 1);
    for (const next of [container('restarting', 3, 0), container('exited', 3, 0), container('running', 3, 0)]) {
      const host = hostThat([running, running, next], []);
      expect(await findRestartLoops([instanceOf(running)], host, now)).toEqual(new Set(['orders']));
    }
    const host = hostThat([], []);
    expect(await findRestartLoops([instanceOf(container('restarting', 3, 0))], host, now)).toEqual(new Set(['orders']));
  });

  it('is in none if its server answers, which may take a moment', async () => {
    const host = hostThat([container('running', 1, 1)], [noServer, noServer, rows, noServer]);
    expect(await findRestartLoops([instanceOf(container('running', 1, 1))], host, now)).toEqual(new Set());
    expect(host.asked()).toEqual([0, 3]);
  });

  it('is in none if it cannot be looked up, so that only its own checks fail', async () => {
    const running = container('running', 1, 1);
    const host = { ...hostThat([running], []), instance: () => Promise.reject(new Error('two have this name')) };
    expect(await findRestartLoops([instanceOf(running)], host, now)).toEqual(new Set());
  });

  it('costs nothing if it runs for longer, or was started by someone', async () => {
    const host = hostThat([container('running', 1, 1)], [rows]);
    const steady = [container('running', 1, 61), container('running', 0, 1), container('exited', 4, 1)];
    expect(await findRestartLoops(steady.map(instanceOf), host, now)).toEqual(new Set());
    expect(host.asked()).toEqual([0, 0]);
  });
});
