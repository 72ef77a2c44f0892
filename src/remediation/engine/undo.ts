import { runLabel } from '../../host/docker/shapes.ts';
import type { RunRecord, StepRecord } from '../store/store.ts';
import { type RunningRun, engineOf } from './lock-run.ts';
import {
  type Failure,
  failureOf,
  withEngineRetry,
  ready,
  type ReadyStep,
  rethrowTakeover,
  undoStep,
  ignoreFullDisk,
} from './steps.ts';
import { parseValue } from '../standard-schema.ts';

/**
 * Ends the helpers of a killed process before a run is resumed or undone: they would go on changing what was just
 * checked or restored. A helper that must go on is awaited by the step that needs it.
 */
export async function endHelpers(active: RunningRun): Promise<void> {
  const { plan } = await active.record();
  if (!plan.target.volumes.some((key) => engineOf(key) !== undefined)) return;
  await withEngineRetry(active, async () => active.host.change.docker.endHelpers(runLabel, active.id));
}

/** Undoes the steps in reverse; stops at the first failure. */
export async function undoAll(active: RunningRun, record: RunRecord): Promise<Failure | undefined> {
  const { session, id, run } = active;
  const steps = await active.steps();
  try {
    await endHelpers(active);
  } catch (error) {
    rethrowTakeover(error);
    return failureOf(error);
  }
  for (const done of record.steps.toReversed()) {
    const step = steps[done.index];
    if (step === undefined || done.part !== 'steps') continue;
    try {
      const one = ready(active, step);
      if (!begun(done) && !(await wasTakenDown(active, done, one))) continue;
      session.emit({
        type: 'step',
        run: id,
        index: done.index,
        of: record.plan.steps.length,
        state: 'undoing',
        what: one.action.describe(one.params),
      });
      await undoStep(active, done, one);
    } catch (error) {
      rethrowTakeover(error);
      const failure = failureOf(error);
      if (failure.class !== 'transient') {
        await ignoreFullDisk(
          session.store.runs.step(run, done.index, 'failed', session.at(), session.redact.text(failure.message)),
        );
      }
      return failure;
    }
  }
  return undefined;
}

function begun({ state }: StepRecord): boolean {
  return state === 'applying' || state === 'done' || state === 'undoing' || state === 'failed';
}

/**
 * True if the container is stopped although its stop step never began: the engine was restarted after the run had removed
 * the restart policy.
 */
async function wasTakenDown(
  active: RunningRun,
  { index, state }: StepRecord,
  { action, params }: ReadyStep,
): Promise<boolean> {
  if (state !== 'pending' || action.interrupts !== true) return false;
  const kept = await active.session.store.runs.kept(active.id, index);
  if (kept === undefined) return false;
  const before = parseValue(action.undoState, kept, `What ${action.name} prepared`);
  const undone = await withEngineRetry(active, async () => action.isUndone?.(params, before, active.host));
  return undone === false;
}
