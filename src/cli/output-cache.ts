import { checksum, readCacheFile, usualCacheFolder, writeCacheFile } from '../scan/cache.ts';
import type { Output, Screen } from './terminal.ts';

/** What a command printed, in its order, and its exit code. */
export interface KeptOutput {
  readonly writes: readonly Write[];
  readonly exitCode: number;
}

export type Write = readonly [output: keyof Screen, text: string];

export interface OutputKey {
  /** What the output depends on besides the files that were found. */
  readonly about: string;
  /** Of the files, as the scan gives it. */
  readonly fingerprint: string;
}

/** UTF-16 code units. More than a person reads. */
const longest = 16 * 1024 * 1024;

/**
 * Runs that have the same text print the same, where they find the same.
 * @param given Plain data.
 */
export function aboutOutput({ out, notes }: Screen, given: readonly unknown[]): string {
  const outputs = [out, notes].map((one) => [one.isTerminal, one.columns, one.style('error', '')]);
  return JSON.stringify([process.version, outputs, ...given]);
}

/** What the same run printed when it found the same. Undefined where that is not known for certain. */
export function readOutput({ about, fingerprint }: OutputKey): KeptOutput | undefined {
  const text = readCacheFile(usualCacheFolder(), nameOf(about))?.toString('utf8') ?? '';
  const end = text.indexOf('\n');
  const content = text.slice(end + 1);
  if (end === -1 || text.slice(0, end) !== checksum(content)) return undefined;
  const kept = parse(content);
  return kept !== undefined && kept[0] === about && kept[1] === fingerprint
    ? { writes: kept[2], exitCode: kept[3] }
    : undefined;
}

type Kept = readonly [about: string, fingerprint: string, writes: readonly Write[], exitCode: number];

function parse(content: string): Kept | undefined {
  try {
    const kept: unknown = JSON.parse(content);
    return isKept(kept) ? kept : undefined;
  } catch {
    return undefined;
  }
}

/** The checksum vouches for what is within. */
function isKept(kept: unknown): kept is Kept {
  return Array.isArray(kept) && kept.length === 4 && Array.isArray(kept[2]);
}

export function writeOutput({ about, fingerprint }: OutputKey, { writes, exitCode }: KeptOutput): void {
  const length = writes.reduce((sum, [, text]) => sum + text.length, about.length + fingerprint.length);
  if (length > longest) return;
  const content = JSON.stringify([about, fingerprint, writes, exitCode] satisfies Kept);
  writeCacheFile(usualCacheFolder(), nameOf(about), Buffer.from(`${checksum(content)}\n${content}`));
}

function nameOf(about: string): string {
  return `${checksum(about)}.output`;
}

/** Prints on a screen, and tells each write. */
export function recordingScreen(screen: Screen, tell: (write: Write) => void): Screen {
  function recording(name: keyof Screen): Output {
    const output = screen[name];
    return {
      write(text) {
        tell([name, text]);
        output.write(text);
      },
      get isTerminal() {
        return output.isTerminal;
      },
      get columns() {
        return output.columns;
      },
      get style() {
        return output.style;
      },
      get stream() {
        return output.stream;
      },
    };
  }
  return { out: recording('out'), notes: recording('notes') };
}
