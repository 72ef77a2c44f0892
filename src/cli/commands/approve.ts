import { userInfo } from 'node:os';
import { escapeTerminal } from '../../reporters/escape-terminal.ts';
import { defineCommand } from '../command.ts';
import { exitCodeOf, exitCodes, withRemediation } from '../remediation-context.ts';
import { configOptions } from '../shared-options.ts';

export const approve = defineCommand({
  name: 'approve',
  group: 'repair',
  summary: 'Approve a run that is waiting for approval.',
  about:
    'The policy is evaluated again. Your approval decides what the policy leaves to you; the command prints what it ' +
    'overrides. An approval cannot lift a pause or a suspension, or allow what is never automated.',
  arguments: [{ name: 'run', about: 'Run id, as `problems runs` lists it.', required: true, completion: 'runs' }],
  options: {
    despiteDamage: { type: 'flag', about: 'Approve although data may be damaged. You have checked it.' },
    despiteFailures: { type: 'flag', about: 'Approve although this or an earlier run did not fix the problem.' },
    json: { type: 'flag', about: 'Print JSON.' },
    ...configOptions,
  },
  examples: [{ command: 'problems approve r1f0c2a9be4', about: 'checks that the problem still exists, then runs' }],
  exitCodes,
  async run(invocation) {
    const { arguments: words, options, screen } = invocation;
    return withRemediation(invocation, options, async (remediation) => {
      const { approve: allow } = await import('../../app/remediation.ts');
      const report = await allow(remediation, words[0] ?? '', userInfo().username, {
        despite: [
          ...(options.despiteDamage ? (['damage'] as const) : []),
          ...(options.despiteFailures ? (['failures'] as const) : []),
        ],
        onOverruled: (reasons) =>
          screen.notes.write(reasons.map((reason) => `Approved despite: ${escapeTerminal(reason)}\n`).join('')),
      });
      const { printReports } = await import('../render.ts');
      printReports([report], options.json, screen);
      return exitCodeOf([report]);
    });
  },
});
