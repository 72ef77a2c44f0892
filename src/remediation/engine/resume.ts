import { ProblemsError } from '../../errors.ts';
import { shellQuote } from '../../util/quote.ts';
import type { Json, Plan, Step } from '../contract.ts';
import { isAlive } from '../../host/process-identity.ts';
import { type ProcessIdentity, type RunChange, type RunRecord, waiting } from '../store/store.ts';
import {
  engineOf,
  type RunningRun,
  withRunLock,
  foreignRun,
  isWorkedOn,
  recordOf,
  stopSecondContainer,
} from './lock-run.ts';
import { endHelpers } from './undo.ts';
import { advance } from './state-machine.ts';
import { actionNamed, type EngineContext } from './session.ts';
import { withEngineRetry, ready } from './steps.ts';

/**
 * Runs a plan that was approved, or needs no approval, from its first step to its outcome. A run begins only once: the
 * journal checks and changes its phase in one statement.
 * @param approvedBy Who approved it, if anyone did.
 * @throws ProblemsError `bad-usage`: it has begun or ended. `run-live`: another process is starting it. `lock-held`:
 * another run is working on its data.
 */
export async function execute(session: EngineContext, id: string, approvedBy?: string): Promise<RunRecord> {
  return runLocked(session, id, async (active) => {
    const foreign = await foreignRun(active);
    const at = session.at();
    const change: RunChange =
      foreign === undefined
        ? { phase: 'preparing', startedAt: at, ...(approvedBy === undefined ? {} : { approvedBy }) }
        : { phase: 'ended', outcome: 'failed', endedAt: at, failure: { class: 'conflict', message: foreign } };
    if (!(await session.store.runs.changeFrom(active.run, waiting, change, at)))
      throw notWaiting(await recordOf(session, id));
    return foreign === undefined ? advance(active) : recordOf(session, id);
  });
}

export function notWaiting({ id, outcome, phase }: RunRecord): ProblemsError {
  return new ProblemsError(
    'bad-usage',
    `Run ${id} is not waiting for approval (status: ${phase === 'ended' ? outcome : phase}).`,
  );
}

/**
 * Continues a run whose process has ended, from where the journal left it.
 * @throws ProblemsError `run-live`: its process is alive. `bad-usage`: it has ended, or has not begun.
 */
export async function resume(session: EngineContext, id: string, direction: 'on' | 'back' = 'on'): Promise<RunRecord> {
  await refuseLive(session, await begunRecord(session, id));
  return runLocked(session, id, async (active) => {
    // Another process may have resumed and ended it before we took the lock.
    const record = await begunRecord(session, id);
    const { store } = session;
    const at = session.at();
    await endHelpers(active);
    if (await withEngineRetry(active, async () => stopSecondContainer(active))) {
      const reason = `two containers were running on the data of ${record.plan.target.instance} when run ${id} was resumed`;
      await store.suspensions.add(record.plan.target.instance, reason, at);
      await store.runs.goBack(active.run, { class: 'data-risk', message: reason }, at);
    } else if (direction === 'back') {
      await store.runs.goBack(active.run, { class: 'interrupted', message: 'rolled back on request' }, at);
    } else if (record.phase === 'running' && !(await stillDone(active, record))) {
      const message = 'changes made before the run was interrupted have since been reverted';
      await store.runs.goBack(active.run, { class: 'precondition', message }, at);
    }
    return advance(active);
  });
}

async function begunRecord(session: EngineContext, id: string): Promise<RunRecord> {
  const record = await recordOf(session, id);
  if (record.phase === 'ended')
    throw new ProblemsError('bad-usage', `Run ${id} has ended: ${record.outcome ?? 'unknown'}.`);
  if (waiting.includes(record.phase)) {
    throw new ProblemsError('bad-usage', `Run ${id} has not begun.`, {
      hint: `Start it with \`problems approve ${id}\`.`,
    });
  }
  return record;
}

/**
 * Rolls back a run that was interrupted, or one that ended as fixed while its changes are still in place.
 * @throws ProblemsError `step-refused`: its changes have been changed since, and undoing would overwrite that.
 */
export async function rollback(session: EngineContext, id: string): Promise<RunRecord> {
  if ((await endedRecord(session, id)) === undefined) return resume(session, id, 'back');
  return runLocked(session, id, async (active) => {
    const record = await endedRecord(session, id);
    if (record?.outcome === 'fixed' && !(await stillDone(active, record))) {
      throw new ProblemsError(
        'step-refused',
        `Run ${id} can no longer be rolled back: something has changed since it ended.`,
      );
    }
    if (!(await session.store.runs.changeFrom(active.run, ['ended'], { phase: 'undoing' }, session.at())))
      throw new ProblemsError('run-live', `Another process is already working on run ${id}.`);
    return advance(active);
  });
}

/** The record of a run that has ended and left something to undo; undefined if it has not ended. */
async function endedRecord(session: EngineContext, id: string): Promise<RunRecord | undefined> {
  const record = await recordOf(session, id);
  if (record.phase !== 'ended') return undefined;
  if (record.outcome === 'fixed' || record.outcome === 'stuck') return record;
  throw new ProblemsError('bad-usage', `Run ${id} ended as ${record.outcome ?? 'unknown'}: nothing to roll back.`);
}

/** Whether every step that the journal calls done is still done. If not, only rolling back is safe. */
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

/** True if a later step ends this one's effect: a container that the plan stops and starts again is running. */
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

/** The container or instance that a step changes. */
function objectOf(params: Json | undefined): Json | undefined {
  if (typeof params !== 'object' || params === null) return undefined;
  if ('container' in params) return params['container'];
  return 'instance' in params ? params['instance'] : undefined;
}

async function refuseLive(session: EngineContext, record: RunRecord): Promise<void> {
  const owner = await otherOwner(session, record);
  if (owner !== undefined) throw stillRunning(record.id, owner);
}

/** The living process that works on a run, if it is not this one. */
async function otherOwner(
  session: EngineContext,
  { owner, heartbeatAt }: RunRecord,
): Promise<ProcessIdentity | undefined> {
  if (owner === null || heartbeatAt === null) return undefined;
  const itself = owner.pid === session.identity.pid && owner.began === session.identity.began;
  return !itself && (await isAlive(owner, heartbeatAt, session.now())) ? owner : undefined;
}

/** Runs of this project that have begun and have not ended, and whose process is gone: `resume` finishes them. Newest first. */
export async function interruptedRuns(session: EngineContext): Promise<readonly RunRecord[]> {
  const found: RunRecord[] = [];
  for (const run of await session.store.runs.list({ open: true, project: session.project }))
    if (!waiting.includes(run.phase) && !isWorkedOn(run.id) && (await otherOwner(session, run)) === undefined)
      found.push(run);
  return found;
}

/** Runs of this project that other living processes are working on, with those processes. Newest first. */
export async function liveRuns(
  session: EngineContext,
): Promise<readonly { readonly run: RunRecord; readonly owner: ProcessIdentity }[]> {
  const found: { readonly run: RunRecord; readonly owner: ProcessIdentity }[] = [];
  for (const run of await session.store.runs.list({ open: true, project: session.project })) {
    const owner = waiting.includes(run.phase) ? undefined : await otherOwner(session, run);
    if (owner !== undefined) found.push({ run, owner });
  }
  return found;
}

function stillRunning(id: string, { pid }: ProcessIdentity): ProblemsError {
  return new ProblemsError('run-live', `Run ${id} is running in process ${pid}.`, {
    hint: 'Wait until it ends, or stop that process.',
  });
}

/**
 * A state file that the config names may have been used with another engine. There the run's containers cannot be seen, so that
 * everything would look undone, and what undo creates would appear on the wrong engine.
 */
async function refuseOtherEngine({ reader }: EngineContext, id: string, { target }: Plan): Promise<void> {
  const planned = target.volumes.map(engineOf).find((engine) => engine !== undefined);
  if (planned === undefined) return;
  const answering = await reader.docker.info().catch((error: unknown) => {
    // The first step waits for it.
    if (error instanceof ProblemsError && error.code === 'engine-unreachable') return undefined;
    throw error;
  });
  if (answering === undefined || answering.id === planned) return;
  throw new ProblemsError('bad-usage', `Run ${id} is of the Docker engine ${planned}, and ${answering.id} answers.`, {
    hint: 'Run the command with DOCKER_HOST naming that engine. Remove remediation.state and PROBLEMS_STATE, so that each engine has its own state file.',
  });
}

async function runLocked(
  session: EngineContext,
  id: string,
  work: (active: RunningRun) => Promise<RunRecord>,
): Promise<RunRecord> {
  const { project, plan } = await recordOf(session, id);
  if (project !== '' && project !== session.project)
    throw new ProblemsError('bad-usage', `Run ${id} belongs to the project in ${project}.`, {
      hint: `Its steps use files of that project. Run the command there: cd ${shellQuote(project)}`,
    });
  await refuseOtherEngine(session, id, plan);
  const active = await withRunLock(session, id);
  if ('volume' in active) {
    if (active.run === id) throw stillRunning(id, active.owner);
    throw new ProblemsError(
      'lock-held',
      `Run ${active.run} has locked ${active.volume} (process ${active.owner.pid}).`,
      {
        hint: `Wait until it ends. If its process has died, run: problems resume ${active.run}`,
      },
    );
  }
  try {
    return await work(active);
  } finally {
    // An open run keeps its locks, so that no other run touches half-done work. So does a run that cannot be read.
    let isOpen = true;
    try {
      const { phase } = await recordOf(session, id);
      isOpen = phase !== 'ended' && !waiting.includes(phase);
    } finally {
      await active.letGo(isOpen);
    }
  }
}
