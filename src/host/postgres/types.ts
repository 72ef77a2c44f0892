import type { Instance } from '../instance.ts';

export interface SqlOptions {
  /** Default: the instance's own. */
  readonly database?: string;
  /** Values of `$1`, `$2`, … as text. */
  readonly values?: readonly string[];
  /** Default 1,000. Further rows are dropped, and `truncated` is true. */
  readonly maxRows?: number;
  /** Default 5,000. */
  readonly timeoutMs?: number;
  /** Default: the first way that works. `published`: only a port that the engine's machine publishes. */
  readonly via?: 'published' | 'network' | 'exec';
}

/** Values as text, as PostgreSQL prints them; the same for every way to the server. */
export type SqlRow = Readonly<Record<string, string | null>>;

export type SqlResult =
  | { readonly ok: true; readonly rows: readonly SqlRow[]; readonly truncated: boolean; readonly via: SqlWay }
  | {
      readonly ok: false;
      readonly message: string;
      readonly sqlstate: string | undefined;
      readonly via: SqlWay;
      /** The server broke the protocol or sent too much: asking it again takes as much time and memory, and is useless. */
      readonly misbehaves?: true;
    };

/** A published port, the address of the container, or psql in the container. */
export type SqlWay = 'published' | 'network' | 'exec';

/**
 * One statement without `;`, in a READ ONLY transaction that is rolled back, with statement_timeout and lock_timeout. Names are
 * found in `pg_catalog` only, whatever the database's search_path: other names need their schema. An error of the server is
 * data: its message and SQLSTATE are evidence.
 */
export interface SqlReader {
  query(instance: Instance, sql: string, options?: SqlOptions): Promise<SqlResult>;
  /**
   * All rows of some tables, read in one transaction; each row also has the name of its `table`. Use it for tables of the
   * application: a query would run functions of their owners with the rights of our login, this does not.
   */
  readTables(
    instance: Instance,
    tables: readonly TableToRead[],
    options?: Pick<SqlOptions, 'database' | 'timeoutMs'>,
  ): Promise<SqlResult>;
}

export interface TableToRead {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly string[];
}

/** A process of a server, as the kernel shows it within the container. */
export interface ServerProcess {
  readonly pid: number;
  /** In clock ticks since the machine started. Together with the pid it identifies the process, since pids are reused. */
  readonly started: string;
  readonly uid: number;
  /** How long it has not run, in milliseconds; null if the kernel does not tell. */
  readonly idleMs: number | null;
  /** `postgres: app shop 172.18.0.3(40112) idle`. Contains no text of a query. */
  readonly title: string;
}

/** `changed`: its title is another one, so it has been left alone. */
export type EndedBackend = 'sent' | 'gone' | 'changed';

export interface SqlChanger {
  /**
   * One statement, committed on its own. Text and values go over the connection or standard input, never into arguments. It is
   * sent once: if the connection is lost after that, the answer says so, and no other way is tried.
   */
  execute(instance: Instance, sql: string, options?: SqlOptions): Promise<SqlResult>;
  /**
   * Opens a connection to the server itself, not to a pooler.
   * @throws ProblemsError `engine-unreachable`: nothing answers yet. `step-refused`: the server refuses the login, or a
   * pooler is in between.
   */
  openSession(instance: Instance, options?: SessionOptions): Promise<SqlSession>;
  /**
   * Asks a backend to end, by SIGTERM from within the container, as the user of the server. Checks its start and its title right
   * before. For a server that accepts no session; otherwise use `pg_terminate_backend`.
   * @throws ProblemsError `step-refused`: it is not certainly a process of this server, or may not be signalled.
   */
  endBackend(instance: Instance, process: Omit<ServerProcess, 'idleMs'>): Promise<EndedBackend>;
  /**
   * Connects as soon as the server has a free slot, and keeps it: later questions to the instance's own database, also those
   * of a reader of this host, use this connection. It is closed if nothing was asked for two minutes. An answer `via` exec
   * kept nothing. While every slot is taken, it tries again and again, for at most `patienceMs`.
   */
  takeSlot(instance: Instance, options: { readonly patienceMs: number }): Promise<SqlResult>;
}

export interface SessionOptions {
  /** Default: the instance's own. */
  readonly database?: string;
  /** The role to log in as. Default: the instance's own. */
  readonly user?: string;
  /** `application_name`. Default `problem-registry`. */
  readonly application?: string;
  /** Used instead of the published port and the container's address: a tunnel or a forwarded port. */
  readonly address?: { readonly host: string; readonly port: number };
  /**
   * How long the server may answer neither a query nor a new connection before the session counts as lost. Default 60,000.
   * A statement may take longer, as long as the server answers new connections.
   */
  readonly silenceMs?: number;
}

/** A connection for several statements: transactions over several calls, and advisory locks of the session. */
export interface SqlSession {
  readonly via: SqlWay | 'address';
  /** Process id of the server's backend. */
  readonly backend: number;
  /** One statement with values, or several without values (simple protocol), which return the rows of the last one. */
  query(sql: string, values?: readonly string[]): Promise<SessionResult>;
  /** Closes the connection, which releases its locks and rolls back an open transaction. */
  close(): Promise<void>;
}

export type SessionResult =
  | { readonly ok: true; readonly rows: readonly SqlRow[] }
  | {
      readonly ok: false;
      readonly message: string;
      readonly sqlstate: string | undefined;
      readonly detail: string | undefined;
      /** The constraint or index that was violated. */
      readonly constraint: string | undefined;
      /** Of the error in the text of the statement, from 1. */
      readonly position: number | undefined;
      /** The connection is lost: it is unknown whether the statement took effect. */
      readonly lost: boolean;
    };
