import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readRegularFile } from '../read-file.ts';
import { userStateFolder } from './user-key.ts';

/**
 * A short text that this user's processes keep for each other in their own state folder, where nobody else can change it. It may be
 * missing at any time.
 */
export interface UserFile {
  /** Undefined if there is none, if it is longer than allowed, or if this user did not write it. */
  read(): string | undefined;
  /** Replaces it as a whole. A failure is ignored: then an older text says less, and still the truth. */
  write(text: string): void;
}

/**
 * @param path Within the state folder: `journals/5f2c`.
 * @param most The most bytes to read.
 */
export function userFile(path: string, most: number): UserFile {
  const file = join(userStateFolder(), path);
  return {
    read() {
      try {
        const read = readRegularFile(file, { most, followLink: false });
        if (read.type !== 'read' || read.stats.uid !== process.getuid?.()) return undefined;
        return read.bytes.toString('utf8');
      } catch {
        return undefined;
      }
    },
    write(text) {
      const temporary = `${file}.${process.pid}`;
      try {
        mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
        writeFileSync(temporary, text, { mode: 0o600 });
        renameSync(temporary, file);
      } catch {
        rmSync(temporary, { force: true });
      }
    },
  };
}
