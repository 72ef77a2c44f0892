import { unsignedProof } from './sidecar-files.ts';
import { repositoryText } from './repositories.ts';
import type { Backup, BackupRepository } from './types.ts';

/** What the notes of a backup say that someone has put back after it was set aside. */
export const putBackNote = 'It was put back on request, so setting it aside again needs approval.';

export function isPutBack({ notes }: Pick<Backup, 'notes'>): boolean {
  return notes.includes(putBackNote);
}

/** How old the newest good backup may be unless the config says otherwise, in hours: a day, and two hours to take it. */
const defaultRpoHours = 26;

export const backupStates = ['good', 'none', 'too-old', 'not-proven', 'broken'] as const;

/**
 * Whether an instance could be restored from its backups. `good`: one that was restored once (L4) is recent enough, and
 * none is broken. `too-old`: what is recent enough is missing. `not-proven`: it is there, but was never restored, or only
 * another tool can prove it.
 * `broken`: a backup that is not quarantined failed a check.
 */
export interface InstanceVerdict {
  readonly instance: string;
  readonly verdict: (typeof backupStates)[number];
  /** The newest good backup, `<instance>/<name>`; null if there is none. */
  readonly newestGood: string | null;
  /** Its age in hours, rounded down. */
  readonly ageHours: number | null;
  /** The age that is allowed. */
  readonly rpoHours: number;
  /** Why, as a clause: `no backup was found`. */
  readonly reason: string;
}

export interface VerdictOptions {
  /** Default 26. */
  readonly rpoHours?: number | undefined;
  readonly now: Date;
  /** Of other tools, in the folders of the instance. Default: none. */
  readonly repositories?: readonly BackupRepository[] | undefined;
}

/**
 * Judges the backups of one instance. Those that are quarantined or still being taken do not count.
 * @param backups Of this instance, in any order.
 */
export function judgeBackups(
  instance: string,
  backups: readonly Backup[],
  { rpoHours = defaultRpoHours, now, repositories = [] }: VerdictOptions,
): InstanceVerdict {
  const present = backups
    .filter(({ state }) => state === 'complete' || state === 'failed')
    .toSorted((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
  const newestGood = present.find(({ verdict }) => verdict === 'good');
  const known = {
    instance,
    newestGood: newestGood?.ref ?? null,
    ageHours: newestGood === undefined ? null : Math.floor(hoursSince(newestGood, now)),
    rpoHours,
  };
  const broken = present.filter(({ verdict }) => verdict === 'bad');
  if (broken.length > 0) return { ...known, verdict: 'broken', reason: `${listOf(broken)} cannot be restored` };
  const [newest] = present;
  const [repository] = repositories;
  if (newest === undefined && repository !== undefined)
    return { ...known, verdict: 'not-proven', reason: repositoryText(repository) };
  if (newest === undefined)
    return {
      ...known,
      verdict: 'none',
      reason: backups.length === 0 ? 'no backup was found' : 'no backup is complete',
    };
  if (newestGood !== undefined && hoursSince(newestGood, now) <= rpoHours)
    return { ...known, verdict: 'good', reason: `${newestGood.ref} is ${ageOf(newestGood, now)} old and was restored` };
  if (hoursSince(newest, now) > rpoHours)
    return {
      ...known,
      verdict: 'too-old',
      reason: `the newest, ${newest.ref}, is ${ageOf(newest, now)} old; at most ${rpoHours} h are allowed`,
    };
  return {
    ...known,
    verdict: 'not-proven',
    reason: `the newest, ${newest.ref}, ${newest.notes.includes(unsignedProof) ? "has no proof that is signed with this user's key" : 'has never been restored'}${newestGood === undefined ? '' : `, and the newest good one, ${newestGood.ref}, is ${ageOf(newestGood, now)} old`}`,
  };
}

function hoursSince({ createdAt }: Backup, now: Date): number {
  return (now.getTime() - Date.parse(createdAt)) / 3_600_000;
}

function ageOf(backup: Backup, now: Date): string {
  return `${Math.max(0, Math.floor(hoursSince(backup, now)))} h`;
}

/** The first three, and how many more there are. */
function listOf(backups: readonly Backup[]): string {
  const refs = backups.slice(0, 3).map(({ ref }) => ref);
  return backups.length > 3 ? `${refs.join(', ')} and ${backups.length - 3} more` : refs.join(', ');
}
