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
import type { PortDetails, PortExpected } from './details.ts';
import { candidates, firstFree } from './free-port.ts';
import { describeHolder, surveyPorts } from './holders.ts';
import { refusalFor } from './refusals.ts';
import { type PortSettings, portSettings } from './settings.ts';
import { systemIdentifier } from './system-identifier.ts';

type PortFinding = Finding<PortDetails>;

/** Gives the instance a port that nobody else has a reason to hold, or says why no program should. */
export async function plan(finding: PortFinding, host: ReadonlyHost): Promise<Plan<PortExpected> | Refusal> {
  const { details } = finding;
  const instance = await host.instance(finding.instance);
  if (instance === undefined || instance.container.id !== details.container) {
    return { type: 'refusal', reason: `${finding.instance} is another container by now.`, advice: 'Detect again.' };
  }
  const refused = await refusalFor(instance, details, host);
  if (refused !== undefined) return refused;
  const identifier = await systemIdentifier(instance, host);
  if (identifier === undefined && hasRun(instance)) {
    return {
      type: 'refusal',
      reason: `${instance.container.name} has run before, and its data directory holds no cluster: a start would make an empty one.`,
      advice: 'Look for the data first: an empty mount in its place is the usual cause.',
    };
  }
  const settings = portSettings(host);
  if (details.trouble === 'free-again') return startAgain(finding, instance, identifier ?? null);
  const survey = await surveyPorts(host, settings);
  const open = candidates(survey, settings, instance.name, details.port);
  const addresses = [...new Set(details.bindings.map(({ hostIp }) => hostIp))];
  const port = await firstFree(host, open, addresses);
  if (port === undefined) {
    const { first, last } = settings.range;
    const holders = survey.holders(first).map(describeHolder).join(', ');
    return {
      type: 'refusal',
      reason: `No port of ${first}–${last} is free. ${first} is held by ${holders || 'a program outside Docker'}.`,
      advice: '`problems ports` shows who holds each of them; give one back, or widen the range in the config.',
    };
  }
  return moveTo(port, finding, instance, identifier ?? null, host, settings);
}

async function moveTo(
  port: number,
  finding: PortFinding,
  instance: Instance,
  identifier: string | null,
  host: ReadonlyHost,
  settings: PortSettings,
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
  const policy = {
    name: restartPolicyName(container.restartPolicy.name),
    maximumRetryCount: container.restartPolicy.maximumRetryCount,
  };
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
      expects: [
        { check: 'container', ref: id, running: false, name: aside },
        { check: 'volume-unused', volumeKey: instance.volumeKey, except: [] },
        ...free,
      ],
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

/** The port is free again: nothing is moved, only what the engine does not try a second time is done. */
function startAgain(finding: PortFinding, instance: Instance, identifier: string | null): Plan<PortExpected> {
  const { id, name, restartPolicy } = instance.container;
  const { port, bindings } = finding.details;
  const free = bindings
    .filter(({ hostPort }) => hostPort === String(port))
    .map(({ hostIp }): Expectation => ({ check: 'port-free', hostIp, port }));
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
      restartPolicy: {
        name: restartPolicyName(restartPolicy.name),
        maximumRetryCount: restartPolicy.maximumRetryCount,
      },
      same: true,
      systemIdentifier: identifier,
      databases: null,
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

export const databasesQuery = 'SELECT datname FROM pg_catalog.pg_database ORDER BY datname COLLATE "C"';

function restartPolicyName(policy: string): string {
  return policy === '' ? 'no' : policy;
}

function hasRun({ container }: Instance): boolean {
  return !container.state.startedAt.startsWith('0001-');
}
