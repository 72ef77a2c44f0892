import type { Remediation, RunReport } from '../app/remediation.ts';
import { ProblemsError } from '../errors.ts';
import { escapeTerminal } from '../reporters/escape-terminal.ts';
import { openRegistry } from './editing.ts';
import type { Output } from './terminal.ts';
import { fixHeldLongEnough, wasFullyChecked, type Looked } from './silence.ts';
import {
  noteAttempt,
  noteEnd,
  noteEvidence,
  noteFix,
  noteNewProblem,
  noteOccurrence,
  noteResolution,
} from './write-back.ts';

interface Place {
  readonly cwd: string;
  readonly now: Date;
  readonly notes: Output;
}

/** What was seen goes into the registries: when it last happened, new records, and what has held long enough. */
export async function recordFindings(remediation: Remediation, looked: Looked, place: Place): Promise<void> {
  const { problems } = remediation;
  const { findings } = looked.detected;
  const { now, notes } = place;
  for (const { record } of problems) {
    const found = findings.filter(({ problem }) => problem === record.id);
    if (found.length > 0)
      await edit(record.path, place, (text) =>
        found.reduce((noted, finding) => noteEvidence(noted, record, finding), noteOccurrence(text, record, now)),
      );
    else if (record.kind === 'active') {
      const held = await fixHeldLongEnough(record, looked, remediation, now);
      if (held !== undefined) await edit(record.path, place, (text) => noteResolution(text, record, held, now));
    }
  }
  const strangers = findings.filter(({ problem }) => problem === null);
  const home = problems.find(({ record }) => record.component === 'postgres')?.record ?? problems[0]?.record;
  if (strangers.length > 0 && home === undefined) {
    notes.write('No registry was found here, so nothing is recorded. See: problems init\n');
    return;
  }
  if (home !== undefined)
    for (const finding of strangers) await edit(home.path, place, (text) => noteNewProblem(text, finding, now));
}

/** How repairs ended goes into the registries: when the problem was seen, what helped and what did not. */
export async function recordReports(
  remediation: Remediation,
  reports: readonly RunReport[],
  looked: Looked,
  place: Place,
): Promise<void> {
  const { now } = place;
  for (const report of reports) {
    const record = remediation.problems.find((known) => known.record.id === report.problem)?.record;
    if (record === undefined || report.outcome === 'absent') continue;
    await edit(record.path, place, (text) => {
      const seen = noteOccurrence(text, record, now);
      if (report.outcome === 'fixed') {
        const noted = noteFix(seen, record, report, now);
        return isOver(report.problem, reports) && wasFullyChecked(record, looked, remediation)
          ? noteEnd(noted, record)
          : noted;
      }
      return didNotHelp(report) ? noteAttempt(seen, record, report, now) : seen;
    });
  }
}

/** Whether all that was found of a problem is fixed. */
function isOver(problem: RunReport['problem'], reports: readonly RunReport[]): boolean {
  return reports.every(
    (report) => report.problem !== problem || report.outcome === 'fixed' || report.outcome === 'absent',
  );
}

function didNotHelp({ outcome }: RunReport): boolean {
  return outcome === 'rolled-back' || outcome === 'stuck' || outcome === 'failed';
}

/** A record that cannot be edited keeps neither the others nor the results from being written. */
async function edit(path: string, { cwd, notes }: Place, change: (text: string) => string): Promise<void> {
  try {
    const file = openRegistry(path, cwd);
    const after = change(file.text);
    if (after !== file.text) await file.replace(after);
  } catch (error) {
    if (!(error instanceof ProblemsError)) throw error;
    notes.write(`Not recorded in ${escapeTerminal(path)}: ${escapeTerminal(error.message)}\n`);
  }
}
