import { ProblemsError } from '../../errors.ts';
import type { PortSituation } from '../../app/remediation.ts';
import { defineCommand } from '../command.ts';
import { withRemediation } from '../remediation-context.ts';
import { configOptions } from '../shared-options.ts';

export const ports = defineCommand({
  name: 'ports',
  group: 'instances',
  summary: 'Show which ports of the instances’ range are in use and why, or lease a free one.',
  about:
    '`lease` reserves a free port and prints it, for a script that then creates an instance. Leases are atomic among all ' +
    'processes that use the same state file. A lease ends after its time unless a container of the instance declares the ' +
    'port by then; asking again returns the same port.',
  arguments: [
    { name: 'action', about: 'Default: show every port of the range.', choices: ['lease'] },
    { name: 'instance', about: 'Instance that gets the port (with `lease`).' },
  ],
  options: {
    ttl: {
      type: 'number',
      value: 'seconds',
      about: 'How long the port is reserved without a container (with `lease`). Default: 600.',
      minimum: 1,
      whole: true,
    },
    json: { type: 'flag', about: 'Print one JSON object.' },
    ...configOptions,
  },
  examples: [
    { command: 'problems ports', about: 'what uses which port' },
    { command: 'port=$(problems ports lease orders)', about: 'a port for a new instance' },
  ],
  exitCodes: [
    { code: 0, about: 'the ports were shown, or a port was leased' },
    { code: 1, about: 'no port in the range is free' },
    { code: 2, about: 'the Docker engine does not answer, or the state file cannot be used' },
  ],
  async run(invocation) {
    const {
      arguments: [action, instance],
      options,
      screen,
    } = invocation;
    const [{ leasePort, listPorts }, { toJson }] = await Promise.all([
      import('../../app/remediation.ts'),
      import('../../reporters/json.ts'),
    ]);
    const choice = { ...options, registries: false } as const;
    if (action === undefined) {
      const found = await withRemediation(invocation, { ...choice, onlyLooking: true }, (remediation) =>
        listPorts(remediation),
      );
      screen.out.write(options.json ? toJson({ schemaVersion: 1, ports: found }) : await portsText(found));
      return 0;
    }
    if (instance === undefined)
      throw new ProblemsError('bad-usage', 'Missing instance name.', {
        hint: 'problems ports lease orders',
      });
    const lease = await withRemediation(invocation, choice, (remediation) =>
      leasePort(remediation, { instance, ttlMs: (options.ttl ?? 600) * 1000 }),
    );
    if (options.json) screen.out.write(toJson({ schemaVersion: 1, lease: lease ?? null }));
    if (lease === undefined) {
      screen.notes.write('No port in the range is free. `problems ports` shows what uses each of them.\n');
      return 1;
    }
    if (!options.json) screen.out.write(`${lease.port}\n`);
    screen.notes.write(
      lease.expiresAt === null
        ? `${instance} already has this port.\n`
        : `Reserved for ${instance} until ${lease.expiresAt}.\n`,
    );
    return 0;
  },
});

async function portsText(situations: readonly PortSituation[]): Promise<string> {
  const { plainTable } = await import('../../reporters/table.ts');
  const held = situations.filter(({ holders }) => holders.length > 0);
  const rows = held.map(({ port, holders }) => [String(port), holders.map(({ text }) => text).join('; ')]);
  const table =
    rows.length === 0 ? '' : plainTable({ columns: [{ title: 'PORT', align: 'right' }, { title: 'USED BY' }], rows });
  const free = situations.filter(({ holders }) => holders.length === 0).map(({ port }) => port);
  return `${table}${free.length} of ${situations.length} ports are free${free.length === 0 ? '' : `: ${inRanges(free)}`}.\n`;
}

/** `5440, 5443-5499`. */
function inRanges(sorted: readonly number[]): string {
  const runs: { first: number; last: number }[] = [];
  for (const port of sorted) {
    const run = runs.at(-1);
    if (run?.last === port - 1) run.last = port;
    else runs.push({ first: port, last: port });
  }
  return runs.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`)).join(', ');
}
