import { editPort } from '../../../compose/ports.ts';
import { serviceOf, statedFiles } from '../../../compose/project.ts';
import type { Instance } from '../../../host/instance.ts';
import type { Precondition, Finding, Plan, ReadonlyHost, Refusal, Step } from '../../contract.ts';
import { isInCompose, planComposeChange, type PlannedComposeChange } from '../../shared/compose.ts';
import { planOn, refusal } from '../../shared/for-each-instance.ts';
import { recordsToKeep, keptContainer, recreateSteps, restartPolicyOf, stoppedAgain } from '../../shared/recreate.ts';
import { controlFile } from '../../shared/server-settings.ts';
import { type Dependants, dependantsOf, describeHolder, type PortSurvey, surveyPorts } from './observe.ts';
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
 * Ports of the range that no one else holds. A port that is already the instance's own, by lease or declaration, comes
 * first; then ascending. `firstFree` checks whether they can be bound. Pure.
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

/** The first port that can be bound on every address that will be published; undefined if there is none. */
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
  /** The system identifier; null if there is no data yet. */
  readonly identifier: string | null;
  readonly settings: PortSettings;
}

/**
 * The steps in the order with the least downtime (docs/engineering/recreating.md#order-of-steps): the new container is
 * created while the old one is still running.
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
      `${container.name} also publishes its server on ${unfit.hostPort === '' ? 'a port that the engine chooses' : unfit.hostPort}.`,
      'Recreate it with one port for each address.',
    );
  }
  const { name } = container;
  const dependants = await dependantsOf(instance, details.port, port, host, settings);
  const { unchanged, alone } = recordsToKeep(instance);
  const free = bindings.map(({ hostIp }): Precondition => ({ check: 'port-free', hostIp, port }));
  const inCompose = isInCompose(container)
    ? await portInCompose({ instance, details, port, dependants, expects: [unchanged, alone, ...free] }, host)
    : undefined;
  if (inCompose?.type === 'refusal') return inCompose;
  const steps: readonly Step[] = [
    { action: 'port.lease', params: { instance: instance.name, port }, expects: [unchanged, alone, ...free] },
    ...(inCompose === undefined
      ? recreateSteps({
          instance,
          edits: { ports: movingPortsOf(bindings) },
          why: 'Docker cannot change the ports of an existing container.',
          startExpects: free,
        })
      : [inCompose.step]),
    ...dependants.steps.filter(({ path }) => path !== inCompose?.path).map(({ step }) => step),
  ];
  return {
    ...planOn(finding, instance),
    summary: `Move ${instance.name} from port ${details.port} to ${port}, on the same data.`,
    done: `${instance.name} moved from port ${details.port} to ${port}`,
    steps,
    cleanup: [
      { action: 'port.bind', params: { instance: instance.name, port } },
      ...(details.wanted ? [] : [stoppedAgain(name)]),
    ],
    leftovers: inCompose === undefined ? [keptContainer(container)] : [],
    risk: running ? 'restart' : 'safe',
    downtime: running
      ? { seconds: 2, why: 'PostgreSQL restarts, as with a restart of the container.' }
      : { seconds: 0, why: `${instance.name} is already down.` },
    unpredictable: [
      `A program outside Docker may take port ${port} before the start; then the run is rolled back.`,
      `Programs that do not get port ${details.port} from files of the project must be changed to ${port}.`,
      ...dependants.notes.filter(({ path }) => path !== inCompose?.path).map(({ text }) => text),
      ...(inCompose?.notes ?? []),
    ],
    undo:
      inCompose === undefined
        ? `The new container is removed without its volumes, and the old one gets back its name, restart policy and port ${details.port}${
            running ? ' and is started' : ''
          }; the files are restored.`
        : `The files are restored, and Compose creates the container as they say, on port ${details.port}${running ? ' and running' : ', stopped'}.`,
    expected: {
      name,
      port,
      bindings,
      restartPolicy: restartPolicyOf(container),
      same: false,
      ...(inCompose === undefined ? {} : { composeHash: inCompose.hash }),
      systemIdentifier: identifier,
      databases: await databasesOf(instance, host),
    },
  };
}

interface PortInCompose {
  readonly instance: Instance;
  readonly details: PortDetails;
  readonly port: number;
  readonly dependants: Dependants;
  readonly expects: readonly Precondition[];
}

/** The same move in the files of the instance's Compose project. */
async function portInCompose(
  { instance, details, port, dependants, expects }: PortInCompose,
  host: ReadonlyHost,
): Promise<PlannedComposeChange | Refusal> {
  const [from, ...others] = details.bindings;
  if (from === undefined || others.length > 0)
    return refusal(
      `${instance.container.name} belongs to a Compose project and publishes port ${details.port} on ${details.bindings.length} addresses.`,
      `Change ${details.port} to ${port} for each of them in ${statedFiles(instance.container.labels)}, then run: docker compose up -d`,
    );
  return planComposeChange(
    {
      ...instance,
      key: 'ports',
      edit: (sources) => editPort(sources, serviceOf(instance.container.labels)?.service ?? '', { from, to: port }),
      alsoIn: (path) => dependants.steps.find((one) => one.path === path)?.edits ?? [],
      inWords: `change port ${details.port} of ${instance.name} to ${port}`,
      why: 'Compose creates the container from its files, so the port is changed there.',
      expects,
    },
    host,
  );
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

/** The port is free again: only starts the container, since the engine does not retry. */
function startAgain(finding: Finding<PortDetails>, instance: Instance, identifier: string | null): Plan<PortExpected> {
  const { id, name } = instance.container;
  const { port, bindings } = finding.details;
  const free = bindings
    .filter(({ hostPort }) => hostPort === String(port))
    .map(({ hostIp }): Precondition => ({ check: 'port-free', hostIp, port }));
  return {
    ...planOn(finding, instance),
    summary: `Start ${instance.name}: its port ${port} is free again.`,
    done: `${instance.name} started on port ${port}`,
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
    risk: 'safe',
    downtime: { seconds: 0, why: `${instance.name} is already down.` },
    unpredictable: [`Another program may take port ${port} before the start; then it stays stopped.`],
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

/** Moves the instance to a port that no one else holds, or refuses. */
export async function plan(finding: Finding<PortDetails>, host: ReadonlyHost): Promise<Plan<PortExpected> | Refusal> {
  const { details } = finding;
  const instance = await host.instance(finding.instance);
  if (instance === undefined || instance.container.id !== details.container) {
    return refusal(`${finding.instance} has been recreated since it was checked.`, 'Run `problems detect` again.');
  }
  const refused = await refusalFor(instance, details, host);
  if (refused !== undefined) return refused;
  const control = await controlFile(host, instance.container.id, instance.dataDirectory);
  const identifier = control?.systemIdentifier ?? null;
  if (identifier === null && hasRun(instance)) {
    return refusal(
      `${instance.container.name} has run before, but its data directory has no cluster: a start would create an empty one.`,
      'Find the data first; the usual cause is an empty mount.',
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
      `No port of ${first}–${last} is free. ${first} is in use by ${holders || 'a program outside Docker'}.`,
      '`problems ports` shows who holds each of them. Release one, or widen the range in the config.',
    );
  }
  return moveTo(port, { finding, instance, identifier, settings }, host);
}

function hasRun({ container }: Instance): boolean {
  return !container.state.startedAt.startsWith('0001-');
}
