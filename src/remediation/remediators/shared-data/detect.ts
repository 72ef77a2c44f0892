import type { Container } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import { compareBy } from '../../../util/compare.ts';
import { type Detection, type Evidence, type Finding, findingId, type ReadonlyHost } from '../../contract.ts';
import { laterOf, placeOfData, type SharedDataDetails } from './types.ts';

export const name = 'shared-data';

/**
 * Running instances whose data another running server uses too. Each writes pages that the other one does not know of, and
 * the lock file of PostgreSQL does not work across containers (docs/engineering/data-directory.md#one-server-per-directory).
 */
export async function detect(host: ReadonlyHost): Promise<Detection<SharedDataDetails>> {
  const [instances, containers] = await Promise.all([host.instances(), host.docker.containers()]);
  const findings = instances.flatMap((instance) => {
    const other = otherServer(instance.container, containers);
    return other === undefined ? [] : [findingOf(instance, other)];
  });
  return { findings: findings.toSorted(compareBy(({ id }) => id)), notLookedAt: [] };
}

/** The other server on the data of a running container; of several, the one that started last. */
export function otherServer(container: Container, all: readonly Container[]): Container | undefined {
  const place = placeOfData(container);
  if (place === undefined) return undefined;
  return all
    .filter((other) => other.id !== container.id && placeOfData(other) === place)
    .reduce<Container | undefined>((last, one) => (last === undefined ? one : laterOf(last, one)), undefined);
}

function findingOf({ name: instance, container }: Instance, other: Container): Finding<SharedDataDetails> {
  const later = laterOf(container, other);
  return {
    id: findingId(name, instance, 'two-servers'),
    remediator: name,
    instance,
    kind: 'two-servers',
    summary: `Two servers run on the data of ${instance}: ${container.name} and ${other.name}, which started ${later === other ? 'later' : 'earlier'}. They overwrite each other's data.`,
    risk: 'data',
    evidence: [container, other].map(evidenceOf),
    details: { container: container.id, other: other.id, otherName: other.name, later: later.id },
    problem: null,
    corruption: true,
  };
}

function evidenceOf(container: Container): Evidence {
  const { startedAt } = container.state;
  return {
    type: 'docker',
    object: container.name,
    field: 'Mounts',
    value: { data: placeOfData(container) ?? '', StartedAt: startedAt },
  };
}
