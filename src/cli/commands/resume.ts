import type { LiveRun, RunReport } from '../../app/remediation.ts';
import { defineCommand } from '../command.ts';
import { exitCodeOf, exitCodes, withRemediation } from '../remediation-context.ts';
import { configOptions } from '../shared-options.ts';

export const resume = defineCommand({
  name: 'resume',
  group: 'repair',
  summary: 'Complete or roll back runs whose process was killed.',
  arguments: [{ name: 'run', about: 'Run id. Default: all interrupted runs.', completion: 'runs' }],
  options: { json: { type: 'flag', about: 'Print JSON.' }, ...configOptions },
  examples: [{ command: 'problems resume', about: 'after a crash, before anything else' }],
  exitCodes,
  async run(invocation) {
    const { arguments: words, options, screen } = invocation;
    return withRemediation(invocation, { ...options, registries: false }, async (remediation) => {
      const { liveRuns, resume: goOn } = await import('../../app/remediation.ts');
      const reports: RunReport[] = [];
      try {
        await goOn(remediation, words[0], { onReport: (report) => void reports.push(report) });
      } catch (error) {
        // Runs that ended before the error are still printed.
        if (reports.length > 0) await tell([]);
        throw error;
      }
      const live = await liveRuns(remediation);
      await tell(live);
      return live.length > 0 ? 1 : exitCodeOf(reports);

      async function tell(others: readonly LiveRun[]): Promise<void> {
        const { printReports } = await import('../render.ts');
        printReports(reports, options.json, screen, { liveRuns: others });
      }
    });
  },
});
