import type { Backup } from '../../../backups/types.ts';
import type { RequestSettings } from './settings.ts';

/** Whether a backup may go, and why, in a sentence. */
export interface Retained {
  readonly backup: Backup;
  readonly expires: boolean;
  readonly why: string;
}

const day = 86_400_000;

/**
 * PGOPS §3.6, for the backups of one instance. Nothing goes while fewer than `keepGood` good ones would be left, nor in
 * an incident; the newest good one from before the window stays, so that each day of the window can be reached.
 */
export function retention(
  backups: readonly Backup[],
  { keepDays, quarantineDays, keepGood }: Pick<RequestSettings, 'keepDays' | 'quarantineDays' | 'keepGood'>,
  /** Why the instance is frozen; undefined: it is not. */
  incident: string | undefined,
  now: Date,
): readonly Retained[] {
  const newestFirst = [...backups].sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0));
  const good = newestFirst.filter(({ state, verdict }) => state === 'complete' && verdict === 'good');
  const kept = good.slice(0, keepGood);
  const oldestKept = kept.at(-1);
  const reachesBack = good.find(({ createdAt }) => ageOf(createdAt, now) > keepDays);
  function decide(backup: Backup): Omit<Retained, 'backup'> {
    const { state, createdAt, quarantine, ref } = backup;
    const age = ageOf(createdAt, now);
    if (incident !== undefined) return keep(`nothing goes in an incident: ${incident}`);
    if (state === 'running') return keep('it is being taken, or was given up');
    if (kept.some((one) => one.ref === ref && one.folder === backup.folder))
      return keep(`one of the ${keepGood} newest good ones`);
    if (backups.some((one) => one.ref === ref && one.folder !== backup.folder))
      return keep('there is another backup of that name: a person must say which of them');
    if (oldestKept === undefined || kept.length < keepGood)
      return keep(`there are ${kept.length} good backups, and ${keepGood} must be left`);
    if (state === 'quarantined') {
      const aside = quarantine === null || quarantine.at === '' ? 0 : ageOf(quarantine.at, now);
      return aside > quarantineDays
        ? expire(`it was set aside ${days(aside)} ago`)
        : keep(`it was set aside ${days(aside)} ago, and is kept for ${quarantineDays}`);
    }
    if (age <= keepDays) return keep(`it is ${days(age)} old, and is kept for ${keepDays}`);
    if (createdAt >= oldestKept.createdAt) return keep('it is newer than the good ones that are kept');
    if (reachesBack?.folder === backup.folder) return keep(`the newest good one from before the last ${keepDays} days`);
    return expire(`it is ${days(age)} old, and there are ${kept.length} newer good ones`);
  }
  return newestFirst.map((backup) => ({ backup, ...decide(backup) }));
}

function keep(why: string): Omit<Retained, 'backup'> {
  return { expires: false, why };
}

function expire(why: string): Omit<Retained, 'backup'> {
  return { expires: true, why };
}

function ageOf(at: string, now: Date): number {
  return (now.getTime() - Date.parse(at)) / day;
}

function days(count: number): string {
  const whole = Math.floor(count);
  return `${whole} day${whole === 1 ? '' : 's'}`;
}
