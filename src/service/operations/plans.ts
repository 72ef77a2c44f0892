import { createHash } from 'node:crypto';
import { plan as proposeAll, type Plan, type Proposal, type Remediation } from '../../app/remediation.ts';
import type { Finding } from '../../remediation/contract.ts';
import { checkValue } from '../../remediation/standard-schema.ts';
import type { PlanAnswer } from '../api.ts';
import { inEngine, openFinding, type OperationContext } from './context.ts';

/**
 * Plans the repair of an open finding as of now. Changes nothing.
 * @throws ProblemsError `not-found`: the finding is gone; `engine-unreachable`.
 */
export async function planFor(context: OperationContext, id: string, engine?: string): Promise<PlanAnswer> {
  const tracked = openFinding(context, id, engine);
  const { remediator } = tracked.finding;
  return inEngine(context, tracked.engine, async (remediation) => {
    const { proposals } = await proposeAll(remediation, { ids: [id], remediators: [remediator] });
    const proposal = proposals.find(({ finding }) => finding.id === id);
    return proposal === undefined
      ? { ...nothingPlanned, finding: tracked.finding, refusal: { reason: 'It was not found again.', advice: '' } }
      : planAnswer(proposal, remediation);
  });
}

const nothingPlanned = { steps: [], downtime: null, holds: [], refusal: null, digest: null } as const;

function planAnswer({ finding, plan, decision, effects }: Proposal, { session }: Remediation): PlanAnswer {
  const shown = withoutDetails(finding);
  if (plan.type === 'refusal') {
    const { reason, advice } = plan;
    return { ...nothingPlanned, finding: shown, refusal: { reason, advice } };
  }
  const steps = stepsOf(plan, session).map((step, index) => {
    const changes = effects[index]?.effects ?? [];
    const back = changes.map(({ object, before, after }) => `${object}: from ${after} back to ${before}`).join('; ');
    return step.undo === null || back === '' ? step : { ...step, undo: back };
  });
  return {
    finding: shown,
    steps,
    downtime: plan.downtime.seconds === 0 ? null : `${plan.downtime.seconds} s: ${plan.downtime.why}`,
    holds: decision === undefined || decision.automation === 'auto' ? [] : decision.reasons,
    refusal: null,
    digest: digestOf(plan),
  };
}

/** Details are for the remediator's own `plan`. */
export function withoutDetails({ details: _, ...finding }: Finding): Omit<Finding, 'details'> {
  return finding;
}

/** The steps of a plan, and those that clean up after its verification, as text. */
export function stepsOf(
  { steps, cleanup }: Pick<Plan, 'steps' | 'cleanup'>,
  { actions, redact }: Pick<Remediation['session'], 'actions' | 'redact'>,
): PlanAnswer['steps'] {
  return [...steps, ...cleanup].map(({ action: name, params, why }) => {
    const action = actions.get(name);
    // Parameters may come from another version.
    const parsed = action === undefined ? undefined : checkValue(action.params, params);
    const what = parsed?.ok === true ? (action?.describe(parsed.value) ?? name) : name;
    return {
      what: redact.text(why === undefined ? what : `${what} (${why})`),
      undo: action?.undo === undefined ? null : 'restores what was there before the step',
      downtime: action?.interrupts === true,
    };
  });
}

/**
 * SHA-256 of what a plan does, in hex. The evidence of its finding is left out: it has times that change with each look. The
 * same plan has the same digest before and after it was journalled.
 */
export function digestOf({ finding, target, steps, cleanup, downtime, risk, undo, expected }: Plan): string {
  const told = { finding: finding.id, target, steps, cleanup, downtime, risk, undo, expected };
  return createHash('sha256').update(canonical(told)).digest('hex');
}

/** JSON with sorted keys, and without keys that have no value. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  const sorted = entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(',')}}`;
}
