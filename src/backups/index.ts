import { putBackBackup, quarantineBackup, recordVerification, releaseBackup } from './quarantine.ts';
import { checkBackup, type CheckSources } from './prove.ts';
import { expireBackup, removeExpired, unexpireBackup } from './expire.ts';
import { findBackup, listBackups, listExpired, readFingerprints } from './inventory.ts';
import { takeBackup, type TakeSources } from './take.ts';
import type { BackupChanger, BackupReader } from './types.ts';

export function readBackups(folders: readonly string[], sources: CheckSources): BackupReader {
  return {
    folders,
    list: (instance) => listBackups(folders, instance),
    read: (ref) => findBackup(folders, ref),
    expired: (instance) => listExpired(folders, instance),
    fingerprints: readFingerprints,
    check: (backup, request) => checkBackup(sources, backup, request),
  };
}

export function changeBackups(folders: readonly string[], sources: TakeSources): BackupChanger {
  return {
    take: (request) => takeBackup(sources, folders, request),
    record: (backup, answer) => recordVerification(folders, backup, answer),
    quarantine: (backup, reason) => quarantineBackup(folders, backup, reason),
    release: (backup) => releaseBackup(folders, backup),
    putBack: (backup) => putBackBackup(folders, backup),
    expire: (backup) => expireBackup(folders, backup),
    unexpire: (instance, name) => unexpireBackup(folders, instance, name),
    removeExpired: (instance, name) => removeExpired(folders, instance, name),
  };
}
