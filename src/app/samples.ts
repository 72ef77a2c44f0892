import { ProblemsError } from '../errors.ts';
import type { Container } from '../host/docker/types.ts';
import type { Batch, History } from '../learning/types.ts';
import { startFailure } from '../remediation/remediators/port-reassignment/index.ts';
import type { Creation, Reading, SampledDay, Store } from '../remediation/store/store.ts';

/** A first start that comes later may be a restart. */
const startsWithinMs = 3_600_000;
/** Creations with less between them belong to one batch. */
const sameBatchMs = 15 * 60_000;
const minuteMs = 60_000;

/**
 * Notes what a check of the fleet has seen. Returns why it could not, as a sentence; undefined if it did. A state file that
 * cannot be written does not end the check.
 */
export async function noteSamples(
  store: Store,
  engine: string,
  seen: { readonly readings: readonly Reading[]; readonly creations: readonly Creation[]; readonly at: string },
): Promise<string | undefined> {
  try {
    await store.samples(engine).note(seen);
    return undefined;
  } catch (error) {
    if (error instanceof ProblemsError && error.code.startsWith('state-')) return error.message;
    throw error;
  }
}

/** How an instance's container came to be, from what the engine tells of it now. */
export function creationOf(instance: string, container: Container, others: number): Creation {
  const { id, created, state, portBindings } = container;
  const failure = state.running ? undefined : startFailure(state.error);
  const conflict = failure !== undefined && failure.reason !== 'address-missing';
  // The engine writes year 1 if it never started.
  const hasStarted = state.running || Date.parse(state.startedAt) > 0;
  const failed = !hasStarted && state.error !== '';
  const afterMs = Date.parse(state.startedAt) - Date.parse(created);
  return {
    instance,
    container: id,
    createdAt: created,
    startedAt: afterMs >= 0 && afterMs <= startsWithinMs ? state.startedAt : null,
    explicitPort: portBindings.some(({ hostPort }) => /^\d+$/.test(hostPort)),
    conflict,
    result: conflict || failed ? 'failed' : hasStarted ? 'started' : 'waiting',
    instances: others,
  };
}

/** Creations that came shortly after each other, as one batch. Those that have neither started nor failed do not count. */
export function batchesOf(
  creations: readonly Creation[],
): readonly { readonly batch: Batch; readonly conflict: boolean; readonly at: string }[] {
  const groups: Creation[][] = [];
  for (const creation of creations) {
    if (creation.result === 'waiting' || Number.isNaN(Date.parse(creation.createdAt))) continue;
    const last = groups.at(-1);
    const before = last?.at(-1);
    if (before !== undefined && Date.parse(creation.createdAt) - Date.parse(before.createdAt) <= sameBatchMs)
      last?.push(creation);
    else groups.push([creation]);
  }
  return groups.map((group) => ({
    batch: batchOf(group),
    conflict: group.some(({ conflict }) => conflict),
    at: group[0]?.createdAt ?? '',
  }));
}

function batchOf(group: readonly Creation[]): Batch {
  const times = group.map(({ createdAt }) => Date.parse(createdAt));
  const [first = 0] = times;
  const starts = group.flatMap(({ createdAt, startedAt }) =>
    startedAt === null ? [] : [(Date.parse(startedAt) - Date.parse(createdAt)) / minuteMs],
  );
  return {
    id: group[0]?.container ?? '',
    hour: new Date(first).getUTCHours(),
    size: group.length,
    gapMinutes: group.length === 1 ? 0 : ((times.at(-1) ?? first) - first) / minuteMs / (group.length - 1),
    startMinutes: starts.length === 0 ? 0.1 : starts.reduce((sum, one) => sum + one, 0) / starts.length,
    explicitPorts: group.filter(({ explicitPort }) => explicitPort).length / group.length,
    instances: group[0]?.instances ?? 0,
  };
}

/** How much memory each instance needed, by its name, with the limit that it has now. */
export function historiesOf(
  days: readonly SampledDay[],
  present: readonly { readonly instance: string; readonly limit: number }[],
): readonly History[] {
  return present.map(({ instance, limit }) => ({
    name: instance,
    template: limit,
    limit,
    days: days
      .filter((day) => day.instance === instance)
      .map((day) => ({ peak: day.memory, killed: day.killed, limit: day.limit })),
  }));
}
