import type { Backup } from '../backups/types.ts';
import type { RunRecord } from '../remediation/store/store.ts';
import type { WatchedService } from './contract.ts';
import type { InstanceView, RoundView, ServiceView } from './types.ts';

/** What metrics and alerts need to know of the backups of one instance. */
export interface BackupFacts {
  /** RFC 3339: the newest complete one that is not bad; null if there is none. */
  readonly newestAt: string | null;
  /** RFC 3339: the newest that was restored. */
  readonly newestGoodAt: string | null;
  /** The highest level of the newest; null if it has passed none, or there is none. */
  readonly level: number | null;
  readonly counts: Readonly<Record<'good' | 'bad' | 'unproven' | 'quarantined', number>>;
  readonly maxAgeSeconds: number;
  /** `never`: no drill was made, though the calendar has drills. Null: they are off. */
  readonly drill: { readonly at: string; readonly passed: boolean; readonly seconds: number } | 'never' | null;
}

/** Undefined: its backups were never checked. */
export function backupFacts(
  view: Pick<ServiceView, 'backups' | 'jobs'>,
  instance: Pick<InstanceView, 'engine' | 'instance' | 'backups'>,
): BackupFacts | undefined {
  const known = view.backups.find((one) => one.engine === instance.engine && one.instance === instance.instance);
  const verdict = known?.verdict ?? instance.backups;
  if (verdict === null) return undefined;
  const { backups = [], repositories = [], lastDrill = null } = known ?? {};
  const complete = backups
    .filter(({ state, verdict: judged }) => state === 'complete' && judged !== 'bad')
    .toSorted((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
  const [newest] = complete;
  const isDrilled = view.jobs.some(({ name, schedule }) => name === 'drill' && schedule !== 'off');
  return {
    newestAt: newest?.createdAt ?? null,
    newestGoodAt: complete.find(({ verdict: judged }) => judged === 'good')?.createdAt ?? null,
    level: levelOf(newest),
    counts: countsOf(backups, repositories.length),
    maxAgeSeconds: verdict.rpoHours * 3_600,
    drill: lastDrill ?? (isDrilled && complete.length > 0 ? 'never' : null),
  };
}

function levelOf(backup: Backup | undefined): number | null {
  const reached = backup?.reached ?? null;
  return reached === null ? null : Number(reached.slice(1));
}

function countsOf(backups: readonly Backup[], repositories: number): BackupFacts['counts'] {
  const present = backups.filter(({ state }) => state === 'complete' || state === 'failed');
  const count = (verdict: Backup['verdict']) => present.filter((backup) => backup.verdict === verdict).length;
  return {
    good: count('good'),
    bad: count('bad'),
    unproven: count('unproven') + repositories,
    quarantined: backups.filter(({ state }) => state === 'quarantined').length,
  };
}

/** The states of runs that `problems_runs_open` counts. */
export const runStates = ['running', 'awaiting_approval', 'stuck'] as const;

export type RunState = (typeof runStates)[number];

/** Undefined: it has ended, or was only planned. */
export function openRunState({ phase, outcome }: Pick<RunRecord, 'phase' | 'outcome'>): RunState | undefined {
  if (outcome === 'stuck') return 'stuck';
  if (phase === 'awaiting-approval') return 'awaiting_approval';
  return phase === 'ended' || phase === 'planned' ? undefined : 'running';
}

/** How many rounds of the history to search: all that it keeps. */
const searched = 2_000;

/** When the last full round of all instances ended well, RFC 3339. Null: none has. */
export function watchLastRound(service: Pick<WatchedService<'rounds'>, 'history' | 'subscribe'>): () => string | null {
  let last = service.history.rounds.list(searched).find(endedWell)?.endedAt ?? null;
  service.subscribe((event) => {
    if (event.type === 'round' && endedWell(event.round)) last = event.round.endedAt;
  });
  return () => last;
}

function endedWell({ kind, instances, endedAt, failure }: RoundView): boolean {
  return kind === 'full' && instances === null && endedAt !== null && failure === null;
}
