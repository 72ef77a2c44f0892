import { defineCommand } from '../command.ts';
import { withRemediation } from '../remediation-context.ts';
import { tableText } from '../render.ts';
import { configOptions } from '../shared-options.ts';

export const runs = defineCommand({
  name: 'runs',
  group: 'repair',
  summary: 'List runs, show one in full, or lift the suspension of an instance.',
  about:
    'An instance is suspended if its data may be damaged or a rollback failed. No repair runs on it until you have ' +
    'checked it. `problems runs lift <instance>` shows the reason, and with --yes allows repairs again.',
  arguments: [
    { name: 'run', about: 'Run id, or `lift`.', completion: 'runs' },
    { name: 'instance', about: 'Instance whose suspension to lift (with `lift`).' },
  ],
  options: {
    yes: { type: 'flag', about: 'Confirm that the instance has been checked (with `lift`).' },
    json: { type: 'flag', about: 'Print JSON.' },
    ...configOptions,
  },
  examples: [
    { command: 'problems runs', about: 'newest first' },
    { command: 'problems runs lift orders', about: 'show why it is suspended' },
    { command: 'problems runs lift orders --yes', about: 'allow repairs again, after checking the instance' },
  ],
  exitCodes: [
    { code: 0, about: 'the runs were printed; the instance is not suspended, or no longer' },
    { code: 1, about: 'the instance is suspended' },
    { code: 2, about: 'there is no such run, or the state file cannot be read' },
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
      const { runsTable, runText } = await import('../../reporters/text/runs.ts');
      const [one] = found;
      if (one === undefined) screen.notes.write('No runs yet.\n');
      else if (first === undefined) screen.out.write(await tableText(runsTable(found), screen.out));
      else screen.out.write(runText(one, screen.out.style));
      return 0;
    });
  },
});
