import { ProblemsError } from '../errors.ts';
import type { ProblemRecord } from '../registry/record.ts';
import type { DetectResult } from '../remediation/engine/detect.ts';
import type { KnownProblem } from '../remediation/engine/record-for.ts';
import type { RunReport } from '../remediation/run-report.ts';
import { type RunRecord, runsAbout } from '../remediation/store/store.ts';
import type { Detected, DetectOptions } from './detect.ts';
import { editRegistry } from './edit-registry.ts';
import { bindCall, type Remediation } from './open-remediation.ts';
import {
  noteAttempt,
  noteEnd,
  noteEvidence,
  noteFix,
  noteNewProblem,
  noteOccurrence,
  noteResolution,
} from './result-edits.ts';

/** One round of detection: the options of `detect`, `plan` or `remediate`, and the result. */
export interface DetectRound {
  readonly request: DetectOptions;
  readonly detected: DetectResult & Partial<Pick<Detected, 'interruptedRuns' | 'liveRuns'>>;
}

export interface RecordOptions {
  /** Absolute. The paths of the records are relative to it, and no file outside it is edited. */
  readonly cwd: string;
  readonly now: Date;
  /** The component whose registry new records are added to. Default: `postgres`, else the first known record's registry. */
  readonly component?: string;
}

export interface RecordedResults {
  /** Registries that were changed, each once, in the order of the first change. */
  readonly changed: readonly string[];
  /** Edits that were not made, such as those of a file that was changed in the meantime. */
  readonly refused: readonly { readonly path: string; readonly reason: string }[];
  /** Findings that belong to no record and could not be added, since no registry is known. */
  readonly unrecorded: number;
}

/**
 * Writes detected problems into the registries: when each was last seen, its new messages, and new records for findings
 * that no record is about. Records whose fix has held for `remediation.holdDays` are resolved. Each file is edited under
 * the protection of `openRegistry`; a file that cannot be edited is listed in `refused`, and the others are still written.
 *
 * ```ts
 * const request = { problems: await knownProblems(registries, config) };
 * const detected = await detect(remediation, request);
 * await recordFindings(remediation, { request, detected }, { cwd, now: new Date() });
 * ```
 * @throws ProblemsError `engine-unreachable`, `state-damaged`, `state-locked`.
 */
export async function recordFindings(
  remediation: Remediation,
  round: DetectRound,
  options: RecordOptions,
): Promise<RecordedResults> {
  const problems = problemsOf(remediation, round);
  const { findings } = round.detected;
  const { now, component = 'postgres' } = options;
  const edits = createEdits(options.cwd);
  for (const { record } of problems) {
    const found = findings.filter(({ problem }) => problem === record.id);
    if (found.length > 0)
      await edits.edit(record.path, (text) =>
        found.reduce((noted, finding) => noteEvidence(noted, record, finding), noteOccurrence(text, record, now)),
      );
    else if (record.kind === 'active') {
      const held = await fixHeldLongEnough(record, round, remediation, now);
      if (held !== undefined) await edits.edit(record.path, (text) => noteResolution(text, record, held, now));
    }
  }
  const unknown = findings.filter(({ problem }) => problem === null);
  const home = problems.find(({ record }) => record.component === component)?.record ?? problems[0]?.record;
  if (home === undefined) return edits.results(unknown.length);
  for (const finding of unknown) await edits.edit(home.path, (text) => noteNewProblem(text, finding, now));
  return edits.results(0);
}

/**
 * Writes into the registries how runs ended: when the problem was seen, what helped and what did not. A record is set to
 * resolved if every run about it fixed something and every check that could find its problem ran. Edits as
 * `recordFindings` does.
 *
 * ```ts
 * const request = { problems: await knownProblems(registries, config) };
 * const { runs, detected } = await remediate(remediation, request);
 * await recordReports(remediation, runs, { request, detected }, { cwd, now: new Date() });
 * ```
 */
export async function recordReports(
  remediation: Remediation,
  reports: readonly RunReport[],
  round: DetectRound,
  { cwd, now }: RecordOptions,
): Promise<RecordedResults> {
  const problems = problemsOf(remediation, round);
  const edits = createEdits(cwd);
  for (const report of reports) {
    const record = problems.find((known) => known.record.id === report.problem)?.record;
    if (record === undefined || report.outcome === 'absent') continue;
    await edits.edit(record.path, (text) => {
      const seen = noteOccurrence(text, record, now);
      if (report.outcome === 'fixed') {
        const noted = noteFix(seen, record, report, now);
        return isFixed(report.problem, reports) && wasFullyChecked(record, round, remediation)
          ? noteEnd(noted, record)
          : noted;
      }
      return didNotHelp(report) ? noteAttempt(seen, record, report, now) : seen;
    });
  }
  return edits.results(0);
}

/**
 * Whether every check that could have found a record's problem ran, on every instance, and no run is open: in the middle of a
 * repair nothing may be found of what is not fixed yet.
 */
export function wasFullyChecked(record: ProblemRecord, round: DetectRound, remediation: Remediation): boolean {
  const { interruptedRuns = [], liveRuns = [] } = round.detected;
  return (
    remediation.instances === undefined &&
    interruptedRuns.length + liveRuns.length === 0 &&
    ranAllChecks(record, round, remediation, remediatorsFor(record, remediation))
  );
}

/**
 * The last run about a record, if it fixed the problem, the hold period has passed since, and nothing was found of it in
 * this round. Every remediator that could find the problem must have checked every instance of the record's runs, and
 * the last one must be running: nothing is found on a stopped instance either.
 */
export async function fixHeldLongEnough(
  record: ProblemRecord,
  round: DetectRound,
  remediation: Remediation,
  now: Date,
): Promise<RunRecord | undefined> {
  const { session, config } = remediation;
  const { project, store } = session;
  const runs = await runsAbout(record.id, store.runs, project);
  const [last] = runs;
  if (last?.outcome !== 'fixed' || last.endedAt === null) return undefined;
  if (now.getTime() - Date.parse(last.endedAt) < config.holdDays * 86_400_000) return undefined;
  const names = new Set([...remediatorsFor(record, remediation), ...runs.map(({ plan }) => plan.remediator)]);
  const instances = new Set(runs.map(({ plan }) => plan.finding.instance));
  if (!ranAllChecks(record, round, remediation, names, instances)) return undefined;
  for (const name of instances) {
    const instance = await session.reader.instance(name);
    if (instance === undefined && name !== last.plan.finding.instance) continue;
    if (instance?.container.state.running !== true) return undefined;
  }
  return last;
}

function problemsOf(remediation: Remediation, { request }: DetectRound): readonly KnownProblem[] {
  const { problems, registries } = request;
  return bindCall(remediation, {
    ...(problems === undefined ? {} : { problems }),
    ...(registries === undefined ? {} : { registries }),
  }).problems;
}

/** The name of the remediator that finds what a record is about, if there is one. */
function remediatorsFor(record: ProblemRecord, { session }: Remediation): ReadonlySet<string> {
  const name = session.remediatorFor(record);
  return new Set(name === undefined ? [] : [name]);
}

/** Whether all of these remediators checked all of these instances. Default: every instance. */
function ranAllChecks(
  { id }: ProblemRecord,
  { request, detected }: DetectRound,
  { session, instances: asked }: Remediation,
  names: ReadonlySet<string>,
  instances?: ReadonlySet<string>,
): boolean {
  const { ids, remediators = session.remediators.map(({ name }) => name) } = request;
  if (ids !== undefined && !ids.includes(id)) return false;
  if (![...names].every((name) => remediators.includes(name))) return false;
  if (asked !== undefined && ![...(instances ?? [])].every((name) => asked.includes(name))) return false;
  return !detected.notLookedAt.some(
    ({ remediator, instance, lasting }) =>
      lasting !== true &&
      names.has(remediator) &&
      (instance === null || instances === undefined || instances.has(instance)),
  );
}

/** Whether every run about a problem fixed it or found nothing. */
function isFixed(problem: RunReport['problem'], reports: readonly RunReport[]): boolean {
  return reports.every(
    (report) => report.problem !== problem || report.outcome === 'fixed' || report.outcome === 'absent',
  );
}

function didNotHelp({ outcome }: RunReport): boolean {
  return outcome === 'rolled-back' || outcome === 'stuck' || outcome === 'failed';
}

/** Edits of several files, of which one that fails must not keep the others from being made. */
function createEdits(cwd: string) {
  const changed = new Set<string>();
  const refused: { readonly path: string; readonly reason: string }[] = [];
  return {
    async edit(path: string, change: (text: string) => string): Promise<void> {
      try {
        if (await editRegistry(path, cwd, change)) changed.add(path);
      } catch (error) {
        if (!(error instanceof ProblemsError)) throw error;
        refused.push({ path, reason: error.message });
      }
    },
    results: (unrecorded: number): RecordedResults => ({ changed: [...changed], refused, unrecorded }),
  };
}
