import { ProblemsError } from '../../errors.ts';
import { suggest } from '../../util/suggest.ts';
import { wordsIn } from '../../util/words.ts';
import { quote } from '../diagnostics.ts';
import { type KindName, kinds } from '../kinds/index.ts';
import { type HeadingNode, headingText } from '../parse/outline.ts';
import { markdownBudget, outlineOf } from '../parse/read-outline.ts';
import { readRegistry } from '../parse/read.ts';
import type { Registry } from '../registry.ts';
import { applyEdits, endOfLine, lineEndOf } from './edits.ts';

/**
 * Adds a block with its markers to a text, all of which stays byte for byte the same. With `kind`, it goes under the heading
 * that names the kind, such as `## Active Issues`, else after the last record of the kind, else to the end.
 */
export function addRecord(text: string, block: string, kind?: KindName): string {
  const eol = lineEndOf(text);
  const body = block
    .replaceAll(/\r\n|\n|\r/g, '\n')
    .trimEnd()
    .replaceAll('\n', eol);
  const at = kind === undefined ? undefined : placeOf(text, kind);
  if (at !== undefined && text.slice(at).trim() !== '')
    return applyEdits(text, [{ start: at, end: at, text: `${eol}${eol}${body}` }]);
  const gap = text === '' ? '' : text.endsWith(eol + eol) ? '' : text.endsWith(eol) ? eol : eol + eol;
  return `${text}${gap}${body}${eol}`;
}

/** Where a record of a kind belongs. Undefined if nothing in the text says so. */
function placeOf(text: string, kind: KindName): number | undefined {
  const registry = readRegistry(text);
  const headings = headingsOutside(text, registry);
  // The title of the file may name a kind too.
  const parts = headings.some(({ depth }) => depth === 2) ? headings.filter(({ depth }) => depth === 2) : headings;
  const heading = parts.find((one) => kindNamedBy(textOf(text, one)) === kind);
  if (heading !== undefined) return endUnder(text, headings, heading);
  const last = registry.records.findLast((record) => record.kind === kind);
  return last === undefined ? undefined : endOfLine(text, last.place.endOffset);
}

/** The kind that a heading names first: `Active Issues`, `Resolved problems`, `Patterns`. */
function kindNamedBy(heading: string): KindName | undefined {
  for (const word of wordsIn(heading.toLowerCase())) {
    const found = kinds.find(({ name }) => name === word || `${name}s` === word || name.replace(/is$/, 'es') === word);
    if (found !== undefined) return found.name;
  }
  return undefined;
}

/** The end of the text under a heading: before the next heading of the same or a higher level, or at the end of the file. */
export function endOfPart(text: string, registry: Registry, wanted: string): number {
  const headings = headingsOutside(text, registry);
  const said = headings.map((heading) => textOf(text, heading));
  const position = said.indexOf(wanted);
  const found = headings[position];
  if (found === undefined) {
    const meant = suggest(wanted, said);
    throw new ProblemsError('not-found', `${registry.path} has no heading ${quote(wanted)}.`, {
      hint: meant === undefined ? undefined : `Did you mean ${quote(meant)}?`,
    });
  }
  return endUnder(text, headings, found);
}

function endUnder(text: string, headings: readonly HeadingNode[], found: HeadingNode): number {
  const next = headings.find((heading) => heading.start > found.start && heading.depth <= found.depth);
  return text.slice(0, next?.start ?? text.length).trimEnd().length;
}

function textOf(text: string, heading: HeadingNode): string {
  const { start, end } = headingText(text, heading);
  return text.slice(start, end);
}

function headingsOutside(text: string, registry: Registry): readonly HeadingNode[] {
  const headings: HeadingNode[] = [];
  const budget = markdownBudget();
  let at = 0;
  const blocks = [...registry.records, ...registry.unknown]
    .map((block) => block.place)
    .toSorted((a, b) => a.offset - b.offset);
  for (const block of [...blocks, { offset: text.length, endOffset: text.length }]) {
    if (block.offset < at) continue;
    const outline = outlineOf(text, { start: at, end: block.offset }, 'auto', budget);
    if (outline.type === 'outline') {
      for (const node of outline.nodes) if (node.type === 'heading' && node.depth <= 2) headings.push(node);
    }
    at = block.endOffset;
  }
  return headings;
}
