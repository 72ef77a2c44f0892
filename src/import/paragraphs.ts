import { type Candidate, hasProblemAndAnswer, type RuleText, type Surroundings } from './candidate.ts';
import { labelOf, readBody } from './fields.ts';
import type { Line } from './lines.ts';
import { isPlaceholder, saysNothing } from './names.ts';
import { readTitle } from './titles.ts';
import { kindsOf } from './tree.ts';

export const paragraphRule: RuleText = {
  name: 'labelled-paragraphs',
  matches:
    'lines such as "Problem: …" in a group of problems without headings, each with its cause or solution below it',
  why: 'The label is repeated for each problem, so what stands behind it is the title.',
};

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
  const starts: number[] = [];
  for (let index = from; index < to; index += 1) if (isStart(lines, index)) starts.push(index);
  if (starts.length < 2) return [];
  const found = starts.flatMap((at, position): readonly Candidate[] => {
    const label = labelOf(lines[at]?.text ?? '');
    if (label === undefined || isPlaceholder(label.value) || saysNothing(label.value)) return [];
    const end = starts[position + 1] ?? to;
    const body = readBody(lines, at + 1, end);
    const kinds = kindsOf(['description', ...body.fields.map(({ meaning }) => meaning)]);
    if (!hasProblemAndAnswer(kinds)) return [];
    const { name: rule } = paragraphRule;
    const title = readTitle(label.value);
    return [{ rule, form: 'bold-line', at, end, title, lead: '', body, kinds, around, alike: starts.length }];
  });
  return found.length < 2 ? [] : found;
}

function isStart(lines: readonly Line[], index: number): boolean {
  const line = lines[index];
  if (line?.type !== 'text' || line.indent > 1) return false;
  const label = labelOf(line.text);
  if (label?.meaning !== 'description' || label.value === '' || label.value.length > longestTitle) return false;
  const before = lines[index - 1]?.type;
  return before === undefined || ['blank', 'rule', 'heading', 'skipped', 'code'].includes(before);
}
