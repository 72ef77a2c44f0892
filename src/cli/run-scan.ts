import { resolve } from 'node:path';
import { type PendingScan, type ScanReport, startScan } from '../app/scan.ts';
import type { Config } from '../config/config.ts';
import { version } from '../version.ts';
import type { Invocation, OptionDeclarations } from './command.ts';
import { outputContext, type OutputKey, readOutput, writeOutput } from './output-cache.ts';
import type { ScanRequest } from './print-scan.ts';
import { createProgress } from './progress.ts';
import { configFor } from './shared-options.ts';
import { type Screen, writeAll } from './terminal.ts';

export type ScanContext = Pick<Invocation<OptionDeclarations>, 'cwd' | 'now' | 'screen' | 'signal' | 'program'>;

/** Scans once and prints the result, from the output cache if nothing has changed. Returns the exit code. */
export async function scanOnce(request: ScanRequest, context: ScanContext): Promise<number> {
  const { cwd, screen } = context;
  const config = await configFor(request, cwd);
  const progress = createProgress(screen.notes);
  try {
    const pending = await startScan(request.paths, { ...scanOptions(request, context, progress.show), config });
    const key = outputKey(request, config, pending, context);
    const cached = key === undefined ? undefined : readOutput(key);
    if (cached !== undefined) {
      progress.end();
      writeAll(screen, cached.writes);
      return cached.exitCode;
    }
    const report = await pending.finish();
    progress.end();
    return await printReport(report, request, config, context, key);
  } finally {
    progress.end();
  }
}

/** Scans and prints again after each change, until the signal is aborted. Returns the last exit code. */
export async function scanContinuously(request: ScanRequest, context: ScanContext): Promise<number> {
  const { cwd, screen } = context;
  const { watchProblems } = await import('../app/watch.ts');
  let progress = createProgress(screen.notes);
  let code = 0;
  let isFirst = true;
  try {
    const options = scanOptions(request, context, (seen) => progress.show(seen));
    const events = watchProblems(request.paths, { ...options, loadConfig: () => configFor(request, cwd) });
    for await (const event of events) {
      progress.end();
      progress = createProgress(screen.notes);
      if (!isFirst) screen.notes.write('\n');
      if (event.type === 'scan') code = await printReport(event.report, request, event.config, context);
      else {
        const { escapeTerminal } = await import('../reporters/escape-terminal.ts');
        screen.notes.write(`problems: ${escapeTerminal(event.error.message)}\n`);
      }
      if (isFirst) screen.notes.write('Watching for changes.\n');
      isFirst = false;
    }
  } finally {
    progress.end();
  }
  return code;
}

function scanOptions(
  { cache, filter, writeTasks }: ScanRequest,
  { cwd, now, signal }: ScanContext,
  onProgress: Parameters<typeof startScan>[1]['onProgress'],
) {
  const tasksDir = writeTasks === undefined ? undefined : resolve(cwd, writeTasks);
  return { cwd, now, signal, cache, filter, tasksDir, onProgress };
}

async function printReport(
  report: ScanReport,
  request: ScanRequest,
  config: Config,
  { cwd, now, screen }: ScanContext,
  key?: OutputKey,
): Promise<number> {
  const { scanExitCode, scanWrites } = await import('./print-scan.ts');
  const tasks = request.writeTasks === undefined ? undefined : await import('../app/write-tasks.ts');
  const written = await tasks?.writeTasks(report, request.writeTasks ?? '', { cwd, config, now });
  const writes = await scanWrites(report, request, screen, written);
  writeAll(screen, writes);
  const exitCode = scanExitCode(report, request.strict);
  if (key !== undefined && report.isRepeatable) writeOutput(key, { writes, exitCode });
  return exitCode;
}

/** Undefined if the output depends on more than the files that were found, such as earlier attempts, the time and plugins. */
function outputKey(
  { writeTasks, watch, ...request }: ScanRequest,
  { folder, components, ignore, priority, triage, tasksDir, plugins }: Config,
  { fingerprint }: PendingScan,
  { cwd, screen, program }: { readonly cwd: string; readonly screen: Screen; readonly program: string | undefined },
): OutputKey | undefined {
  if (program === undefined || fingerprint === undefined || watch) return undefined;
  if (writeTasks !== undefined || tasksDir !== undefined || plugins.length > 0) return undefined;
  if (priority.profile === 'learned') return undefined;
  const config = { folder, components, ignore, priority, triage };
  return { context: outputContext(screen, [program, version, cwd, request, config]), fingerprint };
}
