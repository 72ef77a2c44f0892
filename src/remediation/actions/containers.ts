import { ProblemsError } from '../../errors.ts';
import type { Container } from '../../host/types.ts';
import type { ReadonlyHost } from '../contract.ts';

/** A container that must be there, by id or name. */
export async function needContainer(host: ReadonlyHost, ref: string): Promise<Container> {
  const container = await host.docker.container(ref);
  if (container === undefined) throw new ProblemsError('step-refused', `There is no container ${ref}.`);
  return container;
}

/** An id as people write it. */
export function shortRef(ref: string): string {
  return /^[0-9a-f]{64}$/.test(ref) ? ref.slice(0, 12) : ref;
}
