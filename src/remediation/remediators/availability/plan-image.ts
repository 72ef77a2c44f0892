import { serviceOf } from '../../../compose/project.ts';
import { editImage } from '../../../compose/settings.ts';
import type { Instance } from '../../../host/instance.ts';
import type { Finding, Plan, ReadonlyHost, Refusal } from '../../contract.ts';
import { isInCompose, planComposeChange } from '../../shared/compose.ts';
import { dataFile } from '../../shared/data-directory.ts';
import { planOn, refusal } from '../../shared/for-each-instance.ts';
import { keptContainer, recordsToKeep, recreateSteps, refusalToRecreate } from '../../shared/recreate.ts';
import type { AvailabilityDetails, AvailabilityExpected } from './types.ts';

const page = 'docs/remediation/availability.md#another-major-version';

/** Whether the server says that its data is of another major version. */
export function isOtherMajor(obstacle: string): boolean {
  return /initialized by PostgreSQL version \d+, which is not compatible with this version/.test(obstacle);
}

/**
 * Puts the image that fits the data in the place of one that does not, if it is on this machine. The data says its version
 * itself, in PG_VERSION; undefined if it does not, or if it is that of the image.
 */
export async function planImage(
  finding: Finding<AvailabilityDetails>,
  instance: Instance,
  host: ReadonlyHost,
): Promise<Plan<AvailabilityExpected> | Refusal | undefined> {
  const { container } = instance;
  const major = /^(\d{1,2})\s*$/.exec((await dataFile(host, instance, 'PG_VERSION')) ?? '')?.[1];
  const other = container.env['PG_MAJOR'];
  if (major === undefined || other === undefined || major === other) return undefined;
  const image = imageOfMajor(container.imageName, major) ?? `postgres:${major}`;
  const why = `The data of ${instance.name} is of PostgreSQL ${major}, and its image ${container.imageName} is of PostgreSQL ${other}. The data is unchanged.`;
  const refused = await refusalToRecreate(instance, host, {
    compose: (file) =>
      `Set \`image: ${image}\` for it in ${file}, then run: docker compose up -d. To upgrade, see ${page}`,
    editsCompose: true,
    swarm: (service) => `Run: docker service update --image ${image} ${service}. To upgrade, see ${page}`,
  });
  if (refused !== undefined) return refusal(`${why} ${refused.reason}`, refused.advice);
  const found = await host.docker.image(image);
  if (found === undefined)
    return refusal(
      `${why} ${image} is not on this machine.`,
      `Run: docker pull ${image}. Then run \`problems plan\` again. To upgrade, see ${page}`,
    );
  if (found.env['PG_MAJOR'] !== major)
    return refusal(
      `${why} ${image} is not of PostgreSQL ${major}.`,
      `Create the container with an image of PostgreSQL ${major}. To upgrade, see ${page}`,
    );
  if (found.env['PGDATA'] !== instance.dataDirectory)
    return refusal(
      `${why} ${image} keeps its data in ${found.env['PGDATA'] ?? 'another folder'}.`,
      `Create the container with ${image} and PGDATA=${instance.dataDirectory}. To upgrade, see ${page}`,
    );
  const frame = {
    ...planOn(finding, instance),
    done: `${instance.name} runs with ${image}`,
    risk: 'data',
    downtime: { seconds: 0, why: 'it is down already' },
    unpredictable: [
      `An image of another base system than the one that made the data may sort text differently. ${image} has the same name and variant.`,
    ],
    expected: { container: container.id, image: found.id },
  } as const;
  const summary = `Run ${instance.name} with ${image}, which fits its data, instead of ${container.imageName}`;
  if (isInCompose(container)) {
    const { unchanged, alone } = recordsToKeep(instance, false);
    const change = await planComposeChange(
      {
        ...instance,
        key: 'image',
        edit: (sources) => editImage(sources, serviceOf(container.labels)?.service ?? '', image),
        inWords: `set \`image: ${image}\` for ${instance.name}`,
        why: `Compose creates the container from its files. The data is of PostgreSQL ${major}.`,
        expects: [unchanged, alone],
      },
      host,
    );
    if (change.type === 'refusal')
      return refusal(`${why} ${change.reason}`, `${change.advice} To upgrade, see ${page}`);
    return {
      ...frame,
      summary: `${summary}, in the files of its Compose project.`,
      steps: [change.step],
      leftovers: [],
      unpredictable: [...frame.unpredictable, ...change.notes],
      undo: 'The file is restored, and Compose creates the container as it says, without starting it.',
    };
  }
  return {
    ...frame,
    summary: `${summary}.`,
    steps: recreateSteps({
      instance,
      image: { image, imageId: found.id },
      why: `The data is of PostgreSQL ${major}.`,
      serves: false,
    }),
    leftovers: [keptContainer(container)],
    undo: 'The new container is removed without its volumes, and the old one gets back its name and restart policy.',
  };
}

/**
 * The name of an image with another major version, in the same variant: `postgres:latest` and `postgres:17.2` to `postgres:15`,
 * `postgres:17-alpine3.20` to `postgres:15-alpine`. Undefined if the name has no tag to change. Pure.
 */
export function imageOfMajor(name: string, major: string): string | undefined {
  if (name.includes('@') || /^(?:sha256:)?[0-9a-f]{12,64}$/.test(name)) return undefined;
  const [, repository = '', tag = 'latest'] = /^(.+?)(?::([\w.-]+))?$/.exec(name) ?? [];
  const variant = /^(?:latest|\d+(?:\.\d+)*)$/.test(tag) ? '' : /^(?:\d+(?:\.\d+)*-)?([a-z]+)[\d.]*$/.exec(tag)?.[1];
  if (repository === '' || variant === undefined) return undefined;
  return `${repository}:${major}${variant === '' ? '' : `-${variant}`}`;
}
