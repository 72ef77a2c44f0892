import type { Span } from '../position.ts';
import { lineEnd, nextLine } from './characters.ts';
import { containerMarkers } from '../parse/lines.ts';

/*
 * What remark may be given: so much that no record comes near it, so little that its slowest inputs stay far below
 * the deadline of markdown-thread.ts: a second or two on a busy machine.
 */
const MAX_LENGTH = 65_536;
const MAX_LINES = 2_000;
/** Lists, quotes and footnotes that are begun, in all and on one line: remark recurses over the latter. */
const MAX_CONTAINERS = 4_000;
const MAX_CONTAINERS_OF_LINE = 16;

/** Why remark is not given this part of a text, undefined where it may be. Looks at no more than it allows. */
export function exceededBound(text: string, span: Span): string | undefined {
  if (span.end - span.start > MAX_LENGTH) return `it is longer than ${MAX_LENGTH} characters`;
  let lines = 0;
  let containers = 0;
  for (let at = span.start; at < span.end;) {
    const end = lineEnd(text, at, span.end);
    const opened = containerMarkers(text, at, end, MAX_CONTAINERS_OF_LINE);
    lines += 1;
    containers += opened;
    if (opened > MAX_CONTAINERS_OF_LINE) return `it is nested more than ${MAX_CONTAINERS_OF_LINE} deep`;
    if (lines > MAX_LINES) return `it has more than ${MAX_LINES} lines`;
    if (containers > MAX_CONTAINERS) return `it has more than ${MAX_CONTAINERS} list items, quotes and footnotes`;
    at = nextLine(text, end, span.end);
  }
  return undefined;
}
