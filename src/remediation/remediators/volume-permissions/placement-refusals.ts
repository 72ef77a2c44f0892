import type { Container, Mount } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import { projectNameOf, serviceNameOf } from '../../../compose/project.ts';
import type { Refusal } from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import type { RecreateAdvice } from '../../shared/recreate.ts';
import { shellQuote } from '../../../util/quote.ts';

/**
 * The move by hand, for containers that Compose, Swarm or `--rm` manages. The copy comes before the change of the file: with
 * the new volume, `up` would start on an empty one.
 */
export function adviceToMove(container: Container, mount: Mount, directory: string): RecreateAdvice {
  const { labels, name, imageName } = container;
  const project = projectNameOf(labels) ?? '';
  const service = serviceNameOf(labels) ?? 'the service';
  const key = `${service}-data`.replaceAll(/[^\w.-]/g, '-');
  const copy = (volume: string): string =>
    `docker run --rm --network none --user 0:0 --entrypoint cp -v ${mount.name}:/from:ro -v ${shellQuote(volume)}:/to ${shellQuote(imageName)} -a /from/. /to/`;
  return {
    autoRemove: `Do not stop it before you have a dump: problems backups take. Then start it without --rm and with -v ${shellQuote(`${name}-data:${mount.destination}`)}, and restore the dump.`,
    compose: (file) => {
      const volume = `${project}_${key}`;
      return [
        `Do not run \`docker compose down\` first. 1. docker compose stop ${shellQuote(service)}`,
        `2. docker volume create --label com.docker.compose.project=${shellQuote(project)} --label com.docker.compose.volume=${shellQuote(key)} ${shellQuote(volume)}`,
        `3. ${copy(volume)}`,
        `4. In ${file}, add \`- ${key}:${mount.destination}\` to the volumes of ${service}, and \`${key}:\` to the top-level volumes`,
        `5. docker compose up -d ${shellQuote(service)}. Keep the volume ${mount.name} until you have checked the data in ${directory}.`,
      ].join('; ');
    },
    swarm: (one) =>
      `Take a dump (problems backups take), then run: docker service update --mount-add ${shellQuote(`type=volume,source=${name.split('.')[0]}-data,target=${mount.destination}`)} ${shellQuote(one)}, and restore the dump. The data stay in the volume ${mount.name} of this node.`,
  };
}

/** The engine cannot copy a container's own files into a volume. */
export function refusalInContainer({ name, container }: Instance, directory: string): Refusal {
  return refusal(
    `The data of ${name} are in the container ${container.name} itself (${directory}), which the engine cannot mount anywhere else.`,
    `Take a dump with \`problems backups take ${name}\`, and restore it into a new instance: \`problems backups restore ${name}/<backup> --into ${name}-new\`, or create a container with \`-v ${shellQuote(`${container.name}-data:${directory}`)}\` and restore the dump there. Do not remove ${container.name} before that.`,
  );
}

/** Two clusters, and only the owner knows which one is right. */
export function refusalForEmpty({ name, container }: Instance, volumes: readonly string[]): Refusal {
  const [first = ''] = volumes;
  return refusal(
    `${name} may have got a new volume in place of ${volumes.join(' or ')}. Only you know which data are the right ones, so nothing is changed.`,
    `Look into the old one: docker run --rm --network none --user 0:0 --entrypoint ls -v ${shellQuote(first)}:/old:ro ${shellQuote(container.imageName)} -la /old. If it holds your data, stop ${container.name}, mount ${first} at its data directory (in Compose: name it under \`volumes\`, with \`external: true\` if another project made it), and start it. Do not run docker volume prune before that.`,
  );
}
