import type { Backup, BackupCheck } from '../../../backups/types.ts';
import type { Instance } from '../../../host/instance.ts';
import type { ReadonlyHost } from '../../contract.ts';
import type { BackupSettings } from './settings.ts';
import type { BadBackup } from './types.ts';

/** What is known of an instance's backups, the newest ones looked at as far as the bounds allow. */
export interface BackupsSeen {
  /** Complete or failed, not set aside, newest first. */
  readonly backups: readonly Backup[];
  readonly bad: readonly BadBackup[];
  /** Those of which nothing bad is known. */
  readonly standing: readonly Backup[];
  /** Whose structure was damaged though every file was as the server had sent it: the source was damaged then. */
  readonly bornDamaged: readonly Backup[];
  readonly notes: readonly string[];
}

/** One look may take this long for all backups of an instance; what was not reached is noted, and is not bad. */
const budgetMs = 60_000;

/**
 * Recorded answers count. One that nobody has verified yet is read once, up to L3; of one that somebody has, the files are
 * compared with what they were. What is too large for that is `problems backups verify`'s, and so are deeper levels.
 */
export async function lookAtBackups(
  instance: Instance,
  host: ReadonlyHost,
  settings: BackupSettings,
): Promise<BackupsSeen> {
  const { backups: all, notLookedAt } = await host.backups.list(instance.name);
  const newestFirst = all.toSorted((a, b) => (sortKey(a) < sortKey(b) ? 1 : -1));
  const backups = newestFirst.filter(isThere);
  const bad: BadBackup[] = [];
  const notes = notLookedAt.map(({ path, reason }) => `${path}: ${reason}`);
  const until = performance.now() + budgetMs;
  let readable = settings.readMegabytes * 1e6;
  // Those that are set aside count: else a repair would bring older ones into sight, and seem not to have helped.
  for (const backup of newestFirst.slice(0, settings.newest).filter(isThere)) {
    let failed = failureOf(backup);
    if (failed === undefined && (backup.bytes > readable || performance.now() > until)) {
      if (backup.verification === null) notes.push(`${backup.ref} is verified by nobody yet, and was not read here.`);
      continue;
    }
    if (failed === undefined) {
      readable -= backup.bytes;
      const upTo = backup.verification === null ? 'L3' : 'L0';
      const { checks } = await host.backups.check(backup, { upTo, instance, timeoutMs: budgetMs });
      failed = checks.find(({ result }) => result === 'failed');
    }
    if (failed !== undefined) bad.push(badOf(backup, failed));
  }
  const refs = new Set(bad.map(({ ref }) => ref));
  return {
    backups,
    bad,
    standing: backups.filter(({ ref }) => !refs.has(ref)),
    bornDamaged: backups.filter(isBornDamaged),
    notes,
  };
}

function isThere({ state }: Backup): boolean {
  return state === 'complete' || state === 'failed';
}

function sortKey({ createdAt, ref }: Backup): string {
  return `${createdAt} ${ref}`;
}

function failureOf({ verification }: Backup): BackupCheck | undefined {
  return verification?.checks.find(({ result }) => result === 'failed');
}

function badOf({ ref }: Backup, { cause = 'damaged', level, says }: BackupCheck): BadBackup {
  return { ref, cause, level, says: (says[0] ?? '').slice(0, 500) };
}

function isBornDamaged({ verification }: Backup): boolean {
  const checks = verification?.checks ?? [];
  const sent = checks.some(({ level, result }) => level === 'L3' && result === 'passed');
  return sent && checks.some(({ result, cause }) => result === 'failed' && cause === 'structure-damaged');
}
