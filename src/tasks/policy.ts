import { matchPhrase, namingWords, type RecordText, wordsOf } from '../priority/index.ts';
import type { ProblemIntegration } from '../registry/record.ts';
import { type Classifier, defaultClassifier, type TriageRule } from './classify.ts';
import { isNegated } from './negation.ts';

/** One phrase of a line of a registry's policy. */
export interface PolicyPhrase {
  readonly written: string;
  /** The topic words, without words for who acts and how: `Automatic port assignment` is about `port`. */
  readonly about: readonly string[];
  readonly rule: TriageRule | undefined;
  /** Whether it covers all problems: `every problem`. */
  readonly everything: boolean;
}

/** What an Auto-Resolution line lets run unattended. */
export interface Allowance {
  readonly resolution: readonly PolicyPhrase[];
  /** Exceptions of the line: "port conflicts, except on client instances". */
  readonly exceptions: readonly PolicyPhrase[];
  /** Words that make the whole line allow nothing: "without a person". */
  readonly doubt?: string;
}

/** Words are counted in the first 2,000 characters of a text, so a longer line cannot be read to its end. */
const longestLine = 2000;

const betweenParts = /[,;.()\n]|\b(?:and|or)\b/i;

const betweenSentences = /[.;!\n]/;

const exception = /\b(?:except(?:ing| for)?|excluding|other than|apart from|aside from)\b/i;

const negation =
  /\b(?:no|not|non|nor|neither|never|none|nothing|nobody|cannot|without|off|disabled?|forbid(?:den)?|prohibit(?:ed)?|disallow(?:ed)?|refused?|deny|denied|avoid|skip|stop|leave|ignored?|excluded?|but|instead|rather|minus|save|false|rarely|seldom|dont|doesnt|cant|wont)\b|n['’]t\b/i;

const negationFirst = /^\W*(?:(?:but|do|does|should|must|please|yet)\W+)*(?:no|not|never|don['’]t)\b/i;

/** Conditions and plans, which an unattended repair cannot evaluate. */
const condition =
  /\b(?:if|unless|until|till|when|while|once|before|after|during|provided|assuming|without|only (?:at|by|in|on|with)|human|manual(?:ly)?|persons?|people|operators?|some(?:body|one)|admins?|administrators?|by hand|approv\w*|confirm\w*|consent|supervis\w*|ask(?:s|ed|ing)?|escalat\w*|interventions?|planned|pending|paused|suspended|proposed|future|later|tb[ad]|to ?do)\b/i;

/** Words of a policy line for who acts and how, not for the topic. */
const actingWords = new Set(
  wordsOf(
    `all any assign assignment attention auto automated automatic automatically check clean cleanup complex correction
    decision escalate escalation every fix fixing human immediate intervention known manual manually operator other person
    reassignment recovery repair require required requires resolution resolve review serious severe simple`,
  ),
);

/** Further such words for escalation, where fewer required words mean that more is escalated. */
const sayingLittle = new Set(
  wordsOf(
    `admin always anyone anything approval approve approved are as ask at attended be but by call cannot do does don
    everything excluding except fixed first from go goes handle handled human is it its may must need needed needs never
    no nobody none nothing not off only people repaired resolved run shall should somebody someone team that them then
    this touch touched unattended without work yes`,
  ),
);

const universal = /\b(?:all|always|any|anything|every|everything|whatever)\b/i;

/**
 * Reads an Auto-Resolution line strictly: only what is clearly allowed is allowed. A negated name is an exception. Any
 * other negation, a condition, or a word for people is a doubt, and then the line allows nothing.
 */
function readAllowance(line: string, classifier: Classifier): Allowance {
  if (line === '' || isNegated(line)) return { resolution: [], exceptions: [] };
  if (line.length > longestLine) return doubting(`${line.slice(0, 40)}…`);
  const text = line.replaceAll(/~~[^~]*~~|<!--[^]*?-->/g, ' ').replaceAll('_', ' ');
  const conditional = condition.exec(text)?.[0];
  if (conditional !== undefined) return doubting(conditional);
  const resolution: PolicyPhrase[] = [];
  const exceptions: PolicyPhrase[] = [];
  for (const sentence of text.split(betweenSentences)) {
    const [said = '', ...excepted] = sentence.split(exception);
    const parts = said.split(betweenParts).filter((part) => wordsOf(part).length > 0);
    const negated = parts.findIndex((part) => negation.test(part));
    const names = negated < 0 ? [] : parts.slice(negated);
    const doubt =
      excepted.find((part) => negation.test(part) || phrasesOf(part, true, classifier).length === 0) ??
      unclear(names, classifier);
    if (doubt !== undefined) return doubting(doubt.trim());
    resolution.push(
      ...parts.slice(0, negated < 0 ? parts.length : negated).flatMap((part) => phrasesOf(part, false, classifier)),
    );
    exceptions.push(...[...names, ...excepted].flatMap((part) => phrasesOf(part, true, classifier)));
  }
  return { resolution, exceptions };
}

/**
 * Reads an Auto-Escalation line generously: everything that it names is escalated, however it is worded, and all problems
 * if it names nothing. Only a line that just says `none` escalates nothing.
 */
function readEscalation(line: string, classifier: Classifier): readonly PolicyPhrase[] {
  if (line === '' || isNegated(line) || /^\W*(?:no escalations?|never escalated?)\W*$/i.test(line)) return [];
  const phrases = line.length > longestLine ? [] : phrasesOf(line, true, classifier);
  const written = line.trim().slice(0, 80);
  return phrases.length > 0 ? phrases : [{ written, about: [], rule: undefined, everything: true }];
}

function doubting(doubt: string): Allowance {
  return { resolution: [], exceptions: [], doubt };
}

/**
 * The part whose negation may not be about names alone, unlike "never data corruption": the first name does not begin with
 * it, or one contains words outside its topic.
 */
function unclear(parts: readonly string[], classifier: Classifier): string | undefined {
  const [first] = parts;
  if (first !== undefined && (!negationFirst.test(first) || /:\s*$/.test(parts.at(-1) ?? ''))) return first;
  return parts.find((part) => {
    const phrases = phrasesOf(part, true, classifier);
    return phrases.length === 0 || !phrases.every(({ about, rule }) => isNameOf(rule, about, classifier));
  });
}

function isNameOf(rule: TriageRule | undefined, about: readonly string[], { bestRule }: Classifier): boolean {
  const words = new Set(rule?.phrases.flatMap(wordsOf));
  return (
    about.length > 0 && about.every((word) => words.has(word) || (rule !== undefined && bestRule([word]) === rule))
  );
}

function phrasesOf(line: string, generous: boolean, { bestRule }: Classifier): readonly PolicyPhrase[] {
  return line.split(betweenParts).flatMap((part) => {
    const about = namingWords(part).filter((word) => !actingWords.has(word) && !(generous && sayingLittle.has(word)));
    const rule = bestRule(wordsOf(part));
    const everything = about.length === 0 && universal.test(part);
    const names = about.length > 0 || (generous && (rule !== undefined || everything));
    return names ? [{ written: part.trim(), about, rule, everything }] : [];
  });
}

/** What a registry allows unattended and what it escalates: its Auto-Resolution and Auto-Escalation lines. */
export interface Policy extends Allowance {
  readonly escalation: readonly PolicyPhrase[];
  /** The classifier that read its phrases. Records must be classified by the same one. */
  readonly classifier: Classifier;
}

/**
 * The policy of a registry. Without such lines, or without an integration block, it allows and escalates nothing.
 * @param classifier Default: knows the built-in remediators.
 */
export function readPolicy(
  integration: ProblemIntegration | undefined,
  classifier: Classifier = defaultClassifier,
): Policy {
  const { autoResolution = '', autoEscalation = '' } = integration?.automationOpportunities ?? {};
  return {
    ...readAllowance(autoResolution, classifier),
    escalation: readEscalation(autoEscalation, classifier),
    classifier,
  };
}

/**
 * The phrase that allows the unattended repair of a record. Strict: phrase and record must have the same topic, and the
 * record's title, tags or description must contain the phrase's words literally.
 */
export function allowing(
  phrases: readonly PolicyPhrase[],
  text: RecordText,
  topic: TriageRule | undefined,
): PolicyPhrase | undefined {
  return phrases.find(({ about, rule }) => {
    if (rule !== topic) return false;
    const foundIn = matchPhrase(about, text);
    return foundIn !== undefined && foundIn !== 'term';
  });
}

/**
 * The phrase that escalates a record. Generous: the same topic is enough, as are the words in its header, title or tags,
 * or a phrase about all problems. A description does not count, since it may mention what the problem is not.
 */
export function keeping(
  phrases: readonly PolicyPhrase[],
  text: RecordText,
  topic: TriageRule | undefined,
): PolicyPhrase | undefined {
  const named = phrases.find(({ about, everything }) => {
    if (everything) return true;
    const foundIn = matchPhrase(about, text);
    return foundIn !== undefined && foundIn !== 'description';
  });
  if (named !== undefined) return named;
  return topic === undefined ? undefined : phrases.find(({ rule }) => rule === topic);
}
