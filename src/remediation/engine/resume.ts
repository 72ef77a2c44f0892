import { ProblemsError } from '../../errors.ts';
import type { Json, Step } from '../contract.ts';
import { isAlive } from '../store/process-identity.ts';
import type { RunRecord } from '../store/store.ts';
import { type Active, claim, foreignRun, recordOf, stopSecondContainer } from './claim.ts';
import { endHelpers } from './leftovers.ts';
import { proceed } from './lifecycle.ts';
import type { Session } from './session.ts';
import { patiently, ready } from './steps.ts';

/** Runs a plan that was approved, or needs no approval, from its first step to its outcome. */
export async function execute(session: Session, id: string): Promise<RunRecord> {
  return held(session, id, async (active) => {
    const foreign = await foreignRun(active);
    const at = session.at();
    if (foreign !== undefined) {
      await session.store.runs.change(
        id,
        { phase: 'ended', outcome: 'failed', endedAt: at, failure: { class: 'conflict', message: foreign } },
        at,
      );
      return recordOf(session, id);
    }
    await session.store.runs.change(id, { phase: 'preparing', startedAt: at }, at);
    return proceed(active);
  });
}

/**
 * Takes up a run whose process has ended, where the journal left it.
 * @throws ProblemsError `run-live`: its process is alive. `bad-usage`: it is over, or was never begun.
 */
export async function resume(session: Session, id: string, direction: 'on' | 'back' = 'on'): Promise<RunRecord> {
  const record = await recordOf(session, id);
  if (record.phase === 'ended')
    throw new ProblemsError('bad-usage', `Run ${id} is over: ${record.outcome ?? 'unknown'}.`);
  if (record.phase === 'planned' || record.phase === 'awaiting-approval') {
    throw new ProblemsError('bad-usage', `Run ${id} has not begun.`, {
      hint: `\`problems approve ${id}\` lets it run.`,
    });
  }
  await refuseLive(session, record);
  return held(session, id, async (active) => {
    const at = session.at();
    await endHelpers(active);
    if (await patiently(active, async () => stopSecondContainer(active))) {
      const reason = `two containers ran on the data of ${record.plan.target.instance} when run ${id} was resumed`;
      await session.store.suspensions.add(record.plan.target.instance, reason, at);
      await session.store.runs.change(id, { phase: 'undoing', failure: { class: 'data-risk', message: reason } }, at);
    } else if (direction === 'back') {
      await session.store.runs.change(
        id,
        { phase: 'undoing', failure: { class: 'interrupted', message: 'rolled back on demand' } },
        at,
      );
    } else if (record.phase === 'running' && !(await stillDone(active, record))) {
      const message = 'what the run had done before it was cut off is no longer so';
      await session.store.runs.change(id, { phase: 'undoing', failure: { class: 'precondition', message } }, at);
    }
    return proceed(active);
  });
}

/**
 * Undoes a run: one that was cut off, or one that is fixed, while what it did still stands.
 * @throws ProblemsError `step-refused`: the world has moved on, and undoing would overwrite somebody's work.
 */
export async function rollback(session: Session, id: string): Promise<RunRecord> {
  const record = await recordOf(session, id);
  if (record.phase !== 'ended') return resume(session, id, 'back');
  if (record.outcome !== 'fixed' && record.outcome !== 'stuck') {
    throw new ProblemsError(
      'bad-usage',
      `Run ${id} ended as ${record.outcome ?? 'unknown'}: there is nothing to undo.`,
    );
  }
  return held(session, id, async (active) => {
    if (record.outcome === 'fixed' && !(await stillDone(active, record))) {
      throw new ProblemsError('step-refused', `Run ${id} can no longer be undone: what it did has been changed since.`);
    }
    await session.store.runs.change(id, { phase: 'undoing' }, session.at());
    return proceed(active);
  });
}

/** Whether what the journal calls done is so. Where it is not, the way back is safe and the way on is not. */
async function stillDone(active: Active, record: RunRecord): Promise<boolean> {
  const steps = await active.steps();
  for (const { index, state, part } of record.steps) {
    const step = steps[index];
    if (part !== 'steps' || state !== 'done' || step === undefined) continue;
    if (startedLater(step, index, steps, record)) continue;
    const { action, params } = ready(active, step);
    if (!(await patiently(active, async () => action.isDone(params, active.host, active.run)))) return false;
  }
  return true;
}

/** Steps whose effect a later step of the same plan ends on purpose. */
const endings: Readonly<Record<string, string>> = {
  'container.stop': 'container.start',
  'pooler.pause': 'pooler.resume',
};

/** What a plan stops to change it, and starts again, is not to be found stopped. */
function startedLater({ action, params }: Step, index: number, steps: readonly Step[], record: RunRecord): boolean {
  const ending = endings[action];
  return (
    ending !== undefined &&
    record.steps.some(
      (later) =>
        later.index > index &&
        (later.state === 'done' || later.state === 'applying') &&
        later.part === 'steps' &&
        later.action === ending &&
        objectOf(steps[later.index]?.params) === objectOf(params),
    )
  );
}

/** What a step is done to. */
function objectOf(params: Json | undefined): Json | undefined {
  if (typeof params !== 'object' || params === null) return undefined;
  if ('container' in params) return params['container'];
  return 'instance' in params ? params['instance'] : undefined;
}

async function refuseLive(session: Session, { id, owner, heartbeatAt }: RunRecord): Promise<void> {
  if (owner === null || heartbeatAt === null) return;
  const itself = owner.pid === session.identity.pid && owner.began === session.identity.began;
  if (!itself && (await isAlive(owner, heartbeatAt, session.now()))) {
    throw new ProblemsError('run-live', `Run ${id} is under way in process ${owner.pid}.`, {
      hint: 'Wait for it, or end that process.',
    });
  }
}

async function held(session: Session, id: string, work: (active: Active) => Promise<RunRecord>): Promise<RunRecord> {
  const active = await claim(session, id);
  if ('volume' in active) {
    throw new ProblemsError('lock-held', `Run ${active.run} works on ${active.volume} (process ${active.owner.pid}).`, {
      hint: `Wait until it is over; if its process has ended, \`problems resume ${active.run}\`.`,
    });
  }
  try {
    return await work(active);
  } finally {
    // An open run keeps its locks: what it has begun is nobody else's.
    await active.letGo((await recordOf(session, id)).phase !== 'ended');
  }
}
