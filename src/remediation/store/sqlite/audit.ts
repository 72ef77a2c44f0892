import { createHash } from 'node:crypto';
import { type Json, parseJson } from '../../../util/json.ts';
import type { AuditBreak, AuditEntry, AuditLog } from '../store.ts';
import type { Anchor } from './anchor.ts';
import type { Database, Row } from './database.ts';

interface Entry {
  readonly at: string;
  readonly run: string | null;
  readonly event: string;
  readonly body: Json;
}

export interface AuditTable extends AuditLog {
  /** Call it within the transaction of the change that it records. */
  write(entry: Entry): void;
}

const beginning = '0'.repeat(64);

export function auditLog(database: Database, anchor: Anchor): AuditTable {
  let isLonger = false;
  database.afterCommit(() => {
    if (isLonger) moveAnchor();
    isLonger = false;
  });

  /** Not if the log no longer has what was anchored: that is told until an operator accepts it. */
  function moveAnchor(): void {
    const anchored = anchor.read();
    const last = lastEntry();
    if (last !== undefined && (anchored === undefined || hashAt(anchored.sequence) === anchored.hash))
      anchor.write({ ...last, accepted: anchored?.accepted ?? 0 });
  }

  function lastEntry(): { readonly sequence: number; readonly hash: string } | undefined {
    const row = database.one('SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1');
    return row === undefined ? undefined : { sequence: Number(row['sequence']), hash: String(row['hash']) };
  }

  function hashAt(sequence: number): string | undefined {
    const row = database.one('SELECT hash FROM audit WHERE sequence = ?', sequence);
    return row === undefined ? undefined : String(row['hash']);
  }

  /** The first entry from `from` on that does not follow from the one before it. */
  function firstBroken(from: number): AuditBreak | undefined {
    let before = from === 1 ? beginning : hashAt(from - 1);
    let expected = from;
    for (const row of database.rows('SELECT * FROM audit WHERE sequence >= ? ORDER BY sequence', from)) {
      const sequence = Number(row['sequence']);
      if (sequence !== expected || before === undefined)
        return { sequence: Math.min(expected, sequence), reason: 'entries are missing' };
      const { at, run, event } = entryOf(row);
      const hash = hashOf(before, sequence, at, run, event, String(row['body']));
      if (hash !== row['hash'])
        return { sequence, reason: 'it was changed after it was written, or the one before it' };
      before = hash;
      expected += 1;
    }
    return undefined;
  }

  function write(entry: Entry): void {
    isLonger = true;
    const last = database.one('SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1');
    const sequence = Number(last?.['sequence'] ?? 0) + 1;
    const body = JSON.stringify(entry.body);
    const hash = hashOf(String(last?.['hash'] ?? beginning), sequence, entry.at, entry.run, entry.event, body);
    database.run('INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?)', sequence, entry.at, entry.run, entry.event, body, hash);
  }

  return {
    write,
    async append(entry) {
      database.writing(() => write(entry));
    },
    async list(run) {
      const rows =
        run === undefined
          ? database.all('SELECT * FROM audit ORDER BY sequence')
          : database.all('SELECT * FROM audit WHERE run = ? ORDER BY sequence', run);
      return rows.map(entryOf);
    },
    async verify(most) {
      // Read before the log, which other processes may make longer meanwhile, and never shorter.
      const anchored = anchor.read();
      return database.reading(() => {
        const last = lastEntry()?.sequence ?? 0;
        const from = Math.max(1, (anchored?.accepted ?? 0) + 1, most === undefined ? 1 : last - most + 1);
        const broken = firstBroken(from);
        if (broken !== undefined) return broken;
        if (anchored === undefined || hashAt(anchored.sequence) === anchored.hash) return undefined;
        return last < anchored.sequence
          ? { sequence: last + 1, reason: `entries up to ${anchored.sequence} are missing` }
          : { sequence: anchored.sequence, reason: 'the log was written again, up to here or further back' };
      });
    },
    async accept(at) {
      database.writing(() => write({ at, run: null, event: 'log-accepted', body: {} }));
      const last = lastEntry();
      if (last !== undefined) anchor.write({ ...last, accepted: last.sequence });
    },
  };
}

function hashOf(before: string, sequence: number, at: string, run: string | null, event: string, body: string): string {
  return createHash('sha256')
    .update(JSON.stringify([before, sequence, at, run, event, body]))
    .digest('hex');
}

function entryOf(row: Row): AuditEntry {
  return {
    sequence: Number(row['sequence']),
    at: String(row['at']),
    run: row['run'] === null ? null : String(row['run']),
    event: String(row['event']),
    body: parseJson(String(row['body'])) ?? null,
    hash: String(row['hash']),
  };
}
