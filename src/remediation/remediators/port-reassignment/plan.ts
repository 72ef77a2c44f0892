import type { Instance } from '../../../host/instance.ts';
import type { Precondition, Finding, Plan, ReadonlyHost, Refusal, Step } from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { recordsToKeep, keptContainer, recreateSteps, restartPolicyOf, stoppedAgain } from '../../shared/recreate.ts';
import { controlFile } from '../../shared/server-settings.ts';
import { dependantsOf, describeHolder, type PortSurvey, surveyPorts } from './observe.ts';
import { refusalFor } from './refusals.ts';
import {
  databasesQuery,
  type PortDetails,
  type PortExpected,
  type PortSettings,
  portSettings,
  portsOf,
} from './types.ts';

/**
 * The ports of the range that the instance may be given: nobody else has a reason to hold one. A port that already is
 * the instance's own, by lease or declaration, comes first; then ascending. Whether they can be bound is another
 * question: `firstFree`. Pure.
 */
export function candidates(
  survey: PortSurvey,
  settings: PortSettings,
  instance: string,
  without?: number,
): readonly number[] {
  const open = portsOf(settings.range).filter(
    (port) => port !== without && survey.holders(port).every((holder) => holder.instance === instance),
  );
  const own = open.filter((port) => survey.holders(port).length > 0);
  return [...own, ...open.filter((port) => !own.includes(port))];
}

/** The first that can be bound and listened on, by every address that will be published. Undefined where none can. */
async function firstFree(
  host: ReadonlyHost,
  ports: readonly number[],
  addresses: readonly string[],
): Promise<number | undefined> {
  for (const port of ports) {
    const probes = await host.probes.portsFree(addresses.map((hostIp) => ({ hostIp, port })));
    if (probes.every(({ free }) => free)) return port;
  }
  return undefined;
}

export interface Move {
  readonly finding: Finding<PortDetails>;
  readonly instance: Instance;
  /** Of the data; null where there is none yet. */
  readonly identifier: string | null;
  readonly settings: PortSettings;
}

/**
 * The steps in the order that costs least (docs/engineering/recreating.md#order-of-steps): the new container is made
 * while the old one still runs, and only between its stop and the start of the new one nobody answers.
 */
async function moveTo(
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
  const { unchanged, alone } = recordsToKeep(instance);
  const free = bindings.map(({ hostIp }): Precondition => ({ check: 'port-free', hostIp, port }));

  const steps: readonly Step[] = [
    { action: 'port.lease', params: { instance: instance.name, port }, expects: [unchanged, alone, ...free] },
    ...recreateSteps({
      instance,
      edits: { ports: movingPortsOf(bindings) },
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

function movingPortsOf(
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

/** The port is free again: nothing is moved, only what the engine does not try a second time is done. */
function startAgain(finding: Finding<PortDetails>, instance: Instance, identifier: string | null): Plan<PortExpected> {
  const { id, name } = instance.container;
  const { port, bindings } = finding.details;
  const free = bindings
    .filter(({ hostPort }) => hostPort === String(port))
    .map(({ hostIp }): Precondition => ({ check: 'port-free', hostIp, port }));
  return {
    type: 'plan',
    remediator: finding.remediator,
    finding,
    target: { instance: instance.name, container: id, volumes: [instance.volumeKey] },
    summary: `Start ${instance.name}: its port ${port} is free again.`,
    steps: [
      {
        action: 'container.start',
        params: { container: id },
        expects: [
          { check: 'container', ref: id, running: false, name },
          { check: 'volume-unused', volumeKey: instance.volumeKey, except: [] },
          ...free,
        ],
      },
    ],
    cleanup: [],
    leftovers: [],
    risk: 'safe',
    downtime: { seconds: 0, why: `${instance.name} does not run as it is.` },
    unpredictable: [`Somebody may take port ${port} between the last look and the start: then it stays stopped.`],
    undo: 'The container is stopped again.',
    expected: {
      name,
      port,
      bindings,
      restartPolicy: restartPolicyOf(instance.container),
      same: true,
      systemIdentifier: identifier,
      databases: null,
    },
  };
}

/** Gives the instance a port that nobody else has a reason to hold, or says why no program should. */
export async function plan(finding: Finding<PortDetails>, host: ReadonlyHost): Promise<Plan<PortExpected> | Refusal> {
  const { details } = finding;
  const instance = await host.instance(finding.instance);
  if (instance === undefined || instance.container.id !== details.container) {
    return refusal(`${finding.instance} is another container by now.`, 'Detect again.');
  }
  const refused = await refusalFor(instance, details, host);
  if (refused !== undefined) return refused;
  const control = await controlFile(host, instance.container.id, instance.dataDirectory);
  const identifier = control?.systemIdentifier ?? null;
  if (identifier === null && hasRun(instance)) {
    return refusal(
      `${instance.container.name} has run before, and its data directory holds no cluster: a start would make an empty one.`,
      'Look for the data first: an empty mount in its place is the usual cause.',
    );
  }
  const settings = portSettings(host);
  if (details.trouble === 'free-again') return startAgain(finding, instance, identifier);
  const survey = await surveyPorts(host, settings);
  const open = candidates(survey, settings, instance.name, details.port);
  const addresses = [...new Set(details.bindings.map(({ hostIp }) => hostIp))];
  const port = await firstFree(host, open, addresses);
  if (port === undefined) {
    const { first, last } = settings.range;
    const holders = survey.holders(first).map(describeHolder).join(', ');
    return refusal(
      `No port of ${first}–${last} is free. ${first} is held by ${holders || 'a program outside Docker'}.`,
      '`problems ports` shows who holds each of them; give one back, or widen the range in the config.',
    );
  }
  return moveTo(port, { finding, instance, identifier, settings }, host);
}

function hasRun({ container }: Instance): boolean {
  return !container.state.startedAt.startsWith('0001-');
}
