import { computePriority } from '../../src/priority/index.ts';
import type { SyncCoverage, TaskEntry } from '../../src/swarm/types.ts';
import type { Task } from '../../src/tasks/types.ts';

export interface EntryChoice {
  readonly handler?: string;
  readonly automation?: Task['automation'];
  readonly engine?: string | null;
  readonly impact?: number;
  readonly urgency?: Task['estimates']['urgency']['value'];
  readonly severity?: NonNullable<Task['severity']>;
  readonly lastOccurrence?: string;
  readonly component?: string;
  readonly kind?: Task['kind'];
  readonly dependencies?: readonly string[];
  readonly title?: string;
  readonly target?: string;
}

/** A task with its real priority, for a queue. */
export function entry(id: string, choice: EntryChoice = {}): TaskEntry {
  const { impact = 5, urgency = 'medium', engine = null, severity, lastOccurrence } = choice;
  const from = { provenance: 'stated', reason: 'It says so.' } as const;
  const estimates: Task['estimates'] = {
    impact: { value: impact, ...from },
    urgency: { value: urgency, ...from },
    successProb: { value: 0.5, ...from },
    resourceCost: { value: 'moderate', ...from },
  };
  const task: Task = {
    id,
    kind: choice.kind ?? 'resolution',
    title: choice.title ?? `Resolve ${id}`,
    description: 'Problem: it fails.',
    problem: `app/${id}`,
    component: choice.component ?? id,
    target: choice.target ?? 'PROBLEMS.md',
    ...(severity === undefined ? {} : { severity }),
    ...(lastOccurrence === undefined ? {} : { lastOccurrence }),
    flags: [],
    dependencies: choice.dependencies ?? [],
    class: 'other',
    classReason: 'Nothing names a class.',
    handler: choice.handler ?? 'agent',
    handlerReason: 'No remediator fits.',
    automation: choice.automation ?? 'auto',
    automationReason: 'The config says so.',
    estimates,
    priority: computePriority(estimates),
  };
  return { task, engine };
}

export const project = '/srv/app';

/** Everything was read. */
export const everything: SyncCoverage = { problems: new Set(), targets: new Set(['PROBLEMS.md']) };
