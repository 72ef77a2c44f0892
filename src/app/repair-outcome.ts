import type { Outcome } from '../remediation/contract.ts';
import type { DetectResult } from '../remediation/engine/detect.ts';
import type { RunReport } from '../remediation/run-report.ts';
import type { RunRecord } from '../remediation/store/store.ts';
import type { Report } from '../swarm/types.ts';
import type { Release } from '../swarm/work.ts';
import type { Task } from '../tasks/types.ts';
import type { Remediated } from './remediate.ts';

/** How long a task waits whose repair needs an approval, before a worker checks again. */
const approvalMs = 10 * 60_000;

/** What a worker reports for a task, worst first: the first outcome that a run of its problem has decides. */
const worstFirst: readonly Outcome[] = ['stuck', 'failed', 'rolled-back', 'planned', 'awaiting-approval', 'fixed'];

/**
 * What a round of repairs means for the task that it was for. Only a run that was verified is a fix: a problem that is not
 * found any more is `done`, and the notes say so; one that could not be checked is neither.
 * @param earlier The run that fixed the problem before this round, such as one whose worker was killed before its report.
 */
export function outcomeOf(
  { problem, handler }: Pick<Task, 'problem' | 'handler'>,
  { runs, detected, notRun, liveRuns }: Remediated,
  earlier: RunRecord | undefined,
  now: Date,
): Report | Release {
  const own = runs.filter((run) => run.problem === problem && run.outcome !== 'absent');
  const outcome = worstFirst.find((one) => own.some((run) => run.outcome === one));
  const unchecked = uncheckedTexts(detected.notLookedAt);
  if (outcome !== undefined && outcome !== 'fixed')
    return outcomeOfRuns(
      outcome,
      own.filter((run) => run.outcome === outcome),
      now,
    );
  if (notRun.length > 0) return failed('interrupted', 'The work was stopped before every repair had begun.');
  if (outcome === 'fixed') return { result: 'done', notes: [...own.map(fixText), ...unchecked].join('\n') };
  const live = liveRuns.find(({ remediator }) => remediator === handler);
  if (live !== undefined) return failed('conflict', `Run ${live.id} of another process works on ${live.instance} now.`);
  if (unchecked.length > 0) return failed('transient', unchecked.join('\n'));
  return {
    result: 'done',
    notes: earlier === undefined ? 'No longer found.' : `No longer found. ${earlierText(earlier)}`,
  };
}

/** What an investigation that only detects has brought. The findings are those of its problem. */
export function outcomeOfDetection({ findings, notLookedAt }: Pick<DetectResult, 'findings' | 'notLookedAt'>): Report {
  const unchecked = uncheckedTexts(notLookedAt);
  if (findings.length > 0)
    return { result: 'done', notes: [...findings.map(({ summary }) => `Found: ${summary}`), ...unchecked].join('\n') };
  return unchecked.length > 0
    ? failed('transient', unchecked.join('\n'))
    : { result: 'done', notes: 'No longer found.' };
}

/** Checks that could not run this time. */
function uncheckedTexts(notLookedAt: DetectResult['notLookedAt']): readonly string[] {
  return notLookedAt
    .filter(({ lasting }) => lasting !== true)
    .map(({ instance, reason }) => `Not checked: ${instance ?? 'all instances'}: ${reason}`);
}

function outcomeOfRuns(outcome: Outcome, runs: readonly RunReport[], now: Date): Report | Release {
  const notes = runs.map(reasonText).join('\n');
  if (outcome === 'awaiting-approval')
    return waitForApproval(
      runs.map(({ id }) => id ?? ''),
      now,
    );
  if (outcome !== 'planned') return failed(runs[0]?.failure?.class ?? 'step-failed', notes);
  // Another run of the round is stuck, or the policy leaves this one to people.
  return failed(runs.some(({ automation }) => automation === 'human') ? 'unsafe' : 'conflict', notes);
}

/** The task waits for what `problems approve` decides about its runs. */
export function waitForApproval(runs: readonly string[], now: Date): Release {
  const asks = runs.map((run) => `problems approve ${run}`).join(', ');
  return {
    result: 'released',
    retryAt: new Date(now.getTime() + approvalMs),
    asks,
    notes: `Waits for approval: ${asks}`,
  };
}

export function failed(failure: Extract<Report, { readonly result: 'failed' }>['class'], notes: string): Report {
  return { result: 'failed', ...(failure === undefined ? {} : { class: failure }), notes };
}

function fixText({ id, summary, downtimeMs }: RunReport): string {
  const downtime = downtimeMs === null || downtimeMs === 0 ? '' : `, ${(downtimeMs / 1_000).toFixed(1)} s downtime`;
  return `Fixed by run ${id ?? ''}: ${summary ?? ''}${downtime}`;
}

function earlierText({ id, endedAt, plan }: RunRecord): string {
  return `Run ${id} fixed it at ${endedAt ?? ''}: ${plan.done ?? plan.summary}`;
}

function reasonText({ id, instance, outcome, failure, reasons, dossier }: RunReport): string {
  const why = failure?.message ?? reasons.join('; ');
  return [
    `${id === null ? 'Refused' : `Run ${id} ended ${outcome}`}${instance === null ? '' : ` on ${instance}`}: ${why}`,
    ...(dossier === null ? [] : [`Escalation report: ${dossier}`]),
  ].join('\n');
}
