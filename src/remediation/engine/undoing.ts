import type { RunRecord, StepRecord } from '../store/store.ts';
import type { Active } from './claim.ts';
import { type Failure, failureOf, ready, rethrowTakeover, undoStep, unlessUnwritable } from './steps.ts';

/** In reverse; stops at the first that fails. */
export async function undoAll(active: Active, record: RunRecord): Promise<Failure | undefined> {
  const { session, id } = active;
  const steps = await active.steps();
  for (const done of record.steps.toReversed()) {
    const step = steps[done.index];
    if (step === undefined || done.part !== 'steps' || !begun(done)) continue;
    try {
      const one = ready(active, step);
      session.progress({
        type: 'step',
        run: id,
        index: done.index,
        of: steps.length,
        state: 'undoing',
        what: one.action.describe(one.params),
      });
      await undoStep(active, done, one);
    } catch (error) {
      rethrowTakeover(error);
      const failure = failureOf(error);
      if (failure.class !== 'transient') {
        await unlessUnwritable(
          session.store.runs.step(id, done.index, 'failed', session.at(), session.redact.text(failure.message)),
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
