import { basename } from 'node:path';
import type { Remediation, RunReport, Skipped } from '../app/remediation.ts';
import { ProblemsError } from '../errors.ts';
import type { Invocation, OptionDeclarations } from './command.ts';
import { createRunProgress } from './progress.ts';
import { type ConfigChoice, configFor, configOptions, moveSettings, withRequestedSettings } from './shared-options.ts';

/** The options of every command that looks at instances. */
export const lookingOptions = {
  instance: { type: 'words', value: 'names', about: 'Only these instances.' },
  remediator: { type: 'words', value: 'names', about: 'Only these remediators.' },
  json: { type: 'flag', about: 'Print JSON.' },
  ...configOptions,
} as const;

export const exitCodes = [
  { code: 0, about: 'nothing is wrong, or everything is fixed' },
  { code: 1, about: 'something was found, or was not fixed' },
  { code: 2, about: 'the work could not be done: the engine does not answer, the state file is damaged, …' },
] as const;

/** Of the commands that look first. */
export const lookingExitCodes = [
  ...exitCodes,
  { code: 2, about: 'or nothing was found, and something could not be looked at this time' },
] as const;

export type RemediationContext = Pick<Invocation<OptionDeclarations>, 'cwd' | 'now' | 'screen' | 'signal'>;

/**
 * Opens the engine's host, the journal and the registries of the working folder, and hands them to the work. Ctrl-C asks
 * for the next safe point; a second one ends the process, and the run is taken up by `problems resume`.
 */
export async function withRemediation<Result>(
  { cwd, now, screen, signal }: RemediationContext,
  options: ConfigChoice & {
    readonly instance?: readonly string[];
    readonly registries?: boolean;
    readonly onlyLooking?: true;
    readonly toNamedVolume?: readonly string[];
  },
  work: (remediation: Remediation) => Promise<Result>,
): Promise<Result> {
  const config = await configFor(options, cwd);
  const [{ bindCall, knownProblems, openRemediation }, { checkPaths }] = await Promise.all([
    import('../app/remediation.ts'),
    import('../app/scan.ts'),
  ]);
  const registries = options.registries === false ? [] : (await checkPaths(['.'], { cwd, config })).registries;
  const stop = new AbortController();
  const progress = createRunProgress(screen.notes);
  const opened = await openRemediation({
    folder: config.folder,
    config: withRequestedSettings(config.remediation, moveSettings(options.toNamedVolume)),
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
  function interrupted(): void {
    screen.notes.write(
      'Stopping at the next safe point and rolling back the current run. Press Ctrl-C again to stop now and finish later with `problems resume`.\n',
    );
    stop.abort(new ProblemsError('interrupted', 'stopped by a signal'));
  }
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    return await work(remediation);
  } finally {
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
    progress.end();
    remediation.close();
  }
}

/** Names on the command line: `orders/…` of findings and `postgres/…` of problems alike. */
export function lookRequest(words: readonly string[], { remediator }: { readonly remediator: readonly string[] }) {
  return {
    ...(words.length === 0 ? {} : { ids: words }),
    ...(remediator.length === 0 ? {} : { remediators: remediator }),
  };
}

/** Runs that are not fixed count as found. */
export function exitCodeOf(reports: readonly RunReport[], notLookedAt: readonly Skipped[] = []): number {
  return lookedExitCode(
    reports.every(({ outcome }) => outcome === 'fixed' || outcome === 'absent'),
    notLookedAt,
  );
}

/** Of every command that looks: what is found counts first, then what could not be looked at this time. */
export function lookedExitCode(nothingFound: boolean, notLookedAt: readonly Skipped[]): number {
  if (!nothingFound) return 1;
  return notLookedAt.every(({ lasting }) => lasting === true) ? 0 : 2;
}
