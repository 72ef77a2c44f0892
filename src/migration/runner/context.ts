import type { SqlSession } from '../../host/types.ts';
import type { Migration } from '../files.ts';
import { positionOf } from '../statements.ts';
import type { Refusal } from '../running/asking.ts';
import type { LedgerTables } from './ledger.ts';
import { hintFor } from '../running/retrying.ts';
import { type AppliedMigration, type MigrateProgress, type MigrationProblem, problem } from './types.ts';

/** What applying one file needs. The session holds the lock. */
export interface Work {
  readonly session: SqlSession;
  readonly tables: LedgerTables;
  readonly migration: Migration;
  readonly runner: string;
  readonly lockTimeoutMs: number;
  readonly attempts: number;
  readonly onProgress: (progress: MigrateProgress) => void;
  readonly point: (name: string) => Promise<void>;
}

/** `read-again`: somebody without our lock was quicker, and the ledger says more by now. */
export type Applied =
  { readonly applied: AppliedMigration } | { readonly problem: MigrationProblem } | { readonly readAgain: true };

export function failed({ migration }: Work, sql: string, refusal: Refusal): MigrationProblem {
  const { message, detail, sqlstate, position } = refusal;
  // Positions count characters, offsets UTF-16 units.
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
