import { randomBytes } from 'node:crypto';
import { ProblemsError } from '../errors.ts';
import type { Automation } from '../tasks/types.ts';
import type { FailureClass, Finding, Leftover, Outcome, Verification } from './contract.ts';
import { writeDossier, writeRefusal } from './dossier.ts';
import type { DetectResult } from './engine/detect.ts';
import { propose, type Proposal } from './engine/planning.ts';
import { execute, resume as resumeRun, rollback as rollbackRun } from './engine/resume.ts';
import type { Session } from './engine/session.ts';
import { detect, type LookRequest } from './looking.ts';
import type { Remediation } from './opening.ts';
import type { RunRecord, StepRecord } from './store/store.ts';

export interface RemediateRequest extends LookRequest {
  /** A person has agreed: what asks for approval runs. What only a person may do still does not. */
  readonly yes?: boolean;
  /** In place of what config, registry and risk say. */
  readonly automation?: Automation;
  /** Who agrees, for the audit log. */
  readonly by?: string;
}

/** How one problem was dealt with, as `problems remediate --json` prints it. */
export interface RunReport {
  /** Null where there was nothing to plan. */
  readonly id: string | null;
  readonly remediator: string | null;
  readonly instance: string | null;
  readonly problem: string | null;
  readonly finding: string | null;
  readonly outcome: Outcome;
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

/**
 * Detects, plans, and lets run what may run, one instance after the other. A run that ends `stuck`, or whose undo
 * failed, ends the round: what comes after is only planned.
 */
export async function remediate(
  remediation: Remediation,
  request: RemediateRequest = {},
): Promise<{ readonly detected: DetectResult; readonly runs: readonly RunReport[] }> {
  const detected = await detect(remediation, request);
  const reports: RunReport[] = absentOf(request, detected);
  const { session } = remediation;
  for (const finding of detected.findings) {
    if (session.stop?.aborted === true) break;
    const policy = {
      ...remediation.policy,
      ...(request.automation === undefined ? {} : { commandLine: request.automation }),
    };
    const proposal = await propose(session, finding, detected, remediation.problems, policy);
    const halted = reports.some(({ outcome }) => outcome === 'stuck');
    reports.push(await carryOut(session, proposal, request, halted));
  }
  return { detected, runs: reports };
}

/**
 * Lets a run go on that waits for a person. What it is about is looked for again first.
 * @throws ProblemsError `bad-usage`: it waits for nobody. `step-refused`: its instance is suspended.
 */
export async function approve(remediation: Remediation, id: string, by: string): Promise<RunReport> {
  const { session } = remediation;
  const record = await known(session, id);
  if (record.phase !== 'awaiting-approval' && record.phase !== 'planned') {
    throw new ProblemsError('bad-usage', `Run ${id} waits for nobody: it is ${record.outcome ?? record.phase}.`);
  }
  const { plan } = record;
  const { findings } = await detect(remediation, { remediators: [plan.remediator] });
  await refuseSuspended(session, plan.target.instance);
  await session.store.runs.change(id, { approvedBy: session.redact.text(by) }, session.at());
  if (!findings.some((finding) => finding.id === plan.finding.id)) {
    await session.store.runs.change(id, { phase: 'ended', outcome: 'absent', endedAt: session.at() }, session.at());
    return reportOf(await known(session, id));
  }
  return reportOf(await executeOrRefuse(session, id));
}

async function refuseSuspended({ store }: Session, instance: string): Promise<void> {
  const suspension = await store.suspensions.get(instance);
  if (suspension === undefined) return;
  throw new ProblemsError('step-refused', `${instance} is suspended since ${suspension.at}: ${suspension.reason}`, {
    hint: `Once a person has looked: problems runs lift ${instance}.`,
  });
}

/** Takes up runs whose process has ended: this one, or all. */
export async function resume({ session }: Remediation, id?: string): Promise<readonly RunReport[]> {
  if (id !== undefined) return [reportOf(await resumeRun(session, id))];
  const reports: RunReport[] = [];
  for (const open of await session.store.runs.list({ open: true })) {
    try {
      reports.push(reportOf(await resumeRun(session, open.id)));
    } catch (error) {
      // One that is under way elsewhere is no reason to leave the others as they are.
      if (!(error instanceof ProblemsError && error.code === 'run-live')) throw error;
    }
  }
  return reports;
}

/** Puts back what a run changed: of one that was cut off, or of a fixed one while that is still possible. */
export async function rollback({ session }: Remediation, id: string): Promise<RunReport> {
  return reportOf(await rollbackRun(session, id));
}

/** The journal, newest first, or one run. */
export async function runs({ session }: Remediation, id?: string): Promise<readonly RunRecord[]> {
  return id === undefined ? session.store.runs.list() : [await known(session, id)];
}

async function carryOut(
  session: Session,
  proposal: Proposal,
  request: RemediateRequest,
  halted: boolean,
): Promise<RunReport> {
  const { finding, plan, decision } = proposal;
  const id = runId();
  if (plan.type === 'refusal' || decision === undefined) {
    const refusal = plan.type === 'refusal' ? plan : { type: 'refusal' as const, reason: 'no decision', advice: '' };
    const dossier = await writeRefusal(session, id, finding.summary, finding.evidence, refusal);
    const message = session.redact.text(`${refusal.reason} ${refusal.advice}`.trim());
    return {
      ...emptyReport,
      ...aboutFinding(finding),
      outcome: 'failed',
      failure: { class: 'unsafe', message },
      dossier,
    };
  }
  const { runs: journal } = session.store;
  const mayRun =
    !halted && (decision.automation === 'auto' || (decision.automation === 'approve' && request.yes === true));
  const waits = !mayRun && !halted && decision.automation === 'approve';
  await journal.create({ id, plan, decision, phase: waits ? 'awaiting-approval' : 'planned', at: session.at() });
  if (mayRun) {
    if (request.yes === true)
      await journal.change(id, { approvedBy: session.redact.text(request.by ?? 'command line') }, session.at());
    return reportOf(await executeOrRefuse(session, id));
  }
  await journal.change(id, { outcome: waits ? 'awaiting-approval' : 'planned' }, session.at());
  if (decision.automation === 'human')
    await journal.change(id, { dossier: await writeDossier(session, await known(session, id)) }, session.at());
  return reportOf(await known(session, id));
}

/** Somebody else works on the volume: the run has not begun, and says so. */
async function executeOrRefuse(session: Session, id: string): Promise<RunRecord> {
  try {
    return await execute(session, id);
  } catch (error) {
    const record = await known(session, id);
    const untouched = record.phase === 'planned' || record.phase === 'awaiting-approval';
    if (!(error instanceof ProblemsError && error.code === 'lock-held' && untouched)) throw error;
    const failure = { class: 'conflict', message: `${error.message} ${error.hint ?? ''}`.trim() } as const;
    await session.store.runs.change(
      id,
      { phase: 'ended', outcome: 'failed', failure, endedAt: session.at() },
      session.at(),
    );
    return known(session, id);
  }
}

async function known(session: Session, id: string): Promise<RunRecord> {
  const record = await session.store.runs.get(id);
  if (record === undefined)
    throw new ProblemsError('not-found', `There is no run ${id}.`, { hint: '`problems runs` lists them.' });
  return record;
}

/** Problems that were asked for by name and are not there. */
function absentOf({ ids = [] }: RemediateRequest, { findings }: DetectResult): RunReport[] {
  return ids
    .filter((id) => !findings.some((finding) => finding.id === id || finding.problem === id))
    .map((problem) => ({ ...emptyReport, problem }));
}

const emptyReport: RunReport = {
  id: null,
  remediator: null,
  instance: null,
  problem: null,
  finding: null,
  outcome: 'absent',
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

function aboutFinding({
  id,
  remediator,
  instance,
  problem,
}: Finding): Pick<RunReport, 'finding' | 'remediator' | 'instance' | 'problem'> {
  return { finding: id, remediator, instance, problem };
}

function reportOf(record: RunRecord): RunReport {
  const { plan, decision } = record;
  return {
    id: record.id,
    ...aboutFinding(plan.finding),
    outcome:
      record.outcome ??
      (record.phase === 'awaiting-approval' ? 'awaiting-approval' : record.phase === 'planned' ? 'planned' : 'stuck'),
    failure: record.failure,
    automation: decision.automation,
    reasons: decision.reasons,
    steps: record.steps,
    verification: record.verification,
    downtimeMs: record.downtimeMs,
    leftovers: record.outcome === 'fixed' ? plan.leftovers : [],
    dossier: record.dossier,
    startedAt: record.startedAt,
    endedAt: record.endedAt,
  };
}

/** A word for people and labels, not an order: what sorts is the time in the journal. */
function runId(): string {
  return `r${randomBytes(5).toString('hex')}`;
}
