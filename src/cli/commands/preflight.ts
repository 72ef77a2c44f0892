import { ProblemsError } from '../../errors.ts';
import { defineCommand } from '../command.ts';
import { withRemediation } from '../remediation-context.ts';
import { configOptions } from '../shared-options.ts';

export const preflight = defineCommand({
  name: 'preflight',
  group: 'instances',
  summary: 'Check whether an instance could be created now, and why not.',
  about: 'Checks the Docker engine, its containers, the leases and the declared ports. Changes nothing.',
  arguments: [],
  options: {
    port: { type: 'number', value: 'port', about: 'Host port to publish.', minimum: 1, whole: true },
    volume: {
      type: 'text',
      value: 'volume',
      about: 'Volume, or folder on the Docker host, for the data.',
    },
    memory: { type: 'text', value: 'size', about: 'Memory limit in Docker’s notation: 512m, 2g.' },
    instance: {
      type: 'text',
      value: 'name',
      about: 'Instance name; resources it already holds do not count as conflicts.',
    },
    json: { type: 'flag', about: 'Print one JSON object.' },
    ...configOptions,
  },
  examples: [
    { command: 'problems preflight --port 5440 --volume orders-data --memory 512m', about: 'check all three' },
  ],
  exitCodes: [
    { code: 0, about: 'the instance could be created' },
    { code: 1, about: 'it could not be created' },
    { code: 2, about: 'the Docker engine does not answer' },
  ],
  async run(invocation) {
    const { options, screen } = invocation;
    const { port, volume, memory, instance, json: asJson, ...choice } = options;
    if (port === undefined && volume === undefined && memory === undefined) {
      throw new ProblemsError('bad-usage', 'Nothing to check. Pass --port, --volume or --memory.');
    }
    if (port !== undefined && port > 65_535) throw new ProblemsError('bad-usage', `Invalid port ${port}.`);
    const bytes = memory === undefined ? undefined : bytesOf(memory);
    const [{ preflight: ask }, { toJson }, { escapeTerminal }] = await Promise.all([
      import('../../app/remediation.ts'),
      import('../../reporters/json.ts'),
      import('../../reporters/escape-terminal.ts'),
    ]);
    const answers = await withRemediation(
      invocation,
      { ...choice, registries: false, onlyLooking: true },
      (remediation) =>
        ask(remediation, {
          ...(port === undefined ? {} : { port }),
          ...(volume === undefined ? {} : { volume }),
          ...(bytes === undefined ? {} : { memory: bytes }),
          ...(instance === undefined ? {} : { instance }),
        }),
    );
    const ok = answers.every((answer) => answer.ok);
    if (asJson) screen.out.write(toJson({ schemaVersion: 1, ok, answers }));
    else
      for (const answer of answers)
        screen.out.write(
          `${answer.about}: ${answer.ok ? 'yes' : 'no'}, ${escapeTerminal(answer.reasons.join('; '))}\n`,
        );
    return ok ? 0 : 1;
  },
});

/** `512m` in bytes: b, k, m and g are powers of 1,024. */
function bytesOf(text: string): number {
  const match = /^(\d{1,12})([bkmg]?)$/i.exec(text);
  if (match === null) throw new ProblemsError('bad-usage', `Invalid size "${text}".`, { hint: 'Use 512m or 2g.' });
  return Number(match[1]) * 1024 ** 'bkmg'.indexOf((match[2] || 'b').toLowerCase());
}
