import { ProblemsError } from '../../errors.ts';
import type { DetectResult, Finding, LiveRun, RunReport } from '../../app/remediation.ts';
import { defineCommand } from '../command.ts';
import { isMoveOnly, movingOptions } from '../shared-options.ts';
import { exitCodeOf, checkExitCodes, checkOptions, detectRequest, withRemediation } from '../remediation-context.ts';

export const remediate = defineCommand({
  name: 'remediate',
  group: 'repair',
  summary: 'Repair problems, verify each repair, and roll back what did not help.',
  about:
    'Whether a repair runs unattended, waits for approval or is left to you follows from the command line, the config, ' +
    'the registry and the risk, in this order. See docs/remediation.md.',
  arguments: [{ name: 'ids', about: 'Problems or findings to repair.', variadic: true, completion: 'records' }],
  options: {
    all: { type: 'flag', about: 'Repair every finding. Required together with --yes when no finding is named.' },
    yes: { type: 'flag', about: 'Approve repairs that need approval. Implies --record.' },
    record: { type: 'flag', about: 'Record the outcome in the registries.' },
    noRecord: { type: 'flag', about: 'Do not write to the registries, even with --yes.' },
    ...movingOptions,
    ...checkOptions,
  },
  examples: [
    { command: 'problems remediate', about: 'run what may run unattended, list the rest' },
    {
      command: 'problems remediate postgres/port-allocation-conflicts --yes',
      about: 'repair one problem and approve it',
    },
    {
      command: 'problems remediate --to-named-volume orders --yes',
      about: 'move data to a named volume; the old folder is kept',
    },
  ],
  exitCodes: checkExitCodes,
  async run(invocation) {
    const { arguments: words, screen } = invocation;
    const { options } = invocation;
    const { toNamedVolume: moves } = options;
    const named = words.length + options.instance.length + options.remediator.length + moves.length;
    // --yes approves, so it must be clear what: without --yes the policy holds back what needs approval.
    if (named === 0 && options.yes && !options.all) {
      throw new ProblemsError('bad-usage', '--yes would approve every finding.', {
        hint: 'Name a problem, or add --all.',
      });
    }
    const { printRecorded, printReports } = await import('../render.ts');
    const moved =
      moves.length === 0
        ? []
        : await withRemediation(invocation, { ...options, instance: moves, registries: false }, async (remediation) => {
            const { moveToNamedVolume } = await import('../../app/remediation.ts');
            return moveToNamedVolume(remediation, { instances: moves, yes: options.yes });
          });
    // As after any run that is stuck, nothing else is changed.
    if (isMoveOnly(words, options) || moved.some(({ outcome }) => outcome === 'stuck')) {
      printReports(moved, options.json, screen, { notLookedAt: [], lookedAt: [] });
      return exitCodeOf(moved);
    }
    return withRemediation(invocation, options, async (remediation) => {
      const { remediate: repair } = await import('../../app/remediation.ts');
      const request = detectRequest(words, options);
      const { isNothingToCheck, nothingText } = await import('../../reporters/text/remediation.ts');
      const every = options.remediator.length === 0 && words.length === 0;
      const made: { readonly report: RunReport; readonly looked: DetectResult }[] = [];
      async function tell(
        runs: readonly RunReport[],
        detected: DetectResult,
        notRun: readonly Finding[],
        liveRuns: readonly LiveRun[],
      ): Promise<void> {
        if (!options.noRecord && (options.record || options.yes)) {
          const { recordReports } = await import('../../app/remediation.ts');
          const target = { cwd: invocation.cwd, now: invocation.now() };
          printRecorded(await recordReports(remediation, runs, { request, detected }, target), screen);
        }
        const { notLookedAt, lookedAt } = detected;
        const nothing = nothingText({ ...detected, interruptedRuns: [], liveRuns }, { every, doing: 'to do' });
        printReports([...moved, ...runs], options.json, screen, { notLookedAt, lookedAt, notRun, liveRuns }, nothing);
      }
      const { runs, detected, notRun, liveRuns } = await repair(remediation, {
        ...request,
        yes: options.yes,
        onReport: (report, looked) => made.push({ report, looked }),
      }).catch(async (error: unknown) => {
        // Runs that ended before the engine or the journal failed are still printed and recorded.
        const reports = made.map(({ report }) => report);
        const looked = made[0]?.looked ?? { findings: [], notLookedAt: [], lookedAt: [], unmanaged: [] };
        if (moved.length + reports.length > 0) await tell(reports, looked, [], []);
        throw error;
      });
      await tell(runs, detected, notRun, liveRuns);
      const isNothing =
        moved.length + runs.length === 0 && isNothingToCheck({ ...detected, interruptedRuns: [], liveRuns });
      return isNothing || notRun.length + liveRuns.length > 0
        ? 1
        : exitCodeOf([...moved, ...runs], detected.notLookedAt);
    });
  },
});
