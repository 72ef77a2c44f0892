import { describe, expect, it } from 'vitest';
import { containerOf } from '../../../src/host/docker/shapes.ts';
import { isAnswer, serves } from '../../../src/remediation/shared/availability.ts';

const now = new Date('2026-01-01T12:00:00Z');

function state(status: string, restarts: number, seconds: number): boolean | undefined {
  const startedAt = new Date(now.getTime() - seconds * 1000).toISOString();
  const running = status === 'running' || status === 'restarting' || status === 'paused';
  return serves(
    containerOf({ Id: 'a', RestartCount: restarts, State: { Status: status, Running: running, StartedAt: startedAt } }),
    now,
  );
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
