import { createHash } from 'node:crypto';
import type { AlertView, TrackedFinding } from '../types.ts';
import { alertRules, type Cause, type RuleFacts } from './rules.ts';

/** What holds now and may fire, before its time and its history are considered. */
export interface Candidate extends Pick<
  AlertView,
  'fingerprint' | 'name' | 'severity' | 'engine' | 'instance' | 'finding' | 'summary' | 'acknowledged' | 'silencedUntil'
> {
  /** When it began, RFC 3339; undefined: at the first sight of it. */
  readonly since: string | undefined;
  readonly forSeconds: number;
}

/** The name of the alerts that tell of findings. */
const findingAlert = 'ProblemFound';

/** Everything that holds: rules first, in their order, then open findings. */
export function candidatesOf(facts: RuleFacts): readonly Candidate[] {
  return [
    ...alertRules.flatMap((rule) =>
      rule.find(facts).map((cause) => ({
        ...identified(rule.name, cause, null),
        severity: rule.severity,
        summary: oneSentence(cause.summary),
        acknowledged: null,
        silencedUntil: null,
        since: cause.since,
        forSeconds: rule.forSeconds,
      })),
    ),
    ...facts.view.findings.filter(({ goneAt }) => goneAt === null).map(ofFinding),
  ];
}

function ofFinding({ engine, finding, severity, firstSeen, acknowledged, silencedUntil }: TrackedFinding): Candidate {
  return {
    ...identified(findingAlert, { engine, instance: finding.instance }, finding.id),
    severity,
    summary: oneSentence(finding.summary),
    acknowledged,
    silencedUntil,
    since: firstSeen,
    forSeconds: 0,
  };
}

/** The fingerprint is the same for the same cause, on every machine and in every run. */
function identified(name: string, { engine, instance }: Pick<Cause, 'engine' | 'instance'>, finding: string | null) {
  const identity = JSON.stringify([name, engine, instance, finding]);
  const fingerprint = createHash('sha256').update(identity).digest('hex').slice(0, 16);
  return { fingerprint, name, engine, instance, finding };
}

const longestSummary = 500;

/** Bounded, and on one line. */
function oneSentence(text: string): string {
  const line = text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
    .trim();
  return line.length > longestSummary ? `${line.slice(0, longestSummary - 1).toWellFormed()}…` : line;
}
