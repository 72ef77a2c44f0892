import { phraseStartsAt, type RecordText, wordsOf } from '../priority/index.ts';
import { type TriageRule, triageRules } from './classify.ts';

/** The rule that fits best, and what of the record it fits. */
export interface Topic {
  readonly rule: TriageRule;
  readonly foundIn: 'title' | 'tags' | 'header' | 'description';
}

interface Phrase {
  readonly rule: TriageRule;
  readonly words: readonly string[];
}

/** By the first two letters of their first word: every record asks for its topic, and most phrases never come near it. */
const phrases: ReadonlyMap<string, readonly Phrase[]> = Map.groupBy(
  triageRules.flatMap((rule) => rule.phrases.map((phrase) => ({ rule, words: wordsOf(phrase) }))),
  ({ words: [first = ''] }) => first.slice(0, 2),
);

/** The title decides; only where it says nothing the tags, the header's terms and the description are asked, in this order. */
export function topicOf(text: RecordText): Topic | undefined {
  const sources = [
    ['title', text.title],
    ['tags', text.tags],
    ['header', text.terms.flatMap((term) => (term.length === 1 ? term : []))],
  ] as const;
  for (const [foundIn, words] of sources) {
    const rule = bestRule(words);
    if (rule !== undefined) return { rule, foundIn };
  }
  const rule = bestRule(text.description);
  return rule === undefined ? undefined : { rule, foundIn: 'description' };
}

/** The rule whose phrases say most of what stands there: each phrase counts as many points as it has words. */
export function bestRule(words: readonly string[]): TriageRule | undefined {
  const found = new Set<Phrase>();
  for (const [start, word] of words.entries()) {
    for (const phrase of phrases.get(word.slice(0, 2)) ?? []) {
      if (!found.has(phrase) && phraseStartsAt(phrase.words, words, start)) found.add(phrase);
    }
  }
  if (found.size === 0) return undefined;
  const points = new Map<TriageRule, number>();
  for (const { rule, words: said } of found) points.set(rule, (points.get(rule) ?? 0) + said.length);
  let best: TriageRule | undefined;
  for (const rule of triageRules) {
    if ((points.get(rule) ?? 0) > (best === undefined ? 0 : (points.get(best) ?? 0))) best = rule;
  }
  return best;
}
