import type { Instance } from '../../../host/instance.ts';
import type { ReadonlyHost, Refusal } from '../../contract.ts';
import { refusalToRecreate } from '../../shared/recreate.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import type { PortDetails } from './types.ts';

/**
 * Why this port must not be moved automatically; undefined if it may. See docs/engineering/ports.md#failed-starts and
 * docs/engineering/recreating.md#when-to-refuse.
 */
export async function refusalFor(
  instance: Instance,
  details: PortDetails,
  host: ReadonlyHost,
): Promise<Refusal | undefined> {
  const { name, port: serverPort } = instance;
  const { port, bindings, trouble } = details;
  if (trouble === 'stale') {
    return refusal(
      `The engine still holds port ${port} for a container that no longer exists: a docker-proxy was left behind.`,
      'Restart the Docker Engine when its containers may be interrupted. That never happens automatically.',
    );
  }
  if (trouble === 'address-missing') {
    const addresses = bindings.map(({ hostIp }) => hostIp).join(', ');
    return refusal(
      `This machine does not have the address on which ${name} publishes its port (${addresses}). Another port would not help.`,
      'Restore the address, or recreate the container with an address of this machine.',
    );
  }
  if (trouble === 'free-again') return undefined;
  const foreign = bindings.find((binding) => binding.containerPort !== serverPort || binding.protocol !== 'tcp');
  if (foreign !== undefined) {
    return refusal(
      `Port ${port} is published for ${foreign.containerPort}/${foreign.protocol}, which is not the server's port ${serverPort}.`,
      'Recreate the container with another port for it, or without it.',
    );
  }
  return refusalToRecreate(instance, host, {
    autoRemove: `Recreate it without --rm, with a named volume, on a free port: problems ports lease ${name}`,
    editsCompose: true,
    compose: (file) =>
      `Lease a free port (problems ports lease ${name}), change ${port} to it in ${file}, then run: docker compose up -d`,
    swarm: (service) =>
      `docker service update --publish-rm ${port} --publish-add published=<free port>,target=${serverPort} ${service}`,
  });
}
