import type { Candidate, RuleText, Surroundings } from './candidate.ts';
import { labelOf, readBody } from './fields.ts';
import type { Line } from './lines.ts';
import { isPlaceholder, namesNotes, namesProblems, namesTemplate, saysNothing } from './names.ts';
import { readTitle } from './titles.ts';
import { kindsOf } from './tree.ts';

export const boldTitleRule: RuleText = {
  name: 'bold-titles',
  matches: 'bold lines on their own in a group of problems without headings, in a text that has several of them',
  why: 'They are headings to those who read the page.',
};

/**
 * Bold lines between two lines that are used as headings though no label follows them. One alone is emphasis; a label such as
 * "Remaining issues:" ends in a colon.
 * @param labelled The indexes of bold lines between them that labels follow.
 */
export function boldTitlesIn(
  lines: readonly Line[],
  from: number,
  to: number,
  labelled: readonly number[],
  around: Surroundings,
): readonly Candidate[] {
  const found: number[] = [];
  for (let index = from; index < to; index += 1) if (boldTitleAt(lines, index)) found.push(index);
  // Labels alone make headings of bold lines: then other rules decide.
  if (found.every((index) => labelled.includes(index))) return [];
  const starts = [...new Set([...found, ...labelled])].toSorted((a, b) => a - b);
  return starts.flatMap((at, position) => {
    const text = lines[at]?.text ?? '';
    if (isOther(text)) return [];
    const end = starts[position + 1] ?? to;
    const body = readBody(lines, at + 1, end);
    const kinds = kindsOf(body.fields.map(({ meaning }) => meaning));
    const title = readTitle(text);
    const hasText = body.free.length + body.fields.length > 0;
    if (!hasText && !title.isStruck && title.remarks.length === 0) return [];
    const { name: rule } = boldTitleRule;
    return [{ rule, form: 'bold-line', at, end, title, lead: '', body, kinds, around, alike: starts.length }];
  });
}

export const boldBeginningRule: RuleText = {
  name: 'bold-beginnings',
  matches: 'paragraphs of a group of problems without headings and lists, all of which begin with a bold sentence',
  why: 'The sentence is the title, and the rest of the paragraph describes it.',
};

const beginning = /^(?:\*\*|__)(?=\S)([^*]{6,160}?)(?:\*\*|__)\s*[-–—]?\s*(\S.*)$/;

/** Paragraphs between two lines that begin with a bold sentence. One paragraph before them may introduce them. */
export function boldBeginningsIn(
  lines: readonly Line[],
  from: number,
  to: number,
  around: Surroundings,
): readonly Candidate[] {
  const starts: number[] = [];
  let others = 0;
  for (let index = from; index < to; index += 1) {
    const { type, text = '' } = lines[index] ?? {};
    if (type === 'item' || type === 'row') return [];
    if (type !== 'text' || lines[index - 1]?.type === 'text') continue;
    const [, inner = ''] = beginning.exec(text) ?? [];
    if (inner !== '' && labelOf(text) === undefined) starts.push(index);
    else others += 1;
  }
  if (starts.length < 2 || others > 1) return [];
  return starts.flatMap((at, position) => {
    const [, inner = '', lead = ''] = beginning.exec(lines[at]?.text ?? '') ?? [];
    if (isOther(inner)) return [];
    const end = starts[position + 1] ?? to;
    const body = readBody(lines, at + 1, end);
    const kinds = kindsOf(body.fields.map(({ meaning }) => meaning));
    const { name: rule } = boldBeginningRule;
    const title = readTitle(inner);
    return [{ rule, form: 'bold-line', at, end, title, lead, body, kinds, around, alike: starts.length }];
  });
}

function isOther(text: string): boolean {
  return (
    namesNotes(text, false) || namesProblems(text) || namesTemplate(text) || isPlaceholder(text) || saysNothing(text)
  );
}

/** The whole line is bold, but for a number or sign before it and what states something behind it. */
const boldLine =
  /^(?:~~)?(?:\p{Extended_Pictographic}\uFE0F?\s*|\d{1,3}[.)]\s+)?(?:\*\*|__)(?=\S)([^*]{3,160}?)(?:\*\*|__)(?:~~)?\s*(?:[✅✔☑❌⚠]\uFE0F?\s*)?(?:\*\*[\p{L}' ]{3,20}\*\*\s*)?(?:\([^()]{1,60}\))?$/u;

/** Whether a line is a bold title: no label, not the continuation of a paragraph, and not an item. */
export function boldTitleAt(lines: readonly Line[], index: number): boolean {
  const line = lines[index];
  if (line?.type !== 'text' || line.indent > 1) return false;
  const [, inner = ''] = boldLine.exec(line.text) ?? [];
  if (inner === '' || /[:：]\s*$/.test(inner)) return false;
  const before = lines[index - 1]?.type;
  if (before !== undefined && !['blank', 'rule', 'heading', 'skipped'].includes(before)) return false;
  const label = labelOf(line.text);
  return label === undefined || label.meaning === null;
}
