import type { DockerChanger, DockerReader } from './docker/types.ts';
import type { Instance } from './instance.ts';
import type { SqlOptions, SqlReader, SqlResult, SqlRow, SqlWay } from './postgres/types.ts';
import type { Probes } from './probes/types.ts';

/**
 * What the rest of the program sees of Docker, PostgreSQL and the file system: plain data and small interfaces of our
 * own. No driver's type passes this file.
 */

/** Text files under the allowed roots (the project's folder and what the config names), at most 1 MiB. */
export interface FileReader {
  readonly roots: readonly string[];
  /** `undefined` where there is none. */
  read(path: string): Promise<TextFile | undefined>;
  /** Names in a folder, sorted; empty where there is none. */
  list(path: string): Promise<readonly string[]>;
}

export interface TextFile {
  readonly path: string;
  readonly text: string;
  readonly sha256: string;
  /** Permission bits, such as 0o600. */
  readonly mode: number;
}

/** What may be asked without changing anything. Enforced when it runs: the client behind it can only GET. */
export interface HostReader {
  readonly docker: DockerReader;
  readonly sql: SqlReader;
  readonly files: FileReader;
  readonly probes: Probes;
  /**
   * PostgreSQL containers, running or not, sorted by name; kept-aside and helper containers left out. `all`: those too
   * that the host was not opened for.
   */
  instances(options?: { readonly all?: true }): Promise<readonly Instance[]>;
  /** @throws ProblemsError `step-refused`: several containers go by this name; which one is meant cannot be told. */
  instance(name: string): Promise<Instance | undefined>;
  /** Aborted when the user stops the program or a deadline passes. */
  readonly signal: AbortSignal;
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

export interface FileChanger {
  /** A temporary file beside it, fsync, rename; the mode is kept (0600 for a new file). Refuses if `sha256` differs. */
  replace(path: string, text: string, expected: { readonly sha256: string | undefined }): Promise<void>;
  remove(path: string, expected: { readonly sha256: string }): Promise<void>;
}

/** Everything that changes something. Only actions are given one, and each call first asks whether the lock still holds. */
export interface HostChanger {
  readonly docker: DockerChanger;
  readonly sql: SqlChanger;
  readonly files: FileChanger;
}
