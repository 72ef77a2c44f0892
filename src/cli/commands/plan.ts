import { defineCommand } from '../command.ts';
import { isMoveOnly, movingOptions } from '../shared-options.ts';
import { checkExitCode, checkExitCodes, checkOptions, detectRequest, withRemediation } from '../remediation-context.ts';

export const plan = defineCommand({
  name: 'plan',
  group: 'repair',
  summary: 'Show how problems would be repaired: steps, changes, downtime, policy, undo. Changes nothing.',
  arguments: [{ name: 'ids', about: 'Problems or findings. Default: all.', variadic: true, completion: 'records' }],
  options: { ...movingOptions, ...checkOptions },
  examples: [{ command: 'problems plan postgres/port-allocation-conflicts', about: 'before you repair it' }],
  exitCodes: checkExitCodes,
  async run(invocation) {
    const { arguments: words, screen } = invocation;
    const { options } = invocation;
    const { toNamedVolume: moves } = options;
    const moveOptions = { ...options, instance: moves, registries: false, onlyLooking: true } as const;
    const moved =
      moves.length === 0
        ? []
        : await withRemediation(invocation, moveOptions, async (remediation) => {
            const { reviewMoves } = await import('../../app/remediation.ts');
            return reviewMoves(remediation, { instances: moves });
          });
    const { proposals: repairs, detected } = isMoveOnly(words, options)
      ? { proposals: [], detected: undefined }
      : await withRemediation(invocation, { ...options, onlyLooking: true }, async (remediation) => {
          const { plan: propose } = await import('../../app/remediation.ts');
          return propose(remediation, detectRequest(words, options));
        });
    const proposals = [...moved, ...repairs];
    const { notLookedAt = [], interruptedRuns = [], liveRuns = [], lookedAt = [], unmanaged = [] } = detected ?? {};
    if (options.json) {
      const { toJson } = await import('../../reporters/json.ts');
      screen.out.write(
        toJson({ schemaVersion: 1, plans: proposals, notLookedAt, lookedAt, unmanaged, interruptedRuns, liveRuns }),
      );
    } else {
      const { notLookedAtText, nothingText, openRunsText, proposalText } =
        await import('../../reporters/text/remediation.ts');
      const { style } = screen.out;
      screen.out.write(openRunsText({ interruptedRuns, liveRuns }, style));
      screen.out.write(proposals.map((proposal) => proposalText(proposal, style)).join('\n'));
      screen.out.write(notLookedAtText(notLookedAt, style));
      const every = options.remediator.length === 0 && words.length === 0;
      if (proposals.length + interruptedRuns.length + liveRuns.length === 0)
        screen.notes.write(
          detected === undefined ? 'Nothing to plan.\n' : nothingText(detected, { every, doing: 'to plan' }),
        );
    }
    if (proposals.length > 0) return 1;
    return detected === undefined ? 0 : checkExitCode(detected);
  },
});
