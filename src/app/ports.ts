import { ProblemsError } from '../errors.ts';
import type { PortLease } from '../remediation/contract.ts';
import type { Remediation } from './open-remediation.ts';
import {
  candidates,
  describeHolder,
  type PortHolder,
  portSettings,
  portsOf,
  type PortSurvey,
  surveyPorts,
} from '../remediation/remediators/port-reassignment/index.ts';
import type { Leases } from '../remediation/store/store.ts';

export interface LeaseRequest {
  readonly instance: string;
  /** How long the lease lasts while no container declares the port. */
  readonly ttlMs: number;
}

/**
 * Leases a port that is free and can be bound, atomically among all processes on this state file, for scripts that create
 * an instance. An instance that already has a lease gets the same port again. Undefined if the range has no free port.
 * @throws ProblemsError `bad-usage`: invalid instance name.
 */
export async function leasePort(
  { session: { reader, store } }: Remediation,
  { instance, ttlMs }: LeaseRequest,
): Promise<PortLease | undefined> {
  if (!/^[a-zA-Z0-9_-]{1,50}$/.test(instance)) {
    throw new ProblemsError('bad-usage', `Invalid instance name "${instance}".`, {
      hint: 'Use letters, digits, _ and -, at most 50 characters.',
    });
  }
  const settings = portSettings(reader);
  const survey = await surveyPorts(reader, settings);
  const leases = store.leases(survey.engine);
  await settleLeases(survey, leases);
  const unusable = new Set<number>();
  for (;;) {
    const ports = candidates(survey, settings, instance).filter((port) => !unusable.has(port));
    const lease = await leases.take({ instance, ports, ttlMs });
    if (lease === undefined || isPublished(survey, lease)) return lease;
    const [probe] = await reader.probes.portsFree([{ hostIp: '', port: lease.port }]);
    if (probe?.free === true) return lease;
    // A program outside Docker is listening there.
    unusable.add(lease.port);
    await leases.release(lease.port, instance);
  }
}

/** One port of the range, and who holds it, as text. No holder: it is free. */
export interface PortSituation {
  readonly port: number;
  readonly holders: readonly {
    readonly type: PortHolder['type'] | 'listener';
    readonly name: string;
    readonly state: string;
    readonly text: string;
  }[];
}

/** Who holds each port of the range. First updates the leases from the containers; changes nothing else. */
export async function listPorts({ session: { reader, store } }: Remediation): Promise<readonly PortSituation[]> {
  const settings = portSettings(reader);
  const seen = await surveyPorts(reader, settings);
  const changed = await settleLeases(seen, store.leases(seen.engine));
  const survey = changed ? await surveyPorts(reader, settings) : seen;
  const ports = portsOf(settings.range).map((port) => ({ port, holders: survey.holders(port).map(situationOf) }));
  // The listener on the port of a running container is already listed as that container.
  const unheld = ports
    .filter(({ holders }) => holders.every(({ state }) => state !== 'running'))
    .map(({ port }) => ({ hostIp: '', port }));
  const refused = new Map(
    (await reader.probes.portsFree(unheld)).filter(({ free }) => !free).map(({ port, reason }) => [port, reason]),
  );
  return ports.map(({ port, holders }) => {
    const reason = refused.get(port);
    return { port, holders: reason === undefined ? holders : [...holders, listener(reason)] };
  });
}

function situationOf(holder: PortHolder): PortSituation['holders'][number] {
  const { type, name, state } = holder;
  return { type, name, state, text: describeHolder(holder) };
}

function listener(reason: string): PortSituation['holders'][number] {
  const name = 'a program outside Docker';
  return { type: 'listener', name, state: reason, text: `${name} (${reason})` };
}

/**
 * A reservation whose container was created becomes bound, so that a stopped instance keeps its port. A bound lease ends
 * when its instance has neither a container nor an `instance.conf`. See docs/engineering/ports.md#leases.
 */
async function settleLeases(survey: PortSurvey, leases: Leases): Promise<boolean> {
  let changed = false;
  for (const lease of survey.leases) {
    const containers = survey.holders(lease.port).filter(({ type }) => type === 'container');
    const isMade = containers.some(({ instance }) => instance === lease.instance);
    const isGone =
      containers.length === 0 &&
      !survey.declared.has(lease.instance) &&
      survey.instances.every(({ name }) => name !== lease.instance);
    if (lease.state === 'reserved' && isMade) await bindUnlessGone(leases, lease);
    else if (lease.state === 'bound' && isGone) await leases.release(lease.port, lease.instance);
    else continue;
    changed = true;
  }
  return changed;
}

async function bindUnlessGone(leases: Leases, { port, instance }: PortLease): Promise<void> {
  try {
    await leases.bind(port, instance);
  } catch (error) {
    // It has expired or was released in the meantime.
    if (!(error instanceof ProblemsError && error.code === 'step-refused')) throw error;
  }
}

/** Its own container publishes the port, so it is expected that it cannot be bound. */
function isPublished(survey: PortSurvey, { port, instance }: PortLease): boolean {
  return survey.holders(port).some((holder) => holder.type === 'container' && holder.instance === instance);
}
