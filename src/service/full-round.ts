import {
  backupVerdicts,
  bindCall,
  detect,
  type Detected,
  fleet,
  type Fleet,
  type JudgedBackups,
  type KnownProblem,
  type Remediation,
} from '../app/remediation.ts';
import type { RemediationEvent } from '../remediation/events.ts';
import { clientsOf } from '../remediation/remediators/network-reconnect/clients.ts';
import { worldOf } from '../remediation/remediators/network-reconnect/observe.ts';
import { name as networkReconnect } from '../remediation/remediators/network-reconnect/detect.ts';
import { isAway } from './engines.ts';
import type { InstanceView } from './types.ts';

/** What one full round of one engine has seen. */
export interface FullRound {
  readonly detected: Detected;
  /** Undefined: its memory could not be measured. */
  readonly fleet: Fleet | undefined;
  readonly backups: JudgedBackups | undefined;
  /** By instance. */
  readonly clients: ReadonlyMap<string, InstanceView['clients']>;
}

/** A check of one instance that takes longer is skipped, and says so. */
const checkDeadlineMs = 120_000;

/** All checks of an engine together, so that one that hangs does not end the service's rounds. */
const roundDeadlineMs = 20 * 60_000;

/**
 * Runs every remediator on the instances that `opened` is for, then asks for memory, backups and clients. What fails beside
 * the checks does not end the round.
 * @throws ProblemsError `engine-unreachable`, `state-locked`, `state-unwritable`; what aborts `signal`.
 */
export async function fullRound(
  opened: Remediation,
  call: {
    readonly signal: AbortSignal;
    readonly problems: readonly KnownProblem[];
    readonly onEvent: (event: RemediationEvent) => void;
  },
): Promise<FullRound> {
  const { problems, onEvent } = call;
  const signal = AbortSignal.any([call.signal, AbortSignal.timeout(roundDeadlineMs)]);
  const remediation = bindCall(opened, { signal, problems, onEvent });
  const detected = await detect(remediation, { checkDeadlineMs });
  return {
    detected,
    fleet: await orNothing(fleet(remediation), signal),
    backups: await orNothing(backupVerdicts(remediation), signal),
    clients: (await orNothing(clientPaths(remediation, detected), signal)) ?? new Map(),
  };
}

async function orNothing<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result | undefined> {
  try {
    return await work;
  } catch (error) {
    if (signal.aborted || isAway(error)) throw error;
    return undefined;
  }
}

/**
 * GUIs and other clients of each instance, and whether the check from their own network found something. Clients whose check
 * was skipped are left out: nothing is known of them.
 */
async function clientPaths(
  { session: { reader } }: Remediation,
  { findings, notLookedAt, lookedAt }: Detected,
): Promise<ReadonlyMap<string, InstanceView['clients']>> {
  const paths = new Map<string, InstanceView['clients']>();
  for (const { container, instance } of clientsOf(await worldOf(reader))) {
    const checked = lookedAt.find((one) => one.instance === instance.name);
    const skipped = notLookedAt.some((one) => one.remediator === networkReconnect && one.instance === instance.name);
    if (checked === undefined || skipped) continue;
    const found = findings.find(
      ({ remediator, instance: named, details }) =>
        remediator === networkReconnect && named === instance.name && clientOf(details) === container.id,
    );
    const known = paths.get(instance.name) ?? [];
    if (known.some(({ client }) => client === container.name)) continue;
    paths.set(instance.name, [
      ...known,
      { client: container.name, reachable: found === undefined, reason: found?.summary ?? null },
    ]);
  }
  return paths;
}

/** The id of the client's container in the details of a finding. */
function clientOf(details: unknown): unknown {
  return typeof details === 'object' && details !== null && 'client' in details ? details.client : undefined;
}
