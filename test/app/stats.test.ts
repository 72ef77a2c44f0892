import { describe, expect, it } from 'vitest';
import { type Remembered, statsOf } from '../../src/app/stats.ts';
import { handlersTable, statsText } from '../../src/reporters/text/learning.ts';
import type { Creation, RunRecord } from '../../src/remediation/store/store.ts';
import type { TaskOutcome } from '../../src/swarm/types.ts';
import { outcomeRecord, planFor, runRecord, timeAt } from './past-records.ts';

const since = new Date(timeAt(1000));

function run(change: {
  readonly at: number;
  readonly outcome: RunRecord['outcome'];
  readonly took?: number;
  readonly subject?: string;
  readonly backup?: true;
}): RunRecord {
  const { at, outcome: result, took = 2, subject = `s${at}`, backup } = change;
  const plan = backup
    ? planFor(subject, { remediator: 'backups', requested: true, steps: [{ action: 'backup.take', params: {} }] })
    : planFor(subject);
  return runRecord({ planned: at, began: at, ended: at + took }, { plan, outcome: result, downtimeMs: 1_000 });
}

function outcome(at: number, handler: string, result: 'done' | 'failed'): TaskOutcome {
  const failure = result === 'done' ? null : 'step-failed';
  return outcomeRecord(at, at + 30, { task: `t${at}`, problem: `p${at}`, handler, result, class: failure });
}

function creation(at: number, result: Creation['result']): Creation {
  const conflict = result === 'failed';
  return {
    instance: `i${at}`,
    container: `c${at}`,
    createdAt: timeAt(at),
    startedAt: null,
    explicitPort: true,
    conflict,
    result,
    instances: 1,
  };
}

const nothing: Remembered = { runs: [], creations: [], outcomes: [], remediators: ['port-reassignment'] };

describe('statistics', () => {
  it('count each repair once: a run of a remediator that a worker reported as well is one', () => {
    const { handlers, timeToRepair } = statsOf(
      {
        ...nothing,
        runs: [
          run({ at: 1, outcome: 'fixed', took: 2 }),
          run({ at: 10, outcome: 'fixed', took: 6 }),
          run({ at: 20, outcome: 'rolled-back' }),
          run({ at: 30, outcome: 'absent' }),
          run({ at: 40, outcome: 'planned' }),
        ],
        outcomes: [
          outcome(1, 'port-reassignment', 'done'),
          outcome(50, 'agent', 'done'),
          outcome(90, 'agent', 'failed'),
        ],
      },
      since,
    );
    expect(handlers.map(({ handler, attempts, fixed, downtimeMs }) => [handler, attempts, fixed, downtimeMs])).toEqual([
      ['agent', 2, 1, 0],
      ['port-reassignment', 3, 2, 3_000],
    ]);
    expect(handlers[1]?.minutes).toEqual({ median: 2, most: 6 });
    expect(timeToRepair).toEqual([
      { kind: 'port-taken', fixed: 2, median: 2, most: 6 },
      { kind: 'resolution', fixed: 1, median: 30, most: 30 },
    ]);
  });

  it('tell recurrences from first repairs, and what went away from what was fixed', () => {
    const found = statsOf(
      {
        ...nothing,
        runs: [
          run({ at: 1, outcome: 'fixed', subject: 'orders' }),
          run({ at: 100, outcome: 'failed', subject: 'orders' }),
          run({ at: 200, outcome: 'fixed', subject: 'orders' }),
          run({ at: 300, outcome: 'fixed', subject: 'billing' }),
          run({ at: 400, outcome: 'absent', subject: 'billing' }),
        ],
      },
      since,
    );
    expect(found.recurrences).toEqual({ fixed: 3, recurred: 1 });
    expect(found.wentAway).toBe(1);
  });

  it('say what has improved, what is worse, and what may be chance', () => {
    const spread = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);
    const found = statsOf(
      {
        ...nothing,
        creations: [
          ...spread(0, 40).map((at) => creation(at, at % 4 === 0 ? 'failed' : 'started')),
          ...spread(2000, 60).map((at) => creation(at, at === 2000 ? 'failed' : 'started')),
          creation(3000, 'waiting'),
        ],
        runs: [
          ...spread(0, 30).map((at) => run({ at, outcome: 'fixed', backup: true })),
          ...spread(2000, 30).map((at) => run({ at, outcome: at % 3 === 0 ? 'failed' : 'fixed', backup: true })),
          ...spread(100, 20).map((at) => run({ at, outcome: at % 5 === 0 ? 'failed' : 'fixed' })),
          ...spread(2100, 20).map((at) => run({ at, outcome: at % 4 === 0 ? 'failed' : 'fixed' })),
        ],
      },
      since,
    );
    expect(found.creation).toMatchObject({
      verdict: 'improved',
      trials: { before: 40, after: 60 },
      before: { rate: 0.75 },
    });
    expect(found.backup).toMatchObject({ verdict: 'worse', before: { rate: 1, high: 1 } });
    expect(found.repair.verdict).toBe('may be chance');
    const text = statsText(found, (_, words) => words);
    expect(text).toContain('Creations: 98% of 60');
    expect(text).toContain('the difference may be chance');
    expect(handlersTable(found).rows).toHaveLength(1);
  });

  it('without history say that there is none', () => {
    const found = statsOf(nothing, since);
    expect(found).toMatchObject({ handlers: [], timeToRepair: [], creation: { verdict: 'too few' } });
    expect(statsText(found, (_, words) => words)).toContain('Backups: no history yet');
  });
});
