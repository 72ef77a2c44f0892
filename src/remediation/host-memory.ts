import { helperLabel } from '../host/index.ts';
import type { Container, Instance } from '../host/types.ts';
import type { ReadonlyHost } from './contract.ts';

/**
 * The containers whose limits count against the machine's memory: those that run, and instances that do not, since they
 * may be started at any time. Our own short-lived helpers are left out. PGOPS §6.3.
 */
export async function memoryMembers(
  reader: ReadonlyHost,
): Promise<readonly { readonly container: Container; readonly instance: Instance | undefined }[]> {
  const [containers, instances] = await Promise.all([reader.docker.containers(), reader.instances()]);
  const byId = new Map(instances.map((instance) => [instance.container.id, instance]));
  return containers
    .filter(({ id, state, labels }) => byId.has(id) || (state.running && !Object.hasOwn(labels, helperLabel)))
    .map((container) => ({ container, instance: byId.get(container.id) }));
}
