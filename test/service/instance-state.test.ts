import { describe, expect, it } from 'vitest';
import { afterLook, afterSilence, asOf, uncheckedInstances, unseen } from '../../src/service/instance-state.ts';
import type { ContainerFacts, Look } from '../../src/service/light-look.ts';

const t0 = '2026-01-01T00:00:00.000Z';
const t1 = '2026-01-01T00:00:30.000Z';

const container: ContainerFacts = {
  id: 'c1',
  name: 'vrooli-postgres-orders',
  image: 'postgres:17',
  address: '127.0.0.1:5433',
  createdAt: '2025-12-01T00:00:00Z',
  startedAt: '2025-12-01T00:00:01Z',
  restarts: 0,
  memory: 1_000,
};

const up: Look = {
  instance: 'orders',
  status: 'up',
  reason: null,
  container,
  memory: { usage: 500, limit: 1_000 },
  serverVersion: '17.2',
  connections: { used: 3, limit: 100 },
  databaseBytes: 7_000,
  checksumFailures: 0,
  suspended: null,
};

const down: Look = {
  ...up,
  status: 'down',
  reason: 'Its container is paused.',
  memory: null,
  serverVersion: null,
  connections: null,
  databaseBytes: undefined,
  checksumFailures: null,
};

describe('the state of an instance', () => {
  it('is unknown until a look has said something', () => {
    expect(unseen('local', 'orders', t0)).toMatchObject({ status: 'unknown', checkedAt: null, since: t0 });
  });

  it('keeps since when the status began, not when it was last seen', () => {
    const first = afterLook(unseen('local', 'orders', t0), up, undefined, t0);
    const second = afterLook(first, up, container, t1);
    expect(second).toMatchObject({ status: 'up', since: t0, checkedAt: t1, connections: { used: 3, limit: 100 } });
  });

  it('keeps what a silent server said of itself, and drops what it used', () => {
    const seen = afterLook(afterLook(unseen('local', 'orders', t0), up, undefined, t0), down, container, t1);
    expect(seen).toMatchObject({
      status: 'down',
      since: t1,
      reason: 'Its container is paused.',
      serverVersion: '17.2',
      databaseBytes: 7_000,
      connections: null,
      memory: { usage: null, limit: 1_000 },
    });
  });

  it.each([
    ['the same start', container, 0],
    ['a later start of the same container', { ...container, startedAt: '2026-01-01T00:00:10Z' }, 1],
    ['three restarts by the engine', { ...container, startedAt: '2026-01-01T00:00:10Z', restarts: 3 }, 3],
    ['another container', { ...container, id: 'c2', startedAt: '2026-01-01T00:00:10Z', restarts: 0 }, 1],
    ['one that never started', { ...container, startedAt: '0001-01-01T00:00:00Z' }, 0],
  ])('counts restarts: %s', (_, now, restarts) => {
    const first = afterLook(unseen('local', 'orders', t0), up, undefined, t0);
    expect(afterLook(first, { ...up, container: now }, container, t1).restarts).toBe(restarts);
  });

  it('is unknown when the engine does not answer, whatever it was', () => {
    const first = afterLook(unseen('local', 'orders', t0), up, undefined, t0);
    expect(afterSilence(first, 'The engine is away.', t1)).toMatchObject({
      status: 'unknown',
      reason: 'The engine is away.',
      since: t1,
      checkedAt: t0,
    });
  });

  it.each([
    ['up', up, 105_000, 'up'],
    ['up', up, 105_001, 'unknown'],
    ['down', down, 105_001, 'unknown'],
  ])('is no longer %s when no look has come for long', (_, look, ms, status) => {
    const first = afterLook(unseen('local', 'orders', t0), look, undefined, t0);
    const seen = asOf(first, new Date(Date.parse(t0) + ms), 105_000);
    expect(seen.status).toBe(status);
    if (status === 'unknown')
      expect(seen).toMatchObject({
        reason: 'It was not checked since 2026-01-01T00:00:00.000Z.',
        since: '2026-01-01T00:01:45.000Z',
      });
  });

  it.each([
    ['was checked lately', {}, []],
    ['no round has checked', { fullyCheckedAt: null }, ['No full round has checked it completely yet.']],
    [
      'was checked too long ago',
      { fullyCheckedAt: '2025-12-31T23:44:59.000Z' },
      ['It was not checked completely since 2025-12-31T23:44:59.000Z.'],
    ],
    [
      'one check of which failed',
      { notLookedAt: [{ remediator: 'memory', instance: 'orders', reason: 'no answer' }] },
      ['memory could not check it: no answer'],
    ],
    [
      'one check of which can never run',
      { notLookedAt: [{ remediator: 'memory', instance: 'orders', reason: 'no shell', lasting: true as const }] },
      [],
    ],
  ])('tells which instance nobody can vouch for: one that %s', (_, changes, reasons) => {
    const view = { ...unseen('local', 'orders', t0), fullyCheckedAt: t0, ...changes };
    expect(uncheckedInstances([view], '5m', new Date(t0)).map(({ reason }) => reason)).toEqual(reasons);
  });
});
