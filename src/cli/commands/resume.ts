import { defineCommand } from '../command.ts';
import { exitCodeOf, exitCodes, withRemediation } from '../remediating.ts';
import { configOptions } from '../settings.ts';

export const resume = defineCommand({
  name: 'resume',
  summary: 'Take up runs that were cut off, and end them as fixed or as rolled back.',
  arguments: [{ name: 'run', about: 'One of them; all without it.' }],
  options: { json: { type: 'flag', about: 'Print JSON.' }, ...configOptions },
  examples: [{ command: 'problems resume', about: 'after a crash, before anything else' }],
  exitCodes,
  async run(invocation) {
    const { arguments: words, options, screen } = invocation;
    return withRemediation(invocation, { ...options, registries: false }, async (remediation) => {
      const { resume: goOn } = await import('../../remediation/index.ts');
      const reports = await goOn(remediation, words[0]);
      const { printReports } = await import('../remediation-report.ts');
      printReports(reports, options.json, screen);
      return exitCodeOf(reports);
    });
  },
});
