import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type UserFile, userFile } from '../../../host/user-file.ts';

const mostBytes = 512;

/**
 * A short text about a state file that is not in it, so that who can write the state file cannot change it. None for a state file
 * in memory.
 * @param ending Of its name: one state file may have several.
 */
export function outsideFile(stateFile: string, ending = ''): UserFile {
  if (stateFile === ':memory:') return { read: () => undefined, write: () => undefined };
  const path = join(realpathSync(dirname(stateFile)), basename(stateFile));
  const name = createHash('sha256').update(path).digest('hex').slice(0, 32);
  return userFile(join('journals', `${name}${ending}`), mostBytes);
}

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

/** Someone who can write the state file can make a new chain of hashes, but not one that ends in the anchored hash. */
export function anchorOf(stateFile: string): Anchor {
  const file = outsideFile(stateFile);
  return {
    read() {
      const [, sequence, hash = '', accepted] =
        /^(\d{1,15}) ([0-9a-f]{64}) (\d{1,15})\n$/.exec(file.read() ?? '') ?? [];
      return sequence === undefined ? undefined : { sequence: Number(sequence), hash, accepted: Number(accepted) };
    },
    write: ({ sequence, hash, accepted }) => file.write(`${sequence} ${hash} ${accepted}\n`),
  };
}

/** How often tables of the state file were signed, as this user's processes have last seen it. */
export interface Counts {
  /** 0: never. */
  of(name: string): number;
  /** A table was signed, in a transaction that may still fail. */
  note(): void;
  /** If something was noted, keeps the larger one of what is known and what was committed. */
  raise(committed: () => Readonly<Record<string, number>>): void;
}

/** Kept outside the state file: who puts an older table back, with the signature that it had, cannot put this back. */
export function countsOf(stateFile: string): Counts {
  const file = outsideFile(stateFile, '.signed');
  let isNoted = false;
  function known(): Map<string, number> {
    const lines = (file.read() ?? '').split('\n').map((line) => /^(\d{1,15}) ([a-z ]{1,30})$/.exec(line));
    return new Map(lines.flatMap((match) => (match === null ? [] : [[match[2] ?? '', Number(match[1])]])));
  }
  return {
    of: (name) => known().get(name) ?? 0,
    note() {
      isNoted = true;
    },
    raise(committed) {
      if (!isNoted) return;
      isNoted = false;
      const kept = known();
      const raised = Object.entries(committed()).filter(([name, count]) => count > (kept.get(name) ?? 0));
      if (raised.length === 0) return;
      const text = [...new Map([...kept, ...raised])].map(([name, count]) => `${count} ${name}\n`).join('');
      file.write(text);
    },
  };
}
