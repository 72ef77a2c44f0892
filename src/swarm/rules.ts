import { ProblemsError } from '../errors.ts';
import { cooldownHours, defaultPrioritySettings, instantOf, type PrioritySettings } from '../priority/index.ts';
import type { FailureClass } from '../remediation/contract.ts';
import { type Automation, type Task, taskKinds } from '../tasks/types.ts';
import { compareText } from '../util/compare.ts';
import { checkName } from './bounds.ts';
import type { Failures, Gate, Limit, Next, Report, Waiting } from './types.ts';

export interface RetrySettings {
  /** Default: the published one, 24 hours that double up to 168. */
  readonly cooldown: PrioritySettings['cooldown'];
  /** So many counted failures make a task a dead letter. */
  readonly mostCounted: number;
  /** So many attempts in a row without a result do. */
  readonly mostUncounted: number;
}

export const defaultRetries: RetrySettings = {
  cooldown: defaultPrioritySettings.cooldown,
  mostCounted: 5,
  mostUncounted: 20,
};

export const noFailures: Failures = { counted: 0, uncounted: 0 };

/**
 * What a class of failure means for the task. `again`: another attempt may well succeed, since this one met another owner,
 * a passing fault or its own end, or planned for a state that has changed. `later`: it was tried and did not help.
 * `person`: trying again could do harm. See docs/engineering/safety.md#classes-of-failure.
 */
const consequences = {
  conflict: 'again',
  transient: 'again',
  interrupted: 'again',
  precondition: 'again',
  'step-failed': 'later',
  unverified: 'later',
  unsafe: 'person',
  'data-risk': 'person',
  'rollback-failed': 'person',
} as const satisfies Record<FailureClass, 'again' | 'later' | 'person'>;

const soonest = 15_000;

const latest = 15 * 60_000;

/** What becomes of a task after a report, given the failures before it. */
export function nextAfter(report: Report, failures: Failures, settings: RetrySettings): Next {
  if (report.result === 'done') return { state: 'done', failures: noFailures };
  switch (consequences[report.class ?? 'step-failed']) {
    case 'again':
      return again(failures, settings, soonest);
    case 'later': {
      const counted = failures.counted + 1;
      const after = { counted, uncounted: 0 };
      if (counted >= settings.mostCounted) return { state: 'dead', failures: after };
      return { state: 'open', waitMs: cooldownHours(counted, settings.cooldown) * 3_600_000, failures: after };
    }
    case 'person':
      return { state: 'person', failures: { counted: failures.counted + 1, uncounted: 0 } };
  }
}

/** What becomes of a task whose lease ended without a report: another worker may have it at once. */
export function nextAfterLapse(failures: Failures, settings: RetrySettings): Next {
  return again(failures, settings, 0);
}

/** A task that ends its workers one after the other must not go round for ever. */
function again({ counted, uncounted }: Failures, { mostUncounted }: RetrySettings, first: number): Next {
  const failures = { counted, uncounted: uncounted + 1 };
  if (failures.uncounted >= mostUncounted) return { state: 'dead', failures };
  return { state: 'open', waitMs: Math.min(first * 2 ** uncounted, latest), failures };
}

/** What decides whether a task can be claimed. */
export interface Situation {
  readonly automation: Automation;
  readonly isApproved: boolean;
  /** Those of its dependencies that have neither ended well nor been withdrawn. */
  readonly before: readonly string[];
  /** RFC 3339; null: at once. */
  readonly notBefore: string | null;
  /** Paused scopes that it belongs to. */
  readonly gates: readonly Gate[];
  /** Limits of its scopes that allow no further task now. */
  readonly spent: readonly SpentLimit[];
  readonly serialKey: string;
  readonly isKeyTaken: boolean;
}

/** Why an open task cannot be claimed now; null if it can. The reason that lasts longest comes first. */
export function waitingFor(situation: Situation, now: string): Waiting | null {
  const { automation, isApproved, before, notBefore, gates, spent, serialKey, isKeyTaken } = situation;
  if (automation === 'human') return { for: 'person' };
  if (automation === 'approve' && !isApproved) return { for: 'approval' };
  if (before.length > 0) return { for: 'tasks', tasks: before };
  if (notBefore !== null && notBefore > now) return { for: 'time', until: notBefore };
  const [gate] = gates;
  if (gate !== undefined) return { for: 'gate', scope: gate.scope, why: gate.why };
  const [limit] = spent.toSorted((a, b) => compareText(b.until, a.until));
  if (limit !== undefined) return { for: 'limit', ...limit };
  return isKeyTaken ? { for: 'key', key: serialKey } : null;
}

/** Whatever is handed out counts for so long. In milliseconds. */
export const limitWindow = 3_600_000;

/** A limit that allows no further task before `until`, RFC 3339. */
export interface SpentLimit {
  readonly scope: string;
  readonly until: string;
}

/** A task that was handed out, and not given back: when, RFC 3339, and its scopes. */
export interface HandedOut {
  readonly at: string;
  readonly scopes: readonly string[];
}

/** Those of the limits that allow no further task now. `handedOut` is what was handed out within the window. */
export function spentLimits(limits: readonly Limit[], handedOut: readonly HandedOut[]): readonly SpentLimit[] {
  return limits.flatMap(({ scope, perHour }) => {
    const times = handedOut.filter(({ scopes }) => scopes.includes(scope)).map(({ at }) => Date.parse(at));
    // When this one counts no more, there is room again.
    const first = times.toSorted((a, b) => b - a)[perHour - 1];
    return first === undefined ? [] : [{ scope, until: new Date(first + limitWindow).toISOString() }];
  });
}

/** Whether someone else must do the work, so that no queue hands it out. */
export function isForPerson({ automation, handler }: Pick<Task, 'automation' | 'handler'>): boolean {
  return automation === 'human' || handler === 'person';
}

/** Whether a remediator does it. */
export function isRepair({ handler }: Pick<Task, 'handler'>): boolean {
  return handler !== 'agent' && handler !== 'person';
}

/**
 * What must not be worked on twice at a time. A remediator's task: its Docker engine, since the engine's lock is for the
 * whole engine. Another task: its component in this project.
 */
export function serialKeyOf(
  { handler, component }: Pick<Task, 'handler' | 'component'>,
  project: string,
  engine: string | null,
): string {
  return isRepair({ handler }) ? `engine:${engine ?? ''}` : `component:${component} in ${project}`;
}

/** When the problem of a task last occurred, in milliseconds since 1970. A day counts from its first moment. */
export function occurredAt({ lastOccurrence }: Pick<Task, 'lastOccurrence'>): number | undefined {
  return instantOf(lastOccurrence);
}

/** Whether a task that has ended comes back: its problem has occurred since. */
export function hasOccurredSince(task: Pick<Task, 'lastOccurrence'>, ended: string): boolean {
  const occurred = occurredAt(task);
  return occurred !== undefined && occurred > Date.parse(ended);
}

const levels: readonly string[] = ['critical', 'high', 'medium', 'low'];

const latestInstant = 8_640_000_000_000_000;

/**
 * Orders tasks of the same score as `comparePriorities` does, if it is sorted as bytes: higher impact, higher urgency,
 * higher severity, later last occurrence, id. See docs/priority.md#order.
 */
export function tieKey(task: Pick<Task, 'id' | 'estimates' | 'severity' | 'lastOccurrence'>): string {
  const { estimates, severity } = task;
  const occurred = occurredAt(task);
  return [
    descending(estimates.impact.value),
    levels.indexOf(estimates.urgency.value),
    severity === undefined ? levels.length : levels.indexOf(severity),
    occurred === undefined ? '~' : String(latestInstant - occurred).padStart(17, '0'),
    task.id,
  ].join(' ');
}

/** The bits of a positive double sort as the number does; turned over, they sort the other way. */
function descending(value: number): string {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setFloat64(0, value);
  return (~bytes.getBigUint64(0) & 0xff_ff_ff_ff_ff_ff_ff_ffn).toString(16).padStart(16, '0');
}

const scopeKinds: readonly string[] = ['kind', 'handler', 'engine', 'component'];

/** @throws ProblemsError `bad-usage`: it is not a scope. */
export function checkScope(scope: string): string {
  if (scope === 'all') return scope;
  const [kind = '', ...name] = scope.split(':');
  if (!scopeKinds.includes(kind) || name.join(':') === '')
    throw new ProblemsError('bad-usage', `"${scope.slice(0, 80)}" is not a scope.`, {
      hint: 'Use all, or kind:, handler:, engine: or component: and a name, such as handler:memory.',
    });
  if (kind === 'kind' && !taskKinds.some((one) => one === name[0]))
    throw new ProblemsError('bad-usage', `There is no kind of task "${name.join(':').slice(0, 80)}".`, {
      hint: `The kinds are ${taskKinds.join(', ')}.`,
    });
  return checkName('scope', scope);
}

/** The scopes of a row of `task`, as expressions with commas between them, for both stores: what `scopesOf` says. */
export const scopesSql = `'all', 'kind:' || task.kind, 'handler:' || task.handler, 'engine:' || coalesce(task.engine, ''),
        'component:' || task.component`;

/** Every scope that a task belongs to. */
export function scopesOf({
  kind,
  handler,
  component,
  engine,
}: Pick<Task, 'kind' | 'handler' | 'component'> & { readonly engine: string | null }): readonly string[] {
  return ['all', `kind:${kind}`, `handler:${handler}`, `engine:${engine ?? ''}`, `component:${component}`];
}
