import type { Instance } from '../../../host/types.ts';
import {
  asideName,
  type Expectation,
  type Finding,
  type Plan,
  type ReadonlyHost,
  type Refusal,
  type Step,
} from '../../contract.ts';
import { dependantsOf } from './dependants.ts';
import { databasesQuery, type PortDetails, type PortExpected, restartPolicyOf } from './details.ts';
import type { PortSettings } from './settings.ts';

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
  const { running, startedAt } = container.state;
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
    return {
      type: 'refusal',
      reason: `${container.name} also publishes its server on ${unfit.hostPort === '' ? 'whatever port the engine chooses' : unfit.hostPort}.`,
      advice: 'Create it again with one port for each address.',
    };
  }
  const { id, name, image } = container;
  const aside = asideName(container);
  const policy = restartPolicyOf(container);
  const dependants = await dependantsOf(instance, details.port, port, host, settings);
  const unchanged: Expectation = {
    check: 'container',
    ref: id,
    running,
    name,
    image,
    ...(running ? { startedAt } : {}),
  };
  const alone: Expectation = { check: 'volume-unused', volumeKey: instance.volumeKey, except: running ? [id] : [] };
  const free = bindings.map(({ hostIp }): Expectation => ({ check: 'port-free', hostIp, port }));

  const steps: readonly Step[] = [
    { action: 'port.lease', params: { instance: instance.name, port }, expects: [unchanged, alone, ...free] },
    {
      action: 'container.update-restart-policy',
      params: { container: id, policy: { name: 'no', maximumRetryCount: 0 } },
      why: 'The old container must not come back beside the new one when the engine restarts.',
      expects: [unchanged],
    },
    {
      action: 'container.rename',
      params: { container: id, name: aside },
      why: 'It is kept, and the new one takes its name.',
    },
    {
      action: 'container.recreate',
      params: { from: id, name, edits: { ports: portsOf(bindings) } },
      why: running
        ? 'Made while the old one still runs, so that little time is lost.'
        : 'Docker cannot change the ports of a container.',
      expects: [{ check: 'container', ref: id, running, name: aside }],
    },
    ...(running ? [{ action: 'container.stop', params: { container: id }, expects: [alone] }] : []),
    {
      action: 'container.start',
      params: { container: name },
      // That nobody else runs on the data is asked by the start itself: twice would be time in which nobody answers.
      expects: [{ check: 'container', ref: id, running: false, name: aside }, ...free],
    },
    { action: 'container.update-restart-policy', params: { container: name, policy }, why: 'As it was.' },
    ...dependants.steps,
  ];
  return {
    type: 'plan',
    remediator: finding.remediator,
    finding,
    target: { instance: instance.name, container: id, volumes: [instance.volumeKey] },
    summary: `Move ${instance.name} from port ${details.port} to ${port}, on the same data.`,
    steps,
    cleanup: [{ action: 'port.bind', params: { instance: instance.name, port } }, ...stoppedAgain(details, name)],
    leftovers: [
      {
        object: `container ${aside}`,
        why: 'The old container, without its data: kept with its logs until nobody wants it back.',
        command: `docker rm ${aside}`,
      },
    ],
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
      restartPolicy: policy,
      same: false,
      systemIdentifier: identifier,
      databases: await databasesOf(instance, host),
    },
  };
}

/** One that somebody had stopped was only started to see that it can be. */
function stoppedAgain({ wanted }: PortDetails, container: string): readonly Step[] {
  return wanted
    ? []
    : [{ action: 'container.stop', params: { container }, why: 'Somebody had stopped it, and it stays so.' }];
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
