import { matchPhrase, type RecordText } from '../priority/index.ts';
import type { ProblemIntegration } from '../registry/record.ts';
import { type Allowance, type PolicyPhrase, readAllowance, readEscalation } from './policy-line.ts';
import type { TriageRule } from './classify.ts';

/** What a registry lets run unattended and what it keeps for a person: its Auto-Resolution and Auto-Escalation lines. */
export interface Policy extends Allowance {
  readonly escalation: readonly PolicyPhrase[];
}

const noPolicy: Policy = { resolution: [], exceptions: [], escalation: [] };

/** The policy of a registry; an integration block without such lines, or none, allows nothing and keeps nothing. */
export function readPolicy(integration: ProblemIntegration | undefined): Policy {
  const { autoResolution = '', autoEscalation = '' } = integration?.automationOpportunities ?? {};
  if (autoResolution === '' && autoEscalation === '') return noPolicy;
  return { ...readAllowance(autoResolution), escalation: readEscalation(autoEscalation) };
}

/**
 * The phrase that lets a record be repaired unattended. This is read strictly: the phrase and the record must be of one
 * topic, and the record's title, tags or description must hold what the phrase is about, word for word.
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
 * The phrase that keeps a record for a person. This is read generously: one topic is enough, and so are the words in
 * its header, title or tags, or that the phrase speaks of everything. A description may well mention in passing what the problem is not.
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
