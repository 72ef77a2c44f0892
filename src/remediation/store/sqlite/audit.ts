import { createHash } from 'node:crypto';
import { type Json, parseJson } from '../../../util/json.ts';
import type { AuditEntry, AuditLog } from '../store.ts';
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

export function auditLog(database: Database): AuditTable {
  function write(entry: Entry): void {
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
    async firstBroken() {
      let before = beginning;
      let expected = 1;
      for (const row of database.all('SELECT * FROM audit ORDER BY sequence')) {
        const entry = entryOf(row);
        const hash = hashOf(before, entry.sequence, entry.at, entry.run, entry.event, String(row['body']));
        if (entry.sequence !== expected || hash !== entry.hash) return entry.sequence;
        before = hash;
        expected += 1;
      }
      return undefined;
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
