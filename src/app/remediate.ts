import { ProblemsError } from '../errors.ts';
import type { Finding } from '../remediation/contract.ts';
import type { DetectResult } from '../remediation/engine/detect.ts';
import { recordOf } from '../remediation/engine/lock-run.ts';
import { type PolicySettings, propose } from '../remediation/engine/plan.ts';
import { resume as resumeRun, rollback as rollbackRun } from '../remediation/engine/resume.ts';
import type { EngineContext } from '../remediation/engine/session.ts';
import { emptyReport, reportOf, type RunReport } from '../remediation/run-report.ts';
import type { Automation } from '../tasks/types.ts';
import { detect, type DetectOptions, endsRound } from './detect.ts';
import { requireJournal } from './journal.ts';
import { bindCall, type Remediation, type RemediationCall } from './open-remediation.ts';
import { interruptedOn, type LiveRun } from './open-runs.ts';
import { afterError, carryOut, type Consent, failureIn, runId } from './run-plan.ts';

export interface RemediateRequest extends DetectOptions, Consent {
  /** Overrides config, registry and risk. */
  readonly automation?: Automation;
  /** Called with each report at once, so that an error that ends the round loses none. */
  readonly onReport?: (report: RunReport, detected: DetectResult) => void;
}

export interface Remediated {
  readonly detected: DetectResult;
  /** How each finding was dealt with, in this order, after the runs that were resumed. */
  readonly runs: readonly RunReport[];
  /** Findings that were not dealt with, since the call was stopped. */
  readonly notRun: readonly Finding[];
  /** Runs of other processes on the requested instances: what was found of these instances may change. */
  readonly liveRuns: readonly LiveRun[];
}

/**
 * Resumes interrupted runs, then detects, plans, and runs what may run, one instance after the other. After a run that
 * ends `stuck`, or whose undo failed, the rest is only planned. A repair that cannot be planned or started is a `failed`
 * report, and the others go on.
 * @throws ProblemsError `engine-unreachable`, `state-damaged`, `state-locked`, `state-unwritable`: these end the round.
 */
export async function remediate(opened: Remediation, request: RemediateRequest = {}): Promise<Remediated> {
  const remediation = bindCall(opened, request);
  const resumed: RunReport[] = [];
  for (const { id } of await interruptedOn(remediation)) {
    const report = await takenUp(remediation.session, id, false);
    if (report !== undefined) resumed.push(report);
  }
  const detected = await detect(remediation, request).catch((error: unknown) => {
    // What was resumed has happened, whatever the check says.
    for (const report of resumed) request.onReport?.(report, nothingDetected);
    throw error;
  });
  const reports: RunReport[] = [];
  function add(report: RunReport): void {
    reports.push(report);
    request.onReport?.(report, detected);
  }
  resumed.forEach(add);
  absentOf(request, detected).forEach(add);
  const policy = {
    ...remediation.policy,
    ...(request.automation === undefined ? {} : { commandLine: request.automation }),
  };
  const notRun: Finding[] = [];
  async function dealWithAll(findings: readonly Finding[], known: DetectResult): Promise<void> {
    for (const finding of findings) {
      if (remediation.session.signal.aborted) {
        notRun.push(finding);
        continue;
      }
      const halted = reports.some(({ outcome }) => outcome === 'stuck');
      add(await dealWith(remediation, finding, known, policy, request, halted));
    }
  }
  await dealWithAll(detected.findings, detected);
  const again = await checkedAgain(remediation, reports);
  const fresh = (again?.findings ?? []).filter(({ id }) => !detected.findings.some((found) => found.id === id));
  await dealWithAll(fresh, again ?? detected);
  const findings = [...detected.findings, ...fresh];
  return { detected: { ...detected, findings }, runs: reports, notRun, liveRuns: detected.liveRuns };
}

/** What is found after the fixed runs whose plan asks for it, of their instances; undefined if none does. */
async function checkedAgain(
  remediation: Remediation,
  reports: readonly RunReport[],
): Promise<DetectResult | undefined> {
  const { session } = remediation;
  const asking = new Set<string>();
  const instances = new Set<string>();
  for (const { id, outcome } of reports) {
    const plan = id === null || outcome !== 'fixed' ? undefined : (await session.store.runs.get(id))?.plan;
    if (plan?.checkAgain !== true) continue;
    asking.add(plan.remediator);
    instances.add(plan.target.instance);
  }
  if (asking.size === 0 || session.signal.aborted) return undefined;
  const found = await detect(remediation, { remediators: [...asking] });
  return { ...found, findings: found.findings.filter(({ instance }) => instances.has(instance)) };
}

const nothingDetected: DetectResult = { findings: [], notLookedAt: [], lookedAt: [], unmanaged: [] };

/**
 * Resumes runs whose process has ended: one, or all. A run that cannot be resumed does not affect the others.
 * @throws ProblemsError `engine-unreachable`: no engine has ever answered at this address, so its journal is not known.
 * `not-found`: there is no such run.
 */
export async function resume(
  opened: Remediation,
  id?: string,
  { onReport, ...call }: RemediationCall & { readonly onReport?: (report: RunReport) => void } = {},
): Promise<readonly RunReport[]> {
  await requireJournal(opened);
  const { session } = bindCall(opened, call);
  const reports: RunReport[] = [];
  const open =
    id === undefined
      ? await session.store.runs.list({ open: true, project: session.project })
      : [await recordOf(session, id)];
  for (const { id: each } of open) {
    const report = await takenUp(session, each, id !== undefined);
    if (report === undefined) continue;
    reports.push(report);
    onReport?.(report);
  }
  return reports;
}

/** Undefined if another process is running it, or has ended it since it was listed. */
async function takenUp(session: EngineContext, id: string, isWanted: boolean): Promise<RunReport | undefined> {
  try {
    return reportOf(await resumeRun(session, id), session.actions);
  } catch (error) {
    if (isWanted || endsRound(error)) throw error;
    const record = await recordOf(session, id);
    if (record.phase === 'ended' || (error instanceof ProblemsError && error.code === 'run-live')) return undefined;
    return { ...reportOf(record, session.actions), failure: failureIn(session, error) };
  }
}

/** Rolls back a run: one that was interrupted, or a fixed one while its changes are still in place. */
export async function rollback(opened: Remediation, id: string, call: RemediationCall = {}): Promise<RunReport> {
  const { session } = bindCall(opened, call);
  return reportOf(await rollbackRun(session, id), session.actions);
}

async function dealWith(
  { session, problems }: Remediation,
  finding: Finding,
  detected: DetectResult,
  policy: PolicySettings,
  request: RemediateRequest,
  halted: boolean,
): Promise<RunReport> {
  const id = runId();
  try {
    const proposal = await propose(session, finding, detected, problems, policy);
    return await carryOut(session, id, proposal, request, halted);
  } catch (error) {
    if (endsRound(error)) throw error;
    return afterError(session, id, finding, error);
  }
}

/** Requested problems that were not found. */
function absentOf({ ids = [] }: RemediateRequest, { findings }: DetectResult): readonly RunReport[] {
  return ids
    .filter((id) => !findings.some((finding) => finding.id === id || finding.problem === id))
    .map((problem) => ({ ...emptyReport, problem }));
}
