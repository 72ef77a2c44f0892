import { phraseStartsAt, type PrioritisedKind, type RecordText, recordText, wordsOf } from '../priority/index.ts';
import { claims as builtInClaims } from './claims.ts';
import type { Claims } from './types.ts';

/** One topic that problems are about. */
export interface TriageRule extends Claims {
  /** The remediator for PostgreSQL instances that claims it; absent if none does. */
  readonly remediator?: string;
}

/** Topics that no remediator claims. They come after all claims. */
const generalTopics: readonly TriageRule[] = [
  { topic: 'permissions', class: 'permissions', phrases: ['permission', 'ownership', 'access denied', 'privilege'] },
  {
    topic: 'conflicts over resources',
    class: 'resource-conflict',
    phrases: ['resource conflict', 'conflict', 'contention', 'collision', 'name clash', 'deadlock'],
  },
  {
    topic: 'performance',
    class: 'performance',
    phrases: ['performance', 'slow', 'latency', 'exhaustion', 'high cpu', 'bottleneck', 'throughput'],
  },
  {
    topic: 'configuration',
    class: 'configuration',
    phrases: ['config', 'misconfig', 'setting', 'environment variable', 'template'],
  },
];

/** The rule that fits best, and the part of the record that it fits. */
export interface Topic {
  readonly rule: TriageRule;
  readonly foundIn: 'title' | 'tags' | 'header' | 'messages' | 'description';
}

/** Decides what a record is about. The same one serves triage, policies and the linking of findings to records. */
export interface Classifier {
  /** Every rule; if two fit equally well, the first one wins. */
  readonly rules: readonly TriageRule[];
  readonly topicOf: (text: RecordText) => Topic | undefined;
  /** The rule whose phrases the words hold most of: each phrase counts as many points as it has words. */
  readonly bestRule: (words: readonly string[], fewestWords?: number) => TriageRule | undefined;
}

interface Phrase {
  readonly rule: TriageRule;
  readonly words: readonly string[];
}

/** What these remediators claim, by name. */
export function claimsOf(
  remediators: readonly { readonly name: string; readonly claims?: Claims }[],
): Readonly<Record<string, Claims>> {
  return Object.fromEntries(
    remediators.flatMap(({ name, claims }) => (claims === undefined ? [] : [[name, claims] as const])),
  );
}

/**
 * A classifier for these claims, by name of the remediator. Those of built-in remediators keep the order of their table;
 * the others follow, in the order given.
 */
export function createClassifier(claims: Readonly<Record<string, Claims>>): Classifier {
  const order = Object.keys(builtInClaims);
  const known = order.filter((name) => Object.hasOwn(claims, name));
  const others = Object.keys(claims).filter((name) => !order.includes(name));
  const claimed = [...known, ...others].flatMap((remediator) => {
    const claim = claims[remediator];
    return claim === undefined ? [] : [{ ...claim, remediator }];
  });
  const rules: readonly TriageRule[] = [...claimed, ...generalTopics];
  const phrases = byFirstLetters(rules);

  function bestRule(words: readonly string[], fewestWords = 1): TriageRule | undefined {
    const found = new Set<Phrase>();
    for (const [start, word] of words.entries()) {
      for (const phrase of phrases.get(word.slice(0, 2)) ?? []) {
        if (phrase.words.length >= fewestWords && !found.has(phrase) && phraseStartsAt(phrase.words, words, start))
          found.add(phrase);
      }
    }
    return found.size === 0 ? undefined : mostPoints(found, rules);
  }

  /** The title decides; if it says nothing, then the tags, the header's terms, quoted messages and the description. */
  function topicOf(text: RecordText): Topic | undefined {
    const sources = [
      ['title', () => bestRule(text.title)],
      ['tags', () => bestRule(text.tags)],
      ['header', () => bestRule(text.terms.flatMap((term) => (term.length === 1 ? term : [])))],
      // Messages of a server may mention `memory` or `restore` in passing; two words of a phrase are significant.
      ['messages', () => bestRule(text.messages, 2)],
      ['description', () => bestRule(text.description)],
    ] as const;
    for (const [foundIn, look] of sources) {
      const rule = look();
      if (rule !== undefined) return { rule, foundIn };
    }
    return undefined;
  }

  return { rules, topicOf, bestRule };
}

/** Indexed by the first two letters of their first word, since most phrases do not match a record at all. */
function byFirstLetters(rules: readonly TriageRule[]): ReadonlyMap<string, readonly Phrase[]> {
  return Map.groupBy(
    rules.flatMap((rule) => rule.phrases.map((phrase) => ({ rule, words: wordsOf(phrase) }))),
    ({ words: [first = ''] }) => first.slice(0, 2),
  );
}

function mostPoints(found: ReadonlySet<Phrase>, rules: readonly TriageRule[]): TriageRule | undefined {
  const points = new Map<TriageRule, number>();
  for (const { rule, words } of found) points.set(rule, (points.get(rule) ?? 0) + words.length);
  let best: TriageRule | undefined;
  for (const rule of rules) {
    if ((points.get(rule) ?? 0) > (best === undefined ? 0 : (points.get(best) ?? 0))) best = rule;
  }
  return best;
}

/** Knows the built-in remediators. */
export const defaultClassifier: Classifier = createClassifier(builtInClaims);

/** Knows the built-in remediators and those of plugins. */
export function classifierWith(plugins: Readonly<Record<string, Claims>> = {}): Classifier {
  return Object.keys(plugins).length === 0 ? defaultClassifier : createClassifier({ ...plugins, ...builtInClaims });
}

/** The remediator that a record belongs to: the one that claims its topic. Triage and the linking of findings ask here. */
export function remediatorFor(record: PrioritisedKind, { topicOf }: Pick<Classifier, 'topicOf'>): string | undefined {
  return topicOf(recordText(record))?.rule.remediator;
}

/** What PostgreSQL alone says and is said of it alone, so that its name is not needed next to it. */
const postgresPhrases: readonly (readonly string[])[] = [
  'wal archiv',
  'archive command',
  'shared buffers',
  'work mem',
  'max connections',
  'too many clients',
  'connection slot',
  'idle in transaction',
  'create index concurrently',
  'tuple concurrently updated',
].map(wordsOf);

/**
 * Whether a record mentions PostgreSQL, by name or in words that are its own: remediators repair its instances, not the
 * memory of another component. Words have lost the `s` at their end.
 */
export function mentionsPostgres(record: PrioritisedKind): boolean {
  const { title, tags, description, messages } = recordText(record);
  const isNamed = [...wordsOf(record.component), ...title, ...tags, ...description].some((word) =>
    /^(?:postgre|pg(?:web|bouncer)?$)/.test(word),
  );
  if (isNamed) return true;
  return [title, tags, description, messages].some((words) =>
    words.some((_, start) => postgresPhrases.some((phrase) => phraseStartsAt(phrase, words, start))),
  );
}
