import { defineCommand } from '../command.ts';
import { withRemediation } from '../remediation-context.ts';
import { configOptions } from '../shared-options.ts';
import { tableText } from '../render.ts';

export const fleet = defineCommand({
  name: 'fleet',
  group: 'instances',
  summary: 'Show the memory of every instance, running or stopped, and whether the host has enough.',
  about:
    'The worst case is every connection in use, four of them working on each CPU, and autovacuum busy: see ' +
    'docs/tuning.md. The host keeps 2 GiB or 15% for itself. A container without a limit counts with its worst case. ' +
    'Each call notes in the state file, if there is one, what every instance uses; after seven days `--recommend` ' +
    'proposes limits from that: see docs/learning.md.',
  arguments: [],
  options: {
    recommend: { type: 'flag', about: 'Propose memory limits for all instances together, from what they have needed.' },
    json: { type: 'flag', about: 'Print one JSON object.' },
    ...configOptions,
  },
  examples: [
    { command: 'problems fleet', about: 'limits, worst cases and free memory' },
    { command: 'problems fleet --recommend', about: 'limits by what each instance has needed, as a proposal' },
    { command: 'problems fleet --json', about: 'as JSON' },
  ],
  exitCodes: [
    { code: 0, about: 'the host has the memory that its containers may use' },
    { code: 1, about: 'the containers may use more memory than the host has' },
    { code: 2, about: 'the Docker engine does not answer' },
  ],
  async run(invocation) {
    const { options, screen } = invocation;
    const { json: asJson, recommend, ...choice } = options;
    const [{ fleet: look, recommendLimits, sampledDays }, { toJson }, { fleetFoot, fleetTable }] = await Promise.all([
      import('../../app/remediation.ts'),
      import('../../reporters/json.ts'),
      import('../../reporters/text/tuning.ts'),
    ]);
    const { found, recommendation } = await withRemediation(
      invocation,
      { ...choice, registries: false, onlyLooking: true },
      async (remediation) => {
        const now = await look(remediation);
        const proposal = recommend ? recommendLimits(now, await sampledDays(remediation)) : undefined;
        return { found: now, recommendation: proposal };
      },
    );
    const { out } = screen;
    if (asJson) out.write(toJson({ schemaVersion: 1, ...found, ...(recommendation && { recommendation }) }));
    else if (recommendation === undefined) {
      if (found.instances.length > 0) out.write(await tableText(fleetTable(found), out));
      out.write(fleetFoot(found, out.style));
    } else {
      const { recommendationFoot, recommendationTable } = await import('../../reporters/text/learning.ts');
      if (found.instances.length > 0) out.write(await tableText(recommendationTable(recommendation), out));
      out.write(recommendationFoot(recommendation, out.style));
    }
    return found.host.within ? 0 : 1;
  },
});
