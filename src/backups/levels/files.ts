import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText, isWithin } from '../../util/text.ts';
import { compareCheckSums, type ComparedSums, isCheckSumFile } from '../check-sums.ts';
import { contentOf, type FolderEntry, ownFiles } from '../parts.ts';
import { canUnpack, isEncrypted, unpackCommand } from '../packing.ts';
import { type FileScan, type ReadAs, scanFile, tooMuch } from '../read-file.ts';
import type { Backup, BackupCause, BackupFile, BackupPart, BackupVerification, Fingerprints } from '../types.ts';

/** One result; the results of a level make up its check. */
export interface Observation {
  readonly result: 'passed' | 'failed' | 'impossible';
  readonly cause?: BackupCause;
  readonly says: string;
}

export function passed(says: string): Observation {
  return { result: 'passed', says };
}

export function failed(cause: BackupCause, says: string): Observation {
  return { result: 'failed', cause, says };
}

export function impossible(cause: BackupCause, says: string): Observation {
  return { result: 'impossible', cause, says };
}

export interface FilesLevel {
  readonly observations: readonly Observation[];
  readonly files: readonly BackupFile[];
  /** By path, of each part that is a single file. */
  readonly scans: ReadonlyMap<string, FileScan>;
}

/** L0, of `stored` and of the copy of it in plain text, if there is one: reads every file completely, compares it with its first state, and checks its structure. */
export async function filesLevel(
  backup: Backup,
  fingerprints: Fingerprints | undefined,
  signal: AbortSignal,
  stored?: Backup,
): Promise<FilesLevel> {
  if (stored !== undefined) return filesOfCopy(backup, stored, fingerprints, signal);
  const content = await contentOf(backup.folder);
  const observations: Observation[] = content.notes.map((note) => impossible('unreadable', note));
  const scans = new Map<string, FileScan>();
  const files: BackupFile[] = [];
  for (const file of content.files) {
    if (!isHashed(file, content.parts)) continue;
    const part = content.parts.find(({ path }) => path === file.path);
    try {
      const scan = await scanFile(join(backup.folder, file.path), formatOf(part), signal);
      files.push({ path: file.path, bytes: scan.bytes, sha256: scan.sha256 });
      if (part !== undefined) scans.set(part.path, scan);
    } catch (error) {
      signal.throwIfAborted();
      observations.push(impossible('unreadable', `${file.path}: ${errorText(error)}`));
    }
  }
  observations.push(...compareWithFirst(files, backup.verification));
  observations.push(...sumsSay(await compareCheckSums(backup.folder, files, signal)));
  for (const { path, kind } of content.parts)
    if (kind === 'tar' && !(await hasTarEnd(join(backup.folder, path))))
      observations.push(failed('truncated', `${path} has no end of a tar archive: some of it is missing.`));
  if (content.parts.length === 0) observations.push(withoutParts(content.files));
  for (const part of content.parts) observations.push(...observePart(part, scans.get(part.path)));
  for (const { file, database } of fingerprints?.databases ?? [])
    if (file !== null && !content.files.some(({ path }) => isWithin(path, file)))
      observations.push(failed('missing-file', `${file}, the dump of ${database}, is missing.`));
  return { observations, files, scans };
}

/** Of an encrypted backup the stored files count, and of its copy in plain text what they hold. */
async function filesOfCopy(
  copy: Backup,
  stored: Backup,
  fingerprints: Fingerprints | undefined,
  signal: AbortSignal,
): Promise<FilesLevel> {
  const [outer, inner] = [
    await filesLevel(stored, undefined, signal),
    await filesLevel({ ...copy, verification: null }, fingerprints, signal),
  ];
  const observations = [...outer.observations.filter(({ cause }) => cause !== 'encrypted'), ...inner.observations];
  return { observations, files: outer.files, scans: inner.scans };
}

function sumsSay({ matching, different }: ComparedSums): readonly Observation[] {
  const more = matching.length > 5 ? ', …' : '';
  return [
    ...different.map((says) => failed('damaged', says)),
    ...(matching.length === 0
      ? []
      : [passed(`The check sums of its maker match: ${matching.slice(0, 5).join(', ')}${more}.`)]),
  ];
}

/** L3 compares a base backup with the checksums of its manifest; hashing it here would read it twice. */
function isHashed({ path }: FolderEntry, parts: readonly BackupPart[]): boolean {
  if (path.startsWith('.') || ownFiles.includes(path)) return false;
  const base = parts.find(
    (part) => part.kind === 'base-backup' && (part.path === '.' || path.startsWith(`${part.path}/`)),
  );
  return base === undefined || path.endsWith('backup_manifest');
}

/** Two empty blocks. Without them pg_restore may search for the next entry for ever. */
async function hasTarEnd(path: string): Promise<boolean> {
  const handle = await open(path, 'r').catch(() => undefined);
  if (handle === undefined) return true;
  try {
    const { size } = await handle.stat();
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(1_024), 0, 1_024, Math.max(0, size - 1_024));
    return size % 512 === 0 && bytesRead === 1_024 && buffer.every((byte) => byte === 0);
  } finally {
    await handle.close();
  }
}

function formatOf(part: BackupPart | undefined): ReadAs {
  if (part === undefined || !isText(part)) return 'bytes';
  const packing = part.kind === 'plain-gzip' ? 'gzip' : part.packing;
  return packing !== undefined && !canUnpack(packing) ? 'bytes' : { packing };
}

function isText({ kind }: BackupPart): boolean {
  return kind === 'plain' || kind === 'plain-gzip' || kind === 'cluster' || kind === 'globals';
}

/** Nothing at all is empty. Files of a format that is not known here may be a backup nevertheless. */
function withoutParts(files: readonly FolderEntry[]): Observation {
  const unknown = files.filter(
    ({ path, bytes }) => bytes > 0 && !path.startsWith('.') && !ownFiles.includes(path) && !isCheckSumFile(path),
  );
  if (unknown.length === 0) return failed('empty', 'It contains nothing that can be restored.');
  const names = unknown.slice(0, 3).map(({ path }) => path);
  return impossible(
    'not-supported',
    `Not proven: none of its files is in a known backup format (${names.join(', ')}${unknown.length > 3 ? ', …' : ''}).`,
  );
}

function compareWithFirst(now: readonly BackupFile[], before: BackupVerification | null): readonly Observation[] {
  if (before === null || before.files.length === 0)
    return [passed(`${now.length} files were read completely; there is no earlier state to compare them with.`)];
  const since = `since ${before.filesAt} (${before.filesBy})`;
  const found: Observation[] = [];
  for (const { path, sha256 } of before.files) {
    const file = now.find((one) => one.path === path);
    if (file === undefined) found.push(failed('missing-file', `${path} is gone ${since}.`));
    else if (file.sha256 !== sha256) found.push(failed('changed-since', `${path} has changed ${since}.`));
  }
  const added = now.filter(({ path }) => !before.files.some((one) => one.path === path)).map(({ path }) => path);
  // Additional files do not harm the backup.
  const more = added.length === 0 ? '' : ` Added since: ${added.join(', ')}.`;
  return found.length > 0 ? found : [passed(`All ${before.files.length} files are unchanged ${since}.${more}`)];
}

/** Why no level can say anything about a part: it is encrypted, or plain SQL in a wrapping that is not read here. */
export function closedPart(part: BackupPart): Observation | undefined {
  const { path, packing } = part;
  if (packing === undefined) return undefined;
  const command = `${unpackCommand(packing, path)} (in a folder of its own among the backups)`;
  if (isEncrypted(packing))
    return impossible(
      'encrypted',
      `Not proven: ${path} is encrypted with ${packing}. ${packing === 'openssl' ? 'Decrypt it first' : 'Name its key in the config (remediation.backupKeys), or decrypt it first'}: ${command}`,
    );
  if (!isText(part) || canUnpack(packing)) return undefined;
  const why = packing === 'zstd' ? 'needs Node.js 22.15 or newer' : `needs ${packing} on this machine`;
  return impossible('not-supported', `Not proven: plain SQL in ${packing} ${why}. Unpack ${path} first: ${command}`);
}

function observePart(part: BackupPart, scan: FileScan | undefined): readonly Observation[] {
  const { path, kind, bytes } = part;
  const closed = closedPart(part);
  if (closed !== undefined) return [closed];
  if (kind === 'unknown') return [impossible('not-supported', `${path} is not in a supported backup format.`)];
  if (scan === undefined) return [];
  if (bytes === 0) return [failed('empty', `${path} is empty.`)];
  if (wentThroughTerminal(scan))
    return [
      failed(
        'terminal',
        `${path}: each of its ${scan.lineFeeds} line feeds follows a carriage return, as in the output of a terminal (docker exec -t).`,
      ),
    ];
  return scan.text === undefined ? [] : [observeText(part, scan)];
}

/** In a compressed file with this many line feeds, all of them follow a carriage return only after a terminal. */
function wentThroughTerminal({ lineFeeds, carriageReturns }: FileScan): boolean {
  return lineFeeds >= 4 && carriageReturns === lineFeeds;
}

/** As zlib and zstd, xz, bzip2 and lz4 say it. */
const brokenOff = /unexpected end|ends unexpectedly|unfinished stream|premature end/i;

function observeText({ path, kind }: BackupPart, { text, unpacking, refusal }: FileScan): Observation {
  if (unpacking === tooMuch) return impossible('not-supported', `Not proven: ${path}: ${unpacking}.`);
  if (unpacking?.includes('emory') === true)
    return impossible('not-supported', `Not proven: ${path} cannot be decompressed: ${unpacking}`);
  if (unpacking !== undefined)
    return failed(brokenOff.test(unpacking) ? 'truncated' : 'damaged', `${path} cannot be decompressed: ${unpacking}`);
  if (text === undefined) return impossible('unreadable', `${path} was not read.`);
  if (text.bytes === 0)
    return failed('empty', `${path} contains nothing: the program whose output was compressed printed nothing.`);
  const isCluster = kind === 'cluster' || kind === 'globals' || text.clusterBegins > 0;
  const [begins, ends] = isCluster ? [text.clusterBegins, text.clusterEnds] : [text.begins, text.ends];
  if (begins === 0)
    return failed('damaged', `${path} does not begin like a dump: ${JSON.stringify(text.head.slice(0, 80))}`);
  if (begins > 1)
    return failed(
      'clobbered',
      `${path} contains the beginnings of ${begins} dumps: several were written into one file.`,
    );
  if (text.insideCopy) return failed('truncated', `${path} ends in the middle of a table's rows.`);
  if (ends === 0) return failed('truncated', `${path} has no mark for the end of the dump.`);
  if (text.afterEnd || ends > begins)
    return failed('clobbered', `${path} continues after the end of the dump: several were written into one file.`);
  if (refusal !== undefined)
    return failed(
      'does-not-restore',
      `line ${refusal.line} of ${path}: ${refusal.reason}. Such a dump is not restored.`,
    );
  return passed(`${path} is a complete plain dump by its own marks.`);
}
