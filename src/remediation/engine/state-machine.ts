import { ProblemsError } from '../../errors.ts';
import type { Outcome, Verification } from '../contract.ts';
import { verification as verificationSchema } from '../schemas.ts';
import type { Phase, RunRecord } from '../store/store.ts';
import { writeEscalationReport } from './escalation-report.ts';
import type { RunningRun } from './lock-run.ts';
import { actionNamed, type EngineContext, remediatorNamed, verifierNamed } from './session.ts';
import {
  applyStep,
  type Failure,
  failureOf,
  withEngineRetry,
  prepare,
  ready,
  rethrowTakeover,
  ignoreFullDisk,
  withTimeLimit,
} from './steps.ts';
import { undoAll } from './undo.ts';
import { parseValue } from '../standard-schema.ts';

const verifyLimitMs = 180_000;

/**
 * Prepare, run the steps, verify and clean up, or undo: each phase reads the journal, does its part and names the next.
 * A killed run continues from the phase in the journal, so resuming is running.
 */
export async function advance(active: RunningRun): Promise<RunRecord> {
  for (;;) {
    const record = await active.record();
    if (record.phase === 'ended') {
      const { outcome } = record;
      active.session.emit({ type: 'run', run: active.id, phase: 'ended', ...(outcome === null ? {} : { outcome }) });
      return record;
    }
    active.session.emit({ type: 'run', run: active.id, phase: record.phase });
    await active.session.point(`phase ${record.phase} begins`);
    try {
      const next = await phaseOf(active, record);
      if (next === undefined) return await active.record();
    } catch (error) {
      if (!(error instanceof ProblemsError && error.code === 'state-unwritable')) throw error;
      return backWithoutJournal(active, error);
    }
    await active.session.point(`phase ${record.phase} is over`);
  }
}

/**
 * The disk under the journal is full. What undo needs was written before the first step, so the instance is rolled back
 * anyway. The journal still shows the run as open, and `resume` will find nothing left to undo.
 */
async function backWithoutJournal(active: RunningRun, cause: ProblemsError): Promise<RunRecord> {
  const record = await active.record();
  const message = `${cause.message} ${cause.hint ?? ''}`.trim();
  if (record.phase === 'cleaning') return { ...record, outcome: 'fixed', failure: { class: 'transient', message } };
  const failure = await undoAll(active, record);
  const outcome = failure === undefined ? 'rolled-back' : 'stuck';
  return {
    ...record,
    outcome,
    failure: { class: 'transient', message: failure === undefined ? message : `${message} ${failure.message}` },
  };
}

/** Returns undefined if the run stays open, to be resumed. */
async function phaseOf(active: RunningRun, record: RunRecord): Promise<Phase | undefined> {
  switch (record.phase) {
    case 'preparing':
      return preparing(active, record);
    case 'running':
      return running(active, record);
    case 'verifying':
      return verifying(active, record);
    case 'cleaning':
      return cleaning(active, record);
    case 'undoing':
      return undoing(active, record);
    case 'planned':
    case 'awaiting-approval':
    case 'ended':
      throw new ProblemsError('bad-usage', `Run ${record.id} is ${record.phase}.`);
  }
}

/** Prepares every undo before the first step runs. */
async function preparing(active: RunningRun, record: RunRecord): Promise<Phase> {
  try {
    for (const [index, step] of record.plan.steps.entries()) {
      const one = ready(active, step);
      if (one.action.undo === undefined)
        throw new ProblemsError('step-refused', `${step.action} cannot be undone, so a plan may not use it as a step.`);
      await prepare(active, index, one);
    }
    for (const step of record.plan.cleanup) ready(active, step);
  } catch (error) {
    rethrowTakeover(error);
    return end(active, 'failed', failureOf(error));
  }
  return enter(active, 'running');
}

async function running(active: RunningRun, record: RunRecord): Promise<Phase> {
  const { session } = active;
  const steps = await active.steps();
  for (const done of record.steps) {
    if (done.part !== 'steps' || done.state === 'done') continue;
    // A failed step may be half done, so running it again would capture the wrong state for undo: roll back.
    if (done.state === 'failed')
      return startRollback(active, { class: 'step-failed', message: done.error ?? `step ${done.index + 1} failed` });
    if (session.signal.aborted)
      return startRollback(active, { class: 'interrupted', message: `stopped before step ${done.index + 1}` });
    const step = steps[done.index];
    if (step === undefined) continue;
    try {
      const one = ready(active, step);
      session.emit({
        type: 'step',
        run: active.id,
        index: done.index,
        of: record.plan.steps.length,
        state: 'applying',
        what: one.action.describe(one.params),
      });
      await applyStep(active, done, one);
    } catch (error) {
      rethrowTakeover(error);
      const back = await startRollback(active, failureIn(session, error), done.index);
      await session.point(`step ${done.index} has failed`);
      return back;
    }
  }
  return enter(active, 'verifying');
}

/** The failure of a step or verification; `interrupted` if the caller stopped the run. */
function failureIn({ signal }: EngineContext, error: unknown): Failure {
  return signal.aborted ? { class: 'interrupted', message: 'stopped on request' } : failureOf(error);
}

/** Verifies as a client with the remediator, then runs the detector that found the problem again. */
async function verifying(active: RunningRun, record: RunRecord): Promise<Phase> {
  const { session } = active;
  const { plan } = record;
  const verifier = verifierNamed(session, plan.remediator);
  let verification: Verification;
  try {
    verification = verificationSchema.parse(
      session.redact.data(
        await withEngineRetry(active, async () =>
          withTimeLimit(
            verifyLimitMs,
            `verification by ${plan.remediator}`,
            verifier.verify(
              { ...plan, expected: parseValue(verifier.expected, plan.expected, '`expected` of the plan') },
              session.reader,
            ),
          ),
        ),
      ),
    );
  } catch (error) {
    const failure = failureIn(session, error);
    return startRollback(active, failure.class === 'interrupted' ? failure : { ...failure, class: 'unverified' });
  }
  const { answeredAt } = verification;
  const downtimeMs = downtimeOf(active, record, answeredAt ?? session.at());
  await ignoreFullDisk(session.store.runs.change(active.run, { verification, downtimeMs }, session.at()));
  if (verification.result !== 'verified') {
    const seen = verification.checks.filter(({ ok }) => !ok).map((check) => `${check.name}: ${check.seen}`);
    return startRollback(active, {
      class: verification.result === 'impossible' ? 'unverified' : 'step-failed',
      message: `not verified: ${seen.join('; ')}`,
    });
  }
  const again = plan.requested === true ? undefined : await isStillFound(active, record);
  return again === undefined
    ? enter(active, 'cleaning')
    : startRollback(active, { class: 'unverified', message: again });
}

async function isStillFound(active: RunningRun, { plan }: RunRecord): Promise<string | undefined> {
  const remediator = remediatorNamed(active.session, plan.remediator);
  try {
    const { findings, notLookedAt } = await withEngineRetry(active, async () =>
      remediator.detect(active.session.reader),
    );
    if (findings.some(({ id }) => id === plan.finding.id)) return `${remediator.name} still finds ${plan.finding.id}`;
    const blind = notLookedAt.find(({ instance }) => instance === plan.target.instance);
    return blind === undefined
      ? undefined
      : `${remediator.name} could not check ${plan.target.instance}: ${blind.reason}`;
  } catch (error) {
    return failureIn(active.session, error).message;
  }
}

/** From the first step that interrupts to the first answer. */
function downtimeOf(active: RunningRun, { steps }: RunRecord, answeredAt: string): number {
  const interrupted = steps.find(
    ({ part, action }) => part === 'steps' && actionNamed(active.session, action).interrupts === true,
  );
  const began = interrupted?.startedAt ?? null;
  if (began === null) return 0;
  return Math.max(0, Date.parse(answeredAt) - Date.parse(began));
}

/** The problem is fixed: a failing cleanup is recorded and does not change the outcome. */
async function cleaning(active: RunningRun, record: RunRecord): Promise<Phase> {
  const steps = await active.steps();
  for (const done of record.steps) {
    const step = steps[done.index];
    if (done.part !== 'cleanup' || done.state === 'done' || step === undefined) continue;
    try {
      await applyStep(active, done, ready(active, step));
    } catch (error) {
      rethrowTakeover(error);
      const { message } = failureOf(error);
      await active.session.store.runs.step(
        active.run,
        done.index,
        'failed',
        active.session.at(),
        active.session.redact.text(message),
      );
    }
  }
  return end(active, 'fixed', null);
}

async function undoing(active: RunningRun, record: RunRecord): Promise<Phase | undefined> {
  const { session } = active;
  const failure = await undoAll(active, record);
  if (failure === undefined) return end(active, 'rolled-back', record.failure);
  if (failure.class === 'transient') {
    // The engine did not answer for longer than a run waits: the run stays open, to be resumed.
    await session.store.runs.change(active.run, { outcome: 'stuck', failure: redacted(active, failure) }, session.at());
    return undefined;
  }
  const reason = session.redact.text(`undoing run ${active.id} failed: ${failure.message}`);
  await session.store.suspensions.add(record.plan.target.instance, reason, session.at());
  return end(active, 'stuck', { class: 'rollback-failed', message: failure.message });
}

async function startRollback(active: RunningRun, failure: Failure, failedStep?: number): Promise<Phase> {
  const { session, run } = active;
  await session.store.runs.goBack(run, redacted(active, failure), session.at(), failedStep);
  return 'undoing';
}

async function enter(active: RunningRun, phase: Phase): Promise<Phase> {
  await active.session.store.runs.change(active.run, { phase }, active.session.at());
  return phase;
}

async function end(active: RunningRun, outcome: Outcome, failure: Failure | null): Promise<Phase> {
  const { session } = active;
  const shown = failure === null ? null : redacted(active, failure);
  const dossier =
    outcome === 'stuck'
      ? await writeEscalationReport(session, { ...(await active.record()), outcome, failure: shown })
      : undefined;
  await session.store.runs.change(
    active.run,
    { phase: 'ended', outcome, endedAt: session.at(), failure: shown, ...(dossier === undefined ? {} : { dossier }) },
    session.at(),
  );
  return 'ended';
}

function redacted(active: RunningRun, failure: Failure): Failure {
  return { class: failure.class, message: active.session.redact.text(failure.message) };
}
