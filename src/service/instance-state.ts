import type { Skipped } from '../remediation/contract.ts';
import { intervalMs } from './scheduler.ts';
import type { InstanceSample, InstanceStatus, InstanceView, UncheckedInstance } from './types.ts';
import type { ContainerFacts, Look } from './light-look.ts';

/** How looks become the state of an instance. Pure: the time is a parameter. */

/** An instance of which only the name is known. */
export function unseen(engine: string, instance: string, at: string): InstanceView {
  return {
    engine,
    instance,
    status: 'unknown',
    reason: 'It was not checked yet.',
    since: at,
    checkedAt: null,
    fullyCheckedAt: null,
    container: null,
    image: null,
    serverVersion: null,
    address: null,
    memory: { usage: null, limit: null, worstCase: null },
    connections: null,
    databaseBytes: null,
    checksumFailures: null,
    restarts: 0,
    oomKills: 0,
    suspended: null,
    notLookedAt: [],
    clients: [],
    backups: null,
  };
}

/**
 * After a look. What a silent server last said of itself, such as its version, is kept; what it uses is not.
 * @param before The container at the look before, for the count of restarts; undefined before the first.
 */
export function afterLook(
  view: InstanceView,
  look: Look,
  before: ContainerFacts | undefined,
  at: string,
): InstanceView {
  const { container } = look;
  return {
    ...withStatus(view, look.status, look.reason, at),
    checkedAt: at,
    container: container?.name ?? null,
    image: container?.image ?? view.image,
    address: container?.address ?? null,
    serverVersion: look.serverVersion ?? view.serverVersion,
    memory: {
      usage: look.memory?.usage ?? null,
      limit: container?.memory ?? null,
      worstCase: view.memory.worstCase,
    },
    connections: look.connections,
    databaseBytes: look.databaseBytes ?? view.databaseBytes,
    checksumFailures: look.checksumFailures,
    restarts: view.restarts + restartsSince(before, container),
    suspended: look.suspended,
  };
}

/** A start by the engine or by hand, of the same container or of another one in its place. */
function restartsSince(before: ContainerFacts | undefined, now: ContainerFacts | null): number {
  if (before === undefined || now === null || before.startedAt === now.startedAt) return 0;
  // Year 1: it was created and not started yet.
  if (Date.parse(now.startedAt) <= 0 || Date.parse(before.startedAt) <= 0) return 0;
  return before.id === now.id ? Math.max(1, now.restarts - before.restarts) : 1;
}

/** The engine did not answer, so nothing is known of it. */
export function afterSilence(view: InstanceView, reason: string, at: string): InstanceView {
  return withStatus(view, 'unknown', reason, at);
}

function withStatus(view: InstanceView, status: InstanceStatus, reason: string | null, at: string): InstanceView {
  return { ...view, status, reason, since: view.status === status ? view.since : at };
}

/** As it is to be told now: a status that is older than `staleAfterMs` says nothing any more. */
export function asOf(view: InstanceView, now: Date, staleAfterMs: number): InstanceView {
  if (view.checkedAt === null || view.status === 'unknown') return view;
  const ageMs = now.getTime() - Date.parse(view.checkedAt);
  if (ageMs <= staleAfterMs) return view;
  const since = new Date(Date.parse(view.checkedAt) + staleAfterMs).toISOString();
  return { ...view, status: 'unknown', reason: `It was not checked since ${view.checkedAt}.`, since };
}

/** The checks that could not run and may run another time: an instance that has any was not checked in full. */
export function missedChecks({ notLookedAt }: Pick<InstanceView, 'notLookedAt'>): readonly Skipped[] {
  return notLookedAt.filter(({ lasting }) => lasting !== true);
}

/** A full round that is older says nothing of now: three times its interval, at least a quarter of an hour. */
export function roundLimitMs(schedule: string): number {
  return Math.max(3 * (intervalMs(schedule) ?? 0), 900_000);
}

/** The instances that no full round has checked completely of late. @param schedule Of full rounds. */
export function uncheckedInstances(
  instances: readonly InstanceView[],
  schedule: string,
  now: Date,
): readonly UncheckedInstance[] {
  return instances.flatMap((view) => {
    const reason = whyUnchecked(view, roundLimitMs(schedule), now);
    return reason === undefined ? [] : [{ engine: view.engine, instance: view.instance, reason }];
  });
}

function whyUnchecked(view: InstanceView, limitMs: number, now: Date): string | undefined {
  const { fullyCheckedAt } = view;
  const [missed] = missedChecks(view);
  if (missed !== undefined) return `${missed.remediator} could not check it: ${missed.reason}`;
  if (fullyCheckedAt === null) return 'No full round has checked it completely yet.';
  // A round may have been of other instances only.
  const ageMs = now.getTime() - Date.parse(fullyCheckedAt);
  return ageMs > limitMs ? `It was not checked completely since ${fullyCheckedAt}.` : undefined;
}

/** @param findings Open ones; null before the first full round. */
export function sampleOf(view: InstanceView, findings: number | null, at: string): InstanceSample {
  return {
    at,
    status: view.status,
    memoryUsage: view.memory.usage,
    memoryLimit: view.memory.limit,
    memoryWorstCase: view.memory.worstCase,
    connections: view.connections?.used ?? null,
    connectionsLimit: view.connections?.limit ?? null,
    databaseBytes: view.databaseBytes,
    findings,
  };
}
