import type { ChangingEngine } from '../../host/docker/client.ts';
import { dumpList, dumpRead, isNotAsked, type PartRequest } from '../probes/dump.ts';
import type { FileScan } from '../read-file.ts';
import type { BackupCause, BackupKind, BackupPart, DatabaseFingerprint } from '../types.ts';
import { needsNewer } from './drill.ts';
import { failed, impossible, type Observation, passed } from './files.ts';

export const archives: readonly BackupKind[] = ['custom', 'tar', 'directory'];

/** Who can read the dump, and what it should be of. */
export interface Wanted {
  /** The major version of the pg_dump that made it, if the image's is older; else undefined. */
  readonly newer: number | undefined;
  /** Undefined for one of several dumps, which may be of any database of the instance. */
  readonly database: string | undefined;
  readonly fingerprint: DatabaseFingerprint | undefined;
}

export interface ListedDump {
  readonly observation: Observation;
  readonly database: string | undefined;
  readonly tables: number;
  readonly tableData: number;
}

/** L1 of a dump in an archive format of pg_dump: reads its table of contents. */
export async function listLevel(engine: ChangingEngine, request: PartRequest, wanted: Wanted): Promise<ListedDump> {
  const listed = await dumpList(engine, request);
  if (isNotAsked(listed))
    return { observation: impossible(listed.impossible, listed.says), database: undefined, tables: 0, tableData: 0 };
  const { path } = request;
  const { database, tableData } = listed;
  const expected = Object.keys(wanted.fingerprint?.tables ?? {}).filter((name) => name !== 'large objects').length;
  const observation =
    !listed.ok && wanted.newer !== undefined
      ? needsNewer(path, wanted.newer, [listed.message])
      : !listed.ok
        ? failed(causeOf(listed.message), `${path}: ${listed.message}`)
        : listed.entries === 0 && listed.stated === 0
          ? failed('damaged', `${path} has no entries.`)
          : database !== undefined && wanted.database !== undefined && database !== listedName(wanted.database)
            ? failed('other-database', `${path} is a dump of the database ${database}, not of ${wanted.database}.`)
            : listed.tables < expected
              ? failed('damaged', `${path} has ${listed.tables} tables, but the source had ${expected}.`)
              : passed(`${path} has ${listed.entries} entries, including ${listed.tables} tables.`);
  return { observation, database, tables: listed.tables, tableData };
}

/** `pg_restore --list` writes a name on one line, and its reader drops spaces around it. */
function listedName(database: string): string {
  return database.replaceAll(/[\r\n]/g, ' ').trim();
}

/** L2: decompresses the whole dump. */
export async function readLevel(
  engine: ChangingEngine,
  request: PartRequest,
  tableData: number,
  newer: number | undefined,
): Promise<Observation> {
  const read = await dumpRead(engine, request);
  if (isNotAsked(read)) return impossible(read.impossible, read.says);
  const { path } = request;
  if (!read.ok && newer !== undefined) return needsNewer(path, newer, [read.message]);
  if (!read.ok) return failed(causeOf(read.message), `${path}: ${read.message}`);
  if (read.copies < tableData && tableData > 0 && read.copies > 0)
    return failed('damaged', `${path} lists the rows of ${tableData} tables, but contains those of ${read.copies}.`);
  return passed(`${path} can be decompressed completely.`);
}

/** L1 and L2 of a plain dump, from one pass over it. */
export function plainLevel(path: string, scan: FileScan | undefined, wanted: Wanted): Observation {
  const text = scan?.text;
  if (text === undefined) return impossible('unreadable', `${path} was not read.`);
  const expected = Object.keys(wanted.fingerprint?.tables ?? {}).filter((name) => name !== 'large objects').length;
  if (text.createsTables < expected)
    return failed('damaged', `${path} creates ${text.createsTables} tables, but the source had ${expected}.`);
  return passed(`${path} was made by pg_dump ${text.dumpedBy ?? 'of an unknown version'} and can be read completely.`);
}

/** What a dump holds, from its list or its text: only the tables, only their rows, or both. */
export function contents(
  { path }: BackupPart,
  listed: ReadonlyMap<string, ListedDump>,
  scans: ReadonlyMap<string, FileScan>,
): 'structure' | 'rows' | 'both' {
  const list = listed.get(path);
  const text = scans.get(path)?.text;
  const [tables, rows] = list === undefined ? [text?.createsTables, text?.givesRows] : [list.tables, list.tableData];
  if (tables === undefined || rows === undefined || tables > 0 === rows > 0) return 'both';
  return tables > 0 ? 'structure' : 'rows';
}

/** Plain SQL with the tables of a part that has only their rows: `schema.sql` before `data.sql`, and the like. */
export function structureBefore(
  part: BackupPart,
  parts: readonly BackupPart[],
  listed: ReadonlyMap<string, ListedDump>,
  scans: ReadonlyMap<string, FileScan>,
): string | undefined {
  const schema = parts.find(({ path }) => path === 'schema.sql')?.path;
  // The managed layout, whose data.sql may have no rows.
  if (part.path === 'data.sql' && schema !== undefined) return schema;
  if (archives.includes(part.kind) || contents(part, listed, scans) !== 'rows') return undefined;
  return parts.find((one) => !archives.includes(one.kind) && contents(one, listed, scans) === 'structure')?.path;
}

export function rowsOnly(path: string): Observation {
  return impossible(
    'partial',
    `Not proven: ${path} has rows without their tables (pg_dump --data-only), and this backup has no plain dump of the tables.`,
  );
}

function causeOf(message: string): BackupCause {
  if (
    /end of file|unexpected end|premature end|too short|could not read from input file: (?:Success|end)/i.test(message)
  )
    return 'truncated';
  if (/could not open (?:input )?file|No such file or directory/.test(message)) return 'missing-file';
  return 'damaged';
}
