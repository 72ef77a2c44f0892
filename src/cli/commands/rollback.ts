import { defineCommand } from '../command.ts';
import { withRemediation } from '../remediation-context.ts';
import { configOptions } from '../shared-options.ts';

export const rollback = defineCommand({
  name: 'rollback',
  group: 'repair',
  summary: 'Put back what a run changed, while that is still possible.',
  arguments: [{ name: 'run', about: 'Its id; a fixed one too.', required: true }],
  options: { json: { type: 'flag', about: 'Print JSON.' }, ...configOptions },
  examples: [{ command: 'problems rollback r1f0c2a9be4', about: 'the old container, the old texts' }],
  exitCodes: [
    { code: 0, about: 'what was before is there again' },
    { code: 1, about: 'it could not be put back' },
    { code: 2, about: 'the run cannot be undone any more, or the work could not be done' },
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
