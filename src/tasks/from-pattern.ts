import type { ProblemPattern } from '../registry/record.ts';
import type { Draft } from './draft.ts';
import type { TaskKind } from './types.ts';
import { leavesNothingToDo } from './negation.ts';
import { paragraphs, titleText } from './wording.ts';

interface Measure {
  readonly label: string;
  readonly text: string | undefined;
  readonly kind: TaskKind;
  readonly topic?: string;
  readonly title: string;
}

/** One task for each of the Prevention Measures that says something. */
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
