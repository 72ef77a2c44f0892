import { ProblemsError } from '../../errors.ts';
import type { PortSituation } from '../../app/remediation.ts';
import { defineCommand } from '../command.ts';
import { withRemediation } from '../remediation-context.ts';
import { configOptions } from '../shared-options.ts';

export const ports = defineCommand({
  name: 'ports',
  group: 'instances',
  summary: 'Show who holds which port of the instances and why, or lease a free one.',
  about:
    '`lease` hands out a free port, atomically among all processes on one state file, for a script to use before it ' +
    'creates an instance: it prints the port alone. The lease ends after its time, unless a container of the instance ' +
    'declares the port by then; asking again gives the same port.',
  arguments: [
    { name: 'action', about: 'Without one, every port of the range is shown.', choices: ['lease'] },
    { name: 'instance', about: 'Of `lease`: the instance that is to have the port.' },
  ],
  options: {
    ttl: {
      type: 'number',
      value: 'seconds',
      about: 'Of `lease`: how long it holds without a container. Default: 600.',
      minimum: 1,
      whole: true,
    },
    json: { type: 'flag', about: 'Print one JSON object.' },
    ...configOptions,
  },
  examples: [
    { command: 'problems ports', about: 'who holds what' },
    { command: 'port=$(problems ports lease orders)', about: 'a port for a new instance' },
  ],
  exitCodes: [
    { code: 0, about: 'the ports were shown, or one was leased' },
    { code: 1, about: 'no port of the range is free' },
    { code: 2, about: 'the engine does not answer, or the state file cannot be used' },
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
      throw new ProblemsError('bad-usage', 'which instance is to have the port?', {
        hint: 'problems ports lease orders',
      });
    const lease = await withRemediation(invocation, choice, (remediation) =>
      leasePort(remediation, { instance, ttlMs: (options.ttl ?? 600) * 1000 }),
    );
    if (options.json) screen.out.write(toJson({ schemaVersion: 1, lease: lease ?? null }));
    if (lease === undefined) {
      screen.notes.write('No port of the range is free: `problems ports` shows who holds each of them.\n');
      return 1;
    }
    if (!options.json) screen.out.write(`${lease.port}\n`);
    screen.notes.write(
      lease.expiresAt === null
        ? `It is the port of ${instance} already.\n`
        : `Kept for ${instance} until ${lease.expiresAt}.\n`,
    );
    return 0;
  },
});

async function portsText(situations: readonly PortSituation[]): Promise<string> {
  const { plainTable } = await import('../../reporters/table.ts');
  const held = situations.filter(({ holders }) => holders.length > 0);
  const rows = held.map(({ port, holders }) => [String(port), holders.map(({ text }) => text).join('; ')]);
  const table =
    rows.length === 0 ? '' : plainTable({ columns: [{ title: 'PORT', align: 'right' }, { title: 'HELD BY' }], rows });
  const free = situations.filter(({ holders }) => holders.length === 0).map(({ port }) => port);
  return `${table}${free.length} of ${situations.length} ports are free${free.length === 0 ? '' : `: ${inRuns(free)}`}.\n`;
}

/** `5440, 5443-5499`. */
function inRuns(sorted: readonly number[]): string {
  const runs: { first: number; last: number }[] = [];
  for (const port of sorted) {
    const run = runs.at(-1);
    if (run?.last === port - 1) run.last = port;
    else runs.push({ first: port, last: port });
  }
  return runs.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`)).join(', ');
}
