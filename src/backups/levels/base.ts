import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChangingEngine } from '../../host/docker/client.ts';
import { isNotAsked, type PartRequest } from '../probes/dump.ts';
import { verifyBaseBackup } from '../probes/base.ts';
import { contentOf } from '../parts.ts';
import { failed, impossible, type Observation, passed } from './files.ts';
import type { Backup, BackupCause, BackupPart } from '../types.ts';

/** DB_SHUTDOWNED and DB_SHUTDOWNED_IN_RECOVERY of pg_control.h. */
const shutDown: readonly number[] = [1, 2];

/** L1 of a server's files: whether it is a backup at all, or what somebody copied while the server was writing. */
export async function baseLevel(backup: Backup, part: BackupPart, major: number | undefined): Promise<Observation> {
  const { files } = await contentOf(backup.folder);
  const prefix = part.path === '.' ? '' : `${part.path}/`;
  function has(path: string): boolean {
    return files.some((file) => file.path === `${prefix}${path}`);
  }
  if (part.kind === 'base-backup-tar') return passed(`${part.path} holds the archives of a base backup.`);
  if (!has('PG_VERSION') || !has('global/pg_control'))
    return failed(
      'missing-file',
      `${part.path} lacks ${has('PG_VERSION') ? 'global/pg_control' : 'PG_VERSION'}: no server starts on it.`,
    );
  const version = (await readFile(join(backup.folder, prefix, 'PG_VERSION'), 'utf8').catch(() => '')).trim();
  if (major !== undefined && version !== String(major))
    return impossible(
      'version',
      `${part.path} is of PostgreSQL ${version}, and the instance's programs are of ${major}.`,
    );
  if (part.kind === 'base-backup')
    return has('backup_manifest')
      ? passed(`${part.path} is a base backup with a manifest.`)
      : passed(`${part.path} is a base backup without a manifest: L3 cannot be asked.`);
  const state = await controlState(join(backup.folder, prefix, 'global/pg_control'));
  if (state !== undefined && shutDown.includes(state) && !has('postmaster.pid'))
    return passed(`${part.path} is a copy of the data directory of a server that had shut down.`);
  return failed(
    'copied-data-directory',
    `${part.path} is a copy of a data directory taken while its server ran: there is neither backup_label nor backup_manifest` +
      `${has('postmaster.pid') ? ', and postmaster.pid is in it' : ''}. Each of its files is of another moment.`,
  );
}

async function controlState(path: string): Promise<number | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  return bytes === undefined || bytes.length < 20 ? undefined : bytes.readUInt32LE(16);
}

/** L3: `pg_verifybackup`. What the server sent is what lies there, and the WAL for it is whole. */
export async function manifestLevel(
  engine: ChangingEngine,
  request: PartRequest,
  /** Of the cluster that it should be of. */
  identifier: string | undefined,
): Promise<Observation> {
  const { path } = request;
  if (request.kind !== 'base-backup')
    return impossible(
      'no-manifest',
      `${path} has no manifest that pg_verifybackup of this version can compare it with.`,
    );
  const answer = await verifyBaseBackup(engine, request);
  if (isNotAsked(answer)) return impossible(answer.impossible, answer.says);
  if (/could not open file "[^"]*backup_manifest"/.test(answer.message))
    return impossible('no-manifest', `${path} has no manifest.`);
  if (!answer.ok) return failed(causeOfFault(answer.message), `${path}: ${answer.message}`);
  if (identifier !== undefined && answer.systemIdentifier !== undefined && answer.systemIdentifier !== identifier)
    return failed(
      'other-database',
      `${path} is of another cluster: its system identifier is ${answer.systemIdentifier}, not ${identifier}.`,
    );
  return passed(`${path}: backup successfully verified.`);
}

/** Of several faults the one that explains the others. */
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
