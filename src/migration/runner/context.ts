import type { SqlSession } from '../../host/postgres/types.ts';
import type { Migration } from '../files.ts';
import { positionOf } from '../sql-tokens.ts';
import type { LedgerTables, Refusal } from './ledger.ts';
import { type AppliedMigration, type MigrateProgress, type MigrationProblem, problem } from './types.ts';

/**
 * Whether a statement failed because of other sessions, so that another attempt may succeed: a lock timeout, a deadlock, a
 * serialisation failure, or two sessions that change one row of the catalog (docs/engineering/migrations.md#ddl-races).
 */
export function isLostRace({ sqlstate, message, constraint }: Refusal): boolean {
  switch (sqlstate) {
    case '55P03':
    case '40P01':
    case '40001':
      return true;
    case 'XX000':
      return /tuple concurrently (?:updated|deleted)/.test(message);
    case '23505':
      return constraint?.startsWith('pg_') === true;
    default:
      return false;
  }
}

/** The same for the error in a row of the ledger: `40P01 deadlock detected`. */
export function isLostRaceState(error: string): boolean {
  const [sqlstate = ''] = error.split(' ', 1);
  return isLostRace({
    ok: false,
    sqlstate,
    message: error,
    detail: undefined,
    position: undefined,
    lost: false,
    constraint: /unique constraint "(pg_\w+)"/.exec(error)?.[1],
  });
}

/** Milliseconds before the next attempt: doubles each time, up to eight seconds, with jitter. */
export function backoff(attempt: number): number {
  return Math.round(Math.min(250 * 2 ** (attempt - 1), 8_000) * (0.5 + Math.random()));
}

/** What to do about an error that another attempt does not fix. */
function hintFor({ sqlstate, message }: Refusal): string {
  if (sqlstate === '25001' || sqlstate === '2D000')
    return 'It cannot run inside a transaction. If it is a separate statement, move it to a separate file.';
  if (sqlstate === '55P04')
    return 'A new enum value can be used only after its transaction: add it in a separate file.';
  if (sqlstate === '42P07' || sqlstate === '42710' || sqlstate === '42P06')
    return 'It was created without the ledger. Compare it with the file: if they agree, insert the version into schema_migrations; if not, write a migration from the existing state to the intended one.';
  if (sqlstate === '23505' || sqlstate === '23502' || sqlstate === '23503' || sqlstate === '23514')
    return 'Existing rows violate it. Fix the data first, in an earlier file or by hand.';
  if (sqlstate === '55P03')
    return 'Another session holds a lock on the table; `select * from pg_stat_activity` shows which.';
  if (sqlstate === '42501') return 'The instance’s user does not have the privilege.';
  return /^(?:42|22)/.test(sqlstate ?? '')
    ? 'Fix the file and migrate again: nothing of it was applied.'
    : `See SQLSTATE ${sqlstate ?? 'of the message'}: ${message.slice(0, 80)}`;
}

/** What is needed to apply one file. The session holds the lock. */
export interface MigrationContext {
  readonly session: SqlSession;
  readonly tables: LedgerTables;
  readonly migration: Migration;
  readonly runner: string;
  readonly lockTimeoutMs: number;
  readonly attempts: number;
  readonly onProgress: (progress: MigrateProgress) => void;
  readonly point: (name: string) => Promise<void>;
}

/** `read-again`: a migration without our lock was faster, so the ledger has changed. */
export type Applied =
  { readonly applied: AppliedMigration } | { readonly problem: MigrationProblem } | { readonly readAgain: true };

export function failed({ migration }: MigrationContext, sql: string, refusal: Refusal): MigrationProblem {
  const { message, detail, sqlstate, position } = refusal;
  // Positions count characters; offsets count UTF-16 units.
  const offset =
    position === undefined
      ? undefined
      : Array.from(sql)
          .slice(0, position - 1)
          .join('').length;
  const place = offset === undefined ? {} : positionOf(sql, offset);
  const words = detail === undefined ? message : `${message} (${detail})`;
  return problem(migration.version, words, hintFor(refusal), { sqlstate: sqlstate ?? null, ...place });
}
