import { isOpen, rootCauseKnowledge } from '../priority/index.ts';
import type { ActiveProblem } from '../registry/record.ts';
import type { Draft } from './draft.ts';
import type { TaskFlag } from './types.ts';
import { paragraphs, titleText } from './wording.ts';

/** A resolution, and an investigation before it where the root cause is unknown or suspected. Nothing for what is closed. */
export function draftsFromActive(record: ActiveProblem): readonly Draft[] {
  if (!isOpen(record)) return [];
  const { impactAssessment, investigationStatus } = record;
  const cause = rootCauseKnowledge(investigationStatus?.rootCause);
  const description = paragraphs({
    Problem: record.description,
    Reproduction: record.reproductionSteps,
    'Users affected': impactAssessment?.usersAffected,
    'Business impact': impactAssessment?.businessImpact,
    'Technical impact': impactAssessment?.technicalImpact,
    'Urgency factors': impactAssessment?.urgencyFactors,
    'Root cause': investigationStatus?.rootCause,
    Workarounds: investigationStatus?.workarounds,
    'Tried so far': investigationStatus?.attemptedSolutions,
    'Error messages': record.evidence?.errorMessages,
    'Proposed solution': record.proposedSolution,
  });
  const resolution: Draft = { kind: 'resolution', title: titleText(`Resolve ${record.title}`), description };
  if (cause === 'known') return [resolution];
  return [{ kind: 'investigation', title: titleText(`Find the cause of ${record.title}`), description }, resolution];
}

/** What the template's automation triggers say of an Active record. */
export function flagsOf({ status, severity, frequency, impact }: ActiveProblem): readonly TaskFlag[] {
  const flags: TaskFlag[] = [];
  if (severity === 'critical' && status === 'active') flags.push('immediate');
  if (impact === 'system_down') flags.push('alert');
  if (frequency === 'constant' && severity === 'high') flags.push('escalate');
  return flags;
}
