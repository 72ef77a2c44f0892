import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { ProblemsError } from '../../../errors.ts';
import { migrate, stateTables } from './schema.ts';
import { secureStateFile } from './state-file.ts';

export type Row = Readonly<Record<string, SQLOutputValue>>;

/** SQLite, with its errors as `ProblemsError`. Synchronous, as node:sqlite is. */
export interface Database {
  all(sql: string, ...values: readonly SQLInputValue[]): readonly Row[];
  /** One row at a time. */
  rows(sql: string, ...values: readonly SQLInputValue[]): Iterable<Row>;
  one(sql: string, ...values: readonly SQLInputValue[]): Row | undefined;
  /** Returns how many rows changed. */
  run(sql: string, ...values: readonly SQLInputValue[]): number;
  /** Reads one state of the file, whatever others write meanwhile. */
  reading<Result>(work: () => Result): Result;
  /** Allows one writer at a time: takes the write lock before the first read. */
  writing<Result>(work: () => Result): Result;
  /** Called after each transaction that has written. */
  afterCommit(work: () => void): void;
  close(): void;
}

/** What a file of state holds, and what to do when it cannot be used. */
export interface StateKind {
  /** One migration for each version of `user_version`. */
  readonly tables: readonly string[];
  /** `FULL`: a commit is on disk when it returns. `NORMAL`: the last ones may be lost with the power. */
  readonly synchronous: 'FULL' | 'NORMAL';
  readonly whenDamaged: string;
  readonly whenUnwritable: string;
}

const journal: StateKind = {
  tables: stateTables,
  synchronous: 'FULL',
  whenDamaged:
    'Nothing was changed. Move the file and its -wal away. Then restore a backup of it, or use `sqlite3 … .recover` to look for unfinished runs before a new file is created.',
  whenUnwritable: 'Free disk space and make the file writable, then run: problems resume',
};

/**
 * Opens or creates a file of state, by default the journal: 0600 in a folder of 0700 that git ignores. A damaged file is left unchanged, and so is
 * one that another user owns or may write, or whose tables are not ours.
 * The settings are those that https://www.sqlite.org/security.html gives for files that strangers may have written.
 * @throws ProblemsError `state-damaged`, `state-locked`, `state-untrusted`, `state-unwritable`.
 */
export async function openDatabase(path: string, kind = journal): Promise<Database> {
  // Loaded here, so that only remediation pays for it. Available without a flag since Node 22.13.
  const { DatabaseSync } = await import('node:sqlite');
  const guarded = named(path, kind);
  const database = guarded(() => {
    if (path !== ':memory:') secureStateFile(path);
    // Node before 24.12 ignores `defensive`; the other settings are SQLite's.
    return new DatabaseSync(path, { timeout: 5_000, defensive: true, allowExtension: false });
  });
  try {
    guarded(() => {
      database.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;');
      const damage = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
      if (damage !== 'ok') throw stateDamaged(path, String(damage), kind);
      within(database, () => migrate(database, new DatabaseSync(':memory:'), path, kind.tables));
      database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${kind.synchronous}; PRAGMA foreign_keys = ON;`);
    });
  } catch (error) {
    database.close();
    throw error;
  }
  const listeners: (() => void)[] = [];
  // Compiling a statement takes longer than most of them run.
  const statements = new Map<string, StatementSync>();
  function prepared(sql: string): StatementSync {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const statement = database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  }
  return {
    all: (sql, ...values) => guarded(() => prepared(sql).all(...values)),
    one: (sql, ...values) => guarded(() => prepared(sql).get(...values)),
    run: (sql, ...values) => guarded(() => Number(prepared(sql).run(...values).changes)),
    reading: (work) => guarded(() => within(database, work, 'BEGIN')),
    // Not a shared statement: the caller may use the same one while it reads the rows.
    rows: (sql, ...values) => guarded(() => database.prepare(sql).iterate(...values)),
    writing(work) {
      const isInner = database.isTransaction;
      const result = guarded(() => within(database, work));
      if (!isInner) for (const listener of listeners) listener();
      return result;
    },
    afterCommit: (work) => void listeners.push(work),
    close: () => database.close(),
  };
}

function within<Result>(database: DatabaseSync, work: () => Result, begin = 'BEGIN IMMEDIATE'): Result {
  if (database.isTransaction) return work();
  database.exec(begin);
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** Primary result codes of sqlite3.h. */
const busy = new Set([5, 6]);

const damage = new Set([11, 26]);

const unwritable = new Set([8, 10, 13, 14]);

function named(path: string, kind: StateKind): <Result>(work: () => Result) => Result {
  return (work) => {
    try {
      return work();
    } catch (error) {
      throw nameOf(error, path, kind);
    }
  };
}

function nameOf(error: unknown, path: string, kind: StateKind): unknown {
  if (!(error instanceof Error) || error instanceof ProblemsError) return error;
  const code = 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
  if (code !== undefined && damage.has(code)) return stateDamaged(path, error.message, kind, error);
  if (code !== undefined && busy.has(code)) {
    return new ProblemsError('state-locked', `${path} is locked by another program: ${error.message}`, {
      hint: 'Wait until it finishes, or stop it. `fuser` on the file shows the process.',
      cause: error,
    });
  }
  if ((code !== undefined && unwritable.has(code)) || 'syscall' in error) {
    return new ProblemsError('state-unwritable', `${path} cannot be written: ${error.message}`, {
      hint: kind.whenUnwritable,
      cause: error,
    });
  }
  return error;
}

function stateDamaged(path: string, words: string, { whenDamaged }: StateKind, cause?: unknown): ProblemsError {
  return new ProblemsError('state-damaged', `${path} is damaged: ${words}`, { hint: whenDamaged, cause });
}
