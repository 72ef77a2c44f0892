import { ProblemsError } from '../../errors.ts';
import type { Json } from '../../util/json.ts';
import { errorText } from '../../util/text.ts';
import type { Action, FailureClass, Host, Step } from '../contract.ts';
import type { StepRecord } from '../store/store.ts';
import type { RunningRun } from './lock-run.ts';
import { failedPrecondition } from './preconditions.ts';
import { actionNamed, changingHost, type StepBounds } from './session.ts';
import { checkValue, parseValue } from '../standard-schema.ts';

/** How long a step that timed out may take to settle. */
const settleLimitMs = 30_000;

/**
 * Runs the work of a step with a host that ends with it. On timeout the host refuses further changes, helpers are
 * removed, and the step may settle first, so that nothing changes after undo has begun.
 */
export async function withDeadline<Result>(
  { session, run }: Pick<RunningRun, 'session' | 'run'>,
  deadlineMs: number,
  doing: string,
  work: (host: Host) => Promise<Result>,
  { stop }: Pick<StepBounds, 'stop'> = {},
): Promise<Result> {
  const over = new AbortController();
  const bounds = { over: over.signal, until: performance.now() + deadlineMs, ...(stop === undefined ? {} : { stop }) };
  const working = work(changingHost(session, run, bounds));
  try {
    return await withTimeLimit(deadlineMs, doing, working);
  } catch (error) {
    over.abort(new Error(`${doing} is over`));
    await withTimeLimit(settleLimitMs, doing, working).catch(() => undefined);
    throw error;
  } finally {
    over.abort(new Error(`${doing} is over`));
  }
}

export async function withTimeLimit<Result>(deadlineMs: number, doing: string, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${doing} did not finish within ${deadlineMs / 1000} s`)), deadlineMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

export interface Failure {
  readonly class: FailureClass;
  readonly message: string;
}

/** A step with its action and its checked parameters. */
export interface ReadyStep {
  readonly action: Action;
  readonly params: Json;
  readonly step: Step;
}

export function ready(active: RunningRun, step: Step): ReadyStep {
  const action = actionNamed(active.session, step.action);
  const parsed = checkValue(action.params, step.params);
  if (!parsed.ok) throw new ProblemsError('step-refused', `Invalid parameters of ${step.action}: ${parsed.fault}`);
  return { action, params: parsed.value, step };
}

/** Saves what undo needs to disk. */
export async function prepare(active: RunningRun, index: number, { action, params }: ReadyStep): Promise<void> {
  const before = await withEngineRetry(active, async () => action.prepare(params, active.host));
  await active.session.store.runs.keep(active.run, index, before);
}

/**
 * Captures the state again right before the step. A step that interrupts keeps the state from before the run: an engine
 * restart may have stopped what was running, and undo must start it again.
 */
async function prepareAgain(active: RunningRun, index: number, one: ReadyStep): Promise<void> {
  if (one.action.interrupts !== true) return prepare(active, index, one);
  await withEngineRetry(active, async () => one.action.prepare(one.params, active.host));
}

/**
 * Runs one step: checks its preconditions, saves what undo needs, journals the intent, then acts. A step that a killed
 * process had begun is first checked with `isDone`.
 */
export async function applyStep(active: RunningRun, record: StepRecord, one: ReadyStep): Promise<void> {
  const { session, host, run } = active;
  const { index } = record;
  const { action, params, step } = one;
  const begun = record.state === 'applying';
  await session.point(`step ${index} begins`);
  await active.record();
  if (begun && (await withEngineRetry(active, async () => action.isDone(params, host, run)))) {
    await session.store.runs.step(run, index, 'done', session.at());
    return;
  }
  await refuseBroken(active, one);
  if (!begun && action.beforeInterrupt !== undefined) {
    await runBeforeInterrupt(active, index, one);
    await refuseBroken(active, one);
  }
  if (!begun && record.part === 'steps') await prepareAgain(active, index, one);
  await session.store.runs.step(run, index, 'applying', session.at());
  await session.point(`step ${index} is journalled`);
  await act(active, one);
  await session.point(`step ${index} is applied`);
  if (!(await withEngineRetry(active, async () => action.isDone(params, host, run)))) {
    throw new Error(`${step.action} had no effect: ${action.describe(params)}`);
  }
  await session.store.runs.step(run, index, 'done', session.at());
  await session.point(`step ${index} is recorded`);
}

async function refuseBroken(active: RunningRun, { step }: ReadyStep): Promise<void> {
  const reasons = await withEngineRetry(active, async () => failedPrecondition(step.expects ?? [], active.host));
  if (reasons.length > 0) throw new ProblemsError('step-refused', reasons.join(' '));
}

const aheadLimitMs = 60_000;

/** Only saves time: if it fails, the step takes longer but has the same effect. */
async function runBeforeInterrupt(active: RunningRun, index: number, { action, params }: ReadyStep): Promise<void> {
  const { session, id } = active;
  try {
    await withDeadline(
      active,
      aheadLimitMs,
      `${action.name}, ahead`,
      async (own) => action.beforeInterrupt?.(params, own),
      { stop: session.signal },
    );
  } catch (error) {
    rethrowTakeover(error);
    const body = { index, action: action.name, message: session.redact.text(failureOf(error).message) };
    await ignoreFullDisk(
      session.store.audit.append({ at: session.at(), run: id, event: 'nothing was done ahead', body }),
    );
  }
}

async function act(active: RunningRun, { action, params, step }: ReadyStep): Promise<void> {
  const { host, run } = active;
  const deadlineMs = step.deadlineMs ?? action.deadlineMs ?? 60_000;
  await withEngineRetry(active, async () => {
    if (await action.isDone(params, host, run)) return;
    const stop = active.session.signal;
    await withDeadline(active, deadlineMs, action.name, async (own) => action.apply(params, own), { stop });
  });
}

/** Restores the state from before the step. Idempotent. */
export async function undoStep(active: RunningRun, record: StepRecord, { action, params }: ReadyStep): Promise<void> {
  const { session, host, id, run } = active;
  const { index } = record;
  await active.record();
  const kept = await session.store.runs.kept(id, index);
  if (action.undo === undefined || kept === undefined) throw new Error(`No undo was prepared for ${action.name}.`);
  const before = parseValue(action.undoState, kept, `What ${action.name} prepared`);
  await session.point(`undo ${index} begins`);
  await ignoreFullDisk(session.store.runs.step(run, index, 'undoing', session.at()));
  await session.point(`undo ${index} is journalled`);
  await withEngineRetry(active, async () => {
    if ((await action.isUndone?.(params, before, host)) === true) return;
    await withDeadline(active, action.deadlineMs ?? 60_000, `undo of ${action.name}`, async (own) =>
      action.undo?.(params, before, own),
    );
  });
  await session.point(`undo ${index} is applied`);
  if ((await action.isUndone?.(params, before, host)) === false)
    throw new Error(`The undo of ${action.name} had no effect.`);
  await ignoreFullDisk(session.store.runs.step(run, index, 'undone', session.at()));
  await session.point(`undo ${index} is recorded`);
}

/** Ignores a full disk: what undo needs is already saved, so the rollback goes on and `resume` will see it. */
export async function ignoreFullDisk(writing: Promise<void>): Promise<void> {
  try {
    await writing;
  } catch (error) {
    if (!(error instanceof ProblemsError && error.code === 'state-unwritable')) throw error;
  }
}

/** Retries while the engine does not answer: it may be restarted in the middle of a run. */
export async function withEngineRetry<Result>(active: RunningRun, work: () => Promise<Result>): Promise<Result> {
  const until = performance.now() + active.session.patienceMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const away = error instanceof ProblemsError && error.code === 'engine-unreachable';
      if (!away || performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

export function failureOf(error: unknown): Failure {
  const message = errorText(error);
  return { class: error instanceof ProblemsError ? classOf(error) : 'step-failed', message };
}

function classOf({ code }: ProblemsError): FailureClass {
  switch (code) {
    case 'engine-unreachable':
    case 'state-locked':
    case 'state-unwritable':
      return 'transient';
    case 'step-refused':
    case 'file-changed':
      return 'precondition';
    case 'lock-held':
    case 'run-live':
      return 'conflict';
    case 'outside-root':
    case 'state-untrusted':
      return 'unsafe';
    default:
      return 'step-failed';
  }
}

/**
 * Rethrows if another process has taken over the run, or someone has changed it in the state file: this process must not
 * change anything more, nor the journal.
 */
export function rethrowTakeover(error: unknown): void {
  if (error instanceof ProblemsError && (error.code === 'lock-held' || error.code === 'state-untrusted')) throw error;
}
