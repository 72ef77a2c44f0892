import { realpathSync } from 'node:fs';
import { importProblems } from '../import/import.ts';
import type { ImportResult } from '../import/types.ts';
import { readRegularFile } from '../read-file.ts';
import { findCandidates } from '../scan/candidates.ts';
import { componentsOf } from '../scan/components.ts';
import { codeOf, meaningOf } from '../scan/locations.ts';
import { readingOptions, type ScanEnvironment } from './scan.ts';

/** A problem file and what it proposes. */
export interface ImportedFile {
  /** Relative to the working folder. */
  readonly path: string;
  /** Absolute. */
  readonly file: string;
  readonly component: string;
  readonly text: string;
  readonly result: ImportResult;
}

export interface ImportReport {
  /** In the order of their paths. */
  readonly files: readonly ImportedFile[];
  /** Files that could not be read, with the reason as a sentence. */
  readonly refused: readonly { readonly path: string; readonly message: string }[];
}

/** In bytes. A problem file that people write has a thousandth of it. */
const largestImport = 4 * 1024 * 1024;

/**
 * Reads problem files and proposes records for what they hold: files that are named, whatever they are called, and every
 * `PROBLEMS.md` below folders that are named. Changes nothing.
 *
 * ```ts
 * const { files } = await proposeRecords(['.'], { cwd, config: await loadConfig(cwd) });
 * ```
 */
export async function proposeRecords(paths: readonly string[], environment: ScanEnvironment): Promise<ImportReport> {
  const reading = { ...readingOptions(environment), cache: false };
  const found = await findCandidates(paths, reading);
  const named = new Set(found.candidates.filter(({ isNamed }) => isNamed).map(({ path }) => path));
  // Files without markers are found by their paths alone; named one by one they get their components too.
  const all = await findCandidates([...found.candidates.map(({ path }) => path), ...found.unmarked], reading);
  const components = componentsOf([...all.candidates, ...all.others]);
  const files: ImportedFile[] = [];
  const refused = [...found.refused, ...all.refused];
  for (const { path, file } of all.candidates) {
    environment.signal?.throwIfAborted();
    const text = readText(file, named.has(path));
    if (typeof text !== 'string') refused.push({ path, ...text });
    else {
      const component = components.get(path) ?? 'root';
      files.push({ path, file, component, text, result: importProblems(text, { file: path }) });
    }
  }
  return { files, refused };
}

function readText(file: string, isNamed: boolean): string | { readonly message: string } {
  try {
    const read = readRegularFile(file, { most: largestImport, followLink: isNamed });
    if (read.type === 'refused') return { message: `The file cannot be read: it is ${read.is}.` };
    if (!isNamed && realpathSync.native(file) !== file) return { message: 'The file was replaced while it was read.' };
    if (!read.isWhole) return { message: 'The file is larger than 4 MB and is not read.' };
    return read.bytes.toString('utf8');
  } catch (error) {
    return { message: `The file cannot be read: ${meaningOf(codeOf(error))}.` };
  }
}
