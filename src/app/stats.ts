import { comparePair, rateOf, type Tally } from '../learning/rates.ts';
import type { Pair, Rate } from '../learning/types.ts';
import type { Creation, RunRecord } from '../remediation/store/store.ts';
import type { TaskOutcome } from '../swarm/types.ts';
import { compareBy } from '../util/compare.ts';
import type { Remediation } from './open-remediation.ts';

/** What the state file remembers of creations, backups and repairs. */
export interface Remembered {
  readonly runs: readonly RunRecord[];
  readonly creations: readonly Creation[];
  /** Reports of workers to the queue. Those of remediators are runs as well, and count there. */
  readonly outcomes: readonly TaskOutcome[];
  /** Names of remediators. */
  readonly remediators: readonly string[];
}

/** A rate before and since a time. */
export interface RateChange extends Pair {
  readonly trials: { readonly before: number; readonly after: number };
  /** `improved`, `worse`: with a probability of 95% at least. Else what is seen may be chance. */
  readonly verdict: 'improved' | 'worse' | 'may be chance' | 'too few';
}

export interface HandlerStats extends Rate {
  /** A remediator, `agent`, `person`, or a handler of your own. */
  readonly handler: string;
  readonly attempts: number;
  readonly fixed: number;
  /** Fixes of it after which the same was attempted again. */
  readonly recurred: number;
  /** Of the repairs that fixed; null without one. */
  readonly minutes: Spread | null;
  readonly downtimeMs: number;
}

/** What half of them took, and nine of ten. */
export interface Spread {
  readonly median: number;
  readonly most: number;
}

export interface Stats {
  /** RFC 3339: what came before is compared with what came since. */
  readonly since: string;
  /** Containers of instances that started, of those seen to start or fail. */
  readonly creation: RateChange;
  /** Backups that were taken and verified, of those begun. */
  readonly backup: RateChange;
  /** Repairs that fixed what they were for. */
  readonly repair: RateChange;
  /** By handler: all attempts. */
  readonly handlers: readonly HandlerStats[];
  /** Minutes from the plan, or the claim of a task, until it was fixed, by kind of finding or task. */
  readonly timeToRepair: readonly ({ readonly kind: string; readonly fixed: number } & Spread)[];
  readonly recurrences: { readonly fixed: number; readonly recurred: number };
  /** Findings that were gone when their repair began. */
  readonly wentAway: number;
  readonly downtimeMs: { readonly before: number; readonly after: number };
}

interface Attempt {
  readonly handler: string;
  readonly kind: string;
  /** The same for the same problem. */
  readonly subject: string;
  /** Milliseconds since 1970. */
  readonly began: number;
  readonly ended: number;
  readonly fixed: boolean;
  readonly downtimeMs: number;
}

/** The runs and creations of the state file. `outcomes` come from the queue: `swarm.outcomes()`. */
export async function remembered(
  { session: { store, reader, remediators } }: Remediation,
  outcomes: readonly TaskOutcome[] = [],
): Promise<Remembered> {
  const { id } = await reader.docker.info();
  const [runs, creations] = await Promise.all([store.runs.list({ limit: 20_000 }), store.samples(id).creations()]);
  return { runs, creations, outcomes, remediators: remediators.map(({ name }) => name) };
}

/** What has worked, how long it took, and whether it has become better since a time. */
export function statsOf(history: Remembered, since: Date): Stats {
  const attempts = attemptsOf(history);
  const recurred = recurredAmong(attempts);
  const at = since.getTime();
  const change = (trials: readonly { readonly at: number; readonly ok: boolean }[]): RateChange =>
    changeOf(tallyOf(trials.filter((trial) => trial.at < at)), tallyOf(trials.filter((trial) => trial.at >= at)));
  const downtime = (of: readonly Attempt[]): number => of.reduce((sum, { downtimeMs }) => sum + downtimeMs, 0);
  const fixed = attempts.filter((one) => one.fixed);
  return {
    since: since.toISOString(),
    creation: change(
      history.creations
        .filter(({ result }) => result !== 'waiting')
        .map(({ createdAt, result }) => ({ at: Date.parse(createdAt), ok: result === 'started' })),
    ),
    backup: change(history.runs.filter(isBackup).flatMap((run) => trialOf(run))),
    repair: change(attempts.map(({ ended, fixed: ok }) => ({ at: ended, ok }))),
    handlers: groupBy(attempts, ({ handler }) => handler).map(([handler, own]) => {
      const fixes = own.filter((one) => one.fixed);
      return {
        handler,
        attempts: own.length,
        fixed: fixes.length,
        ...rateOf({ trials: own.length, successes: fixes.length }),
        recurred: fixes.filter((one) => recurred.has(one)).length,
        minutes: spreadOf(fixes) ?? null,
        downtimeMs: downtime(own),
      };
    }),
    timeToRepair: groupBy(fixed, ({ kind }) => kind).flatMap(([kind, own]) => {
      const spread = spreadOf(own);
      return spread === undefined ? [] : [{ kind, fixed: own.length, ...spread }];
    }),
    recurrences: { fixed: fixed.length, recurred: recurred.size },
    wentAway: history.runs.filter(({ outcome }) => outcome === 'absent').length,
    downtimeMs: {
      before: downtime(attempts.filter(({ ended }) => ended < at)),
      after: downtime(attempts.filter(({ ended }) => ended >= at)),
    },
  };
}

const failed: readonly (RunRecord['outcome'] | null)[] = ['rolled-back', 'stuck', 'failed'];

/** Runs that began and came to a result; then what workers other than remediators have reported. */
function attemptsOf({ runs, outcomes, remediators }: Remembered): readonly Attempt[] {
  return [
    ...runs.filter(({ plan }) => plan.requested !== true).flatMap(runAttempt),
    ...outcomes
      .filter(({ handler }) => !remediators.includes(handler))
      .map((outcome) => ({
        handler: outcome.handler,
        kind: outcome.kind,
        subject: outcome.problem,
        began: Date.parse(outcome.claimedAt),
        ended: Date.parse(outcome.endedAt),
        fixed: outcome.result === 'done',
        downtimeMs: 0,
      })),
  ].filter(({ began, ended }) => ended >= began);
}

function runAttempt(run: RunRecord): readonly Attempt[] {
  const { plan, outcome, createdAt, startedAt, endedAt, downtimeMs } = run;
  if (startedAt === null || endedAt === null) return [];
  if (outcome !== 'fixed' && !failed.includes(outcome)) return [];
  return [
    {
      handler: plan.remediator,
      kind: plan.finding.kind,
      subject: plan.finding.id,
      began: Date.parse(createdAt),
      ended: Date.parse(endedAt),
      fixed: outcome === 'fixed',
      downtimeMs: downtimeMs ?? 0,
    },
  ];
}

function isBackup({ plan }: RunRecord): boolean {
  return plan.requested === true && plan.steps.some(({ action }) => action === 'backup.take');
}

function trialOf({ startedAt, endedAt, outcome }: RunRecord): readonly { readonly at: number; readonly ok: boolean }[] {
  if (startedAt === null || endedAt === null || outcome === null || outcome === 'absent') return [];
  return [{ at: Date.parse(endedAt), ok: outcome === 'fixed' }];
}

/** Fixes after which the same problem was attempted again. */
function recurredAmong(attempts: readonly Attempt[]): ReadonlySet<Attempt> {
  const last = new Map<string, number>();
  for (const { subject, began } of attempts) last.set(subject, Math.max(began, last.get(subject) ?? began));
  return new Set(
    attempts.filter(({ fixed, subject, began, ended }) => {
      const latest = last.get(subject) ?? began;
      return fixed && latest >= ended && latest > began;
    }),
  );
}

/** With fewer trials in a period, nothing is said about a change. */
const fewestTrials = 5;

function changeOf(before: Tally, after: Tally): RateChange {
  const pair = comparePair(before, after);
  return { ...pair, trials: { before: before.trials, after: after.trials }, verdict: verdictOf(pair, before, after) };
}

function verdictOf({ better }: Pair, before: Tally, after: Tally): RateChange['verdict'] {
  if (Math.min(before.trials, after.trials) < fewestTrials) return 'too few';
  if (better >= 0.95) return 'improved';
  return better <= 0.05 ? 'worse' : 'may be chance';
}

function tallyOf(trials: readonly { readonly ok: boolean }[]): Tally {
  return { trials: trials.length, successes: trials.filter(({ ok }) => ok).length };
}

function spreadOf(attempts: readonly Attempt[]): Spread | undefined {
  const minutes = attempts.map(({ began, ended }) => (ended - began) / 60_000).sort((a, b) => a - b);
  const at = (share: number): number | undefined => minutes[Math.ceil(minutes.length * share) - 1];
  const [median, most] = [at(0.5), at(0.9)];
  return median === undefined || most === undefined ? undefined : { median, most };
}

/** Sorted by key. */
function groupBy<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
): readonly (readonly [key: string, items: readonly Item[]])[] {
  return [...Map.groupBy(items, keyOf)].toSorted(compareBy(([key]) => key));
}
