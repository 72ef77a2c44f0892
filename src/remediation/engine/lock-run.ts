import { compareText } from '../../util/compare.ts';
import { runLabel } from '../../host/docker/shapes.ts';
import type { Container } from '../../host/docker/types.ts';
import { asideMarker, volumeKey } from '../../host/instances.ts';
import type { Host, RunContext, Step } from '../contract.ts';
import type { LockHolder, RunRecord } from '../store/store.ts';
import { notFound } from './not-found.ts';
import { changingHost, type EngineContext } from './session.ts';

const tokenLabel = 'problems.token';

/** A run whose locks this process holds. */
export interface RunningRun {
  readonly session: EngineContext;
  readonly id: string;
  readonly host: Host;
  readonly run: RunContext;
  /** The run as the journal has it now. Refused if someone else has changed it. */
  record(): Promise<RunRecord>;
  /** The steps, then the cleanup steps, indexed as in the journal. */
  steps(): Promise<readonly Step[]>;
  /** Ends the heartbeat; the locks stay with a run that is still open. */
  letGo(open: boolean): Promise<void>;
}

/** Runs this process is working on. The store cannot tell their locks from those of a run it left open earlier. */
const working = new Set<string>();

/** Whether this process is working on a run. */
export function isWorkedOn(id: string): boolean {
  return working.has(id);
}

/** Takes the run's locks and keeps them alive with a heartbeat, or returns who holds them. */
export async function withRunLock(session: EngineContext, id: string): Promise<RunningRun | LockHolder> {
  if (working.has(id)) return { volume: '', run: id, owner: session.identity, heartbeatAt: session.at() };
  working.add(id);
  let taken: RunningRun | LockHolder | undefined;
  try {
    taken = await take(session, id);
    return taken;
  } finally {
    if (taken === undefined || 'volume' in taken) working.delete(id);
  }
}

async function take(session: EngineContext, id: string): Promise<RunningRun | LockHolder> {
  const planned = await trustedRecord(session, id);
  const taken = await session.store.locks.take(
    id,
    lockKeys(planned.plan.target.volumes),
    session.identity,
    session.at(),
  );
  if (!taken.ok) return taken.holder;
  const { token } = taken;
  const run = { id, token, labels: { [runLabel]: id, [tokenLabel]: String(token) } };
  const timer = setInterval(() => {
    // A lost heartbeat shows at the next change, which checks the lock.
    session.store.locks.heartbeat(id, token, session.at()).catch(() => undefined);
  }, 5_000);
  timer.unref();
  return {
    session,
    id,
    run,
    host: changingHost(session, run),
    record: async () => trustedRecord(session, id),
    steps: async () => [...planned.plan.steps, ...planned.plan.cleanup],
    async letGo(open) {
      clearInterval(timer);
      working.delete(id);
      if (!open) await session.store.locks.release(id, token);
    },
  };
}

/** The run, to show it. */
export async function recordOf(session: EngineContext, id: string): Promise<RunRecord> {
  return (await session.store.runs.get(id)) ?? noRun(session, id);
}

/**
 * The run, to act on it.
 * @throws ProblemsError `state-untrusted`: someone else wrote or changed it.
 */
export async function trustedRecord(session: EngineContext, id: string): Promise<RunRecord> {
  return (await session.store.runs.trusted(id)) ?? noRun(session, id);
}

async function noRun({ store }: EngineContext, id: string): Promise<never> {
  const ids = (await store.runs.list()).map((run) => run.id);
  throw notFound(`There is no run ${id}.`, id, ids, '`problems runs` lists them.');
}

/** The volumes and their engine: one instance per engine at a time. Sorted, to avoid deadlocks. */
function lockKeys(volumes: readonly string[]): readonly string[] {
  const engines = volumes.map(engineOf).filter((id) => id !== undefined);
  return [...new Set([...engines.map((id) => `engine:${id}`), ...volumes])].sort(compareText);
}

/** The engine's id in a volume key of this program; undefined for any other key. */
export function engineOf(key: string): string | undefined {
  return /^(?:volume|bind|container):([^/]+)\//.exec(key)?.[1];
}

async function containersOn(active: RunningRun): Promise<readonly Container[]> {
  const { plan } = await active.record();
  const ours = plan.target.volumes.filter((key) => engineOf(key) !== undefined);
  if (ours.length === 0) return [];
  const { id } = await active.host.docker.info();
  return (await active.host.docker.containers()).filter((container) => ours.includes(volumeKey(id, container)));
}

/** A container on the same volume made by a run that is not in this state file: another project, or another machine. */
export async function foreignRun(active: RunningRun): Promise<string | undefined> {
  const since = active.session.now().getTime() - 15 * 60_000;
  for (const container of await containersOn(active)) {
    const run = container.labels[runLabel];
    if (run === undefined || Date.parse(container.created) < since) continue;
    if ((await active.session.store.runs.get(run)) === undefined)
      return `${container.name} was made by run ${run} of another state file`;
  }
  return undefined;
}

/** Runs first after a crash: two servers on one volume corrupt it. Stops the one that the run made. */
export async function stopSecondContainer(active: RunningRun): Promise<boolean> {
  const running = (await containersOn(active)).filter((container) => container.state.running);
  const [first, ...others] = running.sort((a, b) => rank(a, active.id) - rank(b, active.id));
  if (first === undefined || others.length === 0) return false;
  for (const container of others) await active.host.change.docker.stop(container.id, { timeoutSeconds: 120 });
  return true;
}

function rank(container: Container, run: string): number {
  if (container.labels[runLabel] === run) return 2;
  return container.name.includes(asideMarker) ? 1 : 0;
}
