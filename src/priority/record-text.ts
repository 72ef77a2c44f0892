import type {
  ActiveProblem,
  IntermittentProblem,
  ProblemPattern,
  ProblemRecord,
  ResolvedProblem,
} from '../registry/record.ts';
import { areWords, holdsPhrase, holdsWords, wordsOf } from './words.ts';

/** The kinds that have a priority. An analysis and an integration block describe the registry, not a problem. */
export type PrioritisedKind = ActiveProblem | IntermittentProblem | ResolvedProblem | ProblemPattern;

export function hasPriority(record: ProblemRecord): record is PrioritisedKind {
  return record.kind !== 'analysis' && record.kind !== 'integration';
}

/** A record as words, for calibrations and policies that name it in passing. */
export interface RecordText {
  readonly title: readonly string[];
  readonly tags: readonly string[];
  /** The closed terms of its header, each as its words. */
  readonly terms: readonly (readonly string[])[];
  readonly description: readonly string[];
}

const texts = new WeakMap<PrioritisedKind, RecordText>();

/** Kept for each record, since estimating and triage both read it; the description only once somebody asks for it. */
export function recordText(record: PrioritisedKind): RecordText {
  const known = texts.get(record);
  if (known !== undefined) return known;
  let words: readonly string[] | undefined;
  const text: RecordText = {
    title: wordsOf(record.title),
    tags: record.tags?.flatMap(wordsOf) ?? [],
    terms: headerTerms(record).flatMap((term) => (term === undefined ? [] : [wordsOf(term)])),
    get description() {
      return (words ??= wordsOf(description(record)));
    },
  };
  texts.set(record, text);
  return text;
}

/** Where a phrase was found, from the surest to the weakest. */
export const matchPlaces = ['term', 'title', 'tags', 'description'] as const;
export type MatchPlace = (typeof matchPlaces)[number];

/**
 * Where a record speaks of what the naming words of a phrase say: they are a header term (`system_down`), all stand in the title or
 * the tags, or, where there are two or more, stand in their order and close together in the description.
 */
export function matchPhrase(words: readonly string[], text: RecordText): MatchPlace | undefined {
  if (words.length === 0) return undefined;
  if (namesTerm(words, text)) return 'term';
  if (holdsWords(words, text.title)) return 'title';
  if (holdsWords(words, text.tags)) return 'tags';
  return words.length > 1 && holdsPhrase(words, text.description) ? 'description' : undefined;
}

export function namesTerm(words: readonly string[], text: RecordText): boolean {
  return words.length > 0 && text.terms.some((term) => areWords(words, term));
}

function headerTerms(record: PrioritisedKind): readonly (string | undefined)[] {
  switch (record.kind) {
    case 'active':
      return [record.impact, record.severity, record.frequency, record.status];
    case 'intermittent':
      return [record.pattern];
    case 'resolved':
      return [record.resolution];
    case 'pattern':
      return [record.category];
  }
}

function description(record: PrioritisedKind): string {
  switch (record.kind) {
    case 'active':
      return record.description ?? '';
    case 'intermittent':
      return joined(
        record.problemPattern?.triggers,
        record.problemPattern?.conditions,
        record.detectionCriteria?.symptoms,
      );
    case 'resolved':
      return record.problemSummary ?? '';
    case 'pattern':
      return joined(record.patternDescription?.commonSymptoms, record.patternDescription?.typicalTriggers);
  }
}

function joined(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined).join('\n');
}
