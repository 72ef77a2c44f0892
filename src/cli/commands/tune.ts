import { diskKinds, profiles } from '../../postgres/tuning/index.ts';
import { defineCommand } from '../command.ts';
import { withRemediation } from '../remediation-context.ts';
import { configOptions } from '../shared-options.ts';
import { tableText } from '../render.ts';

export const tune = defineCommand({
  name: 'tune',
  group: 'instances',
  summary: 'Say what an instance’s settings should be, and why, without changing any.',
  about:
    'The values are PGTune’s for the container’s memory limit and CPU quota, corrected where its limit bites, where ' +
    'backups need WAL, and where Docker or the disk sets bounds: docs/tuning.md.',
  arguments: [{ name: 'instance', about: 'The instance.', required: true }],
  options: {
    profile: {
      type: 'text',
      value: 'profile',
      about: 'What it is used for.',
      choices: profiles,
      default: 'mixed',
    },
    connections: {
      type: 'number',
      value: 'number',
      about: 'How many connections there should be. Default: what is usual for the profile.',
      minimum: 10,
      whole: true,
    },
    disk: { type: 'text', value: 'kind', about: 'What its data lie on.', choices: diskKinds, default: 'ssd' },
    json: { type: 'flag', about: 'Print one JSON object.' },
    ...configOptions,
  },
  examples: [
    { command: 'problems tune orders --profile oltp', about: 'for many short transactions' },
    { command: 'problems tune orders --connections 200 --json', about: 'for other programs' },
  ],
  exitCodes: [
    { code: 0, about: 'the recommendation was printed' },
    { code: 2, about: 'there is no such instance, or the engine does not answer' },
  ],
  async run(invocation) {
    const {
      arguments: [instance = ''],
      options,
      screen,
    } = invocation;
    const { profile, connections, disk, json: asJson, ...choice } = options;
    const [{ tune: ask }, { toJson }, { tuningFoot, tuningHead, tuningReasons, tuningTable }] = await Promise.all([
      import('../../app/remediation.ts'),
      import('../../reporters/json.ts'),
      import('../../reporters/text/tuning.ts'),
    ]);
    const found = await withRemediation(
      invocation,
      { ...choice, registries: false, onlyLooking: true },
      (remediation) =>
        ask(remediation, {
          instance,
          ...(profile === undefined ? {} : { profile }),
          ...(disk === undefined ? {} : { disk }),
          ...(connections === undefined ? {} : { connections }),
        }),
    );
    const { out } = screen;
    if (asJson) out.write(toJson({ schemaVersion: 1, ...found }));
    else {
      const width = out.isTerminal ? out.columns : Infinity;
      out.write(tuningHead(found, out.style));
      out.write(await tableText(tuningTable(found, width), out));
      out.write(tuningReasons(found, width));
      out.write(tuningFoot(found, out.style));
    }
    return 0;
  },
});
