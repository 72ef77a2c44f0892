import { ProblemsError } from '../../errors.ts';
import { nearest } from '../../util/suggest.ts';
import { outlineOf } from '../outline/index.ts';
import { headingText } from '../outline/slices.ts';
import type { HeadingNode } from '../parse/outline.ts';
import type { ReadOptions, Registry } from '../registry.ts';
import { quote } from '../report.ts';
import { applyEdits, endOfLine, lineEndOf, startOfLine } from './edits.ts';
import { confirmed, findTarget } from './target.ts';

/**
 * Moves a record, markers and all, to the end of the part of the file under another `#` or `##` heading, such as
 * from `## Active Problems` to `## Resolved Problems`.
 * @throws ProblemsError `not-found` for an id or a heading.
 */
export function moveRecord(text: string, id: string, heading: string, options: ReadOptions = {}): string {
  const target = findTarget(text, id, options);
  const eol = lineEndOf(text);
  const start = startOfLine(text, target.record.place.offset);
  let end = endOfLine(text, target.record.place.endOffset);
  const block = text.slice(start, end);
  // The blank line after the block goes with it, so that moving leaves no hole.
  while (text.startsWith(eol, end) && end + eol.length <= text.length) {
    end += eol.length;
    if (end - endOfLine(text, target.record.place.endOffset) >= 2 * eol.length) break;
  }
  const at = endOfPart(text, target.registry, heading);
  if (at >= start && at <= end) return text;
  const after = applyEdits(text, [
    { start, end, text: '' },
    { start: at, end: at, text: `${eol}${eol}${block}` },
  ]);
  return confirmed(target, after, options, (record) => record !== undefined && record.title === target.record.title);
}

/** Where a part's last text ends: before the next heading of its depth or above, or at the end of the file. */
function endOfPart(text: string, registry: Registry, wanted: string): number {
  const headings = headingsOutside(text, registry);
  const said = headings.map((heading) => text.slice(headingText(text, heading).start, headingText(text, heading).end));
  const position = said.indexOf(wanted);
  const found = headings[position];
  if (found === undefined) {
    const meant = nearest(wanted, said);
    throw new ProblemsError('not-found', `There is no heading ${quote(wanted)} in ${registry.path}.`, {
      hint: meant === undefined ? undefined : `Did you mean ${quote(meant)}?`,
    });
  }
  const next = headings.slice(position + 1).find((heading) => heading.depth <= found.depth);
  return text.slice(0, next?.start ?? text.length).trimEnd().length;
}

function headingsOutside(text: string, registry: Registry): readonly HeadingNode[] {
  const headings: HeadingNode[] = [];
  let at = 0;
  const blocks = [...registry.records, ...registry.unknown]
    .map((block) => block.place)
    .toSorted((a, b) => a.offset - b.offset);
  for (const block of [...blocks, { offset: text.length, endOffset: text.length }]) {
    if (block.offset < at) continue;
    const outline = outlineOf(text, { start: at, end: block.offset }, 'auto');
    if (outline.type === 'outline') {
      for (const node of outline.nodes) if (node.type === 'heading' && node.depth <= 2) headings.push(node);
    }
    at = block.endOffset;
  }
  return headings;
}
