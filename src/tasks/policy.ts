import { matchPhrase, namingWords, type RecordText, wordsOf } from '../priority/index.ts';
import type { ProblemIntegration } from '../registry/record.ts';
import { bestRule } from './topic.ts';
import type { TriageRule } from './triage-rules.ts';
import { saysNone } from './wording.ts';

/** What a registry lets run unattended and what it keeps for a person: its Auto-Resolution and Auto-Escalation lines. */
export interface Policy {
  readonly resolution: readonly PolicyPhrase[];
  /** What the resolution line takes out again: "port conflicts, except on client instances". */
  readonly exceptions: readonly PolicyPhrase[];
  readonly escalation: readonly PolicyPhrase[];
}

/** One thing that a line names. */
export interface PolicyPhrase {
  readonly written: string;
  /** Without the words for who acts and how: `Automatic port assignment` is about `port`. */
  readonly about: readonly string[];
  readonly rule: TriageRule | undefined;
}

const longestLine = 4000;

/** Words of a policy line that say who acts and how, not what about. */
const actingWords = new Set(
  wordsOf(
    `all any assign assignment attention auto automated automatic automatically check clean cleanup complex correction
    decision escalate escalation every fix fixing human immediate intervention known manual manually operator other person
    reassignment recovery repair require required requires resolution resolve review serious severe simple`,
  ),
);

/** The policy of a registry; an integration block without such lines, or none, allows nothing and keeps nothing. */
export function readPolicy(integration: ProblemIntegration | undefined): Policy {
  const lines = integration?.automationOpportunities;
  const [allowed = '', ...excepted] = (lines?.autoResolution ?? '').slice(0, longestLine).split(exception);
  return {
    resolution: phrasesOf(allowed),
    exceptions: excepted.flatMap(phrasesOf),
    escalation: phrasesOf((lines?.autoEscalation ?? '').slice(0, longestLine)),
  };
}

const exception = /\b(?:except|excluding|unless|other than|but not|not for|never)\b/i;

/**
 * The phrase that lets a record be repaired unattended. This is read strictly: the phrase and the record must be of one
 * topic, and the record's title, tags or description must hold what the phrase is about, word for word.
 */
export function allowing(
  phrases: readonly PolicyPhrase[],
  text: RecordText,
  topic: TriageRule | undefined,
): PolicyPhrase | undefined {
  return phrases.find(({ about, rule }) => rule === topic && matchPhrase(about, text) !== undefined);
}

/**
 * The phrase that keeps a record for a person. This is read generously: one topic is enough, and so are the words in
 * its header, title or tags. A description may well mention in passing what the problem is not.
 */
export function keeping(
  phrases: readonly PolicyPhrase[],
  text: RecordText,
  topic: TriageRule | undefined,
): PolicyPhrase | undefined {
  const named = phrases.find(({ about }) => {
    const foundIn = matchPhrase(about, text);
    return foundIn !== undefined && foundIn !== 'description';
  });
  if (named !== undefined) return named;
  return topic === undefined ? undefined : phrases.find(({ rule }) => rule === topic);
}

function phrasesOf(line: string): readonly PolicyPhrase[] {
  if (saysNone(line)) return [];
  return line.split(/[,;.]|\b(?:and|or)\b/i).flatMap((part) => {
    const about = namingWords(part).filter((word) => !actingWords.has(word));
    return about.length === 0 ? [] : [{ written: part.trim(), about, rule: bestRule(wordsOf(part)) }];
  });
}
