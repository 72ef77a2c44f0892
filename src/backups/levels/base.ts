import { join } from 'node:path';
import { readRegularFile, readTextIfPossible } from '../../read-file.ts';
import type { ChangingEngine } from '../../host/docker/client.ts';
import { isNotAsked, type PartRequest } from '../probes/dump.ts';
import { verifyBaseBackup } from '../probes/base.ts';
import { contentOf } from '../parts.ts';
import { failed, impossible, type Observation, passed } from './files.ts';
import type { Backup, BackupCause, BackupPart } from '../types.ts';

/** DB_SHUTDOWNED and DB_SHUTDOWNED_IN_RECOVERY of pg_control.h. */
const shutDown: readonly number[] = [1, 2];

/** L1 of a server's files: whether they are a backup, or a copy that was made while the server was writing. */
export async function baseLevel(backup: Backup, part: BackupPart, major: number | undefined): Promise<Observation> {
  const { files } = await contentOf(backup.folder);
  const prefix = part.path === '.' ? '' : `${part.path}/`;
  function has(path: string): boolean {
    return files.some((file) => file.path === `${prefix}${path}`);
  }
  if (part.kind === 'base-backup-tar') return passed(`${part.path} contains the archives of a base backup.`);
  if (!has('PG_VERSION') || !has('global/pg_control'))
    return failed(
      'missing-file',
      `${part.path} has no ${has('PG_VERSION') ? 'global/pg_control' : 'PG_VERSION'}, so no server can start with it.`,
    );
  const version = (readTextIfPossible(join(backup.folder, prefix, 'PG_VERSION'), { most: 64 }) ?? '').trim();
  if (major !== undefined && version !== String(major))
    return impossible('version', `${part.path} is of PostgreSQL ${version}, but the instance runs ${major}.`);
  if (part.kind === 'base-backup')
    return has('backup_manifest')
      ? passed(`${part.path} is a base backup with a manifest.`)
      : passed(`${part.path} is a base backup without a manifest, so L3 cannot run.`);
  const state = controlState(join(backup.folder, prefix, 'global/pg_control'));
  if (state !== undefined && shutDown.includes(state) && !has('postmaster.pid'))
    return passed(`${part.path} is a copy of the data directory of a server that was shut down.`);
  return failed(
    'copied-data-directory',
    `${part.path} is a copy of a data directory made while its server was running: it has neither backup_label nor backup_manifest` +
      `${has('postmaster.pid') ? ', and it contains postmaster.pid' : ''}. Its files are from different points in time.`,
  );
}

function controlState(path: string): number | undefined {
  try {
    const read = readRegularFile(path, { most: 8192 });
    return read.type === 'read' && read.bytes.length >= 20 ? read.bytes.readUInt32LE(16) : undefined;
  } catch {
    return undefined;
  }
}

/** L3: `pg_verifybackup` compares the files with what the server sent, and checks the WAL that they need. */
export async function manifestLevel(
  engine: ChangingEngine,
  request: PartRequest,
  /** The system identifier of the instance's cluster. */
  identifier: string | undefined,
): Promise<Observation> {
  const { path } = request;
  if (request.kind !== 'base-backup')
    return impossible('no-manifest', `${path} has no manifest that this version of pg_verifybackup can read.`);
  const answer = await verifyBaseBackup(engine, request);
  if (isNotAsked(answer)) return impossible(answer.impossible, answer.says);
  if (/could not open file "[^"]*backup_manifest"/.test(answer.message))
    return impossible('no-manifest', `${path} has no manifest.`);
  if (!answer.ok) return failed(causeOfFault(answer.message), `${path}: ${answer.message}`);
  if (identifier !== undefined && answer.systemIdentifier !== undefined && answer.systemIdentifier !== identifier)
    return failed(
      'other-database',
      `${path} belongs to another cluster: its system identifier is ${answer.systemIdentifier}, not ${identifier}.`,
    );
  return passed(`${path}: backup successfully verified.`);
}

/** The fault that explains the others. */
function causeOfFault(message: string): BackupCause {
  if (
    /manifest checksum mismatch|could not parse backup manifest|parsing failed: manifest|manifest ended unexpectedly/i.test(
      message,
    )
  )
    return 'manifest-damaged';
  if (
    /"(?:base|global|[^"/]+)[^"]*" is present in the manifest but not on disk/.test(message) &&
    !/"pg_wal/.test(message)
  )
    return 'missing-file';
  if (/WAL parsing failed/.test(message) && !/checksum mismatch for file|has size/.test(message)) return 'missing-wal';
  if (/has size \d+ .*but size \d+|has size/.test(message)) return 'truncated';
  return 'damaged';
}
