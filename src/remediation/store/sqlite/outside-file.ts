import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { userStateFolder } from '../../../host/user-key.ts';
import { readRegularFile } from '../../../read-file.ts';

/** A short text about a state file that is not in it, so that who can write the state file cannot change it. */
export interface OutsideFile {
  /** Undefined if there is none, or if this user did not write it. */
  read(): string | undefined;
  /** A failure is ignored: then an older text says less, and still the truth. */
  write(text: string): void;
}

const mostBytes = 512;

/**
 * A file in the user's state folder, named after the path of the state file. None for a state file in memory.
 * @param ending Of its name: one state file may have several.
 */
export function outsideFile(stateFile: string, ending = ''): OutsideFile {
  if (stateFile === ':memory:') return { read: () => undefined, write: () => undefined };
  const folder = join(userStateFolder(), 'journals');
  const path = join(realpathSync(dirname(stateFile)), basename(stateFile));
  const file = join(folder, `${createHash('sha256').update(path).digest('hex').slice(0, 32)}${ending}`);
  return {
    read() {
      try {
        const read = readRegularFile(file, { most: mostBytes, followLink: false });
        if (read.type !== 'read' || read.stats.uid !== process.getuid?.()) return undefined;
        return read.bytes.toString('utf8');
      } catch {
        return undefined;
      }
    },
    write(text) {
      const temporary = `${file}.${process.pid}`;
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        writeFileSync(temporary, text, { mode: 0o600 });
        renameSync(temporary, file);
      } catch {
        rmSync(temporary, { force: true });
      }
    },
  };
}
