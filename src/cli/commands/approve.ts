import { userInfo } from 'node:os';
import { defineCommand } from '../command.ts';
import { exitCodeOf, exitCodes, withRemediation } from '../remediating.ts';
import { configOptions } from '../settings.ts';

export const approve = defineCommand({
  name: 'approve',
  summary: 'Let a run go on that waits for approval.',
  arguments: [{ name: 'run', about: 'Its id, as `problems runs` lists it.', required: true }],
  options: { json: { type: 'flag', about: 'Print JSON.' }, ...configOptions },
  examples: [{ command: 'problems approve r1f0c2a9be4', about: 'it is looked for again, then it runs' }],
  exitCodes,
  async run(invocation) {
    const { arguments: words, options, screen } = invocation;
    return withRemediation(invocation, { ...options, registries: false }, async (remediation) => {
      const { approve: allow } = await import('../../remediation/index.ts');
      const reports = [await allow(remediation, words[0] ?? '', userInfo().username)];
      const { printReports } = await import('../remediation-report.ts');
      printReports(reports, options.json, screen);
      return exitCodeOf(reports);
    });
  },
});
