import { ProblemsError } from '../../errors.ts';
import type { DetectResult, RunReport } from '../../app/remediation.ts';
import { defineCommand } from '../command.ts';
import { movingOptions, withMoves } from '../shared-options.ts';
import { exitCodeOf, lookingExitCodes, lookingOptions, lookRequest, withRemediation } from '../remediation-context.ts';

export const remediate = defineCommand({
  name: 'remediate',
  group: 'repair',
  summary: 'Repair what is found, verify it, and undo what did not help.',
  about:
    'What runs unattended, what waits for approval and what only a person may do follows from the command line, the ' +
    'config, the registry and the risk, in this order; docs/remediation.md has the rules.',
  arguments: [{ name: 'ids', about: 'Problems or findings to repair.', variadic: true }],
  options: {
    all: { type: 'flag', about: 'Everything that is found, as without a name; --yes wants it said.' },
    yes: { type: 'flag', about: 'Agree to what asks for approval. Implies --record.' },
    record: { type: 'flag', about: 'Write how it ended into the registries.' },
    noRecord: { type: 'flag', about: 'Write nothing into the registries, with --yes neither.' },
    ...movingOptions,
    ...lookingOptions,
  },
  examples: [
    { command: 'problems remediate', about: 'what may run unattended runs, the rest waits or is described' },
    { command: 'problems remediate postgres/port-allocation-conflicts --yes', about: 'one problem, agreed to' },
    { command: 'problems remediate --to-named-volume orders --yes', about: 'copied, compared, and the folder kept' },
  ],
  exitCodes: lookingExitCodes,
  async run(invocation) {
    const { arguments: words, screen } = invocation;
    const options = withMoves(invocation.options, words);
    const isEverything = words.length === 0 && options.instance.length === 0 && options.remediator.length === 0;
    // Without --yes the policy keeps back what needs a person's word; with it, the word must not be for all unawares.
    if (isEverything && options.yes && !options.all) {
      throw new ProblemsError('bad-usage', '--yes agrees to everything that is found.', {
        hint: 'Name a problem, or say --all.',
      });
    }
    return withRemediation(invocation, options, async (remediation) => {
      const { remediate: repair } = await import('../../app/remediation.ts');
      const { printRecorded, printReports } = await import('../render.ts');
      const request = lookRequest(words, options);
      const made: { readonly report: RunReport; readonly looked: DetectResult }[] = [];
      async function tell(runs: readonly RunReport[], detected: DetectResult): Promise<void> {
        if (!options.noRecord && (options.record || options.yes)) {
          const { recordReports } = await import('../../app/remediation.ts');
          const target = { cwd: invocation.cwd, now: invocation.now() };
          printRecorded(await recordReports(remediation, runs, { request, detected }, target), screen);
        }
        printReports(runs, options.json, screen, detected.notLookedAt);
      }
      const { runs, detected } = await repair(remediation, {
        ...request,
        yes: options.yes,
        onReport: (report, looked) => made.push({ report, looked }),
      }).catch(async (error: unknown) => {
        // What was done before the engine or the journal went away is told and recorded all the same.
        const [first] = made;
        const reports = made.map(({ report }) => report);
        if (first !== undefined) await tell(reports, first.looked);
        throw error;
      });
      await tell(runs, detected);
      return exitCodeOf(runs, detected.notLookedAt);
    });
  },
});
