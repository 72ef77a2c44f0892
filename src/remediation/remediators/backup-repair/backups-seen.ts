import type { Backup, BackupCheck, BackupLevel } from '../../../host/backups/types.ts';
import type { Instance } from '../../../host/types.ts';
import type { ReadonlyHost } from '../../contract.ts';
import type { BadBackup } from './details.ts';
import type { BackupSettings } from './settings.ts';

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
 * Recorded answers count. A backup that nobody has verified is read once, up to L3; one that somebody has is asked for what
 * costs nothing. Deeper levels are `problems backups verify`'s.
 */
export async function lookAtBackups(
  instance: Instance,
  host: ReadonlyHost,
  settings: BackupSettings,
): Promise<BackupsSeen> {
  const { backups: all, notLookedAt } = await host.backups.list(instance.name);
  const backups = all
    .filter(({ state }) => state === 'complete' || state === 'failed')
    .sort((a, b) => (a.createdAt === b.createdAt ? (a.ref < b.ref ? 1 : -1) : a.createdAt < b.createdAt ? 1 : -1));
  const bad: BadBackup[] = [];
  const notes = notLookedAt.map(({ path, reason }) => `${path}: ${reason}`);
  const until = performance.now() + budgetMs;
  let readable = settings.readMegabytes * 1e6;
  for (const backup of backups.slice(0, settings.newest)) {
    let failed = failureOf(backup.verification?.checks ?? []);
    if (failed === undefined) {
      const upTo = levelFor(backup, readable);
      if (upTo !== 'L0' && upTo !== 'L1') readable -= backup.bytes;
      if (performance.now() > until) {
        notes.push(`${backup.ref} was not looked at: there was no time left.`);
        continue;
      }
      const { checks } = await host.backups.check(backup, { upTo, instance, timeoutMs: budgetMs });
      failed = failureOf(checks);
    }
    if (failed !== undefined) bad.push(badOf(backup, failed));
  }
  const refs = new Set(bad.map(({ ref }) => ref));
  return {
    backups,
    bad,
    standing: backups.filter(({ ref }) => !refs.has(ref)),
    bornDamaged: backups.filter(({ verification }) => isBornDamaged(verification?.checks ?? [])),
    notes,
  };
}

function failureOf(checks: readonly BackupCheck[]): BackupCheck | undefined {
  return checks.find(({ result }) => result === 'failed');
}

function levelFor({ verification, bytes }: Backup, readable: number): BackupLevel {
  if (verification !== null) return 'L0';
  return bytes <= readable ? 'L3' : 'L1';
}

function badOf({ ref }: Backup, { cause = 'damaged', level, says }: BackupCheck): BadBackup {
  return { ref, cause, level, says: (says[0] ?? '').slice(0, 500) };
}

function isBornDamaged(checks: readonly BackupCheck[]): boolean {
  const sent = checks.some(({ level, result }) => level === 'L3' && result === 'passed');
  return sent && checks.some(({ result, cause }) => result === 'failed' && cause === 'structure-damaged');
}

/** Restored at L4 or above, and nothing failed. */
export function isGood({ verification }: Pick<Backup, 'verification'>): boolean {
  const checks = verification?.checks ?? [];
  return failureOf(checks) === undefined && checks.some(({ level, result }) => level >= 'L4' && result === 'passed');
}
