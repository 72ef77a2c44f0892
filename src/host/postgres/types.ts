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

export interface SqlChanger {
  /**
   * One statement, committed on its own. Text and values go over the wire or stdin, never into arguments. It is sent
   * once: where the connection is lost after that, the answer says so, and no other way is tried.
   */
  execute(instance: Instance, sql: string, options?: SqlOptions): Promise<SqlResult>;
  /**
   * One connection that stays, straight to the server.
   * @throws ProblemsError `engine-unreachable` where nobody answers yet, `step-refused` where the server refuses the
   * login or a pooler stands in between.
   */
  openSession(instance: Instance, options?: SessionOptions): Promise<SqlSession>;
}

export interface SessionOptions {
  /** Default: the instance's own. */
  readonly database?: string;
  /** `application_name`. Default `problem-registry`. */
  readonly application?: string;
  /** In place of the published port or the container's address: a tunnel, or a port forwarded by hand. */
  readonly address?: { readonly host: string; readonly port: number };
  /**
   * For how long a server may answer neither a query nor a new connection before the session counts as lost. Default
   * 60,000. A statement itself may take as long as it needs.
   */
  readonly silenceMs?: number;
}

/** Several statements on one connection: transactions over several calls, advisory locks of the session. */
export interface SqlSession {
  readonly via: SqlWay | 'address';
  /** The server's process at the other end. */
  readonly backend: number;
  /** One statement with values, or any number without, as the simple protocol takes them: then the last one's rows. */
  query(sql: string, values?: readonly string[]): Promise<SessionResult>;
  /** Ends it, and with it its locks and an open transaction. */
  close(): Promise<void>;
}

export type SessionResult =
  | { readonly ok: true; readonly rows: readonly SqlRow[] }
  | {
      readonly ok: false;
      readonly message: string;
      readonly sqlstate: string | undefined;
      readonly detail: string | undefined;
      /** Of the constraint or index that was violated. */
      readonly constraint: string | undefined;
      /** In the text that was sent, from 1. */
      readonly position: number | undefined;
      /** The connection is gone: nobody knows whether the statement took effect. */
      readonly lost: boolean;
    };
