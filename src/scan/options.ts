import type { Diagnostic } from '../registry/diagnostics.ts';
import type { ReadOptions } from '../registry/registry.ts';

export interface ScanOptions {
  /** Paths are relative to it, in what is given and in what is returned. Absolute; default the working folder of the process. */
  readonly cwd?: string;
  /** What `ignore` and `components` are relative to. Absolute; default `cwd`. */
  readonly configFolder?: string;
  /** Paths that are not scanned, in the form of .gitignore. No ignore file brings them back. */
  readonly ignore?: readonly string[];
  /** The component of a registry, by its file or the folder that holds it; `.` is the folder of the config. */
  readonly components?: Readonly<Record<string, string>>;
  /** The component of a registry at the scanned root. Default `root`. */
  readonly rootComponent?: string;
  /**
   * Where to keep what a scan saw, so that the next one need not look again: `true` for the user's own cache folder, or
   * a folder. Default `false`. What is found is the same with and without.
   */
  readonly cache?: boolean | string;
  readonly outline?: ReadOptions['outline'];
  /** Ends the scan: it throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** Told now and then, at most twenty times a second, how far the scan is. */
  readonly onProgress?: (progress: ScanProgress) => void;
  /** Told what is wrong beyond the registries that were read, such as a file that cannot be. */
  readonly onDiagnostic?: (diagnostic: Diagnostic) => void;
}

export interface ScanProgress {
  /** Folders looked into. */
  readonly folders: number;
  /** Files found that may hold records. */
  readonly found: number;
  /** Of these, the ones that were read. */
  readonly read: number;
}
