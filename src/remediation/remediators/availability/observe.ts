import type { EngineEvent, LogLine } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import type { ReadonlyHost } from '../../contract.ts';
import { isRunning } from '../../shared/availability.ts';
import type { Missing, Observation } from './types.ts';

/** Enough for a failed start of the entrypoint and the server, and for the end of a long run. */
const lastLines = 100;

/** One instance: the end of its log if it is down, the answer to a query if it runs. */
export async function observe(
  instance: Instance,
  events: readonly EngineEvent[],
  host: ReadonlyHost,
): Promise<Observation> {
  const { container } = instance;
  const isUp = isRunning(instance) && container.state.status !== 'paused';
  const answer = isUp ? await host.sql.query(instance, 'SELECT 1', { timeoutMs: 5_000 }) : undefined;
  const needsLog = answer?.ok !== true && container.state.status !== 'paused' && container.state.status !== 'created';
  const log = needsLog ? await host.docker.logs(container.id, { tail: lastLines }).catch(() => []) : [];
  const since = container.state.startedAt;
  return {
    instance,
    firstStart: answer?.ok === true ? await firstStart(instance, host) : [],
    events: events.filter(({ actor }) => actor === container.id),
    log: log.filter(({ at }) => at === '' || at >= since.slice(0, 19)),
    answer,
  };
}

const day = 86_400_000;

/** An init script may have failed in it, which a later start does not say. */
async function firstStart({ container }: Instance, host: ReadonlyHost): Promise<readonly LogLine[]> {
  const created = Date.parse(container.created);
  const isAgain = Date.parse(container.state.startedAt) - created > 1_000 || (container.restarts ?? 0) > 0;
  if (!isAgain || !(Date.now() - created < day)) return [];
  return host.docker.logs(container.id, { tail: 2_000 }).catch(() => []);
}

/** Events of the last day; none if the engine does not tell. */
export async function recentEvents(host: ReadonlyHost): Promise<readonly EngineEvent[]> {
  const now = Date.now();
  const window = { since: new Date(now - day).toISOString(), until: new Date(now).toISOString() };
  return host.docker.events(window).catch(() => []);
}

/** Instances that must exist, but have no container. */
export async function missingInstances(host: ReadonlyHost): Promise<readonly Missing[]> {
  const [expected, present] = await Promise.all([host.expected(), host.instances({ all: true })]);
  return expected.filter(({ name }) => !present.some((instance) => instance.name === name));
}
