import type { Config } from '../config/config.ts';
import type { ScanFilter } from './choosing.ts';
import type { ConfigChoice } from './shared-options.ts';
import type { Screen } from './terminal.ts';

export interface ScanRequest extends ConfigChoice {
  readonly paths: readonly string[];
  readonly choice: ScanFilter;
  readonly json: boolean;
  readonly writeTasks: string | undefined;
  readonly strict: boolean;
  readonly cache: boolean;
  readonly watch: boolean;
}

export interface ScanEnvironment {
  readonly cwd: string;
  readonly now: () => Date;
  readonly screen: Screen;
  readonly signal: AbortSignal | undefined;
  /** What tells this build of the program from any other; without it no output is kept. */
  readonly program: string | undefined;
  /** Told which files may be registries, by their real paths, and by which config. */
  readonly onFound?: (files: readonly string[], config: Config) => void;
}
