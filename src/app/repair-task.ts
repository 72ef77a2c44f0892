import type { Config } from '../config/config.ts';
import type { ProblemRecord } from '../registry/record.ts';
import type { DetectResult } from '../remediation/engine/detect.ts';
import type { RemediationEvent } from '../remediation/events.ts';
import { reportOf, type RunReport } from '../remediation/run-report.ts';
import { type RunRecord, runsAbout } from '../remediation/store/store.ts';
import { hasOccurredSince } from '../swarm/rules.ts';
import type { Claim } from '../swarm/swarm.ts';
import type { Report } from '../swarm/types.ts';
import type { Release } from '../swarm/work.ts';
import type { Task } from '../tasks/types.ts';
import { detect } from './detect.ts';
import { knownProblems } from './known-problems.ts';
import type { Remediation } from './open-remediation.ts';
import { interruptedOn } from './open-runs.ts';
import { type DetectRound, type RecordedResults, recordReports } from './record-results.ts';
import { remediate, resume } from './remediate.ts';
import { failed, outcomeOf, outcomeOfDetection, waitForApproval } from './repair-outcome.ts';
import { failureIn } from './run-plan.ts';
import { checkPaths } from './scan.ts';

export interface RepairContext {
  readonly remediation: Remediation;
  readonly config: Config;
  /** Absolute: the project, whose registries are read and edited. */
  readonly folder: string;
  /** Ends the work at the next safe point. */
  readonly signal: AbortSignal;
  readonly now: () => Date;
  /** Whether outcomes are written into the registries. */
  readonly records: boolean;
  readonly onEvent: (event: RemediationEvent) => void;
  readonly onReport: (report: RunReport) => void;
  readonly onRecorded: (results: RecordedResults) => void;
}

/**
 * Does a task of a remediator: finishes interrupted runs, detects the problem of the task, plans, asks the policy, repairs,
 * verifies, and writes the outcome into the registries, as `remediate` and `recordReports` do. Who approved a resolution has
 * approved its repair; operations that never run automatically are still refused. An investigation that needed an approval
 * only detects.
 */
export async function repairTask(claim: Claim, context: RepairContext): Promise<Report | Release> {
  const { config, folder, remediation, now, onEvent, onReport } = context;
  const { task } = claim;
  const { approvedBy } = claim.entry;
  const { registries } = await checkPaths(['.'], { cwd: folder, config, cache: true });
  const problems = await knownProblems(registries, config);
  const record = problems.find((known) => known.record.id === task.problem)?.record;
  if (record === undefined) return failed('precondition', `No registry of the project has ${task.problem} now.`);
  const signal = AbortSignal.any([context.signal, claim.signal]);
  const request = { ids: [task.problem], remediators: [task.handler], problems, signal, onEvent };
  const reports: RunReport[] = [];
  try {
    // Its approval is of finding the cause, not of a repair; that is the task of the resolution.
    if (task.kind === 'investigation' && approvedBy !== null)
      return outcomeOfDetection(await detect(remediation, request));
    const waiting = approvedBy === null ? await waitingRun(task, remediation) : undefined;
    if (waiting !== undefined) {
      const { findings } = await detect(remediation, request);
      if (findings.some(({ id }) => id === waiting.plan.finding.id)) return waitForApproval([waiting.id], now());
    }
    const done = await remediate(remediation, {
      ...request,
      ...(approvedBy === null ? {} : { yes: true, by: approvedBy }),
      onReport(report) {
        reports.push(report);
        onReport(report);
      },
    });
    const round = { request, detected: done.detected };
    await recorded(reports, round, now(), context);
    const isOwn = reports.some(({ problem, outcome }) => problem === task.problem && outcome !== 'absent');
    const earlier = isOwn ? undefined : await earlierFix(task, remediation);
    if (earlier !== undefined && !isNoted(record, earlier)) {
      const report = reportOf(earlier, remediation.session.actions);
      await recorded([report], round, new Date(earlier.endedAt ?? now()), context);
    }
    return outcomeOf(task, done, earlier, now());
  } catch (error) {
    // What has ended is recorded, whatever ended the round.
    await recorded(reports, { request, detected: notChecked([task.handler]) }, now(), context);
    if (context.signal.aborted && reports.length === 0)
      return { result: 'released', notes: 'Stopped before a repair began.' };
    if (signal.aborted) return failed('interrupted', 'Stopped before the round was over.');
    const { class: failureClass, message } = failureIn(remediation.session, error);
    return failed(failureClass, message);
  }
}

/**
 * Finishes or undoes the runs that killed processes of this host have left, whatever has become of their tasks, and writes how they
 * ended into the registries.
 */
export async function resumeRuns(context: RepairContext): Promise<void> {
  const { config, folder, remediation, now, signal, onEvent, onReport } = context;
  if ((await interruptedOn(remediation)).length === 0) return;
  const { registries } = await checkPaths(['.'], { cwd: folder, config, cache: true });
  const call = { problems: await knownProblems(registries, config), signal, onEvent };
  const reports = await resume(remediation, undefined, { ...call, onReport });
  const ids = reports.flatMap(({ problem }) => problem ?? []);
  const remediators = reports.flatMap(({ remediator }) => remediator ?? []);
  if (ids.length === 0) return;
  // What was fixed is over only if it is not found any more.
  const request = { ...call, ids, remediators: [...new Set(remediators)] };
  const detected = await detect(remediation, request).catch(() => notChecked(remediators));
  await recorded(reports, { request, detected }, now(), context);
}

async function recorded(
  reports: readonly RunReport[],
  round: DetectRound,
  now: Date,
  { remediation, folder, records, onRecorded }: RepairContext,
): Promise<void> {
  if (!records || reports.length === 0) return;
  onRecorded(await recordReports(remediation, reports, round, { cwd: folder, now }));
}

/** A round that ended too early shows of no problem that it is over. */
function notChecked(handlers: readonly string[]): DetectResult {
  const skipped = handlers.map((remediator) => ({ remediator, instance: null, reason: 'The round ended too early.' }));
  return { findings: [], notLookedAt: skipped, lookedAt: [], unmanaged: [] };
}

async function runsOf({ problem }: Task, { session }: Remediation): Promise<readonly RunRecord[]> {
  return runsAbout(problem, session.store.runs, session.project);
}

/** The run that an earlier attempt has left for an approval. */
async function waitingRun(task: Task, remediation: Remediation): Promise<RunRecord | undefined> {
  const [last] = await runsOf(task, remediation);
  return last?.phase === 'awaiting-approval' ? last : undefined;
}

/** The run that has fixed the problem since it was last seen, such as one whose worker was killed before its report. */
async function earlierFix(task: Task, remediation: Remediation): Promise<RunRecord | undefined> {
  const [last] = await runsOf(task, remediation);
  const { outcome = null, endedAt = null } = last ?? {};
  return outcome === 'fixed' && endedAt !== null && !hasOccurredSince(task, endedAt) ? last : undefined;
}

/** Whether a record already tells of a run. */
function isNoted(record: ProblemRecord, { id }: RunRecord): boolean {
  if (record.kind === 'active') return record.investigationStatus?.attemptedSolutions?.includes(id) === true;
  return record.kind === 'intermittent' && record.investigationNotes?.some((note) => note.includes(id)) === true;
}
