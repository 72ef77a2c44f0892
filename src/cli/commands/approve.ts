import { userInfo } from 'node:os';
import { escapeTerminal } from '../../reporters/escape-terminal.ts';
import { defineCommand } from '../command.ts';
import { exitCodeOf, exitCodes, withRemediation } from '../remediation-context.ts';
import { configOptions } from '../shared-options.ts';

export const approve = defineCommand({
  name: 'approve',
  group: 'repair',
  summary: 'Let a run go on that waits for a person.',
  about:
    'Who may let it run is decided again: what the policy leaves to a person is decided by approving it, and what that ' +
    'overrules is said. No approval lifts a pause or a suspension, or lets a program do what it never does.',
  arguments: [{ name: 'run', about: 'Its id, as `problems runs` lists it.', required: true }],
  options: {
    despiteDamage: { type: 'flag', about: 'I know that data may be damaged, and have looked at it.' },
    despiteFailures: { type: 'flag', about: 'I know that it, or what ran before it, did not help.' },
    json: { type: 'flag', about: 'Print JSON.' },
    ...configOptions,
  },
  examples: [{ command: 'problems approve r1f0c2a9be4', about: 'it is looked for again, then it runs' }],
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
          screen.notes.write(reasons.map((reason) => `Approved against: ${escapeTerminal(reason)}\n`).join('')),
      });
      const { printReports } = await import('../render.ts');
      printReports([report], options.json, screen);
      return exitCodeOf([report]);
    });
  },
});
