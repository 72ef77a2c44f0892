import { realpathSync } from 'node:fs';
import { importProblems } from '../import/import.ts';
import type { ImportResult } from '../import/types.ts';
import { fileErrorText, meaningOf, readRegularFile } from '../read-file.ts';
import { findCandidates } from '../scan/candidates.ts';
import { componentsOf } from '../scan/components.ts';
import { filesBelow } from '../scan/discovery.ts';
import { joined, locate } from '../scan/locations.ts';
import { isProblemFileName } from '../scan/walk.ts';
import { createYielder } from '../scan/yield.ts';
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
 * Reads problem files and proposes records for what they hold: files that are named, whatever they are called, and below folders
 * that are named every file that is called as problem files are, such as `PROBLEMS.md` and `KNOWN_ISSUES.md`. Changes nothing.
 *
 * ```ts
 * const { files } = await proposeRecords(['.'], { cwd, config: await loadConfig(cwd) });
 * ```
 */
export async function proposeRecords(paths: readonly string[], environment: ScanEnvironment): Promise<ImportReport> {
  const reading = { ...readingOptions(environment), cwd: environment.cwd, cache: false };
  const wanted: string[] = [];
  const named = new Set<string>();
  const refused: { path: string; message: string }[] = [];
  for (const path of paths) {
    const location = locate(path, environment.cwd);
    if (location.type !== 'folder') {
      wanted.push(path);
      named.add(location.path);
      continue;
    }
    const below = await filesBelow(location.file, reading, isProblemFileName, createYielder(reading));
    wanted.push(...below.files.map((one) => joined(location.path, one)));
    for (const one of below.unreadable)
      refused.push({
        path: joined(location.path, one.path) || '.',
        message: `It cannot be read: ${meaningOf(one.code)}.`,
      });
  }
  if (wanted.length === 0) return { files: [], refused };
  // Named one by one, the files get the components that they have in their project.
  const all = await findCandidates(wanted, reading);
  const components = componentsOf([...all.candidates, ...all.others]);
  const files: ImportedFile[] = [];
  refused.push(...all.refused);
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
    return { message: `The file cannot be read: ${fileErrorText(error)}.` };
  }
}
