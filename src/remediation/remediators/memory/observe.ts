import type { EngineEvent, LogLine } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import type { ReadonlyHost } from '../../contract.ts';
import { isRunning } from '../../shared/availability.ts';
import { saysReady, signsIn } from './log-patterns.ts';
import { memorySettings, type Observation, serverMemory } from './types.ts';

/** Reads log, counters and settings; for an instance with neither a limit nor a sign, only its log. */
export async function observe(
  instance: Instance,
  host: ReadonlyHost,
  { events, cpus }: { readonly events: readonly EngineEvent[]; readonly cpus: number },
): Promise<Observation> {
  const { container } = instance;
  const { memory: limit, shmSize, state } = container;
  const since = new Date(Date.now() - memorySettings(host).recentHours * 3_600_000).toISOString();
  const lines = await recentLog(instance, since, host);
  const running = isRunning(instance) && hasComeUp(instance, lines);
  const signs = running ? signsIn(sinceStart(lines, state.startedAt)) : signsIn(lines, { sinceReady: true });
  const own = events.filter(({ actor, action, at }) => actor === container.id && action === 'oom' && at > since);
  const wanted = limit > 0 || signs.some(({ sign }) => sign === 'shm-full' || sign === 'start-refused');
  return {
    limit,
    shmSize,
    running,
    memory: wanted ? await serverMemory(instance, running, container.cpus || cpus, host) : undefined,
    use: running && limit > 0 ? await host.probes.memoryUse(instance).catch(() => undefined) : undefined,
    signs,
    events: own,
    oomKilled: state.oomKilled,
    exitCode: state.exitCode,
  };
}

const lastLines = 1_000;

/** Empty if the log driver does not support reading. */
async function recentLog({ container }: Instance, since: string, host: ReadonlyHost): Promise<readonly LogLine[]> {
  if (container.state.startedAt.startsWith('0001-')) return [];
  return host.docker.logs(container.id, { since, tail: lastLines }).catch((error: unknown) => {
    if (error instanceof Error && /does not support reading/.test(error.message)) return [];
    throw error;
  });
}

/** A container in a restart loop is reported as running now and then. The beginning of a long log may have been rotated. */
function hasComeUp({ container }: Instance, lines: readonly LogLine[]): boolean {
  const { startedAt } = container.state;
  if (lines.length === 0 || lines.length >= lastLines || Date.now() - Date.parse(startedAt) > 600_000) return true;
  return sinceStart(lines, startedAt).some(({ text }) => saysReady(text));
}

function sinceStart(lines: readonly LogLine[], startedAt: string): readonly LogLine[] {
  return lines.filter(({ at }) => at === '' || Date.parse(at) >= Date.parse(startedAt));
}
