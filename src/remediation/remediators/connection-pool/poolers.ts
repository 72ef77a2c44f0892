import type { Container, Instance } from '../../../host/types.ts';
import type { ReadonlyHost } from '../../contract.ts';

/** Which instance a pooler of ours stands in front of. `pooler.create` gives it. */
export const poolerLabel = 'problems.pooler';

/** The pooler that stands in front of an instance and runs. */
export async function poolerOf({ name }: Pick<Instance, 'name'>, host: ReadonlyHost): Promise<Container | undefined> {
  const all = await host.docker.containers();
  return all.find(({ labels, state }) => labels[poolerLabel] === name && state.running);
}
