import { diskKinds, profiles } from '../../postgres/tuning/index.ts';
import { defineCommand } from '../command.ts';
import { withRemediation } from '../remediation-context.ts';
import { configOptions } from '../shared-options.ts';
import { tableText } from '../render.ts';

export const tune = defineCommand({
  name: 'tune',
  group: 'instances',
  summary: 'Recommend settings for an instance, with reasons. Changes nothing.',
  about:
    'The values are those of PGTune for the container’s memory limit and CPU quota. They are corrected if the limit is ' +
    'too tight for them, if backups need WAL, and if Docker or the disk sets bounds: see docs/tuning.md.',
  arguments: [{ name: 'instance', about: 'Instance name.', required: true, completion: 'instances' }],
  options: {
    profile: {
      type: 'text',
      value: 'profile',
      about: 'What the instance is used for.',
      choices: profiles,
      default: 'mixed',
    },
    connections: {
      type: 'number',
      value: 'number',
      about: 'Number of connections to plan for. Default: the usual number for the profile.',
      minimum: 10,
      whole: true,
    },
    disk: { type: 'text', value: 'kind', about: 'Type of storage.', choices: diskKinds, default: 'ssd' },
    json: { type: 'flag', about: 'Print one JSON object.' },
    ...configOptions,
  },
  examples: [
    { command: 'problems tune orders --profile oltp', about: 'many short transactions' },
    { command: 'problems tune orders --connections 200 --json', about: 'for 200 connections, as JSON' },
  ],
  exitCodes: [
    { code: 0, about: 'the recommendation was printed' },
    { code: 2, about: 'there is no such instance, or the Docker engine does not answer' },
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
