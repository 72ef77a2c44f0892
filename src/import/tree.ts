import { type Body, labelOf, readBody } from './fields.ts';
import type { LabelMeaning } from './labels.ts';
import type { Line } from './lines.ts';
import { meaningOf } from './labels.ts';
import { isPlaceholder, namesProblems } from './names.ts';
import { saysSomething } from './templates.ts';
import { headingLabel, isLabelHeading, readTitle, type Title } from './titles.ts';

/** A heading, or a bold line that is used as one, and what is below it. */
export interface Section {
  /** The index of its line. */
  readonly at: number;
  /** 1 to 6; 7 for a bold line. 0 is the text itself. */
  readonly level: number;
  readonly title: Title;
  /** The index after its last line. */
  readonly end: number;
  /** The index after its own text: where the first section below it begins that is no label of it. */
  readonly ownEnd: number;
  readonly body: Body;
  /** The kinds of our labels in its own text and among the headings below it. */
  readonly kinds: ReadonlySet<LabelMeaning>;
  /** Without headings that are labels. */
  readonly children: readonly Section[];
}

/** The rest is text: no file that people write has so many. */
const mostBoldTitles = 1_000;

interface Draft {
  readonly at: number;
  readonly level: number;
  readonly text: string;
  end: number;
  readonly children: Draft[];
}

/** The outline of a text. Linear: each line is read once for its heading, and once more for the labels below it. */
export function readTree(lines: readonly Line[]): Section {
  const root: Draft = { at: -1, level: 0, text: '', end: lines.length, children: [] };
  const open: Draft[] = [root];
  let boldTitles = 0;
  for (const [index, line] of lines.entries()) {
    const isTitle = line.type === 'text' && boldTitles < mostBoldTitles && isBoldTitle(lines, index);
    const level = line.type === 'heading' ? line.level : isTitle ? 7 : 0;
    if (level === 0) continue;
    if (isTitle) boldTitles += 1;
    while ((open.at(-1)?.level ?? 0) >= level) {
      const closed = open.pop();
      if (closed !== undefined) closed.end = index;
    }
    const draft: Draft = { at: index, level, text: line.text, end: lines.length, children: [] };
    open.at(-1)?.children.push(draft);
    open.push(draft);
  }
  return sectionOf(lines, root, undefined);
}

function sectionOf(lines: readonly Line[], draft: Draft, parent: Draft | undefined): Section {
  const { at, level, text, end } = draft;
  const { labels, others } = splitChildren(draft, parent);
  // A label's own headings belong to it, but those that are no labels of ours may be problems under a group named "Issues".
  const ownEnd = Math.max(others[0]?.at ?? end, at + 1);
  const body = readBody(lines, at + 1, ownEnd);
  return {
    at,
    level,
    title: readTitle(level === 7 ? text.replace(/[:：]\s*$/, '') : text),
    end,
    ownEnd,
    body,
    kinds: kindsOf([
      ...body.fields.filter(saysSomething).map(({ meaning }) => meaning),
      ...labels.map((label) => meaningOf(headingLabel(label.text).label) ?? null),
    ]),
    children: others.map((child) => sectionOf(lines, child, draft)),
  };
}

/** A heading such as "Solution" is a label if its parent is a title, and a group if it holds titles itself. */
function splitChildren(
  draft: Draft,
  parent: Draft | undefined,
): { readonly labels: readonly Draft[]; readonly others: readonly Draft[] } {
  const candidates = draft.children.filter(
    ({ text, level }) => level < 7 && isLabelHeading(text) && !isPlaceholder(text),
  );
  const subtitle = subtitleOf(draft);
  const isLog = /^\W*(?:session|iteration|sprint)\b/i.test(draft.text);
  const isTitle = (draft.level >= 2 && !isLog) || (draft.level === 1 && isOneProblem(candidates, parent));
  const labels = new Set(isTitle && !isLabelHeading(draft.text) ? candidates.filter((one) => !holdsTitles(one)) : []);
  return { labels: [...labels], others: draft.children.filter((child) => !labels.has(child) && child !== subtitle) };
}

/** One bold line alone, directly below a title, says the title again in other words; below a group it is the title of a problem. */
function subtitleOf({ at, level, text, children }: Draft): Draft | undefined {
  const [only, ...more] = children;
  const isClose = only?.level === 7 && only.at - at <= 2 && more.length === 0;
  return isClose && level >= 2 && level < 7 && !namesProblems(text) ? only : undefined;
}

/** A text about one problem has its sections directly below the first heading. */
function isOneProblem(candidates: readonly Draft[], parent: Draft | undefined): boolean {
  const names = candidates.map(({ text }) => text.toLowerCase());
  const has = (form: RegExp): boolean => names.some((name) => form.test(name));
  return (
    parent?.level === 0 &&
    has(/^(?:the )?(?:problem|issue|symptoms?|description)\W*$/) &&
    has(/cause|solution|fix|resolution|workaround/)
  );
}

function holdsTitles({ children }: Draft): boolean {
  return (
    children.filter(({ text, level }) => level < 7 && !isLabelHeading(text)).length >= 2 ||
    children.some(({ text }) => readTitle(text).isNumbered)
  );
}

/** A bold line is used as a heading if it is no label and labels of ours follow it. */
function isBoldTitle(lines: readonly Line[], index: number): boolean {
  const line = lines[index];
  if (line?.type !== 'text' || !/^(?:\*\*|__).{3,160}(?:\*\*|__)[:：]?$/.test(line.text) || line.indent > 1)
    return false;
  if (line.text.slice(2, -3).includes('**') || /[:：]\**$/.test(line.text)) return false;
  if (labelOf(line.text)?.meaning !== undefined && labelOf(line.text)?.meaning !== null) return false;
  const next = nextWritten(lines, index + 1);
  const found = next === undefined || (next.type !== 'item' && next.type !== 'text') ? undefined : labelOf(next.text);
  return found !== undefined && found.meaning !== null && found.meaning !== 'kept';
}

function nextWritten(lines: readonly Line[], from: number): Line | undefined {
  for (let index = from; index < Math.min(from + 3, lines.length); index += 1) {
    if (lines[index]?.type !== 'blank') return lines[index];
  }
  return undefined;
}

/** The kinds among some labels. The solutions count as one. */
export function kindsOf(meanings: readonly (LabelMeaning | null)[]): ReadonlySet<LabelMeaning> {
  const kinds = new Set<LabelMeaning>();
  for (const meaning of meanings) {
    if (meaning === 'solutionDone' || meaning === 'solutionPlanned') kinds.add('solution');
    else if (meaning !== null) kinds.add(meaning);
  }
  return kinds;
}
