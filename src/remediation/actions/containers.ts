import { ProblemsError } from '../../errors.ts';
import type { Container } from '../../host/docker/types.ts';
import type { Instance } from '../../host/instance.ts';
import type { ReadonlyHost } from '../contract.ts';
import { recreatedFromLabel } from './recreate-spec.ts';

/** A container by id or name, which must exist. */
export async function requireContainer(host: ReadonlyHost, ref: string): Promise<Container> {
  const container = await host.docker.container(ref);
  if (container === undefined) throw new ProblemsError('step-refused', `Container ${ref} does not exist.`);
  return container;
}

/** The instance of a container, or of the one that has replaced it under its name. */
export async function instanceIn(container: Container, host: ReadonlyHost): Promise<Instance | undefined> {
  const found = (await host.instances({ all: true })).find(
    (one) => one.container.id === container.id || one.container.labels[recreatedFromLabel] === container.id,
  );
  return found === undefined ? undefined : { ...found, container };
}

/** A shortened id. */
export function shortRef(ref: string): string {
  return /^[0-9a-f]{64}$/.test(ref) ? ref.slice(0, 12) : ref;
}
