import { defineCommand } from '../command.ts';
import { checkExitCode, checkExitCodes, checkOptions, detectRequest, withRemediation } from '../remediation-context.ts';

export const detect = defineCommand({
  name: 'detect',
  group: 'repair',
  summary: 'Check PostgreSQL instances and report what is wrong. Changes nothing.',
  about:
    'Instances are the containers named vrooli-postgres-*, labelled problems.instance=<name>, or matched by the config. ' +
    'Findings are linked to the records of the registries below the working folder.',
  arguments: [
    { name: 'ids', about: 'Problems or findings to check for. Default: all.', variadic: true, completion: 'records' },
  ],
  options: {
    record: {
      type: 'flag',
      about: 'Record findings in the registries, and resolve records whose problem has not recurred.',
    },
    ...checkOptions,
  },
  examples: [
    { command: 'problems detect', about: 'check every instance' },
    { command: 'problems detect --record', about: 'and record the findings in the registries' },
    { command: 'problems detect --instance orders --json', about: 'one instance, as JSON' },
  ],
  exitCodes: checkExitCodes,
  async run(invocation) {
    const { arguments: words, options, screen } = invocation;
    return withRemediation(invocation, { ...options, onlyLooking: true }, async (remediation) => {
      const { detect: look } = await import('../../app/remediation.ts');
      const request = detectRequest(words, options);
      const detected = await look(remediation, request);
      if (options.record) {
        const { recordFindings } = await import('../../app/remediation.ts');
        const { printRecorded } = await import('../render.ts');
        const recorded = { cwd: invocation.cwd, now: invocation.now() };
        printRecorded(await recordFindings(remediation, { request, detected }, recorded), screen);
      }
      const { interruptedRuns, liveRuns, lookedAt, notLookedAt, unmanaged } = detected;
      if (options.json) {
        const { toJson } = await import('../../reporters/json.ts');
        const findings = detected.findings.map(({ details: _, ...shown }) => shown);
        screen.out.write(
          toJson({ schemaVersion: 1, findings, notLookedAt, lookedAt, unmanaged, interruptedRuns, liveRuns }),
        );
      } else {
        const { detectedText, isNothingToCheck, noInstanceText, openRunsText, verdictText } =
          await import('../../reporters/text/remediation.ts');
        screen.out.write(openRunsText(detected, screen.out.style) + detectedText(detected, screen.out.style));
        const every = options.remediator.length === 0 && words.length === 0;
        screen.notes.write(
          isNothingToCheck(detected) ? noInstanceText(unmanaged) : `${verdictText(detected, { every })}.\n`,
        );
      }
      return checkExitCode(detected);
    });
  },
});
