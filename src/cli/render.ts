import type { CheckedInstance, Finding, LiveRun, RecordedResults, RunReport, Skipped } from '../app/remediation.ts';
import type { Validation } from '../app/validate.ts';
import { diagnosticCatalogue } from '../registry/diagnostics.ts';
import { escapeTerminal } from '../reporters/escape-terminal.ts';
import { toJson } from '../reporters/json.ts';
import type { Table } from '../reporters/table.ts';
import { countText, textReport } from '../reporters/text/diagnostics.ts';
import { notLookedAtText } from '../reporters/text/remediation.ts';
import { liveRunsText, notRunText, recapText, reportsText } from '../reporters/text/runs.ts';
import { version } from '../version.ts';
import type { Output, Screen } from './terminal.ts';

/** What a command knows beyond the runs it made. A key that is absent is not printed as JSON either. */
export interface AroundRuns {
  readonly notLookedAt?: readonly Skipped[];
  readonly lookedAt?: readonly CheckedInstance[];
  /** Findings that were not dealt with, since the command was stopped. */
  readonly notRun?: readonly Finding[];
  /** Runs that other processes are working on. */
  readonly liveRuns?: readonly LiveRun[];
}

/** Prints how runs ended, as text or JSON, and what was not checked or not run. `nothing`: if there was nothing to run. */
export function printReports(
  runs: readonly RunReport[],
  asJson: boolean,
  { out, notes }: Screen,
  around: AroundRuns = {},
  nothing = 'Nothing to do.\n',
): void {
  const { notLookedAt, notRun = [], liveRuns = [] } = around;
  if (asJson) {
    out.write(toJson({ schemaVersion: 1, runs, ...around, ...withoutDetails(around) }));
    return;
  }
  const { style } = out;
  out.write(
    reportsText(runs, style) +
      notRunText(notRun, style) +
      liveRunsText(liveRuns, style) +
      notLookedAtText(notLookedAt ?? [], style) +
      recapText(runs, notRun, style),
  );
  if (runs.length + notRun.length + liveRuns.length > 0) return;
  notes.write(nothing);
}

/** As `detect --json` prints findings. */
function withoutDetails({ notRun }: AroundRuns) {
  return notRun === undefined ? {} : { notRun: notRun.map(({ details: _, ...shown }) => shown) };
}

/** Says what could not be written into the registries. */
export function printRecorded({ refused, unrecorded }: RecordedResults, { notes }: Screen): void {
  for (const { path, reason } of refused)
    notes.write(`Not recorded in ${escapeTerminal(path)}: ${escapeTerminal(reason)}\n`);
  if (unrecorded > 0) notes.write('No registry found here; the findings were not recorded. See: problems init\n');
}

/** The width that texts wrap to; undefined if the output is not a terminal, so that programs get whole lines. */
export function widthFor(out: Output): number | undefined {
  return out.isTerminal ? out.columns : undefined;
}

/** With lines and colours on a terminal, otherwise aligned text. */
export async function tableText(table: Table, out: Output): Promise<string> {
  const { plainTable, terminalTable } = await import('../reporters/table.ts');
  return out.isTerminal ? terminalTable(table, out.columns, out.style) : plainTable(table);
}

export type ReportFormat = 'text' | 'json' | 'sarif' | 'github';

/** Prints a validation: the report to `out`, everything else to `notes`. */
export async function reportValidation(validation: Validation, format: ReportFormat, screen: Screen): Promise<void> {
  const { notes } = screen;
  for (const { path, line, code, description } of validation.fixed) {
    notes.write(
      `${notes.style('good', 'fixed')} ${escapeTerminal(path)}:${line}: ${escapeTerminal(description)} [${code}]\n`,
    );
  }
  for (const { path, reason } of validation.refused) {
    notes.write(`${notes.style('warning', 'not fixed')} ${escapeTerminal(path)}: ${escapeTerminal(reason)}\n`);
  }
  const report = await reportText(validation, format, screen);
  if (format === 'github') screen.out.writeCommands(report);
  else screen.out.write(report);
  if (format === 'text' && validation.diagnostics.length > 0)
    notes.write(`${countText(validation.diagnostics)}${fixable(validation)}\n`);
}

async function reportText(validation: Validation, format: ReportFormat, { out }: Screen): Promise<string> {
  const { diagnostics, textOf, repositoryPath } = validation;
  switch (format) {
    case 'text':
      // The usual case has nothing to print, and opens no stream.
      return diagnostics.length === 0 ? '' : textReport(diagnostics, out.style);
    case 'json': {
      const { validationJson } = await import('../reporters/json.ts');
      return toJson(validationJson(validation));
    }
    case 'github': {
      const { githubReport } = await import('../reporters/github.ts');
      return githubReport(diagnostics, repositoryPath);
    }
    case 'sarif': {
      const { sarifReport } = await import('../reporters/sarif.ts');
      return sarifReport(diagnostics, { rules: diagnosticCatalogue, version, textOf, repositoryPath });
    }
  }
}

function fixable({ diagnostics }: Validation): string {
  const number = diagnostics.filter(({ fix }) => fix?.safe === true).length;
  return number === 0 ? '' : `; --fix can fix ${number} of them`;
}

/** That no record was found below these paths, without a full stop. Empty: the working folder. */
export function nothingFoundText(paths: readonly string[]): string {
  const isHere = paths.length === 0 || (paths.length === 1 && paths[0] === '.');
  return isHere
    ? 'No PROBLEMS.md with records found here'
    : `No records found in ${paths.map(escapeTerminal).join(', ')}`;
}
