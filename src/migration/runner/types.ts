import type { SqlSession } from '../../host/postgres/types.ts';
import type { Mode } from '../classify.ts';

export interface MigrateOptions {
  /** Opens a connection to this database on the server itself, not through a pooler. */
  readonly open: (database: string) => Promise<SqlSession>;
  readonly database: string;
  /** The name of this runner in the ledger and for other runners. */
  readonly runner: string;
  /** Only reads: locks, creates and runs nothing. */
  readonly dryRun?: boolean;
  /** How long to wait for another runner. Default 600,000. */
  readonly waitMs?: number;
  /**
   * For DDL: a statement that waits for a lock blocks all later readers. Default 4,000
   * (docs/engineering/migrations.md#lock-timeout).
   */
  readonly lockTimeoutMs?: number;
  /** Attempts for a file that fails because of other sessions. Default 8. */
  readonly attempts?: number;
  /** Stops after the current file. */
  readonly stop?: AbortSignal;
  readonly onProgress?: (progress: MigrateProgress) => void;
  /** For tests that kill the process at this point. */
  readonly atPoint?: (name: string) => void | Promise<void>;
}

export type MigrateProgress =
  | { readonly type: 'waiting'; readonly holder: string }
  /** The file waits for a lock. `by`: the session at the head of the queue, what it does and since when. */
  | { readonly type: 'blocked'; readonly version: string; readonly by: string }
  | { readonly type: 'running'; readonly version: string; readonly mode: Mode; readonly attempt: number }
  | { readonly type: 'applied'; readonly version: string; readonly durationMs: number }
  | { readonly type: 'again'; readonly version: string; readonly message: string; readonly inMs: number }
  | { readonly type: 'dropping'; readonly version: string; readonly index: string }
  | { readonly type: 'reconnecting'; readonly message: string };

/** Why a file was not applied, with the position if there is one. */
export interface MigrationProblem {
  /** Null for a problem of the whole database. */
  readonly version: string | null;
  readonly message: string;
  readonly hint: string;
  readonly sqlstate: string | null;
  /** From 1. */
  readonly line: number | null;
  readonly column: number | null;
}

export interface AppliedMigration {
  readonly version: string;
  readonly mode: Mode;
  /** 0: it had taken effect already, but the ledger did not list it. */
  readonly attempts: number;
  readonly durationMs: number;
}

export interface MigrationReport {
  readonly database: string;
  /** `pending`: a dry run, or stopped. `refused`: nothing was run. `failed`: a file was not applied. */
  readonly outcome: 'up-to-date' | 'applied' | 'pending' | 'refused' | 'failed';
  readonly applied: readonly AppliedMigration[];
  /** Not applied. */
  readonly pending: readonly string[];
  /** Only in `schema_migrations`: applied by another tool, without a checksum. */
  readonly adopted: readonly string[];
  /** Applied or pending after a file with a later name was applied. */
  readonly outOfOrder: readonly string[];
  /** In the ledger, but without a file. */
  readonly withoutFile: readonly string[];
  readonly problems: readonly MigrationProblem[];
  readonly waitedMs: number;
}

export function problem(
  version: string | null,
  message: string,
  hint: string,
  place: Partial<Pick<MigrationProblem, 'sqlstate' | 'line' | 'column'>> = {},
): MigrationProblem {
  return { version, message, hint, sqlstate: null, line: null, column: null, ...place };
}
