import type { Position } from '../../src/registry/position.ts';
import type {
  ActiveProblem,
  IntermittentProblem,
  ProblemIntegration,
  ProblemPattern,
  ProblemRecord,
  ResolvedProblem,
} from '../../src/registry/record.ts';
import { recordId } from '../../src/registry/identity.ts';

/** A place by its line alone: enough to tell where a diagnostic points. */
export function line(number: number): Position {
  return { line: number, column: 1, offset: number * 100, endLine: number, endColumn: 2, endOffset: number * 100 + 1 };
}

type Rest<Kind extends ProblemRecord> = Partial<Omit<Kind, 'kind'>> & { readonly title: string };

function base({ title, component = 'postgres' }: { readonly title: string; readonly component?: string }) {
  return {
    id: recordId(component, title),
    component,
    path: `${component}/PROBLEMS.md`,
    place: line(1),
    places: {},
    extra: {},
  };
}

export function active(rest: Rest<ActiveProblem>): ActiveProblem {
  return { ...base(rest), kind: 'active', ...rest };
}

export function intermittent(rest: Rest<IntermittentProblem>): IntermittentProblem {
  return { ...base(rest), kind: 'intermittent', ...rest };
}

export function resolved(rest: Rest<ResolvedProblem>): ResolvedProblem {
  return { ...base(rest), kind: 'resolved', ...rest };
}

export function pattern(rest: Rest<ProblemPattern>): ProblemPattern {
  return { ...base(rest), kind: 'pattern', ...rest };
}

export function integration(rest: Partial<Omit<ProblemIntegration, 'kind'>>): ProblemIntegration {
  return { ...base({ title: 'Swarm Integration' }), kind: 'integration', title: 'Swarm Integration', ...rest };
}

/** The four estimates as a record states them. */
export function stating(
  impact: number,
  urgency: 'critical' | 'high' | 'medium' | 'low',
  successProb: number,
  resourceCost: 'minimal' | 'moderate' | 'heavy',
): Pick<ActiveProblem, 'priorityEstimates'> {
  return { priorityEstimates: { impact, urgency, successProb, resourceCost } };
}
