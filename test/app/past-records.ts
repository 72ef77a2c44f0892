import type { RunRecord } from '../../src/remediation/store/store.ts';
import type { TaskOutcome } from '../../src/swarm/types.ts';

/** Monday, 00:00. */
const start = Date.parse('2026-01-05T00:00:00Z');

/** RFC 3339, minutes after the start of the tests' period. */
export function timeAt(minute: number): string {
  return new Date(start + minute * 60_000).toISOString();
}

/** Minutes after the start: the run was planned, began to change something, and ended. */
export interface RunMinutes {
  readonly planned: number;
  readonly began: number;
  readonly ended: number;
}

/** A run of `port-reassignment` that fixed its finding on one instance, with what a test changes. */
export function runRecord({ planned, began, ended }: RunMinutes, change: Partial<RunRecord> = {}): RunRecord {
  return {
    id: `r${began}`,
    project: '',
    plan: planFor('orders'),
    decision: { automation: 'auto', source: 'default', reasons: [], operations: [] },
    phase: 'ended',
    outcome: 'fixed',
    failure: null,
    verification: null,
    steps: [],
    token: null,
    owner: null,
    heartbeatAt: null,
    createdAt: timeAt(planned),
    startedAt: timeAt(began),
    endedAt: timeAt(ended),
    approvedBy: null,
    downtimeMs: null,
    dossier: null,
    ...change,
  };
}

/** The plan for a port conflict of one instance. */
export function planFor(instance: string, change: Partial<RunRecord['plan']> = {}): RunRecord['plan'] {
  return {
    type: 'plan',
    remediator: 'port-reassignment',
    finding: {
      id: `port-reassignment/${instance}/port-taken`,
      remediator: 'port-reassignment',
      instance,
      kind: 'port-taken',
      summary: `${instance} (postgres:17-alpine, PostgreSQL 17) cannot start`,
      risk: 'safe',
      evidence: [],
      details: {},
      problem: 'app/ports',
    },
    target: { instance, container: '', volumes: [] },
    summary: 'x',
    steps: [],
    cleanup: [],
    leftovers: [],
    risk: 'safe',
    downtime: { seconds: 0, why: '' },
    unpredictable: [],
    undo: '',
    expected: {},
    ...change,
  };
}

/** The report of a worker to the queue. Minutes after the start. */
export function outcomeRecord(claimed: number, ended: number, change: Partial<TaskOutcome> = {}): TaskOutcome {
  return {
    seq: claimed,
    task: 'resolution-app--ports',
    token: claimed,
    problem: 'app/ports',
    kind: 'resolution',
    component: 'app',
    handler: 'port-reassignment',
    engine: null,
    worker: 'w',
    claimedAt: timeAt(claimed),
    endedAt: timeAt(ended),
    result: 'done',
    class: null,
    notes: '',
    cost: null,
    ...change,
  };
}
