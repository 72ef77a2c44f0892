import { writeFileSync } from 'node:fs';
import { ProblemsError } from '../errors.ts';

/**
 * Writes a file that does not exist yet. Returns false where one does: nothing is ever overwritten.
 * @throws ProblemsError `file-unwritable` where it cannot be written.
 */
export function createFile(file: string, path: string, text: string): boolean {
  try {
    writeFileSync(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ProblemsError('file-unwritable', `${path} cannot be written: ${reason}`, { cause: error });
  }
}
