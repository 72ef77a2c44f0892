import type { PrioritisedKind } from '../priority/index.ts';
import type { ProblemIntegration } from '../registry/record.ts';
import { wantsNoTasks } from './negation.ts';
import type { TaskKind } from './types.ts';

type GenerationLine = keyof NonNullable<ProblemIntegration['taskGeneration']>;

/**
 * Whether a registry wants tasks of a kind from records of a kind. Without an integration block, or where none of its
 * Task Generation lines can be read, it wants all; otherwise each line stands for some tasks, and where it is absent or
 * says none, they are not made.
 */
export function isWanted(
  task: TaskKind,
  record: PrioritisedKind['kind'],
  integration: ProblemIntegration | undefined,
): boolean {
  const lines = integration?.taskGeneration;
  if (lines === undefined || Object.keys(lines).length === 0) return true;
  const line = lines[lineFor(task, record)];
  return line !== undefined && !wantsNoTasks(line);
}

function lineFor(task: TaskKind, record: PrioritisedKind['kind']): GenerationLine {
  if (task === 'documentation') return 'knowledgeGaps';
  if (task === 'monitoring') return 'monitoringImprovements';
  return record === 'active' ? 'activeIssues' : 'patternRecognition';
}
