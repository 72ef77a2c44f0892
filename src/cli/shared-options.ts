import type { Config } from '../config/config.ts';
import type { ScanOptions, ScanProgress } from '../scan/options.ts';

export interface CheckOptions {
  readonly config: Config;
  readonly cwd: string;
  /** Default false. */
  readonly cache?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: ScanProgress) => void;
}

/** What a scan is to do, as the config has it. */
export function scanOptions({ cwd, config, cache = false, signal, onProgress }: CheckOptions): ScanOptions {
  return {
    cwd,
    configFolder: config.folder,
    ignore: config.ignore,
    components: config.components,
    cache,
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  };
}
