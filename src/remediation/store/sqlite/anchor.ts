import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { userStateFolder } from '../../../host/user-key.ts';
import { readRegularFile } from '../../../read-file.ts';

/** The audit log as this user's processes have last seen it, kept outside the state file. */
export interface Anchored {
  readonly sequence: number;
  readonly hash: string;
  /** The operator has accepted the log up to this entry as it is; 0: none. */
  readonly accepted: number;
}

export interface Anchor {
  read(): Anchored | undefined;
  /** A failure is ignored: then an older anchor says less, and still the truth. */
  write(anchored: Anchored): void;
}

const mostBytes = 256;

/**
 * A small file in the user's state folder, named after the path of the state file. Someone who can write the state file can
 * make a new chain of hashes, but not one that ends in the anchored hash.
 */
export function anchorOf(stateFile: string): Anchor {
  if (stateFile === ':memory:') return { read: () => undefined, write: () => undefined };
  const folder = join(userStateFolder(), 'journals');
  const path = join(realpathSync(dirname(stateFile)), basename(stateFile));
  const file = join(folder, createHash('sha256').update(path).digest('hex').slice(0, 32));
  return {
    read() {
      try {
        const read = readRegularFile(file, { most: mostBytes, followLink: false });
        if (read.type !== 'read' || read.stats.uid !== process.getuid?.()) return undefined;
        const [, sequence, hash = '', accepted] =
          /^(\d{1,15}) ([0-9a-f]{64}) (\d{1,15})\n$/.exec(read.bytes.toString('utf8')) ?? [];
        return sequence === undefined ? undefined : { sequence: Number(sequence), hash, accepted: Number(accepted) };
      } catch {
        return undefined;
      }
    },
    write({ sequence, hash, accepted }) {
      const temporary = `${file}.${process.pid}`;
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        writeFileSync(temporary, `${sequence} ${hash} ${accepted}\n`, { mode: 0o600 });
        renameSync(temporary, file);
      } catch {
        rmSync(temporary, { force: true });
      }
    },
  };
}
