import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Remediation, type RunRecord, runs as listOf } from '../../app/remediation.ts';
import { ProblemsError } from '../../errors.ts';
import { approvalOf } from '../../remediation/policy/circuit-breakers.ts';
import { readTextIfPossible } from '../../read-file.ts';
import { waiting } from '../../remediation/store/store.ts';
import { compareText } from '../../util/compare.ts';
import { getString } from '../../util/json.ts';
import type { RunAnswer } from '../api.ts';
import { inEachEngine, inEngine, type OperationContext } from './context.ts';
import { digestOf, stepsOf } from './plans.ts';

/** Runs of all engines that can be asked, newest first. */
export async function listRuns(context: OperationContext, limit: number): Promise<readonly RunRecord[]> {
  const { answers, failures } = await inEachEngine(context, (remediation) => listOf(remediation));
  if (answers.length === 0 && failures.length > 0) throw failures[0];
  const found = new Map(answers.flatMap(({ answer }) => answer.map((run) => [run.id, run] as const)));
  return [...found.values()].toSorted((a, b) => compareText(b.createdAt, a.createdAt)).slice(0, limit);
}

/**
 * A run, and the engine whose journal has it.
 * @throws ProblemsError `not-found`; or why an engine that may have it cannot be asked.
 */
export async function findRun(
  context: OperationContext,
  id: string,
): Promise<{ readonly run: RunRecord; readonly engine: string }> {
  const { instances } = context.service.view();
  const { answers, failures } = await inEachEngine(context, ({ session }) => session.store.runs.get(id));
  const hits = answers.flatMap(({ engine, answer }) => (answer === undefined ? [] : [{ run: answer, engine }]));
  // Engines may share a state file: the run belongs to the one that has its instance.
  const own = hits.find(({ run, engine }) =>
    instances.some((one) => one.engine === engine && one.instance === run.plan.target.instance),
  );
  const found = own ?? hits[0];
  if (found !== undefined) return found;
  if (failures.length > 0) throw failures[0];
  throw new ProblemsError('not-found', `There is no run ${id}.`, { hint: 'List the runs again.' });
}

export async function runAnswer(context: OperationContext, id: string): Promise<RunAnswer> {
  const { run, engine } = await findRun(context, id);
  const { instance } = run.plan.target;
  return inEngine(context, engine, async (remediation) => {
    const { session } = remediation;
    const kept = context.service.view().backups.find((one) => one.engine === engine && one.instance === instance);
    return {
      run,
      digest: digestOf(run.plan),
      steps: stepsOf(run.plan, session),
      timeline: await timelineOf(run, remediation),
      despite: waiting.includes(run.phase) ? approvalOf(run.decision, run.decision).demanded : [],
      verification: (run.verification?.checks ?? []).map(({ name, ok, seen }) => ({
        what: `${name}: ${seen}`,
        passed: ok,
      })),
      dossier: dossierText(run, session.dossiers),
      backups: kept?.backups ?? [],
    };
  });
}

/** The escalation report of a run; null if it has none. */
export async function dossierOf(context: OperationContext, id: string): Promise<string | null> {
  const { run, engine } = await findRun(context, id);
  return inEngine(context, engine, async ({ session }) => dossierText(run, session.dossiers));
}

const betweenLooksMs = 500;

/** The run once it has ended, waits for someone or was only planned, or as it is when the time is over. */
export async function waitForRun(context: OperationContext, id: string, ms: number): Promise<RunRecord> {
  const until = performance.now() + ms;
  for (;;) {
    const { run } = await findRun(context, id);
    const left = until - performance.now();
    if (run.phase === 'ended' || waiting.includes(run.phase) || left <= 0) return run;
    await setTimeout(Math.min(left, betweenLooksMs));
  }
}

async function timelineOf(run: RunRecord, { session }: Remediation): Promise<RunAnswer['timeline']> {
  const names = stepsOf(run.plan, session);
  const told = (await session.store.audit.list(run.id))
    .filter(({ event }) => event === 'requested' || event === 'approved' || event === 'refused')
    .map(({ at, event, body }) => ({ at, what: `${event} by ${getString(body, 'by')}`, seconds: null, state: done }));
  const steps = run.steps.flatMap(({ index, state, startedAt, endedAt, error }) => {
    if (startedAt === null) return [];
    const name = names[index]?.what ?? 'a step';
    return {
      at: startedAt,
      what: error === null ? name : `${name}: ${error}`,
      seconds: endedAt === null ? null : secondsBetween(startedAt, endedAt),
      state: stateOf[state],
    };
  });
  const ends =
    run.endedAt === null
      ? []
      : [{ at: run.endedAt, what: `ended: ${run.outcome ?? 'unknown'}`, seconds: null, state: endOf(run) }];
  return [{ at: run.createdAt, what: 'planned', seconds: null, state: done }, ...told, ...steps, ...ends].toSorted(
    (a, b) => compareText(a.at, b.at),
  );
}

const done = 'done' as const;

const stateOf = {
  pending: 'running',
  applying: 'running',
  done: 'done',
  undoing: 'running',
  undone: 'undone',
  failed: 'failed',
} as const;

function endOf({ outcome }: RunRecord): 'done' | 'undone' | 'failed' {
  if (outcome === 'rolled-back') return 'undone';
  return outcome === 'fixed' || outcome === 'absent' ? 'done' : 'failed';
}

function secondsBetween(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / 100) / 10;
}

/** Reports are shorter. */
const longestDossier = 256 * 1_024;

/**
 * The escalation report of a run; null if it has none. The journal says its path, and the journal may come from elsewhere: only
 * a regular file in the folder of reports is read.
 */
function dossierText({ dossier }: Pick<RunRecord, 'dossier'>, folder: string): string | null {
  if (dossier === null || join(folder, basename(dossier)) !== dossier) return null;
  return readTextIfPossible(dossier, { most: longestDossier, followLink: false }) ?? null;
}
