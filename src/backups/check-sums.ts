import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename, join, posix } from 'node:path';
import { readTextIfPossible } from '../read-file.ts';
import type { BackupFile } from './types.ts';

const mostBytes = 2 ** 20;

const listName = /^(?:sha256|md5)sums?(?:\.txt)?$/i;

/** Whether a file has the check sums of others: `shop.sql.gz.sha256`, `SHA256SUMS` and the like. */
export function isCheckSumFile(path: string): boolean {
  const name = basename(path);
  return listName.test(name) || /.\.(?:sha256|sha256sum|md5|md5sum)$/i.test(name);
}

interface CheckSum {
  /** Relative to the backup's folder. */
  readonly file: string;
  readonly sum: string;
}

/** The lines of sha256sum and md5sum, in their own format or with `--tag`, or a sum alone. */
function checkSumsIn(path: string, text: string): readonly CheckSum[] {
  const folder = posix.dirname(path);
  const own = basename(path).replace(/\.[^.]*$/, '');
  return text.split(/\r?\n/).flatMap((line): readonly CheckSum[] => {
    const tagged = /^(?:SHA256|MD5) \((.+)\) = ([0-9a-f]+)$/i.exec(line);
    const plain = /^([0-9a-f]+)(?:$| [ *](.+)$)/i.exec(line.trimEnd());
    const sum = (tagged?.[2] ?? plain?.[1] ?? '').toLowerCase();
    if (sum.length !== 64 && sum.length !== 32) return [];
    const name = tagged?.[1] ?? plain?.[2] ?? (listName.test(basename(path)) ? '' : own);
    // Often with the path that it had on another machine; the file itself is in this folder.
    return name === '' ? [] : [{ file: posix.join(folder, basename(name)), sum }];
  });
}

export interface ComparedSums {
  /** Files whose check sums match, sorted as found. */
  readonly matching: readonly string[];
  /** Sentences. A mismatch is damage. */
  readonly different: readonly string[];
}

/** Compares the files of a backup with the check sums that its maker left in the folder. */
export async function compareCheckSums(
  folder: string,
  files: readonly BackupFile[],
  signal: AbortSignal,
): Promise<ComparedSums> {
  const different: string[] = [];
  const matching = new Set<string>();
  for (const { path } of files.filter((file) => isCheckSumFile(file.path))) {
    const text = readTextIfPossible(join(folder, path), { most: mostBytes }) ?? '';
    for (const { file, sum } of checkSumsIn(path, text)) {
      const found = files.find((one) => one.path === file);
      if (found === undefined) continue;
      const actual = sum.length === 64 ? found.sha256 : await md5Of(join(folder, file), signal);
      if (actual === sum) matching.add(file);
      else different.push(`${file} does not match its check sum in ${path}.`);
    }
  }
  return { matching: [...matching], different };
}

async function md5Of(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('md5');
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20, signal }))
    if (chunk instanceof Buffer) hash.update(chunk);
  return hash.digest('hex');
}
