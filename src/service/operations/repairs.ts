import {
  approve,
  type ApproveOptions,
  bindCall,
  type Remediation,
  remediate,
  rollback,
  type RunRecord,
  type RunReport,
  takeBackup,
  verifyBackup,
} from '../../app/remediation.ts';
import { backupLevels } from '../../backups/types.ts';
import { ProblemsError } from '../../errors.ts';
import { notWaiting } from '../../remediation/engine/resume.ts';
import { waiting } from '../../remediation/store/store.ts';
import { engineNames, inEngine, openFinding, type OperationContext, type RequestedRun } from './context.ts';
import { findRun } from './runs.ts';

interface Begun {
  readonly run: RunRecord | null;
  /** Null if the run goes on. */
  readonly report: RunReport | null;
}

/** Answers as soon as a run has begun, waits or was refused. The work goes on: the journal tells how it ends. */
async function begin(
  context: OperationContext,
  engine: string | undefined,
  isOurs: (run: RunRecord) => boolean,
  work: (remediation: Remediation) => Promise<RunReport | undefined>,
): Promise<Begun> {
  const { promise, resolve, reject } = Promise.withResolvers<Begun>();
  const ended = inEngine(context, engine, async (remediation) => {
    const { session } = remediation;
    const watched = bindCall(remediation, {
      onEvent(event) {
        session.emit(event);
        if (event.type === 'run') void answerWith(event.run);
      },
    });
    async function answerWith(id: string): Promise<void> {
      const run = await session.store.runs.get(id).catch(() => undefined);
      if (run !== undefined && isOurs(run)) resolve({ run, report: null });
    }
    const report = (await work(watched)) ?? null;
    const id = report?.id ?? null;
    resolve({ run: id === null ? null : ((await session.store.runs.get(id)) ?? null), report });
  });
  // After the answer the journal has what went wrong.
  ended.catch(reject);
  return promise;
}

/**
 * Asks for the repair of a finding, as `problems remediate` does: the policy decides whether it runs, waits or is left to you.
 * A finding whose run has not ended gets no second one.
 * @throws ProblemsError `not-found`; `engine-unreachable`; those of the journal.
 */
export function requestRemediation(
  context: OperationContext,
  { finding, reason, engine }: { readonly finding: string; readonly reason: string; readonly engine?: string },
): Promise<RequestedRun> {
  const tracked = openFinding(context, finding, engine);
  const { requests } = context.shared;
  const key = `${tracked.engine}\n${finding}`;
  const known = requests.get(key);
  if (known !== undefined) return known;
  const request = requested(context, tracked.engine, tracked.finding, reason).finally(() => requests.delete(key));
  requests.set(key, request);
  return request;
}

async function requested(
  context: OperationContext,
  engine: string,
  { id, instance, remediator }: { readonly id: string; readonly instance: string; readonly remediator: string },
  reason: string,
): Promise<RequestedRun> {
  const open = await inEngine(context, engine, async ({ session }) =>
    (await session.store.runs.list({ project: session.project, instance })).find(
      (run) => run.plan.finding.id === id && run.phase !== 'ended' && run.phase !== 'planned',
    ),
  );
  if (open !== undefined) return { run: open, refusal: null };
  const { run, report } = await begin(
    context,
    engine,
    ({ plan }) => plan.finding.id === id,
    async (remediation) => {
      const { runs } = await remediate(remediation, { ids: [id], remediators: [remediator] });
      return runs.find((one) => one.finding === id) ?? runs.find((one) => one.problem === id);
    },
  );
  if (run === null) {
    const gone = 'The finding is gone: it was not found again.';
    return { run, refusal: report?.outcome === 'absent' ? gone : (report?.failure?.message ?? gone) };
  }
  await note(context, engine, run.id, 'requested', { by: context.by, reason });
  return { run, refusal: null };
}

async function note(
  context: OperationContext,
  engine: string,
  run: string,
  event: string,
  body: { readonly by: string; readonly reason: string },
): Promise<void> {
  await inEngine(context, engine, ({ session }) =>
    session.store.audit.append({
      at: session.at(),
      run,
      event,
      body: { by: session.redact.text(body.by), reason: session.redact.text(body.reason) },
    }),
  );
}

/**
 * Approves a run that waits.
 * @throws ProblemsError as `approve`; `step-refused`: it has begun or ended; `run-live`: another request is approving it.
 */
export async function approveRun(
  context: OperationContext,
  id: string,
  despite: NonNullable<ApproveOptions['despite']>,
): Promise<RunRecord> {
  const { approving } = context.shared;
  if (approving.has(id)) throw new ProblemsError('run-live', `Someone else has just approved run ${id}.`);
  approving.add(id);
  try {
    const { run, engine } = await findRun(context, id);
    if (!waiting.includes(run.phase)) throw tooLate(notWaiting(run));
    const begun = await begin(
      context,
      engine,
      (one) => one.id === id,
      (remediation) => approve(remediation, id, context.by, { despite }).finally(() => approving.delete(id)),
    );
    return begun.run ?? run;
  } catch (error) {
    approving.delete(id);
    throw orTooLate(error);
  }
}

function orTooLate(error: unknown): unknown {
  return error instanceof ProblemsError && error.code === 'bad-usage' ? tooLate(error) : error;
}

/** Someone else was first: no mistake in the request. */
function tooLate({ message, hint }: ProblemsError): ProblemsError {
  return new ProblemsError('step-refused', message, { hint });
}

/**
 * Ends a run that waits, without doing anything.
 * @throws ProblemsError `step-refused`: it has begun or ended.
 */
export async function refuseRun(context: OperationContext, id: string, reason: string): Promise<RunRecord> {
  const { engine } = await findRun(context, id);
  const refused = await inEngine(context, engine, async ({ session }) => {
    const { runs } = session.store;
    const at = session.at();
    const message = session.redact.text(`refused by ${context.by}: ${reason}`);
    const failure = { class: 'interrupted', message } as const;
    const changed = await runs.changeWaiting(id, { phase: 'ended', outcome: 'failed', failure, endedAt: at }, at);
    const run = await runs.get(id);
    if (run === undefined) throw new ProblemsError('not-found', `There is no run ${id}.`);
    if (!changed) throw tooLate(notWaiting(run));
    return run;
  });
  await note(context, engine, id, 'refused', { by: context.by, reason });
  return refused;
}

/**
 * Rolls back a run, as `problems rollback`.
 * @throws ProblemsError as `rollback`; `step-refused`: there is nothing left to undo.
 */
export async function rollBackRun(context: OperationContext, id: string): Promise<RunRecord> {
  const { run, engine } = await findRun(context, id);
  const begun = await begin(
    context,
    engine,
    (one) => one.id === id,
    async (remediation) => {
      const { session } = remediation;
      const body = { by: session.redact.text(context.by) };
      await session.store.audit.append({ at: session.at(), run: id, event: 'rollback requested', body });
      return rollback(remediation, id);
    },
  ).catch((error: unknown) => {
    throw orTooLate(error);
  });
  return begun.run ?? run;
}

/** Takes a backup, and proves it by restoring a copy. */
export async function requestBackup(
  context: OperationContext,
  { instance, engine }: { readonly instance: string; readonly engine?: string },
): Promise<RunRecord> {
  const { run, report } = await begin(
    context,
    engine,
    ({ plan }) => plan.requested === true && plan.target.instance === instance,
    (remediation) => takeBackup(remediation, { instance, by: context.by }),
  );
  if (run !== null) return run;
  throw new ProblemsError('step-refused', report?.failure?.message ?? `No backup of ${instance} could be planned.`);
}

/** The highest level that a request may ask for: reading the whole backup, without restoring it. */
const requestedLevel = 'L3';

/**
 * Checks a backup, and notes the level that it reached. The check goes on after the answer.
 * @throws ProblemsError `not-found`: no such backup.
 */
export async function requestVerification(
  context: OperationContext,
  { backup: ref, engine }: { readonly backup: string; readonly engine?: string },
): Promise<void> {
  const { history } = context.service;
  const name = engine ?? engineOf(context, ref);
  const known = await inEngine(context, name, ({ session }) => session.reader.backups.read(ref));
  if (known === undefined) throw new ProblemsError('not-found', `There is no backup ${ref}.`);
  inEngine(context, name, async (remediation) => {
    const { backup } = await verifyBackup(remediation, { backup: ref, upTo: requestedLevel });
    const { instance, verdict } = backup;
    const at = context.now().toISOString();
    const level = backup.reached === null ? 0 : backupLevels.indexOf(backup.reached);
    history.proofs.note({ engine: name, instance, backup: ref, at, level, verdict, restoreSeconds: null });
    // A check that could not run leaves the proofs as they were.
  }).catch(() => undefined);
}

/** The engine that a backup was listed for, else the first one. */
function engineOf(context: OperationContext, ref: string): string {
  const listed = context.service.view().backups.find(({ backups }) => backups.some((one) => one.ref === ref));
  return listed?.engine ?? engineNames(context)[0] ?? 'local';
}
