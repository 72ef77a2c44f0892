import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { escapeTerminal } from '../reporters/escape-terminal.ts';
import { toJson, jsonLine, type ScanFindings, scanJson } from '../reporters/json.ts';
import { count, countText, textReport } from '../reporters/text/diagnostics.ts';
import { bandsText, tasksTable } from '../reporters/text/records.ts';
import type { Candidates } from '../scan/candidates.ts';
import { readAll, type ScanOptions } from '../scan/scan.ts';
import type { Task } from '../tasks/types.ts';
import { suggest } from '../util/suggest.ts';
import { applyFilter } from './choosing.ts';
import { type Evaluation, hasUnreadableFile, evaluate } from './findings.ts';
import type { ProgressDisplay } from './progress.ts';
import { tableText } from './render.ts';
import type { ScanRequest } from './scan-request.ts';
import type { Output, Screen } from './terminal.ts';

export interface PrintContext {
  readonly config: Config;
  readonly options: ScanOptions;
  readonly screen: Screen;
  readonly now: () => Date;
  readonly progress: ProgressDisplay;
}

export interface Printed {
  readonly exitCode: number;
  /** Whether another run over the same files prints the same, which a file that could not be read in time may not. */
  readonly isCertain: boolean;
}

/** Reads what was found, prints what follows from it, and writes the tasks where that is asked for. */
export async function printScan(
  found: Candidates,
  request: ScanRequest,
  { config, options, screen, now, progress }: PrintContext,
): Promise<Printed> {
  const tasksDir = request.writeTasks === undefined ? config.tasksDir : resolve(options.cwd ?? '.', request.writeTasks);
  const findings = await evaluate(await readAll(found, options), { config, tasksDir, now });
  progress.end();
  const chosen = applyFilter(findings, request.choice);
  sayWhatIsMissing(request, findings, screen.notes);
  if (request.json) screen.out.write((request.watch ? jsonLine : toJson)(scanJson(chosen)));
  else await printFindings(chosen, screen);
  if (request.writeTasks !== undefined && tasksDir !== undefined) {
    await writeTasks(tasksDir, chosen.tasks, { now: now(), config, notes: screen.notes });
  }
  const isCertain = !findings.diagnostics.some(({ code }) => code === 'file-unreadable' || code === 'too-complex');
  if (hasUnreadableFile(findings.diagnostics)) return { exitCode: 2, isCertain };
  const failing = chosen.diagnostics.some(({ severity }) => severity === 'error' || request.strict);
  return { exitCode: failing ? 1 : 0, isCertain };
}

function sayWhatIsMissing({ paths, choice }: ScanRequest, { registries }: Evaluation, notes: Output): void {
  if (registries.length === 0) {
    const where = paths.length === 1 && paths[0] === '.' ? 'here' : `in ${paths.map(escapeTerminal).join(', ')}`;
    notes.write(`No PROBLEMS.md with records was found ${where}.\n`);
  }
  const components = registries.map(({ component }) => component);
  for (const wanted of choice.component) {
    if (registries.length === 0 || components.includes(wanted)) continue;
    const meant = suggest(wanted, components);
    notes.write(
      `No registry has the component ${escapeTerminal(wanted)}.${meant === undefined ? '' : ` Did you mean ${escapeTerminal(meant)}?`}\n`,
    );
  }
}

async function printFindings(
  { registries, records, tasks, diagnostics }: ScanFindings,
  { out, notes }: Screen,
): Promise<void> {
  if (tasks.length > 0) out.write(await tableText(tasksTable(tasks), out));
  notes.write(textReport(diagnostics, notes.style));
  if (registries.length === 0) return;
  const bands = tasks.length === 0 ? '' : ` (${bandsText(tasks, notes.style)})`;
  notes.write(
    `${count(tasks.length, 'task')}${bands} from ${count(records.length, 'record')} of ` +
      `${registries.length === 1 ? '1 registry' : `${registries.length} registries`}; ${countText(diagnostics)}\n`,
  );
}

async function writeTasks(
  tasksDir: string,
  tasks: readonly Task[],
  { now, config, notes }: { readonly now: Date; readonly config: Config; readonly notes: Output },
): Promise<void> {
  const { writeBacklog } = await import('../tasks/formats/swarm-manager/index.ts');
  const { changes, notes: said } = await writeBacklog(tasksDir, tasks, { now, priority: config.priority });
  for (const { path, message } of said) notes.write(`${escapeTerminal(path)}: ${escapeTerminal(message)}\n`);
  const counted = (['new', 'returned', 'updated', 'unchanged', 'standing'] as const)
    .map((change) => ({ change, number: changes.filter((one) => one.change === change).length }))
    .filter(({ number }) => number > 0);
  notes.write(`Task files: ${counted.map(({ change, number }) => `${number} ${change}`).join(', ') || 'none'}\n`);
}
