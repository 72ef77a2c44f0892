import { describe, expect, it } from 'vitest';
import { hourOf, instantOfHour, pastAttempts } from '../../src/app/learning-history.ts';
import type { RunRecord } from '../../src/remediation/store/store.ts';
import type { TaskOutcome } from '../../src/swarm/types.ts';
import { defaultClassifier } from '../../src/tasks/classify.ts';
import { outcomeRecord, planFor, runRecord, timeAt } from './past-records.ts';

/** It waited for its approval for an hour. */
function run({ at, ...change }: Partial<RunRecord> & { readonly at: number }): RunRecord {
  return runRecord({ planned: at - 60, began: at, ended: at + 5 }, change);
}

function outcome({ at, ...change }: Partial<TaskOutcome> & { readonly at: number }): TaskOutcome {
  return outcomeRecord(at, at + 10, change);
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
      run({ at: 3, plan: planFor('orders', { requested: true }) }),
    ];
    expect(read(runs, outcomes)).toEqual([]);
  });

  it('say of a finding that was gone that nothing was left to fix', () => {
    expect(read([run({ at: 1, outcome: 'absent' })], [])).toMatchObject([{ result: 'vanished' }]);
  });

  it('are in hours of a period that begins on a Monday', () => {
    const start = Date.parse(timeAt(0));
    expect(hourOf(start) % (7 * 24)).toBe(0);
    expect(instantOfHour(hourOf(start + 1))).toBe(start + 1);
  });
});
