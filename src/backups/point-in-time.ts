import { join } from 'node:path';
import type { ChangingEngine } from '../host/docker/client.ts';
import { runHelper } from '../host/exec.ts';
import { imageUser } from '../host/probes/files.ts';
import { failed, impossible, type Observation, passed } from './levels/files.ts';
import { restoreInput } from './restore-input.ts';
import { place, restoreScratch, restoreScript } from './restore-script.ts';
import { hasTablespaces } from './tar-stream.ts';
import type { ArchivePlace, Backup, BackupPart } from './types.ts';

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
 * L6: recovers a copy to the beginning of the newest file in the archive, through all files in between, and queries each of
 * its databases. The duration is the recovery time to expect; the last commit shows what a recovery would have kept.
 */
export async function pointInTimeLevel(
  engine: ChangingEngine,
  { backup, part, image, role, archive, timeoutMs }: PointInTimeRequest,
): Promise<Observation> {
  if (part.kind !== 'base-backup')
    return impossible('not-supported', `${part.path}: only a base backup can be recovered to a point in time.`);
  if (archive === undefined) return impossible('not-supported', 'Its source does not archive WAL.');
  const folder = join(backup.folder, part.path);
  if (await hasTablespaces(folder))
    return impossible('not-supported', `${part.path}: it has tablespaces outside the data directory.`);
  const { uid, gid } = await imageUser(engine, image, 'postgres');
  if (uid === 0)
    return impossible('not-supported', 'The user postgres of the image is root, and nothing is restored as root.');
  const { stdout, stderr } = await runHelper(engine, {
    task: 'check-archive',
    image,
    user: `${uid}:${gid}`,
    command: ['timeout', '-k', '10', String(Math.ceil(timeoutMs / 1000)), 'bash', '-c', restoreScript],
    stdin: restoreInput({
      data: `${place}/data`,
      target: 'newest',
      role,
      needKiB: Math.ceil(part.bytes / 700),
      password: '',
      folder,
      dumps: undefined,
    }),
    scratch: restoreScratch,
    mounts: [{ ...archive, target: '/archive', readonly: true }],
    timeoutMs: timeoutMs + 20_000,
  });
  return observationOf(part.path, stdout.split('\n'), stderr);
}

function observationOf(path: string, lines: readonly string[], stderr: string): Observation {
  const faults = valuesOf(lines, 'fault');
  const [reserve] = valuesOf(lines, 'full');
  if (reserve !== undefined)
    return impossible(
      'no-room',
      `The copy grew until less than ${reserve} KiB of the disk were free, and was removed.`,
    );
  const [room] = valuesOf(lines, 'no-room');
  if (room !== undefined) return impossible('no-room', `A copy needs more space than is free: ${room} KiB.`);
  if (faults.some((line) => /the archive is empty|before consistent recovery point/.test(line)))
    return impossible('not-supported', `${path}: the archive contains nothing newer than this backup.`);
  if (faults.length > 0)
    return failed(
      faults.some((line) => /ended before configured recovery target|requested WAL segment|could not locate/.test(line))
        ? 'missing-wal'
        : 'does-not-restore',
      `${path}: ${faults.slice(0, 3).join(' | ')}`,
    );
  if (!lines.includes('over'))
    return impossible('time-out', `${path}: the drill was interrupted. ${stderr.slice(0, 300)}`);
  const [stopped = ''] = valuesOf(lines, 'stopped');
  const [replayed = 'none'] = valuesOf(lines, 'replayed');
  return passed(
    `${path} was recovered to the newest archived file: ${stopped}; last transaction ${replayed}; ${valuesOf(lines, 'database').length} databases answered.`,
  );
}

function valuesOf(lines: readonly string[], word: string): readonly string[] {
  return lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
}
