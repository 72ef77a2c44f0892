import { defineCommand } from '../command.ts';
import { withRemediation } from '../remediation-context.ts';
import { tableText } from '../render.ts';
import { configOptions } from '../shared-options.ts';

export const runs = defineCommand({
  name: 'runs',
  group: 'repair',
  summary: 'List runs, show one in full, sign one, or lift the suspension of an instance.',
  about:
    'An instance is suspended if its data may be damaged or a rollback failed. No repair runs on it until you have ' +
    'checked it. `problems runs lift <instance>` shows the reason, and with --yes allows repairs again. A run that your key ' +
    'did not sign, because an older version or someone else wrote it, is never continued, approved or rolled back. ' +
    '`problems runs sign <run>` shows it, and with --yes signs it. --verify checks the audit log, in which every entry has the ' +
    'hash of the one before, and of which the last hash is kept outside the state file, and that no one else has changed ' +
    'the locks, port leases and suspensions, which are signed too. With --yes as well, all of it is taken as it is, and checked ' +
    'from there on: use it after you have restored an older state file.',
  arguments: [
    { name: 'run', about: 'Run id, `lift` or `sign`.', completion: 'runs' },
    { name: 'instance', about: 'Instance whose suspension to lift (with `lift`), or run to sign (with `sign`).' },
  ],
  options: {
    verify: {
      type: 'flag',
      about:
        'Check that the audit log of all runs is as it was written, and locks, leases and suspensions as you left them.',
    },
    yes: {
      type: 'flag',
      about:
        'Confirm that the instance has been checked (with `lift`), that the run is yours (with `sign`), or that you know why the file was changed (with --verify).',
    },
    json: { type: 'flag', about: 'Print JSON.' },
    ...configOptions,
  },
  examples: [
    { command: 'problems runs', about: 'newest first' },
    { command: 'problems runs lift orders', about: 'show why it is suspended' },
    { command: 'problems runs lift orders --yes', about: 'allow repairs again, after checking the instance' },
    { command: 'problems runs --verify', about: 'check the audit log' },
    { command: 'problems runs sign r1f0c2a9be4', about: 'show a run, and whether your key signed it' },
  ],
  exitCodes: [
    { code: 0, about: 'the runs were printed; the instance is not suspended, or no longer' },
    {
      code: 1,
      about:
        'the instance is suspended; the run is not signed; the audit log, a lock, a lease or a suspension was changed',
    },
    { code: 2, about: 'there is no such run, or the state file cannot be read' },
  ],
  async run(invocation) {
    const { arguments: words, options, screen } = invocation;
    const [first, instance] = words;
    if (options.verify) {
      const { verifyLog } = await import('../trust-journal.ts');
      return verifyLog(invocation, options);
    }
    if (first === 'sign') {
      const { signRunOf } = await import('../trust-journal.ts');
      return signRunOf(invocation, instance, options);
    }
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
