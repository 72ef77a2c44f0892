import type { Instance } from '../../../host/instance.ts';
import { readableSize } from '../../../postgres/tuning/index.ts';
import type { ReadonlyHost, Refusal } from '../../contract.ts';
import { budgetOf, machineMemory, memoryFor } from '../../shared/memory.ts';
import { isSameMount, refusalForOwner } from '../../shared/recreate.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import type { PlanInput } from './plan-values.ts';
import type { ServerMemory } from './types.ts';

/** Why no program may change this instance's memory, if so. */
export async function refusalFor(
  { container, dataMount, name }: Instance,
  { standby }: ServerMemory,
  host: ReadonlyHost,
): Promise<Refusal | undefined> {
  if (standby)
    return refusal(
      `${name} is a standby: what its primary needs decides its settings, and the order of the two matters.`,
      'Change the primary and its standbys together: raised values on standbys first, lowered ones on the primary first.',
    );
  const owned = refusalForOwner(container, {
    compose: (file) => `Set mem_limit, shm_size or the command in ${file}, and run docker compose up -d.`,
    swarm: (service) => `docker service update --limit-memory <bytes> ${service}`,
  });
  // One with --rm may be given more memory; what would stop it asks again.
  if (owned !== undefined && !container.autoRemove) return owned;
  if (dataMount === undefined) return undefined;
  const other = (await host.docker.containers()).find(
    ({ id, state, mounts }) =>
      id !== container.id && state.running && mounts.some((mount) => mount.writable && isSameMount(mount, dataMount)),
  );
  return other === undefined
    ? undefined
    : refusal(
        `${other.name} runs on the data of ${name} too.`,
        `docker stop ${other.name}, after looking what it is for.`,
      );
}

/** Stopping it must not be the end of it. */
export function refusalToStop({ container }: Instance): Refusal | undefined {
  return container.autoRemove ? refusalForOwner(container) : undefined;
}

/** A server whose files somebody has broken since its start would not come up again, whatever is changed. */
export async function refusalToStart(
  instance: Instance,
  values: Readonly<Record<string, string>>,
  host: ReadonlyHost,
): Promise<Refusal | undefined> {
  const found = await host.probes.fileSettings(instance, ['shared_buffers'], values);
  return found.ok
    ? undefined
    : refusal(
        `The next start of ${instance.name} would fail, whatever its memory: ${found.message}`,
        'Put its configuration files right first; PostgreSQL names the file and the line.',
      );
}

/** Neither a higher limit nor smaller settings help. */
export function refusalWithoutRoom({ instance, seen, memory }: PlanInput, wanted: number, promisable: number): Refusal {
  return refusal(
    `${instance.name} needs up to ${readableSize(memory.worstCase.total)} for ${memory.maxConnections} connections, its limit is ${readableSize(seen.limit)}, and the machine has ${readableSize(Math.max(0, promisable - seen.limit))} left to promise.`,
    `Give it ${readableSize(wanted)} (docker update --memory ${wanted} --memory-swap ${wanted} ${instance.container.name}) after making room, or let fewer connections in: a pooler in front serves the same clients. \`problems tune ${instance.name}\` shows what fits.`,
  );
}

/** Whose limit is to be what is a person's to say; the figures are not. */
export async function hostRefusal(
  { name, container }: Instance,
  kind: 'no-limit' | 'host-overcommitted',
  host: ReadonlyHost,
): Promise<Refusal> {
  if (kind === 'host-overcommitted') {
    const budget = budgetOf(await machineMemory(host));
    return refusal(
      `${readableSize(budget.promised)} are promised to containers, and the machine has ${readableSize(budget.budget)} to promise. Who gets less is not for a program to say.`,
      '`problems fleet` shows limits and worst cases of all of them; lower settings first, then limits, or move an instance to another machine.',
    );
  }
  const { bytes: share } = await memoryFor(container, host);
  return refusal(
    `${name} has no memory limit. A limit below what it needs would kill it, and one that was set cannot be taken away from a running container.`,
    `Its share of the machine is ${readableSize(share)}: docker update --memory ${share} --memory-swap ${share} ${container.name}, after \`problems tune ${name}\`.`,
  );
}
