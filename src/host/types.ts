import type { ComposeChanger, ComposeReader } from './compose/types.ts';
import type { DockerChanger, DockerReader } from './docker/types.ts';
import type { Instance } from './instance.ts';
import type { SqlChanger, SqlReader } from './postgres/types.ts';
import type { Probes } from './probes/types.ts';

/**
 * Docker, PostgreSQL and the file system as the rest of the program sees them: plain data and small interfaces. No type of a
 * driver appears here.
 */

/** Text files under the allowed roots (the project's folder and those of the config), at most 1 MiB each. */
export interface FileReader {
  readonly roots: readonly string[];
  /** `undefined` if it does not exist. */
  read(path: string): Promise<TextFile | undefined>;
  /** Names in a folder, sorted; empty if it does not exist. */
  list(path: string): Promise<readonly string[]>;
}

export interface TextFile {
  readonly path: string;
  readonly text: string;
  readonly sha256: string;
  /** Permission bits, such as 0o600. */
  readonly mode: number;
  /** Why it is not the user's own: `belongs to another user (uid 1000)`, `can be written by everybody`. */
  readonly foreign?: string;
}

/** Reads without changing anything, which is enforced at run time: its Docker client can only GET. */
export interface HostReader {
  readonly docker: DockerReader;
  readonly sql: SqlReader;
  readonly files: FileReader;
  readonly compose: ComposeReader;
  readonly probes: Probes;
  /**
   * PostgreSQL containers, running or not, sorted by name, without helpers and containers that were kept aside. `all`: also
   * those that the host was not opened for.
   */
  instances(options?: { readonly all?: true }): Promise<readonly Instance[]>;
  /** Names of instances with an `instance.conf`, whether or not they have a container. Sorted. */
  declaredInstances(): Promise<readonly string[]>;
  /** @throws ProblemsError `step-refused`: several containers have this name. */
  instance(name: string): Promise<Instance | undefined>;
  /** Aborted when the user stops the program or a deadline passes. */
  readonly signal: AbortSignal;
}

export interface FileChanger {
  /**
   * Writes a temporary file, syncs and renames it. Refuses if `sha256` differs; undefined: no file is there. Keeps mode and owner;
   * a new file has those of the file `like`, else 0600.
   */
  replace(
    path: string,
    text: string,
    expected: { readonly sha256: string | undefined; readonly like?: string },
  ): Promise<void>;
  remove(path: string, expected: { readonly sha256: string }): Promise<void>;
}

/** Changes things. Only actions get one, and each call first checks that the lock is still held. */
export interface HostChanger {
  readonly docker: DockerChanger;
  readonly sql: SqlChanger;
  readonly files: FileChanger;
  readonly compose: ComposeChanger;
}
