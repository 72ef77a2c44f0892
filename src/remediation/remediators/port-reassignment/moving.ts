import type { Instance } from '../../../host/instance.ts';
import type { Expectation, Finding, Plan, ReadonlyHost, Refusal, Step } from '../../contract.ts';
import { refusal } from '../../instances/refusal.ts';
import { beforehand, keptContainer, recreateSteps, restartPolicyOf, stoppedAgain } from '../../shared/recreate.ts';
import { dependantsOf } from './dependants.ts';
import type { PortSettings } from './settings.ts';
import { databasesQuery, type PortDetails, type PortExpected } from './types.ts';

export interface Move {
  readonly finding: Finding<PortDetails>;
  readonly instance: Instance;
  /** Of the data; null where there is none yet. */
  readonly identifier: string | null;
  readonly settings: PortSettings;
}

/**
 * The steps in the order that costs least (TESTBED §3): the new container is made while the old one still runs, and only
 * between its stop and the start of the new one nobody answers.
 */
export async function moveTo(
  port: number,
  { finding, instance, identifier, settings }: Move,
  host: ReadonlyHost,
): Promise<Plan<PortExpected> | Refusal> {
  const { container } = instance;
  const { details } = finding;
  const { running } = container.state;
  const moved = new Set(details.bindings.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`));
  const bindings = container.portBindings
    .filter(({ containerPort, protocol }) => moved.has(`${containerPort}/${protocol}`))
    .map(({ containerPort, protocol, hostIp, hostPort }) => {
      const isMoved = details.bindings.some(
        (one) => one.hostIp === hostIp && one.hostPort === hostPort && one.containerPort === containerPort,
      );
      return { containerPort, protocol, hostIp, hostPort: isMoved ? String(port) : hostPort };
    });
  const unfit = bindings.find(({ hostPort }) => !/^\d+$/.test(hostPort));
  if (unfit !== undefined) {
    return refusal(
      `${container.name} also publishes its server on ${unfit.hostPort === '' ? 'whatever port the engine chooses' : unfit.hostPort}.`,
      'Create it again with one port for each address.',
    );
  }
  const { id, name } = container;
  const dependants = await dependantsOf(instance, details.port, port, host, settings);
  const { unchanged, alone } = beforehand(instance);
  const free = bindings.map(({ hostIp }): Expectation => ({ check: 'port-free', hostIp, port }));

  const steps: readonly Step[] = [
    { action: 'port.lease', params: { instance: instance.name, port }, expects: [unchanged, alone, ...free] },
    ...recreateSteps({
      instance,
      edits: { ports: portsOf(bindings) },
      why: 'Docker cannot change the ports of a container.',
      startExpects: free,
    }),
    ...dependants.steps,
  ];
  return {
    type: 'plan',
    remediator: finding.remediator,
    finding,
    target: { instance: instance.name, container: id, volumes: [instance.volumeKey] },
    summary: `Move ${instance.name} from port ${details.port} to ${port}, on the same data.`,
    steps,
    cleanup: [
      { action: 'port.bind', params: { instance: instance.name, port } },
      ...(details.wanted ? [] : [stoppedAgain(name)]),
    ],
    leftovers: [keptContainer(container)],
    risk: running ? 'restart' : 'safe',
    downtime: running
      ? { seconds: 2, why: 'PostgreSQL shuts down and starts again, as with a restart of the container.' }
      : { seconds: 0, why: `${instance.name} does not run as it is.` },
    unpredictable: [
      `Somebody outside Docker may take port ${port} between the last look and the start: then everything is put back.`,
      `Programs that were told port ${details.port} in other ways than by files of the project must be told ${port}.`,
      ...dependants.notes,
    ],
    undo: `The new container is removed without its volumes and the old one gets its name, its restart policy and port ${details.port} back${
      running ? ' and is started' : ''
    }; the files are as they were.`,
    expected: {
      name,
      port,
      bindings,
      restartPolicy: restartPolicyOf(container),
      same: false,
      systemIdentifier: identifier,
      databases: await databasesOf(instance, host),
    },
  };
}

function portsOf(
  bindings: PortExpected['bindings'],
): Readonly<Record<string, readonly { readonly hostIp: string; readonly hostPort: string }[]>> {
  const ports: Record<string, { readonly hostIp: string; readonly hostPort: string }[]> = {};
  for (const { containerPort, protocol, hostIp, hostPort } of bindings) {
    (ports[`${containerPort}/${protocol}`] ??= []).push({ hostIp, hostPort });
  }
  return ports;
}

async function databasesOf(instance: Instance, host: ReadonlyHost): Promise<string[] | null> {
  if (!instance.container.state.running) return null;
  const answer = await host.sql.query(instance, databasesQuery);
  return answer.ok ? answer.rows.map((row) => row['datname'] ?? '') : null;
}
