import type { SqlSession } from '../../host/postgres/types.ts';
import type { Mode } from '../classify.ts';

export interface MigrateOptions {
  /** A connection straight to the server, to this database. */
  readonly open: (database: string) => Promise<SqlSession>;
  readonly database: string;
  /** Who runs, as the ledger and other runners are told. */
  readonly runner: string;
  /** Only looks: nothing is locked, made or run. */
  readonly dryRun?: boolean;
  /** How long another runner is waited for. Default 600,000. */
  readonly waitMs?: number;
  /**
   * Of DDL: a statement that waits for a lock keeps all later readers waiting. Default 4,000
   * (docs/engineering/migrations.md#lock-timeout).
   */
  readonly lockTimeoutMs?: number;
  /** How often a file is tried that lost to others. Default 8. */
  readonly attempts?: number;
  /** Asks for an end after the file that is under way. */
  readonly stop?: AbortSignal;
  readonly onProgress?: (progress: MigrateProgress) => void;
  /** For tests that end the process there. */
  readonly atPoint?: (name: string) => void | Promise<void>;
}

export type MigrateProgress =
  | { readonly type: 'waiting'; readonly holder: string }
  | { readonly type: 'running'; readonly version: string; readonly mode: Mode; readonly attempt: number }
  | { readonly type: 'applied'; readonly version: string; readonly durationMs: number }
  | { readonly type: 'again'; readonly version: string; readonly message: string; readonly inMs: number }
  | { readonly type: 'dropping'; readonly version: string; readonly index: string }
  | { readonly type: 'reconnecting'; readonly message: string };

/** What keeps a file from being applied, with its place where it has one. */
export interface MigrationProblem {
  /** Null: of the database as a whole. */
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
  /** 0: it had taken effect already, and only the ledger did not say so. */
  readonly attempts: number;
  readonly durationMs: number;
}

export interface MigrationReport {
  readonly database: string;
  /** `pending`: of a dry run, or one that was stopped. `refused`: nothing was run. `failed`: one file was not applied. */
  readonly outcome: 'up-to-date' | 'applied' | 'pending' | 'refused' | 'failed';
  readonly applied: readonly AppliedMigration[];
  /** Not applied. */
  readonly pending: readonly string[];
  /** In `schema_migrations` alone: applied by another tool, without a checksum. */
  readonly adopted: readonly string[];
  /** Applied, or to be, though one of a later name was there before. */
  readonly outOfOrder: readonly string[];
  /** In the ledger, without a file. */
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
