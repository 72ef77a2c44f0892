import type { ScanOptions } from './options.ts';

/**
 * Lets other work run during a scan, whose own calls are synchronous because that is faster, and counts its progress.
 */
export interface Yielder {
  folders: number;
  found: number;
  read: number;
  /**
   * Returns a promise to await if it is time to let other work run.
   * @throws the signal's reason, once it is aborted.
   */
  pause(): Promise<void> | undefined;
}

/** Milliseconds. */
const interval = 50;

/** Reading the clock costs as much as reading the stats of a file. */
const stepsPerRead = 16;

export function createYielder({ signal, onProgress }: ScanOptions): Yielder {
  let last = process.uptime() * 1000;
  let steps = 0;
  signal?.throwIfAborted();
  return {
    folders: 0,
    found: 0,
    read: 0,
    pause() {
      signal?.throwIfAborted();
      if (++steps % stepsPerRead !== 0) return undefined;
      const now = process.uptime() * 1000;
      if (now - last < interval) return undefined;
      last = now;
      onProgress?.({ folders: this.folders, found: this.found, read: this.read });
      return new Promise((resolve) => setImmediate(resolve));
    },
  };
}
