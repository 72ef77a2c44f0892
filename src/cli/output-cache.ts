import { checksum, readCacheFile, usualCacheFolder, writeCacheFile } from '../scan/cache.ts';
import type { Screen, Write } from './terminal.ts';

/** What a command printed, in its order, and its exit code. */
export interface CachedOutput {
  readonly writes: readonly Write[];
  readonly exitCode: number;
}

/** Runs with equal keys print the same. */
export interface OutputKey {
  /** Everything that the output depends on besides the files: options, config, terminal, build. */
  readonly context: string;
  /** Of the files, as the scan gives it. */
  readonly fingerprint: string;
}

/** In UTF-16 code units. Longer outputs are not cached. */
const longest = 16 * 1024 * 1024;

/**
 * The `context` of a key: the terminal's properties and what is given.
 * @param given Plain data.
 */
export function outputContext({ out, notes }: Screen, given: readonly unknown[]): string {
  const outputs = [out, notes].map((one) => [one.isTerminal, one.columns, one.style('error', '')]);
  return JSON.stringify([process.version, outputs, ...given]);
}

/** The cached output of a key. Undefined if there is none, or the file is damaged. */
export function readOutput({ context, fingerprint }: OutputKey): CachedOutput | undefined {
  const text = readCacheFile(usualCacheFolder(), nameOf(context))?.toString('utf8') ?? '';
  const end = text.indexOf('\n');
  const content = text.slice(end + 1);
  if (end === -1 || text.slice(0, end) !== checksum(content)) return undefined;
  const entry = parse(content);
  return entry !== undefined && entry[0] === context && entry[1] === fingerprint
    ? { writes: entry[2], exitCode: entry[3] }
    : undefined;
}

type Entry = readonly [context: string, fingerprint: string, writes: readonly Write[], exitCode: number];

function parse(content: string): Entry | undefined {
  try {
    const entry: unknown = JSON.parse(content);
    return isEntry(entry) ? entry : undefined;
  } catch {
    return undefined;
  }
}

/** The checksum has been compared: what is inside is what was written. */
function isEntry(entry: unknown): entry is Entry {
  return Array.isArray(entry) && entry.length === 4 && Array.isArray(entry[2]);
}

/** Replaces the cached output of the same context. */
export function writeOutput({ context, fingerprint }: OutputKey, { writes, exitCode }: CachedOutput): void {
  const length = writes.reduce((sum, [, text]) => sum + text.length, context.length + fingerprint.length);
  if (length > longest) return;
  const content = JSON.stringify([context, fingerprint, writes, exitCode] satisfies Entry);
  writeCacheFile(usualCacheFolder(), nameOf(context), Buffer.from(`${checksum(content)}\n${content}`));
}

function nameOf(context: string): string {
  return `${checksum(context)}.output`;
}
