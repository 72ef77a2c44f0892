import { existsSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import { ProblemsError } from '../errors.ts';
import { fileErrorText, readRegularFile } from '../read-file.ts';
import type { NewValue } from '../registry/edit/index.ts';
import { type KindName, kinds } from '../registry/kinds/index.ts';
import { largestFile } from '../scan/marker-search.ts';

/** A registry that may be written back: valid UTF-8, and within the folder that may be edited. */
export interface EditableRegistry {
  /** With its byte-order mark, if it has one. */
  readonly text: string;
  /**
   * Replaces the file with a new text, atomically: all of it or, on failure, nothing.
   * @throws ProblemsError `file-changed`: the file was changed since it was read; `file-unwritable`.
   */
  replace(text: string): Promise<void>;
}

/**
 * Opens a file for an edit. A path within `cwd` must not leave it through a symbolic link; any other path must not leave
 * its own folder.
 * @throws ProblemsError `file-unreadable`: also for bytes that are not UTF-8, which could not be written back unchanged;
 * `outside-root`.
 */
export function openRegistry(path: string, cwd: string): EditableRegistry {
  const file = resolve(cwd, path);
  const real = realPathWithin(file, isWithin(file, cwd) ? cwd : dirname(file), path);
  const before = bytesOf(real, path);
  return {
    text: decoded(before, path),
    async replace(text) {
      const { replaceFile } = await import('./replace-file.ts');
      let isReplaced: boolean;
      try {
        isReplaced = await replaceFile(real, text, () => !before.equals(bytesOf(real, path)));
      } catch (cause) {
        if (cause instanceof ProblemsError) throw cause;
        throw new ProblemsError('file-unwritable', `${path} cannot be written: ${fileErrorText(cause)}.`, { cause });
      }
      if (isReplaced) return;
      throw new ProblemsError('file-changed', `${path} was changed by another program while it was being edited.`, {
        hint: 'Run the command again.',
      });
    },
  };
}

/** How often an edit is made again because another one came first. */
const mostTries = 20;

/**
 * Changes the text of a registry, with the protection of `openRegistry`. If another program changes the file meanwhile, the
 * change is made again on its new text, so that of several edits at once none is lost. Returns whether anything was written.
 *
 * ```ts
 * await editRegistry('PROBLEMS.md', cwd, (text) => setHeader(text, id, 'Status', 'investigating'));
 * ```
 * @param change May be called several times.
 * @throws ProblemsError as `openRegistry` and `replace`, and whatever the change throws.
 */
export async function editRegistry(path: string, cwd: string, change: (text: string) => string): Promise<boolean> {
  for (let tries = 1; ; tries += 1) {
    const file = openRegistry(path, cwd);
    const after = change(file.text);
    if (after === file.text) return false;
    try {
      await file.replace(after);
      return true;
    } catch (error) {
      if (!(error instanceof ProblemsError && error.code === 'file-changed') || tries === mostTries) throw error;
    }
  }
}

/**
 * Adds a blank record to a registry, under the heading of its kind if there is one; or, with `values`, a record with these.
 * Creates the registry if it does not exist. Placeholders are diagnostics until they are filled in. Returns whether the file
 * was created.
 *
 * ```ts
 * await addBlankRecord('active', 'PROBLEMS.md', cwd, [['title', 'Disk full'], ['severity', 'high']]);
 * ```
 * @throws ProblemsError as `openRegistry` and `replace`, and as `newRecord`.
 */
export async function addBlankRecord(
  kind: KindName,
  path: string,
  cwd: string,
  values: readonly NewValue[] = [],
): Promise<{ readonly created: boolean }> {
  const [{ addRecord, newRecord }, { blankRecord }] = await Promise.all([
    import('../registry/edit/index.ts'),
    import('../registry/kinds/blank.ts'),
  ]);
  const declaration = kinds.find(({ name }) => name === kind);
  if (declaration === undefined) throw new TypeError(`unknown kind ${kind}`);
  const block = values.length === 0 ? blankRecord(declaration) : newRecord(declaration, values);
  const file = resolve(cwd, path);
  if (!existsSync(file) && createFile(file, path, addRecord('# Problems\n', block))) return { created: true };
  await editRegistry(path, cwd, (text) => addRecord(text, block, kind));
  return { created: false };
}

const startingConfig = `# Settings of problems for this repository. Every key is optional: docs/configuration.md lists them all.

# components:
#   .: my-application

# ignore:
#   - examples/

# tasks:
#   dir: tasks
`;

const startingRegistry = `# Problems

What is wrong here, what was wrong, and what we learned from it. Each record is between two marker comments:
\`problems new active --into PROBLEMS.md\` adds a blank one, \`problems validate\` checks the file, and \`problems scan\`
says what to do first.

## Active Issues

## Intermittent Issues

## Resolved Issues

## Patterns
`;

export interface StartingFile {
  /** Relative to `cwd`. */
  readonly path: string;
  /** False: it existed and is unchanged. */
  readonly created: boolean;
}

/**
 * Creates `problems.config.yaml` and `PROBLEMS.md` in a folder, unless they exist.
 * @throws ProblemsError `file-unwritable`.
 */
export function initRegistry(folder: string, cwd: string): readonly StartingFile[] {
  const files = [
    ['problems.config.yaml', startingConfig],
    ['PROBLEMS.md', startingRegistry],
  ] as const;
  return files.map(([name, text]) => {
    const path = folder === '.' ? name : `${folder}/${name}`;
    return { path, created: createFile(resolve(cwd, folder, name), path, text) };
  });
}

/** Returns false if the file exists: nothing is ever overwritten. */
function createFile(file: string, path: string, text: string): boolean {
  try {
    writeFileSync(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw new ProblemsError('file-unwritable', `${path} cannot be written: ${fileErrorText(error)}.`, { cause: error });
  }
}

function realPathWithin(file: string, root: string, path: string): string {
  let real: string;
  try {
    real = realpathSync(file);
  } catch (error) {
    throw unreadable(path, error);
  }
  if (isWithin(real, realpathSync(root))) return real;
  throw new ProblemsError('outside-root', `${path} is outside ${root} (via a symbolic link).`, {
    hint: 'Name the file itself.',
  });
}

function isWithin(file: string, folder: string): boolean {
  const way = relative(folder, file);
  return way !== '..' && !way.startsWith(`..${sep}`) && resolve(folder, way) === file;
}

function bytesOf(file: string, path: string): Buffer {
  let read: ReturnType<typeof readRegularFile>;
  try {
    read = readRegularFile(file, { most: largestFile });
  } catch (error) {
    throw unreadable(path, error);
  }
  if (read.type === 'read' && read.isWhole) return read.bytes;
  const reason = read.type === 'read' ? `larger than ${largestFile} bytes` : `${read.is}, not a regular file`;
  throw new ProblemsError('file-unreadable', `${path} cannot be read: it is ${reason}`);
}

function decoded(bytes: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new ProblemsError('file-unreadable', `${path} is not valid UTF-8 and cannot be edited.`, {
      hint: 'Save it as UTF-8.',
      cause,
    });
  }
}

function unreadable(path: string, cause: unknown): ProblemsError {
  return new ProblemsError('file-unreadable', `${path} cannot be read: ${fileErrorText(cause)}.`, { cause });
}
