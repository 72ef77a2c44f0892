import type { ProblemRecord } from './record.ts';

/**
 * Where an imported record came from, so that a second import finds it again, sees what its source says now, and tells what
 * someone has edited since. Hashes are those of `shortHash`.
 */
export interface ImportOrigin {
  /** The path of the source, from the folder of the registry, with forward slashes; `.` is the registry itself. */
  readonly from: string;
  /** The cleaned title, as the import compares it. */
  readonly title: string;
  /** 1 for the first problem of this title in its source, 2 for the second. */
  readonly occurrence: number;
  /** Of the lines of the source. */
  readonly lines: string;
  /** Whether the text of the source stayed where it was. If not, the record has taken its place. */
  readonly kept: boolean;
  /** By property path such as `investigationStatus.rootCause`: the hash of what the source said last. */
  readonly values: Readonly<Record<string, string>>;
}

const opening = '<!-- imported: ';

/** A longer line is not one of ours. */
const longestLine = 20_000;

/**
 * An origin as one line of a record: a comment, which is not part of the record and which Markdown does not show. It contains
 * neither the end of a comment nor the name of a marker, whatever the source is called.
 */
export function originLine({ from, title, occurrence, lines, kept, values }: ImportOrigin): string {
  const data = JSON.stringify({ from, title, occurrence, lines, kept, values }).replaceAll(
    /[<>\u2028\u2029]|--|embed/gi,
    (found) => unicode(found.charCodeAt(0)) + found.slice(1),
  );
  return `${opening}${data} -->`;
}

function unicode(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`;
}

/** The line of a block that says where its record came from, without its line end. Undefined if there is none. */
export function originLineIn(block: string): string | undefined {
  return block.split(/\r\n|\n|\r/).findLast((line) => line.startsWith(opening) && line.trimEnd().endsWith('-->'));
}

/** The origin of a record in the text that it was read from. Undefined if it has none, or one that no import has written. */
export function originOf(text: string, { place }: Pick<ProblemRecord, 'place'>): ImportOrigin | undefined {
  const line = originLineIn(text.slice(place.offset, place.endOffset))?.trimEnd();
  if (line === undefined || line.length > longestLine) return undefined;
  try {
    const data: unknown = JSON.parse(line.slice(opening.length, -'-->'.length));
    return isOrigin(data) ? data : undefined;
  } catch {
    return undefined;
  }
}

function isOrigin(data: unknown): data is ImportOrigin {
  if (typeof data !== 'object' || data === null) return false;
  if (!('from' in data && 'title' in data && 'occurrence' in data && 'lines' in data && 'kept' in data)) return false;
  const { from, title, occurrence, lines, kept } = data;
  const values = 'values' in data ? data.values : undefined;
  return (
    [from, title, lines].every((one) => typeof one === 'string') &&
    Number.isSafeInteger(occurrence) &&
    typeof kept === 'boolean' &&
    typeof values === 'object' &&
    values !== null &&
    Object.values(values).every((one) => typeof one === 'string')
  );
}

/** A block with another origin, in the place of the one that it has, or before its END marker. */
export function withOrigin(block: string, origin: ImportOrigin): string {
  const before = originLineIn(block);
  const line = originLine(origin);
  if (before !== undefined) {
    const at = block.lastIndexOf(before);
    return block.slice(0, at) + line + block.slice(at + before.length);
  }
  const end = block.lastIndexOf('<!--');
  const eol = block.includes('\r\n') ? '\r\n' : '\n';
  return `${block.slice(0, end)}${line}${eol}${eol}${block.slice(end)}`;
}
