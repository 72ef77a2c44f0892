import { readStatus, type ServiceStatus } from '../../service/status.ts';
import { defineCommand, type ExitCode } from '../command.ts';
import { tableText, widthFor } from '../render.ts';
import { configFor, configOptions } from '../shared-options.ts';
import type { Output } from '../terminal.ts';

export const statusExitCodes: readonly ExitCode[] = [
  { code: 0, about: 'every instance answers, and the last full round checked all of them and found nothing' },
  { code: 1, about: 'an instance is down, something was found, or there is no instance' },
  { code: 2, about: 'no service runs, something was not checked or not lately, or the command failed' },
];

export const status = defineCommand({
  name: 'status',
  group: 'service',
  summary: 'Show in one screen what the running service knows now.',
  about:
    'Reads the history of `problems serve` and asks no instance, so it is quick. Without a running service nothing is known ' +
    'of now, and it says so. `problems detect` checks at once instead.',
  arguments: [],
  options: { json: { type: 'flag', about: 'Print one JSON object.' }, ...configOptions },
  examples: [
    { command: 'problems status', about: 'is everything in order?' },
    { command: 'problems status --json', about: 'the same for programs' },
  ],
  exitCodes: statusExitCodes,
  async run({ options, cwd, now, screen }) {
    const seen = await readStatus(await configFor(options, cwd, { ownOnly: true }), now());
    if (options.json) screen.out.write((await import('../../reporters/json.ts')).toJson(seen));
    else screen.out.write(await statusText(seen, screen.out));
    return statusExitCode(seen);
  },
});

export async function statusText(seen: ServiceStatus, out: Output): Promise<string> {
  const { statusFoot, statusHead, statusTable } = await import('../../reporters/text/service.ts');
  const table = seen.instances.length === 0 ? '' : await tableText(statusTable(seen), out);
  return statusHead(seen, out.style) + table + statusFoot(seen, out.style, widthFor(out));
}

export function statusExitCode({ verdict }: ServiceStatus): number {
  return verdict === 'healthy' ? 0 : verdict === 'problems' ? 1 : 2;
}
