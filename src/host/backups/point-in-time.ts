import type { ChangingEngine } from '../docker/client.ts';
import { runHelper } from '../exec.ts';
import { failed, impossible, type Observation, passed } from '../../backups/levels/files.ts';
import { restoreScript } from '../../backups/restore-script.ts';
import type { ArchivePlace, Backup, BackupPart } from '../../backups/types.ts';

export interface PointInTimeRequest {
  readonly backup: Backup;
  readonly part: BackupPart;
  readonly image: string;
  /** A superuser of the source. */
  readonly role: string;
  readonly archive: ArchivePlace | undefined;
  readonly timeoutMs: number;
}

/**
 * L6: a copy is brought to the beginning of the newest file in the archive, by all the files between, and every database of
 * it is asked. How long that took is how long it takes; what was committed last is what it would have saved.
 */
export async function pointInTimeLevel(
  engine: ChangingEngine,
  { backup, part, image, role, archive, timeoutMs }: PointInTimeRequest,
): Promise<Observation> {
  if (part.kind !== 'base-backup')
    return impossible('not-supported', `${part.path}: only from a base backup can a moment be reached.`);
  if (archive === undefined) return impossible('not-supported', 'Its source archives no WAL.');
  const head = ['/scratch/data', 'base-backup', part.path, 'newest', role, String(Math.ceil(part.bytes / 700)), '', ''];
  const { stdout, stderr } = await runHelper(engine, {
    image,
    command: ['timeout', '-k', '10', String(Math.ceil(timeoutMs / 1000)), 'bash', '-c', restoreScript],
    stdin: `${head.map((line) => line.replaceAll(/[\r\n\0]/g, '')).join('\n')}\n`,
    scratch: '/scratch',
    mounts: [
      { type: 'bind', source: backup.folder, target: '/backup', readonly: true },
      { ...archive, target: '/archive', readonly: true },
    ],
    capabilities: ['CHOWN', 'FOWNER', 'DAC_OVERRIDE', 'SETUID', 'SETGID'],
    timeoutMs: timeoutMs + 20_000,
  });
  return observationOf(part.path, stdout.split('\n'), stderr);
}

function observationOf(path: string, lines: readonly string[], stderr: string): Observation {
  const faults = said(lines, 'fault');
  const [room] = said(lines, 'no-room');
  if (room !== undefined) return impossible('no-room', `A copy needs more than there is: ${room} KiB.`);
  if (faults.some((line) => /the archive is empty|before consistent recovery point/.test(line)))
    return impossible('not-supported', `${path}: the archive holds nothing yet from after this backup.`);
  if (faults.length > 0)
    return failed(
      faults.some((line) => /ended before configured recovery target|requested WAL segment|could not locate/.test(line))
        ? 'missing-wal'
        : 'does-not-restore',
      `${path}: ${faults.slice(0, 3).join(' | ')}`,
    );
  if (!lines.includes('over')) return impossible('time-out', `${path}: the drill broke off. ${stderr.slice(0, 300)}`);
  const [stopped = ''] = said(lines, 'stopped');
  const [replayed = 'none'] = said(lines, 'replayed');
  return passed(
    `${path} and the archive of its source lead to the newest archived file: ${stopped}; last transaction ${replayed}; ${said(lines, 'database').length} databases answered.`,
  );
}

function said(lines: readonly string[], word: string): readonly string[] {
  return lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
}
