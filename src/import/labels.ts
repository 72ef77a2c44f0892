import { type Language, sectionLabels } from './section-labels.ts';
import type { ImportedSectionKey } from './types.ts';
import { valueLabels } from './value-labels.ts';

/**
 * What a label says about the text behind it. The three solutions tell whether it happened: `solution` does not say.
 * `kept` are labels for which records have no place; their text stays text.
 */
export type LabelMeaning =
  | ImportedSectionKey
  | 'solutionDone'
  | 'solutionPlanned'
  | 'status'
  | 'severity'
  | 'priority'
  | 'discovered'
  | 'resolved'
  | 'date'
  | 'id'
  | 'frequency'
  | 'kept';

/**
 * The labels, as people write them, with commas between them: lower case, without colon, decoration and brackets. One row
 * for each language, so that another language is another row. docs/import.md shows this table.
 */
export const labels: Readonly<Record<LabelMeaning, Readonly<Record<Language, string>>>> = {
  ...sectionLabels,
  ...valueLabels,
};

/** By label. Of a label with two meanings, which no language has, the first would count. */
const byLabel: ReadonlyMap<string, LabelMeaning> = new Map(
  Object.entries(labels)
    .flatMap(([meaning, rows]) =>
      Object.values(rows).flatMap((words) =>
        words.split(',').map((word) => [word.trim().replaceAll(/\s+/g, ' '), toMeaning(meaning)] as const),
      ),
    )
    .toReversed(),
);

function toMeaning(name: string): LabelMeaning {
  return isMeaning(name) ? name : 'kept';
}

function isMeaning(name: string): name is LabelMeaning {
  return Object.hasOwn(labels, name);
}

/** Words before a label that do not change what it means, and those that turn a solution into a plan. */
const before =
  /^(?:the|current|possible|potential|common|likely|known|main|primary|initial|original|additional|technical|underlying|other|previous|specific|actual|immediate|short[- ]term|quick|detailed|issue|problem|bug|key)\s+/;
const planned =
  /^(?:proposed|potential|possible|planned|recommended|required|suggested|needed|future|long[- ]term|permanent|better|proper|ideal)\s+/;
const done = /\s+(?:applied|implemented|made|taken|completed|deployed|done)$/;
const after =
  /\s+(?:identified|found|details|summary|description|analysis|overview|confirmed|explained|assessment|steps|notes|discovered|\d{1,2}(?:\.\d{1,2})?)$/;

/** The meaning of a label in any of the languages: `Root Cause IDENTIFIED`, `Fix applied (2025-10-12)`. Undefined: no label of ours. */
export function meaningOf(label: string): LabelMeaning | undefined {
  const name = labelName(label);
  return byLabel.get(name) ?? composed(name);
}

/** A label as the table has it: without brackets, decoration and colon, in lower case. */
export function labelName(label: string): string {
  return label
    .slice(0, 200)
    .replaceAll(/\([^()]*\)|（[^（）]*）|\[[^[\]]*\]/g, ' ')
    .replaceAll(/[*_`~:：#?？]|[\p{Extended_Pictographic}\uFE0F\u200D]/gu, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .toLowerCase();
}

function composed(name: string): LabelMeaning | undefined {
  if (!/^[\p{L}\d./' -]{1,60}$/u.test(name) || name.split(' ').length > 4) return undefined;
  const bare = byLabel.get(name.replace(planned, ''));
  if (planned.test(name) && (bare === 'solution' || bare === 'solutionDone')) return 'solutionPlanned';
  const kind = byLabel.get(name.replace(done, ''));
  if (done.test(name) && (kind === 'solution' || kind === 'solutionPlanned')) return 'solutionDone';
  const shorter = name.replace(before, '').replace(after, '');
  if (shorter !== name) return byLabel.get(shorter);
  const [first = '', second = ''] = name.split(/\s*(?:\/|&| and )\s*/);
  return second === '' ? undefined : byLabel.get(first);
}
