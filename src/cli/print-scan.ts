import { hasUnreadableFile } from '../app/check.ts';
import type { ScanFilter, ScanReport } from '../app/scan.ts';
import { escapeTerminal } from '../reporters/escape-terminal.ts';
import { jsonLine, scanJson, toJson } from '../reporters/json.ts';
import { count, countText, textReport } from '../reporters/text/diagnostics.ts';
import { bandsText, tasksTable } from '../reporters/text/records.ts';
import type { BacklogResult } from '../tasks/index.ts';
import { suggest } from '../util/suggest.ts';
import { nothingFoundText, tableText } from './render.ts';
import type { ConfigChoice } from './shared-options.ts';
import type { Screen, Write } from './terminal.ts';

export interface ScanRequest extends ConfigChoice {
  readonly paths: readonly string[];
  readonly filter: ScanFilter;
  readonly json: boolean;
  /** A tasks folder, relative to the working folder. */
  readonly writeTasks: string | undefined;
  readonly strict: boolean;
  readonly cache: boolean;
  readonly watch: boolean;
}

/** The exit code of a scan: 2 if a file could not be read, 1 for errors, with `strict` also for warnings, else 0. */
export function scanExitCode({ all, diagnostics }: ScanReport, strict: boolean): number {
  if (hasUnreadableFile(all.diagnostics)) return 2;
  return diagnostics.some(({ severity }) => severity === 'error' || strict) ? 1 : 0;
}

/** What a scan prints, in its order. `written` is what became of its tasks, if they were written. */
export async function scanWrites(
  report: ScanReport,
  request: ScanRequest,
  screen: Screen,
  written?: BacklogResult,
): Promise<readonly Write[]> {
  const writes: Write[] = [['notes', missingText(request, report)]];
  if (request.json) writes.push(['out', (request.watch ? jsonLine : toJson)(scanJson(report, written))]);
  else writes.push(...(await findingsWrites(report, screen)));
  if (written !== undefined) writes.push(['notes', taskFilesText(written)]);
  return writes;
}

function missingText({ paths, filter }: ScanRequest, { all: { registries }, withoutRecords }: ScanReport): string {
  if (registries.length === 0) {
    const empty = withoutRecords.length === 0 ? '' : ` ${withoutText(withoutRecords)}.`;
    return `${nothingFoundText(paths)}.${empty}\n`;
  }
  const components = registries.map(({ component }) => component);
  const missing = (filter.component ?? []).filter((wanted) => !components.includes(wanted));
  return missing
    .map((wanted) => `No registry has the component ${escapeTerminal(wanted)}.${meantText(wanted, components)}\n`)
    .join('');
}

function withoutText({ length }: readonly string[]): string {
  const held = length === 1 ? '1 PROBLEMS.md holds no record' : `${length} PROBLEMS.md hold no record`;
  return `${held}: \`problems import\` proposes some, also from KNOWN_ISSUES.md and the like`;
}

function meantText(wanted: string, components: readonly string[]): string {
  const meant = suggest(wanted, components);
  return meant === undefined ? '' : ` Did you mean ${escapeTerminal(meant)}?`;
}

async function findingsWrites(
  { registries, records, tasks, diagnostics, withoutRecords }: ScanReport,
  { out, notes }: Screen,
): Promise<readonly Write[]> {
  const writes: Write[] = [];
  if (tasks.length > 0) writes.push(['out', await tableText(tasksTable(tasks), out)]);
  writes.push(['notes', textReport(diagnostics, notes.style)]);
  if (registries.length === 0) return writes;
  const bands = tasks.length === 0 ? '' : ` (${bandsText(tasks, notes.style)})`;
  const from = `${count(records.length, 'record')} of ${registries.length === 1 ? '1 registry' : `${registries.length} registries`}`;
  const empty = withoutRecords.length === 0 ? '' : `; ${withoutText(withoutRecords)}`;
  writes.push(['notes', `${count(tasks.length, 'task')}${bands} from ${from}; ${countText(diagnostics)}${empty}\n`]);
  return writes;
}

/** What there is to say about written tasks. */
function taskFilesText({ changes, notes }: BacklogResult): string {
  const lines = notes.map(({ path, message }) => `${escapeTerminal(path)}: ${escapeTerminal(message)}\n`);
  const counted = (['new', 'returned', 'updated', 'unchanged', 'standing', 'withdrawn'] as const)
    .map((change) => ({ change, number: changes.filter((one) => one.change === change).length }))
    .filter(({ number }) => number > 0);
  return `${lines.join('')}Task files: ${counted.map(({ change, number }) => `${number} ${change}`).join(', ') || 'none'}\n`;
}
