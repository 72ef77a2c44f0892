import { describe, expect, it } from 'vitest';
import { outcomeOf } from '../../src/app/repair-outcome.ts';
import type { Remediated } from '../../src/app/remediate.ts';
import { emptyReport, type RunReport } from '../../src/remediation/run-report.ts';
import type { Skipped } from '../../src/remediation/contract.ts';

const now = new Date('2026-01-01T00:00:00Z');
const task = { problem: 'postgres/ports', handler: 'port-reassignment' };

function report(outcome: RunReport['outcome'], more: Partial<RunReport> = {}): RunReport {
  return { ...emptyReport, id: 'r1', problem: task.problem, instance: 'orders', outcome, ...more };
}

function round(
  runs: readonly RunReport[],
  more: Partial<Remediated> = {},
  notLookedAt: readonly Skipped[] = [],
): Remediated {
  const detected = { findings: [], notLookedAt, lookedAt: [], unmanaged: [] };
  return { detected, runs, notRun: [], liveRuns: [], ...more };
}

const fixed = report('fixed', { summary: 'orders moved to 5437', downtimeMs: 1_500 });
const skipped: Skipped = { remediator: task.handler, instance: 'orders', reason: 'no password' };
const unsafe = { class: 'unsafe', message: 'The data is on a bind mount.' } as const;
const live = {
  id: 'r9',
  instance: 'orders',
  remediator: task.handler,
  phase: 'running',
  startedAt: null,
  pid: 1,
} as const;
const finding = {
  id: 'f',
  remediator: task.handler,
  instance: 'orders',
  kind: 'k',
  summary: 's',
  risk: 'safe',
} as const;
const notRun = [{ ...finding, evidence: [], details: {}, problem: task.problem }];

describe('what a worker reports after a round', () => {
  it.each<[string, Remediated, object]>([
    ['a fix', round([fixed]), { result: 'done', notes: 'Fixed by run r1: orders moved to 5437, 1.5 s downtime' }],
    ['nothing found', round([report('absent', { id: null })]), { result: 'done', notes: 'No longer found.' }],
    [
      'a fix of another problem',
      round([{ ...fixed, problem: 'postgres/other' }]),
      { result: 'done', notes: 'No longer found.' },
    ],
    ['nothing found, but a check could not run', round([], {}, [skipped]), { result: 'failed', class: 'transient' }],
    ['nothing found, and a check can never run', round([], {}, [{ ...skipped, lasting: true }]), { result: 'done' }],
    [
      'nothing found, since another process repairs',
      round([], { liveRuns: [live] }),
      { result: 'failed', class: 'conflict' },
    ],
    [
      'nothing found, and another process repairs something else',
      round([], { liveRuns: [{ ...live, remediator: 'memory' }] }),
      { result: 'done' },
    ],
    [
      'a fix, and a finding that was not dealt with',
      round([fixed], { notRun }),
      { result: 'failed', class: 'interrupted' },
    ],
    [
      'a fix, and a failure',
      round([fixed, report('failed', { failure: unsafe })]),
      { result: 'failed', class: 'unsafe', notes: 'Run r1 ended failed on orders: The data is on a bind mount.' },
    ],
    [
      'a refusal',
      round([report('failed', { id: null, failure: unsafe, dossier: '/d.md' })]),
      {
        result: 'failed',
        class: 'unsafe',
        notes: 'Refused on orders: The data is on a bind mount.\nEscalation report: /d.md',
      },
    ],
    [
      'a rollback',
      round([report('rolled-back', { failure: { class: 'unverified', message: 'It still fails.' } })]),
      { result: 'failed', class: 'unverified' },
    ],
    [
      'a rollback that failed',
      round([report('stuck', { failure: { class: 'rollback-failed', message: 'x' } }), report('rolled-back')]),
      { result: 'failed', class: 'rollback-failed' },
    ],
    [
      'a plan that is left to people',
      round([report('planned', { automation: 'human', reasons: ['paused'] })]),
      { result: 'failed', class: 'unsafe', notes: 'Run r1 ended planned on orders: paused' },
    ],
    [
      'a plan that another stuck run holds back',
      round([report('planned', { automation: 'auto' })]),
      { result: 'failed', class: 'conflict' },
    ],
    [
      'a fix, and a plan that needs approval',
      round([fixed, report('awaiting-approval', { id: 'r2' })]),
      {
        result: 'released',
        retryAt: new Date('2026-01-01T00:10:00Z'),
        asks: 'problems approve r2',
        notes: 'Waits for approval: problems approve r2',
      },
    ],
  ])('%s', (_, remediated, expected) => {
    expect(outcomeOf(task, remediated, undefined, now)).toMatchObject(expected);
  });
});
