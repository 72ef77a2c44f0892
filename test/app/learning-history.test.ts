import { describe, expect, it } from 'vitest';
import { hourOf, instantOfHour, pastAttempts } from '../../src/app/learning-history.ts';
import type { RunRecord } from '../../src/remediation/store/store.ts';
import type { TaskOutcome } from '../../src/swarm/types.ts';
import { defaultClassifier } from '../../src/tasks/classify.ts';

const start = Date.parse('2026-01-05T00:00:00Z');

function timeAt(minute: number): string {
  return new Date(start + minute * 60_000).toISOString();
}

function run(change: Partial<RunRecord> & { readonly at: number }): RunRecord {
  const { at, ...rest } = change;
  return {
    id: `r${at}`,
    project: '',
    plan: {
      type: 'plan',
      remediator: 'port-reassignment',
      finding: {
        id: 'port-reassignment/orders/port-taken',
        remediator: 'port-reassignment',
        instance: 'orders',
        kind: 'port-taken',
        summary: 'orders (postgres:17-alpine, PostgreSQL 17) cannot start',
        risk: 'safe',
        evidence: [],
        details: {},
        problem: 'app/ports',
      },
      target: { instance: 'orders', container: '', volumes: [] },
      summary: 'x',
      steps: [],
      cleanup: [],
      leftovers: [],
      risk: 'safe',
      downtime: { seconds: 0, why: '' },
      unpredictable: [],
      undo: '',
      expected: {},
    },
    decision: { automation: 'auto', source: 'default', reasons: [], operations: [] },
    phase: 'ended',
    outcome: 'fixed',
    failure: null,
    verification: null,
    steps: [],
    token: null,
    owner: null,
    heartbeatAt: null,
    createdAt: timeAt(at - 60),
    startedAt: timeAt(at),
    endedAt: timeAt(at + 5),
    approvedBy: null,
    downtimeMs: null,
    dossier: null,
    ...rest,
  };
}

function outcome(change: Partial<TaskOutcome> & { readonly at: number }): TaskOutcome {
  const { at, ...rest } = change;
  return {
    seq: at,
    task: 'resolution-app--ports',
    token: at,
    problem: 'app/ports',
    kind: 'resolution',
    component: 'app',
    handler: 'port-reassignment',
    engine: null,
    worker: 'w',
    claimedAt: timeAt(at),
    endedAt: timeAt(at + 10),
    result: 'done',
    class: null,
    notes: '',
    cost: null,
    ...rest,
  };
}

function read(runs: readonly RunRecord[], outcomes: readonly TaskOutcome[], isSigned = true) {
  return pastAttempts({
    outcomes,
    runs: runs.map((one) => ({ run: one, isSigned })),
    files: [],
    imported: [],
    taskOf: () => undefined,
    repairOf: () => undefined,
    classifier: defaultClassifier,
  });
}

describe('past attempts', () => {
  it('are counted once if a worker of the queue ran the repair: as verified, with what the run knows', () => {
    const found = read([run({ at: 100 })], [outcome({ at: 98 })]);
    expect(found).toMatchObject([
      {
        handler: 'port-reassignment',
        result: 'fixed',
        isVerified: true,
        record: {
          id: 'app/ports',
          topic: 'port conflicts',
          finding: 'port-taken',
          instance: 'orders',
          image: 'postgres',
          postgres: 17,
        },
      },
    ]);
    // The wait for its approval is no work.
    expect((found[0]?.at ?? 0) - (found[0]?.startedAt ?? 0)).toBeCloseTo(5 / 60, 9);
  });

  it('are reported ones if no run shows them, and if someone else has written the journal', () => {
    expect(read([], [outcome({ at: 98 })])).toMatchObject([{ result: 'fixed', isVerified: false }]);
    expect(read([run({ at: 100 })], [], false)).toMatchObject([{ isVerified: false }]);
  });

  it('leave out what ended without a result, and what was requested', () => {
    const lost = ['conflict', 'transient', 'interrupted', 'precondition'] as const;
    const outcomes = lost.map((one, index) => outcome({ at: index, result: 'failed', class: one }));
    const runs = [
      run({ at: 1, outcome: 'rolled-back', failure: { class: 'interrupted', message: '' } }),
      run({ at: 2, outcome: 'awaiting-approval', endedAt: null }),
      run({ at: 3, plan: { ...run({ at: 3 }).plan, requested: true } }),
    ];
    expect(read(runs, outcomes)).toEqual([]);
  });

  it('say of a finding that was gone that nothing was left to fix', () => {
    expect(read([run({ at: 1, outcome: 'absent' })], [])).toMatchObject([{ result: 'vanished' }]);
  });

  it('are in hours of a period that begins on a Monday', () => {
    expect(hourOf(start) % (7 * 24)).toBe(0);
    expect(instantOfHour(hourOf(start + 1))).toBe(start + 1);
  });
});
