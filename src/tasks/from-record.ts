import { isOpen, rootCauseKnowledge } from '../priority/index.ts';
import type { ActiveProblem, IntermittentProblem, ProblemPattern, ResolvedProblem } from '../registry/record.ts';
import { leavesNothingToDo } from './negation.ts';
import type { Draft, TaskFlag, TaskKind } from './types.ts';

const longestTitle = 200;

const longestDescription = 8000;

/** One line without control characters, at most 200 characters. */
function titleText(text: string): string {
  return shortened(text.replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim(), longestTitle);
}

/** `Label: text` paragraphs of the record's values; missing values are skipped. At most 8,000 characters. */
function paragraphs(parts: Readonly<Record<string, string | readonly string[] | undefined>>): string {
  const stated = Object.entries(parts).flatMap(([label, value]) => {
    const text = typeof value === 'string' ? value : value?.map((item) => `\n- ${item}`).join('');
    return text === undefined || text.trim() === '' ? [] : [`${label}: ${text.trimEnd()}`];
  });
  return shortened(stated.join('\n\n'), longestDescription);
}

function shortened(text: string, longest: number): string {
  // A lone surrogate, from the record or from cutting here, could not be written to a file and read again.
  return (text.length <= longest ? text : `${text.slice(0, longest - 1)}…`).toWellFormed();
}

/** An investigation of when and why it occurs, and a monitoring task to catch it. */
export function draftsFromIntermittent(record: IntermittentProblem): readonly Draft[] {
  const { problemPattern, detectionCriteria } = record;
  return [
    {
      kind: 'investigation',
      title: titleText(`Find the cause of ${record.title}`),
      description: paragraphs({
        'When it comes': record.pattern,
        Frequency: record.frequency,
        Triggers: problemPattern?.triggers,
        Conditions: problemPattern?.conditions,
        Duration: problemPattern?.duration,
        Recovery: problemPattern?.recovery,
        Symptoms: detectionCriteria?.symptoms,
        'Impact when active': record.impactWhenActive,
        Notes: record.investigationNotes,
      }),
    },
    {
      kind: 'monitoring',
      title: titleText(`Monitor ${record.title}`),
      description: paragraphs({
        Symptoms: detectionCriteria?.symptoms,
        Monitoring: detectionCriteria?.monitoring,
        Logs: detectionCriteria?.logs,
        Metrics: detectionCriteria?.metrics,
        Triggers: problemPattern?.triggers,
      }),
    },
  ];
}

interface Measure {
  readonly label: string;
  readonly text: string | undefined;
  readonly kind: TaskKind;
  readonly topic?: string;
  readonly title: string;
}

/** One task for each non-empty Prevention Measure. */
export function draftsFromPattern(record: ProblemPattern): readonly Draft[] {
  const { patternDescription, detectionStrategy, resolutionStrategy } = record;
  return measuresOf(record).flatMap(({ label, text, kind, topic, title }) =>
    text === undefined || leavesNothingToDo(text)
      ? []
      : [
          {
            kind,
            ...(topic === undefined ? {} : { topic }),
            title: titleText(title),
            description: paragraphs({
              [label]: text,
              'Common symptoms': patternDescription?.commonSymptoms,
              'Typical triggers': patternDescription?.typicalTriggers,
              'Cascade effects': patternDescription?.cascadeEffects,
              'Early warnings': detectionStrategy?.earlyWarnings,
              'Standard approach': resolutionStrategy?.standardApproach,
              'Affected systems': record.affectedSystems?.join(', '),
            }),
          },
        ],
  );
}

function measuresOf({ title, preventionMeasures: measures }: ProblemPattern): readonly Measure[] {
  return [
    {
      label: 'Design changes',
      text: measures?.designChanges,
      kind: 'prevention',
      topic: 'design-changes',
      title: `Prevent ${title}: change the design`,
    },
    {
      label: 'Process improvements',
      text: measures?.processImprovements,
      kind: 'prevention',
      topic: 'process-improvements',
      title: `Prevent ${title}: improve the process`,
    },
    {
      label: 'Monitoring enhancements',
      text: measures?.monitoringEnhancements,
      kind: 'monitoring',
      title: `Monitor ${title}`,
    },
    { label: 'Training needs', text: measures?.trainingNeeds, kind: 'documentation', title: `Document ${title}` },
  ];
}

/** A resolution, preceded by an investigation if the root cause is unknown or suspected. None for closed problems. */
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

/** Flags of an Active record, from the template's automation triggers. */
export function flagsOf({ status, severity, frequency, impact }: ActiveProblem): readonly TaskFlag[] {
  const flags: TaskFlag[] = [];
  if (severity === 'critical' && status === 'active') flags.push('immediate');
  if (impact === 'system_down') flags.push('alert');
  if (frequency === 'constant' && severity === 'high') flags.push('escalate');
  return flags;
}

/** Documentation from its Knowledge Gaps, monitoring from its Detection lesson. */
export function draftsFromResolved(record: ResolvedProblem): readonly Draft[] {
  const { knowledgeGaps, detection } = record.lessonsLearned ?? {};
  const background = {
    'What happened': record.problemSummary,
    Cause: record.rootCause?.technicalCause,
    Solution: record.solutionImplemented?.changesMade,
  };
  const drafts: Draft[] = [];
  if (knowledgeGaps !== undefined && !leavesNothingToDo(knowledgeGaps)) {
    drafts.push({
      kind: 'documentation',
      title: titleText(`Document ${record.title}`),
      description: paragraphs({ 'Knowledge gaps': knowledgeGaps, ...background }),
    });
  }
  if (detection !== undefined && !leavesNothingToDo(detection)) {
    drafts.push({
      kind: 'monitoring',
      title: titleText(`Monitor ${record.title}`),
      description: paragraphs({ Detection: detection, ...background }),
    });
  }
  return drafts;
}
