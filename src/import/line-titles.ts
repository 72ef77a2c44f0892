import { type Candidate, hasProblemAndAnswer, type RuleText, type Surroundings } from './candidate.ts';
import { labelOf, readBody } from './fields.ts';
import type { LabelMeaning } from './labels.ts';
import type { Line, LineType } from './lines.ts';
import { isPlaceholder, namesNotes, namesProblems, namesTemplate, saysNothing } from './names.ts';
import { instructsToWrite } from './templates.ts';
import { readTitle, type Title } from './titles.ts';
import { kindsOf } from './tree.ts';

export const boldTitleRule: RuleText = {
  name: 'bold-titles',
  matches: 'bold lines on their own in a group of problems without headings, in a text that has several of them',
  why: 'They are headings to those who read the page.',
};

export const boldBeginningRule: RuleText = {
  name: 'bold-beginnings',
  matches: 'paragraphs of a group of problems without headings and lists, all of which begin with a bold sentence',
  why: 'The sentence is the title, and the rest of the paragraph describes it.',
};

export const paragraphRule: RuleText = {
  name: 'labelled-paragraphs',
  matches:
    'lines such as "Problem: …" in a group of problems without headings, each with its cause or solution below it',
  why: 'The label is repeated for each problem, so what stands behind it is the title.',
};

/** What a line says that is the title of a problem. */
interface LineTitle {
  readonly title: Title;
  /** What stands behind the title on the same line. */
  readonly lead: string;
  /** The label that the line begins with. */
  readonly label: LabelMeaning | null;
}

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
  const found = indexesIn(from, to).filter((index) => boldTitleAt(lines, index));
  // Labels alone make headings of bold lines: then other rules decide.
  if (found.every((index) => labelled.includes(index))) return [];
  const starts = [...new Set([...found, ...labelled])].toSorted((a, b) => a - b);
  const read = (text: string): LineTitle | undefined =>
    isOther(text) ? undefined : { title: readTitle(text), lead: '', label: null };
  return candidatesAt(lines, starts, to, around, boldTitleRule, read).filter(
    ({ body, title }) => body.free.length + body.fields.length > 0 || title.isStruck || title.remarks.length > 0,
  );
}

const beginning = /^(?:\*\*|__)(?=\S)([^*]{6,160}?)(?:\*\*|__)\s*[-–—]?\s*(\S.*)$/;

/** Paragraphs between two lines that begin with a bold sentence. One paragraph before them may introduce them. */
export function boldBeginningsIn(
  lines: readonly Line[],
  from: number,
  to: number,
  around: Surroundings,
): readonly Candidate[] {
  if (lines.slice(from, to).some(({ type }) => type === 'item' || type === 'row')) return [];
  const paragraphs = indexesIn(from, to).filter(
    (index) => lines[index]?.type === 'text' && lines[index - 1]?.type !== 'text',
  );
  const starts = paragraphs.filter((index) => {
    const text = lines[index]?.text ?? '';
    return beginning.test(text) && labelOf(text) === undefined;
  });
  if (starts.length < 2 || paragraphs.length - starts.length > 1) return [];
  return candidatesAt(lines, starts, to, around, boldBeginningRule, (text) => {
    const [, inner = '', lead = ''] = beginning.exec(text) ?? [];
    return isOther(inner) ? undefined : { title: readTitle(inner), lead, label: null };
  });
}

const longestTitle = 160;

/**
 * Paragraphs between two lines that begin with the same label of a problem, again and again. One alone is the description of
 * what is around it.
 */
export function paragraphsIn(
  lines: readonly Line[],
  from: number,
  to: number,
  around: Surroundings,
): readonly Candidate[] {
  const starts = indexesIn(from, to).filter((index) => isLabelled(lines, index));
  if (starts.length < 2) return [];
  const found = candidatesAt(lines, starts, to, around, paragraphRule, (text) => {
    const { value = '' } = labelOf(text) ?? {};
    const isNone = isPlaceholder(value) || saysNothing(value);
    return isNone ? undefined : { title: readTitle(value), lead: '', label: 'description' };
  }).filter(({ kinds }) => hasProblemAndAnswer(kinds));
  return found.length < 2 ? [] : found;
}

/** A candidate for each start, up to the next one. Those whose line is no title of a problem are left out. */
function candidatesAt(
  lines: readonly Line[],
  starts: readonly number[],
  to: number,
  around: Surroundings,
  { name: rule }: RuleText,
  read: (text: string) => LineTitle | undefined,
): readonly Candidate[] {
  return starts.flatMap((at, position) => {
    const found = read(lines[at]?.text ?? '');
    const below = lines.slice(at + 1, at + 3).find(({ type }) => type === 'text')?.text ?? '';
    if (found === undefined || instructsToWrite(below)) return [];
    const { title, lead, label } = found;
    const end = starts[position + 1] ?? to;
    const body = readBody(lines, at + 1, end);
    const kinds = kindsOf([label, ...body.fields.map(({ meaning }) => meaning)]);
    return [{ rule, form: 'bold-line', at, end, title, lead, body, kinds, around, alike: starts.length }];
  });
}

function indexesIn(from: number, to: number): readonly number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_one, offset) => from + offset);
}

function isOther(text: string): boolean {
  return (
    namesNotes(text, false) || namesProblems(text) || namesTemplate(text) || isPlaceholder(text) || saysNothing(text)
  );
}

function isLabelled(lines: readonly Line[], index: number): boolean {
  const line = lines[index];
  if (line?.type !== 'text' || line.indent > 1) return false;
  const label = labelOf(line.text);
  if (label?.meaning !== 'description' || label.value === '' || label.value.length > longestTitle) return false;
  return beginsParagraph(lines, index, ['code']);
}

/** The whole line is bold, but for a number or sign before it and what states something behind it. */
const boldLine =
  /^(?:~~)?(?:\p{Extended_Pictographic}\uFE0F?\s*|\d{1,3}[.)]\s+)?(?:\*\*|__)(?=\S)([^*]{3,160}?)(?:\*\*|__)(?:~~)?\s*(?:[✅✔☑❌⚠]\uFE0F?\s*)?(?:\*\*[\p{L}' ]{3,20}\*\*\s*)?(?:\([^()]{1,60}\))?$/u;

/** Whether a line is a bold title: no label, not the continuation of a paragraph, and not an item. */
export function boldTitleAt(lines: readonly Line[], index: number): boolean {
  const line = lines[index];
  if (line?.type !== 'text' || line.indent > 1) return false;
  const [, inner = ''] = boldLine.exec(line.text) ?? [];
  if (inner === '' || /[:：]\s*$/.test(inner) || !beginsParagraph(lines, index, [])) return false;
  const label = labelOf(line.text);
  return label === undefined || label.meaning === null;
}

function beginsParagraph(lines: readonly Line[], index: number, also: readonly LineType[]): boolean {
  const before = lines[index - 1]?.type;
  return before === undefined || ['blank', 'rule', 'heading', 'skipped', ...also].includes(before);
}
