import { holdsPhrase, type RecordText, wordsOf } from '../priority/index.ts';
import { type TriageRule, triageRules } from './triage-rules.ts';

/** The rule that fits best, and what of the record it fits. */
export interface Topic {
  readonly rule: TriageRule;
  readonly foundIn: 'title' | 'tags' | 'header' | 'description';
}

interface Phrase {
  readonly rule: TriageRule;
  readonly words: readonly string[];
}

const phrases: readonly Phrase[] = triageRules.flatMap((rule) =>
  rule.phrases.map((phrase) => ({ rule, words: wordsOf(phrase) })),
);

/** The title decides; only where it says nothing the tags, the header's terms and the description are asked, in this order. */
export function topicOf(text: RecordText): Topic | undefined {
  const sources = [
    ['title', text.title],
    ['tags', text.tags],
    ['header', text.terms.filter((term) => !term.includes('_'))],
    ['description', text.description],
  ] as const;
  for (const [foundIn, words] of sources) {
    const rule = bestRule(words);
    if (rule !== undefined) return { rule, foundIn };
  }
  return undefined;
}

/** The rule whose phrases say most of what stands there: each phrase counts as many points as it has words. */
export function bestRule(words: readonly string[]): TriageRule | undefined {
  const points = new Map<TriageRule, number>();
  for (const phrase of phrases) {
    if (holdsPhrase(phrase.words, words)) {
      points.set(phrase.rule, (points.get(phrase.rule) ?? 0) + phrase.words.length);
    }
  }
  let best: TriageRule | undefined;
  for (const rule of triageRules) {
    if ((points.get(rule) ?? 0) > (best === undefined ? 0 : (points.get(best) ?? 0))) best = rule;
  }
  return best;
}
