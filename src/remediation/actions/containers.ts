import { ProblemsError } from '../../errors.ts';
import type { Container } from '../../host/docker/types.ts';
import type { Instance } from '../../host/instance.ts';
import type { ReadonlyHost } from '../contract.ts';
import { recreatedFromLabel } from './recreate-spec.ts';

/** A container that must be there, by id or name. */
export async function requireContainer(host: ReadonlyHost, ref: string): Promise<Container> {
  const container = await host.docker.container(ref);
  if (container === undefined) throw new ProblemsError('step-refused', `There is no container ${ref}.`);
  return container;
}

/** The instance that a container is, or was before a new one was made in its place, under whose name it is known. */
export async function instanceIn(container: Container, host: ReadonlyHost): Promise<Instance | undefined> {
  const found = (await host.instances({ all: true })).find(
    (one) => one.container.id === container.id || one.container.labels[recreatedFromLabel] === container.id,
  );
  return found === undefined ? undefined : { ...found, container };
}

/** An id as people write it. */
export function shortRef(ref: string): string {
  return /^[0-9a-f]{64}$/.test(ref) ? ref.slice(0, 12) : ref;
}
