import { readFileSync, realpathSync } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import { ProblemsError } from '../errors.ts';

/** A registry that may be written back: valid UTF-8, and within the folder that the command works in. */
export interface EditableFile {
  /** With its byte-order mark, if it has one. */
  readonly text: string;
  /**
   * Puts a new text in place of the old one: the whole of it or, where that fails, nothing.
   * @throws ProblemsError `file-changed`: somebody else wrote the file since it was read; `file-unwritable`.
   */
  replace(text: string): Promise<void>;
}

/**
 * Opens a file for an edit. A path within `cwd` must not lead out of it through a link, any other path not out of its
 * own folder.
 * @throws ProblemsError `file-unreadable` (also for bytes that are not UTF-8: they could not be written back as they
 * are), `outside-root`.
 */
export function openRegistry(path: string, cwd: string): EditableFile {
  const file = resolve(cwd, path);
  const real = realPathWithin(file, isWithin(file, cwd) ? cwd : dirname(file), path);
  const before = bytesOf(real, path);
  return {
    text: decoded(before, path),
    async replace(text) {
      const { default: writeFileAtomic } = await import('write-file-atomic');
      if (!before.equals(bytesOf(real, path))) {
        throw new ProblemsError('file-changed', `${path} was changed while it was worked on`, {
          hint: 'Run the command again.',
        });
      }
      try {
        await writeFileAtomic(real, text);
      } catch (cause) {
        throw new ProblemsError('file-unwritable', `${path} cannot be written: ${reasonOf(cause)}`, { cause });
      }
    },
  };
}

function realPathWithin(file: string, root: string, path: string): string {
  let real: string;
  try {
    real = realpathSync(file);
  } catch (error) {
    throw unreadable(path, error);
  }
  if (isWithin(real, realpathSync(root))) return real;
  throw new ProblemsError('outside-root', `${path} leads out of ${root} through a link`, {
    hint: 'Name the file itself.',
  });
}

function isWithin(file: string, folder: string): boolean {
  const way = relative(folder, file);
  return way !== '..' && !way.startsWith(`..${sep}`) && resolve(folder, way) === file;
}

function bytesOf(file: string, path: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function decoded(bytes: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new ProblemsError('file-unreadable', `${path} is not valid UTF-8 and cannot be edited`, {
      hint: 'Save it as UTF-8.',
      cause,
    });
  }
}

function unreadable(path: string, cause: unknown): ProblemsError {
  return new ProblemsError('file-unreadable', `${path} cannot be read: ${reasonOf(cause)}`, { cause });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
