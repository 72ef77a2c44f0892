import { bindCall, listBackups, type Remediation, verifyBackup } from '../app/remediation.ts';
import type { Backup, BackupAnswer, BackupLevel } from '../backups/types.ts';
import { errorText } from '../util/text.ts';
import type { ServiceEngine } from './engines.ts';
import type { Clock } from './scheduler.ts';
import type { BackupProof } from './types.ts';

/** The jobs of the calendar that prove backups. One backup after the other, since each reads a whole one. */
export interface BackupJobs {
  /** The newest backup of each instance, and those that were never verified, up to L3: they are read, not restored. */
  readonly verify: () => Promise<void>;
  /** Restores the newest backup of each instance and compares it (L5). */
  readonly drill: () => Promise<void>;
  /** The same, and tries its archive of WAL (L6). */
  readonly drillArchive: () => Promise<void>;
}

export interface BackupJobsOptions {
  readonly clock: Clock;
  readonly engines: readonly ServiceEngine[];
  readonly signal: AbortSignal;
  readonly onProof: (proof: BackupProof) => void;
  /** How busy the machine is: the load of the last minute for each processor. */
  readonly load: () => number;
}

/** A drill starts a server of its own, so it waits while the machine is busier than this. */
const busy = 1.5;
const busyPauseMs = 60_000;

/** Then it is made all the same: a machine that is always busy needs its backups too. */
const mostPauses = 60;

const levels: readonly BackupLevel[] = ['L0', 'L1', 'L2', 'L3', 'L4', 'L5', 'L6'];

export function createBackupJobs(options: BackupJobsOptions): BackupJobs {
  const { clock, engines, signal, onProof, load } = options;

  async function untilCalm(): Promise<void> {
    for (let pauses = 0; load() > busy && pauses < mostPauses && !signal.aborted; pauses += 1)
      await new Promise<void>((resolve) => {
        const cancel = clock.after(busyPauseMs, resolve);
        signal.addEventListener('abort', () => {
          cancel();
          resolve();
        });
      });
  }

  async function one(
    engine: ServiceEngine,
    remediation: Remediation,
    backup: Backup,
    upTo: BackupLevel,
  ): Promise<void> {
    const { backup: after, answer } = await verifyBackup(remediation, { backup: backup.ref, upTo });
    onProof({
      engine: engine.name,
      instance: backup.instance,
      backup: backup.ref,
      at: clock.now().toISOString(),
      level: after.reached === null ? -1 : levels.indexOf(after.reached),
      verdict: after.verdict,
      restoreSeconds: drillSeconds(answer),
    });
  }

  /** Backups that cannot be checked do not keep the others from it. @throws Error that names them. */
  async function each(
    chosen: (backups: readonly Backup[]) => readonly Backup[],
    upTo: BackupLevel,
    isHeavy: boolean,
  ): Promise<void> {
    const failures: string[] = [];
    for (const engine of engines) {
      try {
        const remediation = bindCall(await engine.remediation(), { signal });
        const { backups } = await listBackups(remediation);
        for (const backup of chosen(backups)) {
          if (isHeavy) await untilCalm();
          if (signal.aborted) return;
          await one(engine, remediation, backup, upTo).catch((error: unknown) => {
            failures.push(`${backup.ref}: ${remediation.session.redact.text(errorText(error))}`);
          });
        }
      } catch (error) {
        failures.push(`${engine.name}: ${errorText(error)}`);
      }
    }
    if (failures.length > 0) throw new Error(failures.join(' '));
  }

  return {
    verify: () => each(newestAndNew, 'L3', false),
    drill: () => each(newestOfEach, 'L5', true),
    drillArchive: () => each(newestOfEach, 'L6', true),
  };
}

/** How long restoring and comparing took; null if the answer has no drill. */
function drillSeconds({ checks }: BackupAnswer): number | null {
  const drill = checks.filter(({ level, result }) => level >= 'L4' && result !== 'impossible');
  return drill.length === 0 ? null : drill.reduce((sum, { ms }) => sum + ms, 0) / 1_000;
}

/** The newest complete backup of each instance. */
export function newestOfEach(backups: readonly Backup[]): readonly Backup[] {
  const newest = new Map<string, Backup>();
  for (const backup of backups) {
    const before = newest.get(backup.instance);
    if (backup.state !== 'complete' || (before !== undefined && before.createdAt >= backup.createdAt)) continue;
    newest.set(backup.instance, backup);
  }
  return [...newest.values()];
}

/** Those that were never verified come with the newest ones, which may have been changed since. */
export function newestAndNew(backups: readonly Backup[]): readonly Backup[] {
  const newest = newestOfEach(backups);
  return backups.filter(
    (backup) => newest.includes(backup) || (backup.state === 'complete' && backup.verification === null),
  );
}
