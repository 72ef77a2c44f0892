import { sectionLabels } from './section-labels.ts';
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

export type Language = 'en' | 'de' | 'ru' | 'zh' | 'es' | 'fr' | 'pt' | 'it' | 'tr' | 'vi' | 'ja';

/**
 * The labels, as people write them, with commas between them: lower case, without colon, decoration and brackets. One row
 * for each language, so that another language is another row. docs/import.md shows this table.
 */
export const labels: Readonly<Record<LabelMeaning, Readonly<Record<Language, string>>>> = {
  ...sectionLabels,
  ...valueLabels,
};
