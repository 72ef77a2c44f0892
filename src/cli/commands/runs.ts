import { defineCommand } from '../command.ts';
import { withRemediation } from '../remediating.ts';
import { configOptions } from '../settings.ts';

export const runs = defineCommand({
  name: 'runs',
  summary: 'List the runs of the journal, or show one in full.',
  arguments: [{ name: 'run', about: 'The id of one.' }],
  options: { json: { type: 'flag', about: 'Print JSON.' }, ...configOptions },
  examples: [{ command: 'problems runs', about: 'newest first' }],
  exitCodes: [
    { code: 0, about: 'the runs were printed' },
    { code: 2, about: 'there is no such run, or the journal cannot be read' },
  ],
  async run(invocation) {
    const { arguments: words, options, screen } = invocation;
    return withRemediation(invocation, { ...options, registries: false, onlyLooking: true }, async (remediation) => {
      const { runs: list } = await import('../../remediation/index.ts');
      const found = await list(remediation, words[0]);
      if (options.json) {
        const { json } = await import('../../reporters/json.ts');
        screen.out.write(json({ schemaVersion: 1, runs: found }));
        return 0;
      }
      const { runsText, runText } = await import('../../reporters/remediation.ts');
      const [one] = found;
      screen.out.write(
        words.length > 0 && one !== undefined ? runText(one, screen.out.style) : runsText(found, screen.out.style),
      );
      if (found.length === 0) screen.notes.write('No run yet.\n');
      return 0;
    });
  },
});
