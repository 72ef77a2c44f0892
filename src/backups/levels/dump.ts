import type { ChangingEngine } from '../../host/docker/client.ts';
import { dumpList, dumpRead, isNotAsked, type PartRequest } from '../probes/dump.ts';
import type { FileScan } from '../read-file.ts';
import type { BackupCause, BackupKind, DatabaseFingerprint } from '../types.ts';
import { failed, impossible, type Observation, passed } from './files.ts';

export const archives: readonly BackupKind[] = ['custom', 'tar', 'directory'];

/** What the restoring server can read, and what the dump should be of. */
export interface Wanted {
  /** Major version of the image; undefined if it is not known. */
  readonly major: number | undefined;
  /** Undefined for one of several dumps, which may be of any database of the instance. */
  readonly database: string | undefined;
  readonly fingerprint: DatabaseFingerprint | undefined;
}

export interface ListedDump {
  readonly observation: Observation;
  readonly database: string | undefined;
  readonly tableData: number;
}

/** L1 of a dump in an archive format of pg_dump: reads its table of contents. */
export async function listLevel(engine: ChangingEngine, request: PartRequest, wanted: Wanted): Promise<ListedDump> {
  const listed = await dumpList(engine, request);
  if (isNotAsked(listed))
    return { observation: impossible(listed.impossible, listed.says), database: undefined, tableData: 0 };
  const { path } = request;
  const { database, tableData } = listed;
  const version = versionFault(path, listed.message, listed.dumpedBy, wanted.major);
  const expected = Object.keys(wanted.fingerprint?.tables ?? {}).filter((name) => name !== 'large objects').length;
  const observation =
    version ??
    (!listed.ok
      ? failed(causeOf(listed.message), `${path}: ${listed.message}`)
      : listed.entries === 0 && listed.stated === 0
        ? failed('damaged', `${path} has no entries.`)
        : database !== undefined && wanted.database !== undefined && database !== listedName(wanted.database)
          ? failed('other-database', `${path} is a dump of the database ${database}, not of ${wanted.database}.`)
          : listed.tables < expected
            ? failed('damaged', `${path} has ${listed.tables} tables, but the source had ${expected}.`)
            : passed(`${path} has ${listed.entries} entries, including ${listed.tables} tables.`));
  return { observation, database, tableData };
}

/** `pg_restore --list` writes a name on one line, and its reader drops spaces around it. */
function listedName(database: string): string {
  return database.replaceAll(/[\r\n]/g, ' ').trim();
}

/** L2: decompresses the whole dump. */
export async function readLevel(engine: ChangingEngine, request: PartRequest, tableData: number): Promise<Observation> {
  const read = await dumpRead(engine, request);
  if (isNotAsked(read)) return impossible(read.impossible, read.says);
  const { path } = request;
  if (!read.ok) return failed(causeOf(read.message), `${path}: ${read.message}`);
  if (read.copies < tableData && tableData > 0 && read.copies > 0)
    return failed('damaged', `${path} lists the rows of ${tableData} tables, but contains those of ${read.copies}.`);
  return passed(`${path} can be decompressed completely.`);
}

/** L1 and L2 of a plain dump, from one pass over it. */
export function plainLevel(path: string, scan: FileScan | undefined, wanted: Wanted): Observation {
  const text = scan?.text;
  if (text === undefined) return impossible('unreadable', `${path} was not read.`);
  const version = versionFault(path, '', text.dumpedBy, wanted.major);
  const expected = Object.keys(wanted.fingerprint?.tables ?? {}).filter((name) => name !== 'large objects').length;
  if (version !== undefined) return version;
  if (text.createsTables < expected)
    return failed('damaged', `${path} creates ${text.createsTables} tables, but the source had ${expected}.`);
  return passed(`${path} was made by pg_dump ${text.dumpedBy ?? 'of an unknown version'} and can be read completely.`);
}

/** This server's programs cannot restore the dump of newer ones, which says nothing about the dump. */
function versionFault(
  path: string,
  message: string,
  by: string | undefined,
  major: number | undefined,
): Observation | undefined {
  const made = Number(by?.split(/[.\s]/)[0]);
  if (/unsupported version \([\d.]+\) in file header/.test(message))
    return impossible('version', `${path}: ${message}: restoring it needs a newer major version.`);
  if (major === undefined || Number.isNaN(made) || made <= major) return undefined;
  return impossible('version', `${path} was made by pg_dump ${by}, but the instance runs ${major}.`);
}

function causeOf(message: string): BackupCause {
  if (/end of file|unexpected end|too short|could not read from input file: (?:Success|end)/i.test(message))
    return 'truncated';
  if (/could not open (?:input )?file|No such file or directory/.test(message)) return 'missing-file';
  return 'damaged';
}
