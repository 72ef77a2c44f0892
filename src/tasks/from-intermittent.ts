import type { IntermittentProblem } from '../registry/record.ts';
import type { Draft } from './draft.ts';
import { paragraphs, titleText } from './wording.ts';

/** An investigation of when and why it comes, and a monitoring task that catches it when it does. */
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
