import type { Diagnostic } from '../registry/diagnostics.ts';
import type { ReadOptions } from '../registry/registry.ts';

export interface ScanOptions {
  /** Given and returned paths are relative to it. Absolute; default the working folder of the process. */
  readonly cwd?: string;
  /** `ignore` and `components` are relative to it. Absolute; default `cwd`. */
  readonly configFolder?: string;
  /**
   * Patterns in the syntax of .gitignore of paths that are not scanned. No ignore file brings them back. Default none.
   */
  readonly ignore?: readonly string[];
  /**
   * The component of a registry, by its file or the folder that contains it; `.` is the folder of the config. Default:
   * the name of the folder.
   * @example { 'services/db': 'postgres', 'docs/PROBLEMS.md': 'manual' }
   */
  readonly components?: Readonly<Record<string, string>>;
  /** The component of a registry at the root of its project, or of the scanned folder outside one. Default `root`. */
  readonly rootComponent?: string;
  /**
   * The folder where the names of components begin for registries below it. Absolute. Default: the repository that contains
   * what is scanned, else the scanned folder.
   */
  readonly projectFolder?: string | undefined;
  /**
   * Whether to look at the rest of the project if only a part of it is scanned, so that components of equal folder names
   * are named as in a scan of the whole. Default true.
   */
  readonly nameByProject?: boolean;
  /**
   * Where to keep what a scan of a large tree found, so that the next scan only checks whether anything has changed:
   * `true` for the cache folder of the user, or a folder. Default `false`. The result is the same with and without.
   */
  readonly cache?: boolean | string;
  readonly outline?: ReadOptions['outline'];
  /** Ends the scan, which then throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called at most twenty times a second. */
  readonly onProgress?: (progress: ScanProgress) => void;
  /** Called for each problem outside the registries that were read, such as a file that cannot be read. */
  readonly onDiagnostic?: (diagnostic: Diagnostic) => void;
}

/** Numbers so far. */
export interface ScanProgress {
  /** Folders listed. 0 if nothing has changed since an earlier scan with the cache. */
  readonly folders: number;
  /** Files found that may contain records. */
  readonly found: number;
  /** How many of them have been read. */
  readonly read: number;
}
