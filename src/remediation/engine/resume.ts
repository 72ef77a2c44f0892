import { ProblemsError } from '../../errors.ts';
import type { Json, Step } from '../contract.ts';
import { isAlive } from '../../host/process-identity.ts';
import type { Phase, ProcessIdentity, RunChange, RunRecord } from '../store/store.ts';
import { type RunningRun, withRunLock, foreignRun, recordOf, stopSecondContainer } from './lock-run.ts';
import { endHelpers } from './undo.ts';
import { advance } from './state-machine.ts';
import { actionNamed, type EngineContext } from './session.ts';
import { withEngineRetry, ready } from './steps.ts';

/** A run that is planned, and has not begun. */
export const waiting: readonly Phase[] = ['planned', 'awaiting-approval'];

/**
 * Runs a plan that was approved, or needs no approval, from its first step to its outcome. A run begins once: whether it
 * still waits is asked where it is noted that it begins.
 * @param approvedBy Who agreed, where somebody did.
 * @throws ProblemsError `bad-usage`: it has begun, or is over. `run-live`: another process begins it. `lock-held`:
 * another run works on its data.
 */
export async function execute(session: EngineContext, id: string, approvedBy?: string): Promise<RunRecord> {
  return runLocked(session, id, async (active) => {
    const foreign = await foreignRun(active);
    const at = session.at();
    const change: RunChange =
      foreign === undefined
        ? { phase: 'preparing', startedAt: at, ...(approvedBy === undefined ? {} : { approvedBy }) }
        : { phase: 'ended', outcome: 'failed', endedAt: at, failure: { class: 'conflict', message: foreign } };
    if (!(await session.store.runs.changeFrom(id, waiting, change, at)))
      throw waitsForNobody(await recordOf(session, id));
    return foreign === undefined ? advance(active) : recordOf(session, id);
  });
}

export function waitsForNobody({ id, outcome, phase }: RunRecord): ProblemsError {
  return new ProblemsError('bad-usage', `Run ${id} waits for nobody: it is ${phase === 'ended' ? outcome : phase}.`);
}

/**
 * Takes up a run whose process has ended, where the journal left it.
 * @throws ProblemsError `run-live`: its process is alive. `bad-usage`: it is over, or was never begun.
 */
export async function resume(session: EngineContext, id: string, direction: 'on' | 'back' = 'on'): Promise<RunRecord> {
  await refuseLive(session, await begunRecord(session, id));
  return runLocked(session, id, async (active) => {
    // Between the look and the lock another process may have taken it up and ended it.
    const record = await begunRecord(session, id);
    const { store } = session;
    const at = session.at();
    await endHelpers(active);
    if (await withEngineRetry(active, async () => stopSecondContainer(active))) {
      const reason = `two containers ran on the data of ${record.plan.target.instance} when run ${id} was resumed`;
      await store.suspensions.add(record.plan.target.instance, reason, at);
      await store.runs.goBack(id, { class: 'data-risk', message: reason }, at);
    } else if (direction === 'back') {
      await store.runs.goBack(id, { class: 'interrupted', message: 'rolled back on demand' }, at);
    } else if (record.phase === 'running' && !(await stillDone(active, record))) {
      const message = 'what the run had done before it was cut off is no longer so';
      await store.runs.goBack(id, { class: 'precondition', message }, at);
    }
    return advance(active);
  });
}

async function begunRecord(session: EngineContext, id: string): Promise<RunRecord> {
  const record = await recordOf(session, id);
  if (record.phase === 'ended')
    throw new ProblemsError('bad-usage', `Run ${id} is over: ${record.outcome ?? 'unknown'}.`);
  if (waiting.includes(record.phase)) {
    throw new ProblemsError('bad-usage', `Run ${id} has not begun.`, {
      hint: `\`problems approve ${id}\` lets it run.`,
    });
  }
  return record;
}

/**
 * Undoes a run: one that was cut off, or one that is fixed, while what it did still stands.
 * @throws ProblemsError `step-refused`: the world has moved on, and undoing would overwrite somebody's work.
 */
export async function rollback(session: EngineContext, id: string): Promise<RunRecord> {
  if ((await endedRecord(session, id)) === undefined) return resume(session, id, 'back');
  return runLocked(session, id, async (active) => {
    const record = await endedRecord(session, id);
    if (record?.outcome === 'fixed' && !(await stillDone(active, record))) {
      throw new ProblemsError('step-refused', `Run ${id} can no longer be undone: what it did has been changed since.`);
    }
    if (!(await session.store.runs.changeFrom(id, ['ended'], { phase: 'undoing' }, session.at())))
      throw new ProblemsError('run-live', `Run ${id} has been taken up by another process.`);
    return advance(active);
  });
}

/** Of a run that is over and has left something to undo; undefined while it is not over. */
async function endedRecord(session: EngineContext, id: string): Promise<RunRecord | undefined> {
  const record = await recordOf(session, id);
  if (record.phase !== 'ended') return undefined;
  if (record.outcome === 'fixed' || record.outcome === 'stuck') return record;
  throw new ProblemsError('bad-usage', `Run ${id} ended as ${record.outcome ?? 'unknown'}: there is nothing to undo.`);
}

/** Whether what the journal calls done is so. Where it is not, the way back is safe and the way on is not. */
async function stillDone(active: RunningRun, record: RunRecord): Promise<boolean> {
  const steps = await active.steps();
  for (const { index, state, part } of record.steps) {
    const step = steps[index];
    if (part !== 'steps' || state !== 'done' || step === undefined) continue;
    if (isEndedLater(active, step, index, steps, record)) continue;
    const { action, params } = ready(active, step);
    if (!(await withEngineRetry(active, async () => action.isDone(params, active.host, active.run)))) return false;
  }
  return true;
}

/** What a plan stops to change it, and starts again, is not to be found stopped. */
function isEndedLater(
  { session }: RunningRun,
  { action, params }: Step,
  index: number,
  steps: readonly Step[],
  record: RunRecord,
): boolean {
  const ending = actionNamed(session, action).endedBy;
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

async function refuseLive(session: EngineContext, { id, owner, heartbeatAt }: RunRecord): Promise<void> {
  if (owner === null || heartbeatAt === null) return;
  const itself = owner.pid === session.identity.pid && owner.began === session.identity.began;
  if (!itself && (await isAlive(owner, heartbeatAt, session.now()))) throw underWay(id, owner);
}

function underWay(id: string, { pid }: ProcessIdentity): ProblemsError {
  return new ProblemsError('run-live', `Run ${id} is under way in process ${pid}.`, {
    hint: 'Wait for it, or end that process.',
  });
}

async function runLocked(
  session: EngineContext,
  id: string,
  work: (active: RunningRun) => Promise<RunRecord>,
): Promise<RunRecord> {
  const active = await withRunLock(session, id);
  if ('volume' in active) {
    if (active.run === id) throw underWay(id, active.owner);
    throw new ProblemsError('lock-held', `Run ${active.run} works on ${active.volume} (process ${active.owner.pid}).`, {
      hint: `Wait until it is over; if its process has ended, \`problems resume ${active.run}\`.`,
    });
  }
  try {
    return await work(active);
  } finally {
    // An open run keeps its locks: what it has begun is nobody else's. So does one that cannot be asked about.
    let isOpen = true;
    try {
      const { phase } = await recordOf(session, id);
      isOpen = phase !== 'ended' && !waiting.includes(phase);
    } finally {
      await active.letGo(isOpen);
    }
  }
}
