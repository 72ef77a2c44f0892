import type { DockerChanger, DockerReader } from './docker/types.ts';
import type { Instance } from './instance.ts';
import type { SqlChanger, SqlReader } from './postgres/types.ts';
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
