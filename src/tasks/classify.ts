import { phraseStartsAt, type RecordText, wordsOf } from '../priority/index.ts';
import type { ProblemClass } from './types.ts';

/** One topic that problems are about: the class it belongs to, the remediator that can repair it, and how it is spoken of. */
export interface TriageRule {
  /** Short, for reasons: "its title speaks of port conflicts". */
  readonly topic: string;
  readonly class: ProblemClass;
  /** Name of a remediator for PostgreSQL instances; absent where there is none. */
  readonly remediator?: string;
  /** Their words count in this order, with at most two others between; a word of five letters or more also begins longer ones. */
  readonly phrases: readonly string[];
}

/** The table of docs/tasks.md. Where two rules fit a record equally well, the first one counts. */
export const triageRules: readonly TriageRule[] = [
  {
    topic: 'port conflicts',
    class: 'resource-conflict',
    remediator: 'port-reassignment',
    phrases: [
      'port conflict',
      'port allocation',
      'port assignment',
      'port reassignment',
      'port collision',
      'port clash',
      'port already',
      'port in use',
      'port taken',
      'duplicate port',
      'port exhaustion',
      'port run out',
      'free port',
      'port binding',
      'port range',
    ],
  },
  {
    topic: 'connection pools',
    class: 'performance',
    remediator: 'connection-pool',
    phrases: [
      'connection pool',
      'pool exhaustion',
      'connection exhaustion',
      'connection limit',
      'connection slot',
      'connection leak',
      'max connections',
      'too many clients',
      'too many connections',
      'idle in transaction',
    ],
  },
  {
    topic: 'memory',
    class: 'performance',
    remediator: 'memory',
    phrases: ['memory', 'oom', 'out of memory', 'memory allocation', 'shared buffers', 'work mem'],
  },
  {
    topic: 'damaged data and backups',
    class: 'data-integrity',
    remediator: 'backup-repair',
    phrases: [
      'data corruption',
      'corrupt',
      'data integrity',
      'data loss',
      'lost data',
      'backup',
      'restore',
      'checksum',
      'integrity',
    ],
  },
  {
    topic: 'volume permissions',
    class: 'permissions',
    remediator: 'volume-permissions',
    phrases: [
      'volume permission',
      'permission volume',
      'directory permission',
      'volume ownership',
      'wrong ownership',
      'directory ownership',
    ],
  },
  { topic: 'permissions', class: 'permissions', phrases: ['permission', 'ownership', 'access denied', 'privilege'] },
  {
    topic: 'migrations',
    class: 'migration',
    remediator: 'migration-lock',
    phrases: ['migration', 'schema migration', 'migration lock', 'migration race', 'schema version', 'schema change'],
  },
  {
    topic: 'network connections',
    class: 'network',
    remediator: 'network-reconnect',
    phrases: [
      'network',
      'connection timeout',
      'connection refused',
      'connection reset',
      'connection lost',
      'unreachable',
      'dns',
      'name resolution',
      'host not found',
    ],
  },
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
