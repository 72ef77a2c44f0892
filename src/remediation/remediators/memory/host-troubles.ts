import type { EngineInfo, Instance } from '../../../host/types.ts';
import { hostBudget, readableSize } from '../../../tuning/index.ts';
import type { Evidence, ReadonlyHost } from '../../contract.ts';
import { runs } from '../../instances/first-answer.ts';
import { askServer } from './facts.ts';
import type { MemorySettings } from './settings.ts';

export interface HostTrouble {
  readonly instance: Instance;
  readonly kind: 'no-limit' | 'host-overcommitted';
  readonly summary: string;
  readonly evidence: readonly Evidence[];
}

/**
 * What no instance has done wrong by itself. A missing limit is no trouble where nobody keeps a budget, and none where
 * everything fits: it is one where others were promised memory that this one may take from them. More promised than there
 * is, is told once, of the instance that was promised most.
 */
export async function hostTroubles(
  instances: readonly Instance[],
  info: EngineInfo,
  settings: MemorySettings,
  host: ReadonlyHost,
): Promise<readonly HostTrouble[]> {
  const running = instances.filter(runs);
  const limited = (await host.docker.containers())
    .filter(({ memory, state }) => memory > 0 && state.running)
    .map(({ name, memory }) => ({ name, limit: memory }));
  const promised = hostBudget(info.memoryBytes, limited);
  const [largest] = running
    .filter(({ container }) => container.memory > 0)
    .sort((a, b) => b.container.memory - a.container.memory || (a.name < b.name ? -1 : 1));
  if (!promised.within && largest !== undefined)
    return [
      {
        instance: largest,
        kind: 'host-overcommitted',
        summary: `The memory limits of all containers are ${readableSize(promised.promised)}, and the machine has ${readableSize(promised.budget)} to promise; ${largest.name} was promised most.`,
        evidence: limited.map(({ name, limit }) => ({
          type: 'docker',
          object: name,
          field: 'HostConfig.Memory',
          value: limit,
        })),
      },
    ];
  const unlimited = running.filter(({ container }) => container.memory === 0);
  if (settings.noLimit === 'never' || unlimited.length === 0) return [];
  if (settings.noLimit === 'when-overcommitted' && largest === undefined) return [];
  const members = await Promise.all(
    unlimited.map(async (instance) => {
      const memory = await askServer(instance, instance.container.cpus || info.cpus, host);
      return { name: instance.container.name, limit: 0, worstCase: 'worst' in memory ? memory.worst.total : 0 };
    }),
  );
  const all = hostBudget(info.memoryBytes, [...limited, ...members]);
  if (settings.noLimit === 'when-overcommitted' && all.within) return [];
  return unlimited.map((instance, index) => ({
    instance,
    kind: 'no-limit',
    summary: `${instance.name} has no memory limit, and may come to need ${readableSize(members[index]?.worstCase ?? 0)}; with the limits of the others that makes ${readableSize(all.promised)} of ${readableSize(all.budget)}.`,
    evidence: [
      { type: 'docker', object: instance.container.name, field: 'HostConfig.Memory', value: 0 },
      { type: 'docker', object: 'engine', field: 'MemTotal', value: info.memoryBytes },
    ],
  }));
}
