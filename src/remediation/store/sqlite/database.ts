import { closeSync, existsSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite';
import { ProblemsError } from '../../../errors.ts';
import { errorCode } from '../../../util/text.ts';

/** The state file's tables, one migration per version of `user_version`. Only appended to. */
const migrations: readonly string[] = [
  `
  CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    remediator TEXT NOT NULL,
    instance TEXT NOT NULL,
    plan TEXT NOT NULL,
    decision TEXT NOT NULL,
    phase TEXT NOT NULL,
    outcome TEXT,
    failure TEXT,
    verification TEXT,
    token INTEGER,
    owner TEXT,
    heartbeat_at TEXT,
    created_at TEXT NOT NULL,
    started_at TEXT,
    ended_at TEXT,
    approved_by TEXT,
    downtime_ms INTEGER,
    dossier TEXT
  ) STRICT;
  CREATE INDEX runs_by_instance ON runs (instance, remediator, started_at);
  CREATE TABLE steps (
    run TEXT NOT NULL REFERENCES runs (id),
    number INTEGER NOT NULL,
    part TEXT NOT NULL,
    action TEXT NOT NULL,
    state TEXT NOT NULL,
    started_at TEXT,
    ended_at TEXT,
    error TEXT,
    PRIMARY KEY (run, number)
  ) STRICT;
  -- What undoing needs: old texts and environments, passwords among them. Read by nothing but undo.
  CREATE TABLE secrets (
    run TEXT NOT NULL REFERENCES runs (id),
    number INTEGER NOT NULL,
    before TEXT NOT NULL,
    PRIMARY KEY (run, number)
  ) STRICT;
  CREATE TABLE locks (
    volume TEXT PRIMARY KEY,
    run TEXT NOT NULL,
    token INTEGER NOT NULL,
    owner TEXT NOT NULL,
    heartbeat_at TEXT NOT NULL
  ) STRICT;
  CREATE TABLE tokens (only INTEGER PRIMARY KEY CHECK (only = 1), last INTEGER NOT NULL) STRICT;
  INSERT INTO tokens VALUES (1, 0);
  CREATE TABLE leases (
    host TEXT NOT NULL,
    port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
    instance TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('reserved', 'bound')),
    owner TEXT NOT NULL,
    token INTEGER NOT NULL,
    expires_at TEXT,
    PRIMARY KEY (host, port),
    UNIQUE (host, instance)
  ) STRICT;
  CREATE TABLE suspensions (instance TEXT PRIMARY KEY, reason TEXT NOT NULL, at TEXT NOT NULL) STRICT;
  CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    run TEXT,
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
  CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  CREATE TRIGGER audit_is_not_cut BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  `,
  'CREATE TABLE instances (instance TEXT PRIMARY KEY, seen_at TEXT NOT NULL) STRICT;',
];

export type Row = Readonly<Record<string, SQLOutputValue>>;

/** SQLite, with its errors as `ProblemsError`. Synchronous, as node:sqlite is. */
export interface Database {
  all(sql: string, ...values: readonly SQLInputValue[]): readonly Row[];
  one(sql: string, ...values: readonly SQLInputValue[]): Row | undefined;
  /** Returns how many rows changed. */
  run(sql: string, ...values: readonly SQLInputValue[]): number;
  /** Allows one writer at a time: takes the write lock before the first read. */
  writing<Result>(work: () => Result): Result;
  close(): void;
}

/**
 * Opens or creates the state file: 0600 in a folder of 0700 that git ignores. A damaged file is left unchanged.
 * @throws ProblemsError `state-damaged`, `state-locked`, `state-unwritable`.
 */
export async function openDatabase(path: string): Promise<Database> {
  // Loaded here, so that only remediation pays for it. Available without a flag since Node 22.13.
  const { DatabaseSync } = await import('node:sqlite');
  const guarded = named(path);
  const database = guarded(() => {
    if (path !== ':memory:') makeFile(path);
    const opened = new DatabaseSync(path, { timeout: 5_000 });
    opened.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
    return opened;
  });
  guarded(() => migrate(database, path));
  return {
    all: (sql, ...values) => guarded(() => database.prepare(sql).all(...values)),
    one: (sql, ...values) => guarded(() => database.prepare(sql).get(...values)),
    run: (sql, ...values) => guarded(() => Number(database.prepare(sql).run(...values).changes)),
    writing: (work) => guarded(() => within(database, work)),
    close: () => database.close(),
  };
}

function makeFile(path: string): void {
  const folder = dirname(path);
  const isNew = !existsSync(folder);
  if (isNew) mkdirSync(folder, { recursive: true, mode: 0o700 });
  hideFromGit(path, isNew);
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
}

/**
 * Undo state may contain passwords, so it must not be committed. `.problems` may exist before the state file, created for
 * the file `paused`. Any other folder may hold other files too, so only our own are ignored there.
 */
function hideFromGit(path: string, isNew: boolean): void {
  const folder = dirname(path);
  const file = join(folder, '.gitignore');
  if (existsSync(file)) return;
  const ours = [basename(path), `${basename(path)}-*`, 'dossiers'].map((name) => `/${name}\n`).join('');
  try {
    writeFileSync(file, isNew || basename(folder) === '.problems' ? '*\n' : ours, { flag: 'wx' });
  } catch (error) {
    // Another process was faster, or it is a dangling link, which must not be followed.
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}

function migrate(database: DatabaseSync, path: string): void {
  const damaged = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
  if (damaged !== 'ok') throw stateDamaged(path, String(damaged));
  within(database, () => {
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
    if (version > migrations.length) {
      throw new ProblemsError('state-damaged', `${path} was written by a newer version of this program.`, {
        hint: 'Use that version. The file is unchanged.',
      });
    }
    for (const migration of migrations.slice(version)) database.exec(migration);
    database.exec(`PRAGMA user_version = ${migrations.length}`);
  });
}

function within<Result>(database: DatabaseSync, work: () => Result): Result {
  if (database.isTransaction) return work();
  database.exec('BEGIN IMMEDIATE');
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

function named(path: string): <Result>(work: () => Result) => Result {
  return (work) => {
    try {
      return work();
    } catch (error) {
      throw nameOf(error, path);
    }
  };
}

function nameOf(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error instanceof ProblemsError) return error;
  const code = 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
  if (code !== undefined && damage.has(code)) return stateDamaged(path, error.message, error);
  if (code !== undefined && busy.has(code)) {
    return new ProblemsError('state-locked', `${path} is locked by another program: ${error.message}`, {
      hint: 'Wait until it finishes, or stop it. `fuser` on the file shows the process.',
      cause: error,
    });
  }
  if ((code !== undefined && unwritable.has(code)) || 'syscall' in error) {
    return new ProblemsError('state-unwritable', `${path} cannot be written: ${error.message}`, {
      hint: 'Free disk space and make the file writable, then run: problems resume',
      cause: error,
    });
  }
  return error;
}

function stateDamaged(path: string, words: string, cause?: unknown): ProblemsError {
  return new ProblemsError('state-damaged', `${path} is damaged: ${words}`, {
    hint: 'Nothing was changed. Move the file and its -wal away. Then restore a backup of it, or use `sqlite3 … .recover` to look for unfinished runs before a new file is created.',
    cause,
  });
}
