import { isUtf8 } from 'node:buffer';
import { realpathSync } from 'node:fs';
import { meaningOf, readRegularFile } from '../read-file.ts';
import { createDiagnosticCollector, sortDiagnostics } from '../registry/diagnostics.ts';
import type { MarkerScan } from '../registry/parse/marker.ts';
import { findMarkers } from '../registry/parse/markers.ts';
import { brokenMarkers } from '../registry/parse/near-misses.ts';
import { readMarked } from '../registry/parse/read.ts';
import { createLineIndex } from '../registry/position.ts';
import type { ReadOptions, Registry } from '../registry/registry.ts';
import { errorCode } from '../util/text.ts';
import { includesMarker, isUtf16, largestFile } from './marker-search.ts';

/** What reading a file gave. */
export type FileContent =
  | {
      readonly type: 'text';
      readonly text: string;
      readonly markers: MarkerScan;
      /** The offset of the first character that is not valid UTF-8. */
      readonly firstInvalid: number | undefined;
      /** The offset of the first character of a part that is UTF-16 or binary. */
      readonly firstMixed: number | undefined;
    }
  /** It contains no marker, or has been removed. */
  | { readonly type: 'none' }
  | {
      readonly type: 'refused';
      readonly code: 'file-unreadable' | 'too-complex';
      readonly message: string;
      /** What to do, if the code alone does not say it. */
      readonly hint?: string;
    };

export interface RegistryFile {
  /** Absolute. */
  readonly file: string;
  /** Whether the user named it. Then it is read whatever its name, and symbolic links in its path are followed. */
  readonly isNamed: boolean;
}

/** Reads a file, and decodes it if it contains markers, except in code and the like. Never throws. */
export function readContent(file: RegistryFile): FileContent {
  try {
    const bytes = readBytes(file);
    if (bytes === undefined) return { type: 'none' };
    if (typeof bytes === 'string')
      return { type: 'refused', code: bytes === tooLarge ? 'too-complex' : 'file-unreadable', message: bytes };
    return decodeContent(bytes);
  } catch (error) {
    const code = errorCode(error);
    if (!file.isNamed && (code === 'ENOENT' || code === 'ELOOP')) return { type: 'none' };
    return { type: 'refused', code: 'file-unreadable', message: `The file cannot be read: ${meaningOf(code)}.` };
  }
}

const tooLarge = 'The file is larger than 64 MB and is not read.';

function readBytes({ file, isNamed }: RegistryFile): Buffer | string | undefined {
  const read = readRegularFile(file, { most: largestFile, followLink: isNamed });
  if (read.type === 'refused')
    return `The file cannot be read: it is ${read.is === 'a folder' ? read.is : `not a regular file but ${read.is}`}.`;
  // A symbolic link may have replaced a folder of the path since it was listed.
  if (!isNamed && realpathSync.native(file) !== file) return undefined;
  return read.isWhole ? read.bytes : tooLarge;
}

/** Decodes the content of a file if it contains markers, except in code and the like. */
export function decodeContent(bytes: Buffer): FileContent {
  if (isUtf16(bytes)) return decodeUtf16(bytes);
  if (!includesMarker(bytes)) return { type: 'none' };
  const text = bytes.toString('utf8');
  const markers = findMarkers(text);
  const firstMixed = firstOfAnotherEncoding(text, bytes);
  const isProse = markers.type !== 'too-complex' && markers.markers.length === 0 && brokenMarkers(text).length === 0;
  if (isProse && firstMixed === undefined) return { type: 'none' };
  const firstInvalid = isUtf8(bytes) ? undefined : firstReplacement(text, bytes);
  return { type: 'text', text, markers, firstInvalid, firstMixed };
}

/** Text in UTF-8 contains no NUL, and neither byte of the byte-order mark of UTF-16. */
function firstOfAnotherEncoding(text: string, bytes: Buffer): number | undefined {
  const marks = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])].map((mark) => bytes.indexOf(mark));
  const inBytes = Math.min(...marks.filter((at) => at !== -1));
  const nul = text.indexOf('\0');
  const mark = inBytes === Number.POSITIVE_INFINITY ? -1 : bytes.toString('utf8', 0, inBytes).length;
  const found = [nul, mark].filter((at) => at !== -1);
  return found.length === 0 ? undefined : Math.min(...found);
}

/** Notepad of Windows calls UTF-16 "Unicode". Such a file is not read, so it must not pass as valid. */
function decodeUtf16(bytes: Buffer): FileContent {
  const text = new TextDecoder(bytes[0] === 0xff ? 'utf-16le' : 'utf-16be').decode(bytes);
  if (!includesMarker(Buffer.from(text))) return { type: 'none' };
  const message = 'The file is UTF-16, not UTF-8, and is not read.';
  return { type: 'refused', code: 'file-unreadable', message, hint: 'Save the file as UTF-8.' };
}

/** The offset of the first U+FFFD in the text that the file itself does not contain. */
function firstReplacement(text: string, bytes: Buffer): number {
  let offset = 0;
  for (let from = 0, at = text.indexOf('\uFFFD'); at !== -1; from = at, at = text.indexOf('\uFFFD', at + 1)) {
    offset += Buffer.byteLength(text.slice(from, at));
    if (bytes.readUIntBE(offset, Math.min(3, bytes.length - offset)) !== 0xefbfbd) return at;
  }
  return 0;
}

/** Reads the registry in the text of a file. */
export function registryOf(
  { text, markers, firstInvalid, firstMixed }: FileContent & { readonly type: 'text' },
  options: ReadOptions & { readonly path: string },
): Registry {
  const registry = readMarked(text, markers, options);
  if (firstInvalid === undefined && firstMixed === undefined) return registry;
  const report = createDiagnosticCollector(options.path, createLineIndex(text));
  // One fault has one diagnostic: what is invalid after the change of encoding follows from it.
  if (firstMixed !== undefined) report.add('encoding-mixed', { start: firstMixed, end: firstMixed + 1 });
  if (firstInvalid !== undefined && firstInvalid < (firstMixed ?? text.length))
    report.add('encoding-invalid', { start: firstInvalid, end: firstInvalid + 1 });
  return { ...registry, diagnostics: sortDiagnostics([...registry.diagnostics, ...report.diagnostics]) };
}
