import { existsSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { asOf, roundLimitMs, uncheckedInstances } from './instance-state.ts';
import { serviceFile } from './service-file.ts';
import { serviceSettings } from './settings.ts';
import { openServiceStore, type ServiceFile } from './store/store.ts';
import type { EngineView, InstanceView, JobView, RoundView, TrackedFinding } from './types.ts';

/**
 * What the service last saw, as of now. `healthy`: every instance answers, and the last full round checked all of them and found
 * nothing. `problems`: an instance is down, something was found, or there is no instance. `unknown`: no service runs, or
 * something could not be checked or was not checked lately.
 */
export interface ServiceStatus {
  readonly schemaVersion: 1;
  readonly at: string;
  readonly verdict: 'healthy' | 'problems' | 'unknown';
  /** Why, as one sentence. */
  readonly reason: string;
  /** The process that looks; null if none runs. */
  readonly service: { readonly pid: number; readonly startedAt: string; readonly address: string | null } | null;
  readonly engines: readonly EngineView[];
  readonly instances: readonly InstanceView[];
  /** Open ones. */
  readonly findings: readonly TrackedFinding[];
  readonly jobs: readonly JobView[];
  readonly lastRound: RoundView | null;
  readonly lastLookAt: string | null;
  /** How many runs wait for an approval, and how many are stuck. */
  readonly runs: { readonly waiting: number; readonly stuck: number };
}

/**
 * Reads service.db, whether or not the service runs; asks no instance.
 * @throws ProblemsError `state-damaged`, `state-locked`, `state-untrusted`, `state-unwritable`, `bad-config`.
 */
export async function readStatus(config: Config, now: Date): Promise<ServiceStatus> {
  const file = await serviceFile(config);
  if (!existsSync(file)) return judged(emptyStatus(now), serviceSettings(config).rounds, now);
  const store = await openServiceStore(file);
  try {
    return judged(await statusIn(store, now), serviceSettings(config).rounds, now);
  } finally {
    store.close();
  }
}

type Seen = Omit<ServiceStatus, 'verdict' | 'reason'>;

function emptyStatus(now: Date): Seen {
  return {
    schemaVersion: 1,
    at: now.toISOString(),
    service: null,
    engines: [],
    instances: [],
    findings: [],
    jobs: [],
    lastRound: null,
    lastLookAt: null,
    runs: { waiting: 0, stuck: 0 },
  };
}

async function statusIn(store: ServiceFile, now: Date): Promise<Seen> {
  const owner = await store.lock.holder(now);
  const jobs = store.jobs.list();
  const staleAfterMs = 3_000 * (owner?.lookSeconds ?? 30) + 15_000;
  return {
    ...emptyStatus(now),
    service: owner === undefined ? null : { pid: owner.pid, startedAt: owner.startedAt, address: owner.address },
    engines: store.engines.list(),
    instances: store.instances.list().map((view) => asOf(view, now, staleAfterMs)),
    findings: store.findings.list({ state: 'open', limit: 1_000 }),
    jobs,
    lastRound: store.rounds.list(1)[0] ?? null,
    lastLookAt: jobs.find(({ name }) => name === 'light-look')?.lastEndedAt ?? null,
    runs: { waiting: store.counters.get('runs-waiting'), stuck: store.counters.get('runs-stuck') },
  };
}

/** The verdict of what was seen. What is not known weighs more than what was found, since that may be over. Pure. */
export function judged(seen: Seen, rounds: string, now: Date): ServiceStatus {
  const { service, instances, findings, lastRound, runs } = seen;
  const named = (status: InstanceView['status']): string =>
    instances
      .filter((view) => view.status === status)
      .map(({ instance }) => instance)
      .join(', ');
  function verdict(of: ServiceStatus['verdict'], reason: string): ServiceStatus {
    return { ...seen, verdict: of, reason };
  }
  if (service === null)
    return verdict('unknown', 'No service runs, so nothing is known of now. Start it with: problems serve');
  const down = named('down');
  if (down !== '') return verdict('problems', `Down: ${down}.`);
  const unknown = named('unknown');
  if (unknown !== '') return verdict('unknown', `Not known: ${unknown}.`);
  if (lastRound?.endedAt === null || lastRound === null) return verdict('unknown', 'No full round has ended yet.');
  if (findings.length > 0) return verdict('problems', `${countOf(findings.length, 'finding')}.`);
  if (runs.stuck > 0) return verdict('problems', `${countOf(runs.stuck, 'run')} stuck.`);
  if (lastRound.failure !== null) return verdict('unknown', `The last full round failed: ${lastRound.failure}`);
  if (now.getTime() - Date.parse(lastRound.endedAt) > roundLimitMs(rounds))
    return verdict('unknown', `The last full round ended at ${lastRound.endedAt}.`);
  const blind = uncheckedInstances(instances, rounds, now);
  if (blind.length > 0)
    return verdict('unknown', `Not checked completely: ${blind.map(({ instance }) => instance).join(', ')}.`);
  if (seen.engines.some(({ reachable }) => !reachable)) return verdict('unknown', 'An engine does not answer.');
  if (instances.length === 0) return verdict('problems', 'There is no instance.');
  return verdict('healthy', `${countOf(instances.length, 'instance')}, all of them answer, and nothing was found.`);
}

function countOf(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
