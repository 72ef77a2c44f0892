import type { Instance } from '../instance.ts';

export interface SqlOptions {
  /** Default: the instance's own. */
  readonly database?: string;
  /** Values of `$1`, `$2`, … as text. */
  readonly values?: readonly string[];
  /** Default 1,000; more is cut and `truncated` is true. */
  readonly maxRows?: number;
  /** Default 5,000. */
  readonly timeoutMs?: number;
  /** Default: as the host finds it. `published`: only through a published port of this engine's machine. */
  readonly via?: 'published' | 'network' | 'exec';
}

/** Values are text as PostgreSQL prints them, the same whichever way the query went. */
export type SqlRow = Readonly<Record<string, string | null>>;

export type SqlResult =
  | { readonly ok: true; readonly rows: readonly SqlRow[]; readonly truncated: boolean; readonly via: SqlWay }
  | { readonly ok: false; readonly message: string; readonly sqlstate: string | undefined; readonly via: SqlWay };

/** A published port, the container's own address, or psql inside the container. */
export type SqlWay = 'published' | 'network' | 'exec';

/**
 * Names in a statement are found in `pg_catalog` alone, whatever the database's own search_path is: what is not the
 * server's own stands with its schema. Queries in READ ONLY transactions that are rolled back, with statement_timeout and lock_timeout. One statement
 * without `;`. A refusal is data: its message and SQLSTATE are evidence.
 */
export interface SqlReader {
  query(instance: Instance, sql: string, options?: SqlOptions): Promise<SqlResult>;
}
