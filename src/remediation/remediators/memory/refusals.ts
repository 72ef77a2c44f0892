import type { Instance } from '../../../host/instance.ts';
import { readableSize } from '../../../postgres/tuning/index.ts';
import type { ReadonlyHost, Refusal } from '../../contract.ts';
import { budgetOf, machineMemory, memoryFor } from '../../shared/memory.ts';
import { isSameMount, refusalForOwner } from '../../shared/recreate.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import type { PlanInput } from './plan-values.ts';
import type { ServerMemory } from './types.ts';

/** Why this instance's memory must not be changed automatically; undefined if it may. */
export async function refusalFor(
  { container, dataMount, name }: Instance,
  { standby }: ServerMemory,
  host: ReadonlyHost,
): Promise<Refusal | undefined> {
  if (standby)
    return refusal(
      `${name} is a standby: its settings depend on its primary, and the order of changes matters.`,
      'Change the primary and its standbys together: raised values on standbys first, lowered ones on the primary first.',
    );
  const owned = refusalForOwner(container, {
    // Settings in the data directory outlive its container; what does not is changed in the project's files.
    editsCompose: true,
    compose: (file) => `Set mem_limit, shm_size or the command in ${file}, then run: docker compose up -d`,
    swarm: (service) => `docker service update --limit-memory <bytes> ${service}`,
  });
  // A container with --rm may get more memory; plans that stop it check again.
  if (owned !== undefined && !container.autoRemove) return owned;
  if (dataMount === undefined) return undefined;
  const other = (await host.docker.containers()).find(
    ({ id, state, mounts }) =>
      id !== container.id && state.running && mounts.some((mount) => mount.writable && isSameMount(mount, dataMount)),
  );
  return other === undefined
    ? undefined
    : refusal(
        `${other.name} is also running on the data of ${name}.`,
        `Find out what ${other.name} is used for, then run: docker stop ${other.name}`,
      );
}

/** Refuses a container that is removed when it stops. */
export function refusalToStop({ container }: Instance): Refusal | undefined {
  return container.autoRemove ? refusalForOwner(container) : undefined;
}

/** Refuses if the configuration files have been broken since the last start: the server would not start again. */
export async function refusalToStart(
  instance: Instance,
  values: Readonly<Record<string, string>>,
  host: ReadonlyHost,
): Promise<Refusal | undefined> {
  const found = await host.probes.fileSettings(instance, ['shared_buffers'], values);
  return found.ok
    ? undefined
    : refusal(
        `The next start of ${instance.name} would fail for another reason: ${found.message}`,
        'Fix its configuration files first. PostgreSQL names the file and the line.',
      );
}

/** Neither a higher limit nor smaller settings help. */
export function refusalWithoutRoom({ instance, seen, memory }: PlanInput, wanted: number, promisable: number): Refusal {
  return refusal(
    `${instance.name} needs up to ${readableSize(memory.worstCase.total)} for ${memory.maxConnections} connections, its limit is ${readableSize(seen.limit)}, and the machine has only ${readableSize(Math.max(0, promisable - seen.limit))} left.`,
    `Free memory and give it ${readableSize(wanted)} (docker update --memory ${wanted} --memory-swap ${wanted} ${instance.container.name}), or lower max_connections and use a connection pooler for the same clients. \`problems tune ${instance.name}\` shows what fits.`,
  );
}

/** Which limit to change is your decision; the refusal gives the figures. */
export async function hostRefusal(
  { name, container }: Instance,
  kind: 'no-limit' | 'host-overcommitted',
  host: ReadonlyHost,
): Promise<Refusal> {
  if (kind === 'host-overcommitted') {
    const budget = budgetOf(await machineMemory(host));
    return refusal(
      `Containers may use ${readableSize(budget.promised)} in total, but the budget of the machine is ${readableSize(budget.budget)}. Which of them to shrink is your decision.`,
      '`problems fleet` shows the limits and worst cases of all instances. Lower settings first, then limits, or move an instance to another machine.',
    );
  }
  const { bytes: share } = await memoryFor(container, host);
  return refusal(
    `${name} has no memory limit. A limit below what it needs would kill it, and a running container’s limit cannot be removed again.`,
    `Its share of the machine is ${readableSize(share)}. Check \`problems tune ${name}\`, then run: docker update --memory ${share} --memory-swap ${share} ${container.name}`,
  );
}
