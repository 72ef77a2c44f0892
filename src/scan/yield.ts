import type { ScanOptions } from './options.ts';

/** Keeps a scan, whose work is synchronous because that is faster, from holding up everything else. */
export interface Yielder {
  folders: number;
  found: number;
  read: number;
  /** Lets others run, if it is time. @throws the signal's reason, once it is aborted. */
  pause(): Promise<void> | undefined;
}

const interval = 50;

/** Looking at the clock costs as much as looking at a file. */
const stepsPerLook = 16;

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
      if (++steps % stepsPerLook !== 0) return undefined;
      const now = process.uptime() * 1000;
      if (now - last < interval) return undefined;
      last = now;
      onProgress?.({ folders: this.folders, found: this.found, read: this.read });
      return new Promise((resolve) => setImmediate(resolve));
    },
  };
}
