import { ProblemsError } from '../../errors.ts';
import type { BackupChanger, BackupReader } from './types.ts';

function notYet(): never {
  throw new ProblemsError('not-found', 'Backups cannot be read yet.');
}

export function readBackups(folders: readonly string[]): BackupReader {
  return {
    folders,
    list: () => Promise.resolve({ backups: [], notLookedAt: [] }),
    read: () => Promise.resolve(undefined),
    fingerprints: () => Promise.resolve(undefined),
    check: notYet,
  };
}

export function changeBackups(): BackupChanger {
  return {
    take: notYet,
    record: notYet,
    quarantine: notYet,
    release: notYet,
    expire: notYet,
    unexpire: notYet,
    removeExpired: notYet,
  };
}
