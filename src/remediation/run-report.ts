import type { Automation } from '../tasks/types.ts';
import type { Action, FailureClass, Finding, Leftover, Outcome, Verification } from './contract.ts';
import type { Json } from '../util/json.ts';
import type { RunRecord, StepRecord } from './store/store.ts';
import { checkValue } from './standard-schema.ts';

/** The engine's actions by name. */
type Actions = ReadonlyMap<string, Pick<Action, 'params' | 'leaves'>>;

/**
 * What you may remove after a run: the plan's own list if it is fixed, or the volumes that it filled before it was
 * undone. Derived from the journal; the command selects volumes by the run's label, so it cannot remove another volume
 * that has the same name.
 */
function leftoversOf({ id, plan, steps, outcome }: RunRecord, actions: Actions): readonly Leftover[] {
  if (outcome === 'fixed') return plan.leftovers;
  if (outcome !== 'rolled-back' && outcome !== 'stuck') return [];
  const volumes = steps
    .filter(({ part, state }) => part === 'steps' && state !== 'pending')
    .flatMap(({ index, action }) => volumesLeft(actions.get(action), plan.steps[index]?.params));
  return volumes.map((volume) => ({
    object: `volume ${volume}`,
    why: `it keeps what run ${id} wrote: data is never deleted`,
    command: `docker volume rm $(docker volume ls -q --filter label=problems.run=${id} --filter 'name=^${volume.replaceAll('.', '[.]')}$')`,
  }));
}

/** Parameters may come from another version; a name goes into a shell command, so it is checked. */
function volumesLeft(
  action: Pick<Action, 'params' | 'leaves'> | undefined,
  params: Json | undefined,
): readonly string[] {
  const parsed = action === undefined ? undefined : checkValue(action.params, params);
  if (parsed?.ok !== true) return [];
  return (action?.leaves?.(parsed.value) ?? []).filter((volume) => /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(volume));
}

/** How one problem was handled, as `problems remediate --json` prints it. */
export interface RunReport {
  /** Null if there was nothing to plan. */
  readonly id: string | null;
  readonly remediator: string | null;
  readonly instance: string | null;
  readonly problem: string | null;
  readonly finding: string | null;
  readonly outcome: Outcome;
  /** What a fixed run has done, else what the run would do, in one line. Null if there was nothing to plan. */
  readonly summary: string | null;
  /** Whether `rollback` restores what the run changed, unless something has changed since. */
  readonly canRollBack: boolean;
  readonly failure: { readonly class: FailureClass; readonly message: string } | null;
  readonly automation: Automation | null;
  readonly reasons: readonly string[];
  readonly steps: readonly StepRecord[];
  readonly verification: Verification | null;
  readonly downtimeMs: number | null;
  readonly leftovers: readonly Leftover[];
  readonly dossier: string | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

/** The report for a requested problem that was not found. */
export const emptyReport: RunReport = {
  id: null,
  remediator: null,
  instance: null,
  problem: null,
  finding: null,
  outcome: 'absent',
  summary: null,
  canRollBack: false,
  failure: null,
  automation: null,
  reasons: [],
  steps: [],
  verification: null,
  downtimeMs: null,
  leftovers: [],
  dossier: null,
  startedAt: null,
  endedAt: null,
};

export function aboutFinding({
  id,
  remediator,
  instance,
  problem,
}: Finding): Pick<RunReport, 'finding' | 'remediator' | 'instance' | 'problem'> {
  return { finding: id, remediator, instance, problem };
}

export function reportOf(record: RunRecord, actions: Actions): RunReport {
  const { plan, decision } = record;
  return {
    id: record.id,
    ...aboutFinding(plan.finding),
    outcome: outcomeOf(record),
    summary: record.outcome === 'fixed' ? (plan.done ?? `${plan.finding.instance}: ${plan.summary}`) : plan.summary,
    canRollBack: record.outcome === 'fixed' && plan.final !== true,
    failure: record.failure,
    automation: decision.automation,
    reasons: decision.reasons,
    steps: record.steps,
    verification: record.verification,
    downtimeMs: record.downtimeMs,
    leftovers: leftoversOf(record, actions),
    dossier: record.dossier,
    startedAt: record.startedAt,
    endedAt: record.endedAt,
  };
}

/** An open run that has begun has no outcome yet; the one from before it began no longer counts. */
function outcomeOf({ outcome, phase }: RunRecord): Outcome {
  if (phase === 'planned' || phase === 'awaiting-approval') return outcome ?? phase;
  return outcome === null || outcome === 'planned' || outcome === 'awaiting-approval' ? 'stuck' : outcome;
}
