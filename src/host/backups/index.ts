import { ProblemsError } from '../../errors.ts';
import { checkBackup, type CheckSources } from './check.ts';
import { findBackup, listBackups, readFingerprints } from './inventory.ts';
import type { BackupChanger, BackupReader } from './types.ts';

function notYet(): never {
  throw new ProblemsError('not-found', 'Backups cannot be changed yet.');
}

export function readBackups(folders: readonly string[], sources: CheckSources): BackupReader {
  return {
    folders,
    list: (instance) => listBackups(folders, instance),
    read: (ref) => findBackup(folders, ref),
    fingerprints: readFingerprints,
    check: (backup, request) => checkBackup(sources, backup, request),
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
