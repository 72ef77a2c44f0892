import type {
  ActiveProblem,
  IntermittentProblem,
  ProblemPattern,
  ProblemRecord,
  ResolvedProblem,
} from '../registry/record.ts';
import { wordsIn } from '../util/words.ts';

/** Generic words for problems, which are not part of a phrase's name. */
const generic = new Set(
  'a an and any case error failure for in issue of on or problem severity the to trouble with'.split(' '),
);

const longest = 2000;

/** The words of the first 2,000 characters: letters and digits in lower case, without a plural `s`. */
export function wordsOf(text: string): readonly string[] {
  return wordsIn(text.slice(0, longest).toLowerCase()).map(singular);
}

function singular(word: string): string {
  return word.endsWith('s') && word.length > 3 && !'sui'.includes(word.at(-2) ?? '') ? word.slice(0, -1) : word;
}

/** The words of a phrase that name something: `backup issues` → `backup`. */
export function namingWords(phrase: string): readonly string[] {
  return wordsOf(phrase).filter((word) => !generic.has(word));
}

/** Whether the others contain each of the words, in any order. */
function holdsWords(words: readonly string[], among: readonly string[]): boolean {
  return words.every((word) => among.some((other) => sameWord(word, other)));
}

/** Whether the others contain the words in their order, with at most two other words between neighbours. */
function holdsPhrase(words: readonly string[], among: readonly string[]): boolean {
  return among.some((_, start) => phraseStartsAt(words, among, start));
}

/** The same for words that begin at one position. */
export function phraseStartsAt(words: readonly string[], among: readonly string[], start: number): boolean {
  let at = start;
  return words.every((word, index) => {
    const last = index === 0 ? at : at + 2;
    for (; at <= last && at < among.length; at += 1) {
      if (sameWord(word, among[at] ?? '')) {
        at += 1;
        return true;
      }
    }
    return false;
  });
}

/** Whether the words are these and no others, one by one. */
function areWords(words: readonly string[], others: readonly string[]): boolean {
  return words.length === others.length && words.every((word, index) => sameWord(word, others[index] ?? ''));
}

/** `config` also means `configuration`; short words such as `port` mean only themselves. */
function sameWord(word: string, other: string): boolean {
  return other === word || (word.length >= 5 && other.startsWith(word));
}

/** The kinds that have a priority. An analysis and an integration block describe the registry, not a problem. */
export type PrioritisedKind = ActiveProblem | IntermittentProblem | ResolvedProblem | ProblemPattern;

export function hasPriority(record: ProblemRecord): record is PrioritisedKind {
  return record.kind !== 'analysis' && record.kind !== 'integration';
}

/** The words of a record, for matching calibrations and policies. */
export interface RecordText {
  readonly title: readonly string[];
  readonly tags: readonly string[];
  /** The terms of its header, each as its words. */
  readonly terms: readonly (readonly string[])[];
  /** The words of the error messages and log lines that it quotes. */
  readonly messages: readonly string[];
  readonly description: readonly string[];
}

const texts = new WeakMap<PrioritisedKind, RecordText>();

/** Cached for each record, since estimates and triage both use it; long texts are split only when needed. */
export function recordText(record: PrioritisedKind): RecordText {
  const known = texts.get(record);
  if (known !== undefined) return known;
  let messageWords: readonly string[] | undefined;
  let descriptionWords: readonly string[] | undefined;
  const text: RecordText = {
    title: wordsOf(record.title),
    tags: record.tags?.flatMap(wordsOf) ?? [],
    terms: headerTerms(record).flatMap((term) => (term === undefined ? [] : [wordsOf(term)])),
    get messages() {
      return (messageWords ??= wordsOf(messages(record)));
    },
    get description() {
      return (descriptionWords ??= wordsOf(description(record)));
    },
  };
  texts.set(record, text);
  return text;
}

/** Where a phrase was found, strongest first. */
export const matchPlaces = ['term', 'title', 'tags', 'description'] as const;

export type MatchPlace = (typeof matchPlaces)[number];

/**
 * Where a record matches the naming words of a phrase: they are a header term (`system_down`), the title or the tags
 * contain all of them, or, with two or more words, the description contains them in order and close together.
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

function messages(record: PrioritisedKind): string {
  switch (record.kind) {
    case 'active':
      return joined(...(record.evidence?.errorMessages ?? []), ...(record.evidence?.logs ?? []));
    case 'intermittent':
      return record.detectionCriteria?.logs ?? '';
    case 'resolved':
    case 'pattern':
      return '';
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
