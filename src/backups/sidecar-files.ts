import { open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isSigned, sign } from '../host/user-key.ts';
import {
  getEntries,
  isList,
  isObject,
  type Json,
  getArray,
  getNumber,
  parseJson,
  getString,
  getStrings,
} from '../util/json.ts';
import { readTextIfPossible } from '../read-file.ts';
import { compareBy, compareText } from '../util/compare.ts';
import { createReaders, readAsOwner } from '../postgres/as-owner.ts';
import {
  type BackupCause,
  backupCauses,
  type BackupCheck,
  type BackupFile,
  backupLevels,
  type BackupVerification,
  type DatabaseFingerprint,
  type Fingerprints,
} from './types.ts';

/** The files next to a backup. They may have been tampered with: values of the wrong shape are ignored. */

const maxBytes = 64 * 2 ** 20;

/** Undefined if there is none, or if it cannot be read. */
export async function readRecord(folder: string, name: string): Promise<Json | undefined> {
  const text = readTextIfPossible(join(folder, name), { most: maxBytes });
  return text === undefined ? undefined : parseJson(text);
}

/** Writes a temporary file, syncs and renames it. Only the owner can read it, as with the backup itself. */
export async function writeRecord(folder: string, name: string, value: unknown): Promise<void> {
  const temporary = join(folder, `.${name}.${process.pid}`);
  const handle = await open(temporary, 'w', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(value, undefined, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, join(folder, name));
  await syncFolder(folder);
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Syncs the folder and the one above it, which makes a rename durable. */
export async function syncWithParent(folder: string): Promise<void> {
  await syncFolder(folder);
  await syncFolder(dirname(folder));
}

/** What an inventory says of a `verification.json` that does not count. */
export const unsignedProof =
  'Its verification.json is not signed with the key of this user, so it is not proven yet. Verify it again.';

/** Only what this user wrote about this backup counts: anyone who can write to the folder can write such a file. */
export async function readVerification(
  folder: string,
  ref: string,
): Promise<{ readonly verification: BackupVerification | null; readonly isForeign: boolean }> {
  const record = await readRecord(folder, verificationFile);
  const verification = verificationOf(record);
  if (verification === null) return { verification, isForeign: record !== undefined };
  const isOurs = await isSigned(proof, signedText(ref, verification), getString(record, 'signature'));
  return isOurs ? { verification, isForeign: false } : { verification: null, isForeign: true };
}

/** @param ref `<instance>/<name>`. A copy of the file proves nothing about a backup with another name. */
export async function writeVerification(folder: string, ref: string, verification: BackupVerification): Promise<void> {
  const signature = await sign(proof, signedText(ref, verification));
  await writeRecord(folder, verificationFile, { ...verification, signature });
}

const verificationFile = 'verification.json';
const proof = 'proof of a backup';

/** As it will be read, with its keys in that order. */
function signedText(ref: string, verification: BackupVerification): string {
  return JSON.stringify([ref, verificationOf(parseJson(JSON.stringify(verification)))]);
}

function verificationOf(record: Json | undefined): BackupVerification | null {
  if (record === undefined || getNumber(record, 'schemaVersion') !== 1) return null;
  const tookMs = getNumber(record, 'tookMs');
  return {
    schemaVersion: 1,
    checks: getArray(record, 'checks').flatMap(checkOf),
    files: getArray(record, 'files').flatMap(fileOf),
    filesAt: getString(record, 'filesAt'),
    filesBy: getString(record, 'filesBy') === 'completion' ? 'completion' : 'first verification',
    ...(tookMs === 0 ? {} : { tookMs }),
  };
}

function checkOf(value: Json): readonly BackupCheck[] {
  const level = backupLevels.find((one) => one === getString(value, 'level'));
  const result = (['passed', 'failed', 'impossible'] as const).find((one) => one === getString(value, 'result'));
  const at = getString(value, 'at');
  if (level === undefined || result === undefined || Number.isNaN(Date.parse(at))) return [];
  const cause: BackupCause | undefined = backupCauses.find((one) => one === getString(value, 'cause'));
  const says = getStrings(value, 'says');
  return [{ level, result, at, ...(cause === undefined ? {} : { cause }), says, ms: getNumber(value, 'ms') }];
}

function fileOf(value: Json): readonly BackupFile[] {
  const [path, sha256] = [getString(value, 'path'), getString(value, 'sha256')];
  return path === '' || !/^[0-9a-f]{64}$/.test(sha256) ? [] : [{ path, bytes: getNumber(value, 'bytes'), sha256 }];
}

export function fingerprintsOf(record: Json | undefined): Fingerprints | undefined {
  if (record === undefined || getNumber(record, 'schemaVersion') !== 1) return undefined;
  return {
    schemaVersion: 1,
    at: getString(record, 'at'),
    systemIdentifier: getString(record, 'systemIdentifier'),
    serverVersion: getString(record, 'serverVersion'),
    databases: getArray(record, 'databases').map(databaseOf),
  };
}

function databaseOf(value: Json): DatabaseFingerprint {
  return {
    database: getString(value, 'database'),
    file: getString(value, 'file') || null,
    tables: mapOf(value, 'tables', (entry) => ({ rows: getString(entry, 'rows'), sum: getString(entry, 'sum') })),
    sequences: mapOf(value, 'sequences', (entry) => ({
      first: getString(entry, 'first'),
      last: getString(entry, 'last'),
    })),
    indexes: mapOf(value, 'indexes', textOf),
    constraints: mapOf(value, 'constraints', textOf),
    functions: mapOf(value, 'functions', textOf),
    extensions: mapOf(value, 'extensions', textOf),
  };
}

function mapOf<Value>(value: Json, key: string, read: (entry: Json) => Value): Readonly<Record<string, Value>> {
  const found = isObject(value) ? getEntries(value, key) : [];
  return Object.fromEntries(found.map(([name, entry]) => [name, read(entry)]));
}

function textOf(entry: Json): string {
  return typeof entry === 'string' ? entry : '';
}

/**
 * The content of a database in lines of JSON, the same on every server of its major version: a script for psql with `\gexec`.
 * Text formats are fixed, and the sum of a table ignores the order (docs/engineering/backups.md#fingerprints). Left out is what
 * a dump does not preserve: temporary and unlogged tables, materialised views, members of extensions, and the text of
 * definitions.
 */
export const pinned = String.raw`
SET datestyle = 'ISO, YMD'; SET timezone = 'UTC'; SET intervalstyle = 'postgres'; SET extra_float_digits = 3;
SET bytea_output = 'hex'; SET lc_monetary = 'C'; SET search_path = ''; SET row_security = off; SET xmloption = 'content';
`;

const userSchema = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

function notOfExtension(catalog: string): string {
  return `NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass AND d.objid = o.oid AND d.deptype = 'e')`;
}

/** The tables whose rows are counted, each with `ONLY`. */
export const countedTables = `FROM pg_catalog.pg_class o JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
WHERE o.relkind = 'r' AND o.relpersistence = 'p' AND ${userSchema} AND ${notOfExtension('pg_class')}`;

/**
 * By oid: a name could meanwhile belong to a view of the schema's owner. A sequence that was never used is at its start.
 */
export const sequenceLines = String.raw`
SELECT json_build_array('sequence', format('%I.%I', n.nspname, o.relname), coalesce(pg_sequence_last_value(o.oid), s.seqstart)::text)
FROM pg_catalog.pg_class o JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace JOIN pg_catalog.pg_sequence s ON s.seqrelid = o.oid
WHERE o.relkind = 'S' AND o.relpersistence = 'p' AND ${userSchema} AND ${notOfExtension('pg_class')} ORDER BY o.oid;
`;

/** What `fingerprintLines` needs; before the transaction. */
export const fingerprintReaders = createReaders(countedTables);

const tableSum = String.raw`format('SELECT pg_catalog.json_build_array(''table''::text, %L::text, pg_catalog.count(*)::text, coalesce(pg_catalog.sum(pg_catalog.hashtextextended(pg_catalog.textin(pg_catalog.record_out(problems_row)), 0)::pg_catalog.numeric), 0)::text) FROM ONLY %I.%I problems_row', format('%I.%I', n.nspname, o.relname), n.nspname, o.relname)`;

/**
 * Tables come last, since reading them runs code of their owners. Expressions of their indexes may need a schema of their own.
 * With `public` in the path, all our names are qualified, and no cast that an owner may have written converts a row to text. If
 * reading fails nevertheless, that table has no sum; the others do.
 */
export const fingerprintLines = String.raw`
SELECT json_build_array('listed', format('%I.%I', n.nspname, o.relname))
${countedTables};
SELECT json_build_array('table', 'large objects', count(*)::text, sum(hashtextextended(oid::text || md5(lo_get(oid)), 0)::numeric)::text)
FROM pg_catalog.pg_largeobject_metadata HAVING count(*) > 0;
SELECT json_build_array('index', format('%I.%I', n.nspname, o.relname), format('%s %s %s %s', i.indrelid::regclass, m.amname, i.indisunique, i.indnatts))
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class o ON o.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace JOIN pg_catalog.pg_am m ON m.oid = o.relam
WHERE i.indisvalid AND ${userSchema} AND ${notOfExtension('pg_class')};
SELECT json_build_array('invalid', format('%I.%I', n.nspname, o.relname))
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class o ON o.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
WHERE NOT i.indisvalid AND o.relkind = 'i' AND ${userSchema};
SELECT json_build_array('constraint', format('%s.%I', o.conrelid::regclass, o.conname), o.contype)
FROM pg_catalog.pg_constraint o JOIN pg_catalog.pg_namespace n ON n.oid = o.connamespace
WHERE o.conrelid <> 0 AND o.contype IN ('c', 'f', 'p', 'u', 'x') AND ${userSchema} AND ${notOfExtension('pg_constraint')};
SELECT json_build_array('function', o.oid::regprocedure::text, md5(o.prosrc))
FROM pg_catalog.pg_proc o JOIN pg_catalog.pg_namespace n ON n.oid = o.pronamespace
WHERE ${userSchema} AND ${notOfExtension('pg_proc')};
SELECT json_build_array('extension', extname, extversion) FROM pg_catalog.pg_extension;
\set ON_ERROR_STOP off
\set ON_ERROR_ROLLBACK on
SELECT statement FROM (SELECT 0::pg_catalog.oid AS place, 'SET search_path = pg_catalog, public' AS statement UNION ALL
SELECT o.oid, ${readAsOwner(tableSum)} ${countedTables}) listed ORDER BY place \gexec
\set ON_ERROR_ROLLBACK off
\set ON_ERROR_STOP on
`;

/** The fingerprint of a database, and its invalid indexes. */
export interface ReadFingerprint extends DatabaseFingerprint {
  readonly invalid: readonly string[];
}

/** Parses the lines. Sequences may appear twice: before and after. */
export function fingerprintFrom(lines: readonly string[], database: string, file: string | null): ReadFingerprint {
  const kinds = {
    table: new Map<string, { rows: string; sum: string }>(),
    sequence: new Map<string, { first: string; last: string }>(),
    index: new Map<string, string>(),
    constraint: new Map<string, string>(),
    function: new Map<string, string>(),
    extension: new Map<string, string>(),
  };
  const invalid: string[] = [];
  for (const line of lines) {
    const value = parseJson(line);
    const [kind, name, first, second] = isList(value)
      ? value.map((item) => (typeof item === 'string' ? item : ''))
      : [];
    if (name === undefined) continue;
    if (kind === 'listed') kinds.table.set(name, kinds.table.get(name) ?? { rows: '', sum: '' });
    else if (kind === 'table') kinds.table.set(name, { rows: first ?? '', sum: second ?? '' });
    else if (kind === 'sequence')
      kinds.sequence.set(name, { first: kinds.sequence.get(name)?.first ?? first ?? '', last: first ?? '' });
    else if (kind === 'invalid') invalid.push(name);
    else if (kind === 'index' || kind === 'constraint' || kind === 'function' || kind === 'extension')
      kinds[kind].set(name, first ?? '');
  }
  return {
    database,
    file,
    tables: sorted(kinds.table),
    sequences: sorted(kinds.sequence),
    indexes: sorted(kinds.index),
    constraints: sorted(kinds.constraint),
    functions: sorted(kinds.function),
    extensions: sorted(kinds.extension),
    invalid: invalid.sort(compareText),
  };
}

function sorted<Value>(map: ReadonlyMap<string, Value>): Readonly<Record<string, Value>> {
  return Object.fromEntries([...map].sort(compareBy(([key]) => key)));
}

/** What is missing or different in the restored copy; empty if nothing is. */
export function differences(original: DatabaseFingerprint, restored: DatabaseFingerprint): readonly string[] {
  const found: string[] = [];
  for (const [name, { rows, sum }] of Object.entries(original.tables)) {
    const copy = restored.tables[name];
    if (copy === undefined) found.push(`table ${name} is missing`);
    // If one side could not be read, only the names are compared.
    else if (sum === '' || copy.sum === '') continue;
    else if (copy.rows !== rows) found.push(`table ${name} has ${copy.rows} rows, the source had ${rows}`);
    else if (copy.sum !== sum) found.push(`table ${name} has ${rows} rows like the source, but with different values`);
  }
  for (const name of Object.keys(restored.tables))
    if (original.tables[name] === undefined) found.push(`table ${name} was not in the source`);
  for (const [name, { first, last }] of Object.entries(original.sequences)) {
    const copy = restored.sequences[name]?.last;
    if (copy === undefined) found.push(`sequence ${name} is missing`);
    else if (first === last && copy !== first) found.push(`sequence ${name} is at ${copy}, in the source at ${first}`);
  }
  for (const [word, before, after] of [
    ['index', original.indexes, restored.indexes],
    ['constraint', original.constraints, restored.constraints],
    ['function', original.functions, restored.functions],
    ['extension', original.extensions, restored.extensions],
  ] as const)
    for (const [name, definition] of Object.entries(before))
      if (after[name] === undefined) found.push(`${word} ${name} is missing`);
      // A dump does not record the version of an extension: the image decides.
      else if (after[name] !== definition && word !== 'extension')
        found.push(`${word} ${name} differs from the source's`);
  return found;
}
