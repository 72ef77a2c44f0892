import type { ResolvedProblem } from '../registry/record.ts';
import type { Draft } from './draft.ts';
import { leavesNothingToDo } from './negation.ts';
import { paragraphs, titleText } from './wording.ts';

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
