import { open, readFile, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { entriesAt, isObject, type Json, listAt, numberAt, parseJson, textAt, textsAt } from '../util/json.ts';
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

/** The files that stand beside a backup. Whoever can write there may have written anything: what does not fit is left out. */

const maxBytes = 64 * 2 ** 20;

/** Undefined where there is none, or none that can be read. */
export async function readRecord(folder: string, name: string): Promise<Json | undefined> {
  const path = join(folder, name);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || !found.isFile() || found.size > maxBytes) return undefined;
  return parseJson(await readFile(path, 'utf8').catch(() => ''));
}

/** A temporary file, fsync, rename; readable by its owner alone, since a backup is. */
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

/** The folder and the one above it: a rename is durable when both are. */
export async function syncAround(folder: string): Promise<void> {
  await syncFolder(folder);
  await syncFolder(dirname(folder));
}

export function verificationOf(record: Json | undefined): BackupVerification | null {
  if (record === undefined || numberAt(record, 'schemaVersion') !== 1) return null;
  const tookMs = numberAt(record, 'tookMs');
  return {
    schemaVersion: 1,
    checks: listAt(record, 'checks').flatMap(checkOf),
    files: listAt(record, 'files').flatMap(fileOf),
    filesAt: textAt(record, 'filesAt'),
    filesBy: textAt(record, 'filesBy') === 'completion' ? 'completion' : 'first verification',
    ...(tookMs === 0 ? {} : { tookMs }),
  };
}

function checkOf(value: Json): readonly BackupCheck[] {
  const level = backupLevels.find((one) => one === textAt(value, 'level'));
  const result = (['passed', 'failed', 'impossible'] as const).find((one) => one === textAt(value, 'result'));
  const at = textAt(value, 'at');
  if (level === undefined || result === undefined || Number.isNaN(Date.parse(at))) return [];
  const cause: BackupCause | undefined = backupCauses.find((one) => one === textAt(value, 'cause'));
  const says = textsAt(value, 'says');
  return [{ level, result, at, ...(cause === undefined ? {} : { cause }), says, ms: numberAt(value, 'ms') }];
}

function fileOf(value: Json): readonly BackupFile[] {
  const [path, sha256] = [textAt(value, 'path'), textAt(value, 'sha256')];
  return path === '' || !/^[0-9a-f]{64}$/.test(sha256) ? [] : [{ path, bytes: numberAt(value, 'bytes'), sha256 }];
}

export function fingerprintsOf(record: Json | undefined): Fingerprints | undefined {
  if (record === undefined || numberAt(record, 'schemaVersion') !== 1) return undefined;
  return {
    schemaVersion: 1,
    at: textAt(record, 'at'),
    systemIdentifier: textAt(record, 'systemIdentifier'),
    serverVersion: textAt(record, 'serverVersion'),
    databases: listAt(record, 'databases').map(databaseOf),
  };
}

function databaseOf(value: Json): DatabaseFingerprint {
  return {
    database: textAt(value, 'database'),
    file: textAt(value, 'file') || null,
    tables: mapOf(value, 'tables', (entry) => ({ rows: textAt(entry, 'rows'), sum: textAt(entry, 'sum') })),
    sequences: mapOf(value, 'sequences', (entry) => ({ first: textAt(entry, 'first'), last: textAt(entry, 'last') })),
    indexes: mapOf(value, 'indexes', textOf),
    constraints: mapOf(value, 'constraints', textOf),
    functions: mapOf(value, 'functions', textOf),
    extensions: mapOf(value, 'extensions', textOf),
  };
}

function mapOf<Value>(value: Json, key: string, read: (entry: Json) => Value): Readonly<Record<string, Value>> {
  const found = isObject(value) ? entriesAt(value, key) : [];
  return Object.fromEntries(found.map(([name, entry]) => [name, read(entry)]));
}

function textOf(entry: Json): string {
  return typeof entry === 'string' ? entry : '';
}
