import type { Config } from '../config/config.ts';
import { type Candidates, findCandidates } from '../scan/candidates.ts';
import { version } from '../version.ts';
import { aboutOutput, type OutputKey, readOutput, recordingScreen, type Write, writeOutput } from './output-cache.ts';
import { createProgress } from './progress.ts';
import type { ScanRequest, ScanEnvironment } from './scan-request.ts';
import { configFor, scanOptions } from './shared-options.ts';

/**
 * Scans, prints, and writes the tasks where that is asked for. Where the same was found before, what was printed then is
 * printed again. Returns the exit code.
 */
export async function scanOnce(request: ScanRequest, surroundings: ScanEnvironment): Promise<number> {
  const { cwd, now, screen, signal } = surroundings;
  const config = await configFor(request, cwd);
  const progress = createProgress(screen.notes);
  const options = scanOptions({ cwd, config, cache: request.cache, signal, onProgress: progress.show });
  try {
    const found = await findCandidates(request.paths, options);
    surroundings.onFound?.(
      found.candidates.map(({ file }) => file),
      config,
    );
    const key = outputKey(request, config, found, surroundings);
    const kept = key === undefined ? undefined : readOutput(key);
    if (kept !== undefined) {
      progress.end();
      for (const [output, text] of kept.writes) screen[output].write(text);
      return kept.exitCode;
    }
    const { printScan } = await import('./print-scan.ts');
    const writes: Write[] = [];
    const recording = key === undefined ? screen : recordingScreen(screen, (write) => writes.push(write));
    const { exitCode, isCertain } = await printScan(found, request, {
      config,
      options,
      screen: recording,
      now,
      progress,
    });
    if (key !== undefined && isCertain) writeOutput(key, { writes, exitCode });
    return exitCode;
  } finally {
    progress.end();
  }
}

/** None where the result depends on more than the files that were found, such as the attempts on tasks and the time. */
function outputKey(
  { writeTasks, watch, ...request }: ScanRequest,
  { folder, components, ignore, priority, triage, tasksDir }: Config,
  { fingerprint }: Candidates,
  { cwd, screen, program }: ScanEnvironment,
): OutputKey | undefined {
  if (program === undefined || fingerprint === undefined || watch) return undefined;
  if (writeTasks !== undefined || tasksDir !== undefined) return undefined;
  const config = { folder, components, ignore, priority, triage };
  return { about: aboutOutput(screen, [program, version, cwd, request, config]), fingerprint };
}
