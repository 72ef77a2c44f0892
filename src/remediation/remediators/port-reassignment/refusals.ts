import type { Instance } from '../../../host/instance.ts';
import type { ReadonlyHost, Refusal } from '../../contract.ts';
import { refusalToRecreate } from '../../shared/recreate.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import type { PortDetails } from './types.ts';

/**
 * Why no program may move this port, if so. See docs/engineering/ports.md#failed-starts and
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
      `The engine holds port ${port} for a container that no longer exists: a docker-proxy was left behind.`,
      'Restart the Docker Engine when its containers can be spared for a moment. That is never done by a program.',
    );
  }
  if (trouble === 'address-missing') {
    const addresses = bindings.map(({ hostIp }) => hostIp).join(', ');
    return refusal(
      `This machine does not have the address that ${name} is to publish on (${addresses}). Another port would not help.`,
      'Bring the address back, or create the container again with one that the machine has.',
    );
  }
  if (trouble === 'free-again') return undefined;
  const foreign = bindings.find((binding) => binding.containerPort !== serverPort || binding.protocol !== 'tcp');
  if (foreign !== undefined) {
    return refusal(
      `Port ${port} is published for ${foreign.containerPort}/${foreign.protocol}, which is not the server's port ${serverPort}.`,
      'Create the container again with another port for it, or without it.',
    );
  }
  return refusalToRecreate(instance, host, {
    autoRemove: `Create it again without --rm and with its volume by name, on a free port: problems ports lease ${name}`,
    compose: (file) =>
      `Take a free port (problems ports lease ${name}), change ${port} to it in ${file}, and run docker compose up -d.`,
    swarm: (service) =>
      `docker service update --publish-rm ${port} --publish-add published=<free port>,target=${serverPort} ${service}`,
  });
}
