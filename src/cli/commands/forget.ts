import { escapeTerminal } from '../../reporters/escape-terminal.ts';
import { defineCommand } from '../command.ts';
import { withRemediation } from '../remediation-context.ts';
import { configOptions } from '../shared-options.ts';

export const forget = defineCommand({
  name: 'forget',
  group: 'instances',
  summary: 'Stop expecting an instance that was removed on purpose.',
  about:
    'An instance that was checked once is expected from then on, so that it is missed when its container is gone. ' +
    'Runs, leases and backups of the instance are kept.',
  arguments: [
    {
      name: 'instance',
      about: 'Name of the instance, without the prefix of its container.',
      required: true,
      completion: 'instances',
    },
  ],
  options: { json: { type: 'flag', about: 'Print JSON.' }, ...configOptions },
  examples: [{ command: 'problems forget orders', about: 'orders was removed and will not come back' }],
  exitCodes: [
    { code: 0, about: 'it is no longer expected' },
    { code: 1, about: 'something else still expects it' },
    { code: 2, about: 'it is not known, or the command failed' },
  ],
  async run(invocation) {
    const { arguments: words, options, screen } = invocation;
    const name = words[0] ?? '';
    return withRemediation(invocation, { ...options, registries: false }, async (remediation) => {
      const { forgetInstance } = await import('../../app/remediation.ts');
      const { still } = await forgetInstance(remediation, name);
      if (options.json) {
        const { toJson } = await import('../../reporters/json.ts');
        screen.out.write(toJson({ schemaVersion: 1, instance: name, forgotten: still === null, still }));
      } else {
        const shown = escapeTerminal(name);
        screen.out.write(
          still === null
            ? `${shown} is no longer expected.\n`
            : `${shown} is still expected: ${escapeTerminal(still)}.\n`,
        );
      }
      return still === null ? 0 : 1;
    });
  },
});
