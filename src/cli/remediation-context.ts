import { basename } from 'node:path';
import type { Detected, Remediation, RunReport, Skipped } from '../app/remediation.ts';
import { ProblemsError } from '../errors.ts';
import { escapeTerminal } from '../reporters/escape-terminal.ts';
import { isNothingToCheck } from '../reporters/text/remediation.ts';
import type { Invocation, OptionDeclarations } from './command.ts';
import { createRunProgress } from './progress.ts';
import { type ConfigChoice, configFor, configOptions } from './shared-options.ts';

/** The options of every command that checks instances. */
export const checkOptions = {
  instance: { type: 'words', value: 'names', about: 'Only these instances.', completion: 'instances' },
  remediator: { type: 'words', value: 'names', about: 'Only these remediators.', completion: 'remediators' },
  json: { type: 'flag', about: 'Print JSON.' },
  ...configOptions,
} as const;

export const exitCodes = [
  { code: 0, about: 'no problem found, or everything was fixed' },
  { code: 1, about: 'a problem was found, or was not fixed' },
  { code: 2, about: 'the command failed: the Docker engine does not answer, the state file is damaged, …' },
] as const;

/** Of the commands that check instances first. */
export const checkExitCodes = [
  ...exitCodes,
  { code: 2, about: 'no problem found, but some checks could not run' },
] as const;

export type RemediationContext = Pick<Invocation<OptionDeclarations>, 'cwd' | 'now' | 'screen' | 'signal'>;

/**
 * Opens the Docker engine, the journal and the registries of the working folder, and calls `work` with them. Ctrl-C,
 * SIGTERM and SIGHUP stop at the next safe point; a second one ends the process, and `problems resume` completes the run.
 */
export async function withRemediation<Result>(
  { cwd, now, screen, signal }: RemediationContext,
  options: ConfigChoice & {
    readonly instance?: readonly string[];
    readonly registries?: boolean;
    readonly onlyLooking?: true;
    /** Show progress as lines, also on a terminal: the command runs for long, and prints meanwhile. */
    readonly progressLines?: true;
  },
  work: (remediation: Remediation) => Promise<Result>,
): Promise<Result> {
  const config = await configFor(options, cwd, { ownOnly: true });
  const [{ bindCall, knownProblems, openRemediation }, { checkPaths }] = await Promise.all([
    import('../app/remediation.ts'),
    import('../app/scan.ts'),
  ]);
  const registries = options.registries === false ? [] : (await checkPaths(['.'], { cwd, config })).registries;
  const stop = new AbortController();
  const progress = createRunProgress(screen.notes);
  if (options.progressLines === true) progress.useLines();
  const opened = await openRemediation({
    folder: config.folder,
    config: config.remediation,
    configFile: config.file === undefined ? undefined : basename(config.file),
    plugins: config.plugins,
    now,
    ...(options.onlyLooking === undefined ? {} : { onlyLooking: options.onlyLooking }),
    ...(options.instance === undefined || options.instance.length === 0 ? {} : { instances: options.instance }),
  });
  const remediation = bindCall(opened, {
    signal: signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]),
    onEvent: progress.show,
    problems: await knownProblems(registries, config),
  });
  const ignoreSignals = onStopSignal(() => {
    progress.useLines();
    screen.notes.write(
      'Stopping at the next safe point and rolling back the current run. Press Ctrl-C again to stop now and finish later with `problems resume`.\n',
    );
    stop.abort(new ProblemsError('interrupted', 'Stopped by a signal.'));
  });
  if (opened.brokenLog !== undefined) {
    const { sequence, reason } = opened.brokenLog;
    screen.notes.write(
      `The audit log of the state file is not as it was written, from entry ${sequence} on: ${escapeTerminal(reason)}. Check it with: problems runs --verify\n`,
    );
  }
  if (opened.unusedState !== undefined)
    screen.notes.write(
      `${escapeTerminal(opened.unusedState)} is not used: the state of this engine is in ${escapeTerminal(opened.stateFile)}. To use it, set remediation.state to its path in the config; if nothing in it is needed, remove it.\n`,
    );
  try {
    return await work(remediation);
  } finally {
    ignoreSignals();
    progress.end();
    remediation.close();
  }
}

/**
 * Calls `stop` at the first SIGINT, SIGTERM or SIGHUP. A later SIGINT or SIGTERM ends the process. Not within a second:
 * `npx` repeats the Ctrl-C that the terminal has already sent, and a shell the SIGHUP of a terminal that was closed.
 * Returns the function that restores the default handling.
 */
export function onStopSignal(stop: () => void): () => void {
  let first: number | undefined;
  function onSignal(signal: NodeJS.Signals): void {
    if (first === undefined) {
      first = performance.now();
      stop();
    } else if (signal !== 'SIGHUP' && performance.now() - first > 1_000) {
      restore();
      process.kill(process.pid, signal);
    }
  }
  function restore(): void {
    for (const signal of stopSignals) process.off(signal, onSignal);
  }
  for (const signal of stopSignals) process.on(signal, onSignal);
  return restore;
}

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The request that names on the command line make. They may be ids of findings or of problems. */
export function detectRequest(words: readonly string[], { remediator }: { readonly remediator: readonly string[] }) {
  return {
    ...(words.length === 0 ? {} : { ids: words }),
    ...(remediator.length === 0 ? {} : { remediators: remediator }),
  };
}

/** The exit code of runs: 1 if one did not fix its problem. */
export function exitCodeOf(reports: readonly RunReport[], notLookedAt: readonly Skipped[] = []): number {
  return reports.every(({ outcome }) => outcome === 'fixed' || outcome === 'absent') ? skippedExitCode(notLookedAt) : 1;
}

/** 1 if something was found, a run is open, or there is no instance; else 2 if a check could not run that may run another time; else 0. */
export function checkExitCode(detected: Omit<Detected, 'unmanaged'>): number {
  const { findings, interruptedRuns, liveRuns, notLookedAt } = detected;
  if (findings.length + interruptedRuns.length + liveRuns.length > 0 || isNothingToCheck(detected)) return 1;
  return skippedExitCode(notLookedAt);
}

function skippedExitCode(notLookedAt: readonly Skipped[]): number {
  return notLookedAt.every(({ lasting }) => lasting === true) ? 0 : 2;
}
