import { defineCommand } from '../command.ts';
import {
  lookedExitCode,
  lookingExitCodes,
  lookingOptions,
  lookRequest,
  withRemediation,
} from '../remediation-context.ts';

export const detect = defineCommand({
  name: 'detect',
  group: 'repair',
  summary: 'Look at the PostgreSQL instances and say what is wrong with them. Changes nothing.',
  about:
    'Instances are the containers named vrooli-postgres-*, labelled problems.instance=<name>, or matched by the config. ' +
    'What is found is linked to the records of the registries below the working folder.',
  arguments: [{ name: 'ids', about: 'Problems or findings to look for; all without one.', variadic: true }],
  options: {
    record: { type: 'flag', about: 'Write what is found, and what has stayed away long enough, into the registries.' },
    ...lookingOptions,
  },
  examples: [
    { command: 'problems detect', about: 'everything' },
    { command: 'problems detect --record', about: 'and note it in the registries' },
    { command: 'problems detect --instance orders --json', about: 'one instance, for a program' },
  ],
  exitCodes: lookingExitCodes,
  async run(invocation) {
    const { arguments: words, options, screen } = invocation;
    return withRemediation(invocation, { ...options, onlyLooking: true }, async (remediation) => {
      const { detect: look } = await import('../../app/remediation.ts');
      const request = lookRequest(words, options);
      const detected = await look(remediation, request);
      if (options.record) {
        const { recordFindings } = await import('../../app/remediation.ts');
        const { printRecorded } = await import('../render.ts');
        const recorded = { cwd: invocation.cwd, now: invocation.now() };
        printRecorded(await recordFindings(remediation, { request, detected }, recorded), screen);
      }
      if (options.json) {
        const { toJson } = await import('../../reporters/json.ts');
        const findings = detected.findings.map(({ details: _, ...shown }) => shown);
        screen.out.write(toJson({ schemaVersion: 1, findings, notLookedAt: detected.notLookedAt }));
      } else {
        const { detectedText, nothingText } = await import('../../reporters/text/remediation.ts');
        screen.out.write(detectedText(detected, screen.out.style));
        if (detected.findings.length === 0) screen.notes.write(`${nothingText(detected.notLookedAt)}.\n`);
      }
      return lookedExitCode(detected.findings.length === 0, detected.notLookedAt);
    });
  },
});
