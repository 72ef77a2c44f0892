import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comparePriorities } from '../../src/priority/index.ts';
import { failureClasses } from '../../src/remediation/contract.ts';
import { claimName, readClaimName } from '../../src/swarm/bounds.ts';
import {
  checkScope,
  defaultRetries,
  nextAfter,
  nextAfterLapse,
  noFailures,
  serialKeyOf,
  type Situation,
  tieKey,
  waitingFor,
} from '../../src/swarm/rules.ts';
import { compareText } from '../../src/util/compare.ts';
import { entry } from './entries.ts';

const anyTask = fc
  .record(
    {
      id: fc.stringMatching(/^[a-z0-9-]{1,4}$/),
      impact: fc.oneof(fc.double({ min: 1, max: 10, noNaN: true }), fc.constantFrom(1, 2, 9.99, 10)),
      urgency: fc.constantFrom('critical', 'high', 'medium', 'low'),
      severity: fc.constantFrom('critical', 'high', 'medium', 'low'),
      lastOccurrence: fc.constantFrom(
        '2026-01-01',
        '2026-01-01T00:00:00Z',
        '2025-12-31T23:59:60Z',
        '0001-01-01',
        'soon',
      ),
    } as const,
    { requiredKeys: ['id', 'impact', 'urgency'] },
  )
  .map(({ id, ...choice }) => ({
    ...entry(id, choice).task,
    priority: { score: 1, band: 'low' as const, factors: [] },
  }));

describe('the key that orders tasks of one score', () => {
  it('sorts as comparePriorities does', () => {
    fc.assert(
      fc.property(anyTask, anyTask, (a, b) => {
        expect(Math.sign(compareText(tieKey(a), tieKey(b)))).toBe(Math.sign(comparePriorities(a, b)));
      }),
    );
  });
});

describe('what follows a failure', () => {
  const hour = 3_600_000;

  it.each([
    ['conflict', 'open', 15_000],
    ['transient', 'open', 15_000],
    ['interrupted', 'open', 15_000],
    ['precondition', 'open', 15_000],
    ['step-failed', 'open', 24 * hour],
    ['unverified', 'open', 24 * hour],
    ['unsafe', 'person', undefined],
    ['data-risk', 'person', undefined],
    ['rollback-failed', 'person', undefined],
  ] as const)('of the class %s: %s', (failure, state, waitMs) => {
    const next = nextAfter({ result: 'failed', class: failure }, noFailures, defaultRetries);
    expect(next).toMatchObject(waitMs === undefined ? { state } : { state, waitMs });
  });

  it('never lets a task go round for ever, whatever it fails with', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...failureClasses), { minLength: 200, maxLength: 200 }), (classes) => {
        let failures = noFailures;
        const ended = classes.some((failure) => {
          const next = nextAfter({ result: 'failed', class: failure }, failures, defaultRetries);
          failures = next.failures;
          return next.state !== 'open';
        });
        expect(ended).toBe(true);
      }),
    );
  });

  it('waits longer after each attempt without a result, up to a quarter of an hour', () => {
    const waits = [0, 1, 2, 6, 18].map((uncounted) => {
      const next = nextAfter({ result: 'failed', class: 'conflict' }, { counted: 0, uncounted }, defaultRetries);
      return next.state === 'open' ? next.waitMs : next.state;
    });
    expect(waits).toEqual([15_000, 30_000, 60_000, 900_000, 900_000]);
    expect(
      nextAfter({ result: 'failed', class: 'conflict' }, { counted: 0, uncounted: 19 }, defaultRetries).state,
    ).toBe('dead');
  });

  it('gives the task of a dead worker back at once', () => {
    expect(nextAfterLapse(noFailures, defaultRetries)).toEqual({
      state: 'open',
      waitMs: 0,
      failures: { counted: 0, uncounted: 1 },
    });
  });
});

describe('why a task waits', () => {
  const ready: Situation = {
    automation: 'approve',
    isApproved: true,
    before: [],
    notBefore: null,
    gates: [],
    spent: [],
    serialKey: 'engine:E',
    isKeyTaken: false,
  };
  const now = '2026-03-01T00:00:00.000Z';
  const gate = { scope: 'all', why: 'release', since: now };

  it.each([
    [{}, null],
    [{ automation: 'human' }, { for: 'person' }],
    [{ isApproved: false, isKeyTaken: true }, { for: 'approval' }],
    [{ automation: 'auto', isApproved: false }, null],
    [
      { before: ['a'], gates: [gate] },
      { for: 'tasks', tasks: ['a'] },
    ],
    [{ notBefore: '2026-03-01T00:00:00.001Z' }, { for: 'time', until: '2026-03-01T00:00:00.001Z' }],
    [{ notBefore: now }, null],
    [
      {
        gates: [],
        spent: [
          { scope: 'all', until: '1' },
          { scope: 'kind:monitoring', until: '2' },
        ],
        isKeyTaken: true,
      },
      { for: 'limit', scope: 'kind:monitoring', until: '2' },
    ],
    [
      { gates: [gate], spent: [{ scope: 'all', until: '1' }], isKeyTaken: true },
      { for: 'gate', scope: 'all', why: 'release' },
    ],
    [{ isKeyTaken: true }, { for: 'key', key: 'engine:E' }],
  ] as const)('%j: %j', (change, waiting) => {
    expect(waitingFor({ ...ready, ...change }, now)).toEqual(waiting);
  });
});

describe('names', () => {
  it('of claims are read as they are written', () => {
    const claim = { task: 'resolution-orders--ports', token: 42 };
    expect(readClaimName(claimName(claim))).toEqual(claim);
    for (const wrong of ['', 'a', 'a@', 'a@0', 'a@1.5', '../a@1', 'a@1@2', 'a@99999999999999999'])
      expect(() => readClaimName(wrong), wrong).toThrow('not the name of a claim');
  });

  it('of scopes are checked', () => {
    for (const scope of ['all', 'kind:monitoring', 'handler:memory', 'component:a/b:c', 'engine:X'])
      expect(checkScope(scope)).toBe(scope);
    for (const wrong of ['', 'ALL', 'kind:', 'kind:repair', 'task:a', 'component:a\nb', `handler:${'x'.repeat(300)}`])
      expect(() => checkScope(wrong), wrong).toThrow(/scope|kind/);
  });

  it('of serial keys are the engine for a remediator, and the component of the project for an agent', () => {
    const task = { component: 'api' };
    expect(serialKeyOf({ ...task, handler: 'memory' }, '/a', 'E')).toBe(
      serialKeyOf({ component: 'b', handler: 'ports' }, '/b', 'E'),
    );
    expect(serialKeyOf({ ...task, handler: 'agent' }, '/a', null)).not.toBe(
      serialKeyOf({ ...task, handler: 'agent' }, '/b', null),
    );
  });
});
