import { defineCommand } from '../command.ts';
import { withRemediation } from '../remediation-context.ts';
import { configOptions } from '../shared-options.ts';

export const runs = defineCommand({
  name: 'runs',
  group: 'repair',
  summary: 'List the runs of the journal, show one in full, or lift the suspension of an instance.',
  about:
    'An instance is suspended where its data may be damaged or an undo failed: nothing runs on it until a person has ' +
    'looked. `problems runs lift <instance>` says why it is suspended, and with --yes lets repairs run on it again.',
  arguments: [
    { name: 'run', about: 'The id of one; or `lift`.' },
    { name: 'instance', about: 'Of `lift`: the instance that a person has looked at.' },
  ],
  options: {
    yes: { type: 'flag', about: 'Of `lift`: I have looked at it.' },
    json: { type: 'flag', about: 'Print JSON.' },
    ...configOptions,
  },
  examples: [
    { command: 'problems runs', about: 'newest first' },
    { command: 'problems runs lift orders', about: 'why it is suspended' },
    { command: 'problems runs lift orders --yes', about: 'a person has looked: repairs may run again' },
  ],
  exitCodes: [
    { code: 0, about: 'the runs were printed; the instance is not, or no longer, suspended' },
    { code: 1, about: 'the instance is suspended' },
    { code: 2, about: 'there is no such run, or the journal cannot be read' },
  ],
  async run(invocation) {
    const { arguments: words, options, screen } = invocation;
    const [first, instance] = words;
    if (first === 'lift') {
      const { lift } = await import('../lift.ts');
      return lift(invocation, instance, options);
    }
    return withRemediation(invocation, { ...options, registries: false, onlyLooking: true }, async (remediation) => {
      const { runs: list } = await import('../../app/remediation.ts');
      const found = await list(remediation, first);
      if (options.json) {
        const { toJson } = await import('../../reporters/json.ts');
        screen.out.write(toJson({ schemaVersion: 1, runs: found }));
        return 0;
      }
      const { runsText, runText } = await import('../../reporters/text/remediation.ts');
      const [one] = found;
      screen.out.write(
        first !== undefined && one !== undefined ? runText(one, screen.out.style) : runsText(found, screen.out.style),
      );
      if (found.length === 0) screen.notes.write('No run yet.\n');
      return 0;
    });
  },
});
