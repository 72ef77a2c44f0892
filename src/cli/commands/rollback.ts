import { defineCommand } from '../command.ts';
import { withRemediation } from '../remediation-context.ts';
import { configOptions } from '../shared-options.ts';

export const rollback = defineCommand({
  name: 'rollback',
  group: 'repair',
  summary: 'Undo what a run changed, while that is still possible.',
  arguments: [
    { name: 'run', about: 'Run id. Also works for a run that ended as fixed.', required: true, completion: 'runs' },
  ],
  options: { json: { type: 'flag', about: 'Print JSON.' }, ...configOptions },
  examples: [{ command: 'problems rollback r1f0c2a9be4', about: 'restores the old container and files' }],
  exitCodes: [
    { code: 0, about: 'rolled back' },
    { code: 1, about: 'could not be rolled back' },
    { code: 2, about: 'the run can no longer be rolled back, or the command failed' },
  ],
  async run(invocation) {
    const { arguments: words, options, screen } = invocation;
    return withRemediation(invocation, { ...options, registries: false }, async (remediation) => {
      const { rollback: putBack } = await import('../../app/remediation.ts');
      const report = await putBack(remediation, words[0] ?? '');
      const { printReports } = await import('../render.ts');
      printReports([report], options.json, screen);
      return report.outcome === 'rolled-back' ? 0 : 1;
    });
  },
});
