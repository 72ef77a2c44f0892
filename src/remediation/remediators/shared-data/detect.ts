import { compareBy } from '../../../util/compare.ts';
import { type Detection, type Evidence, type Finding, findingId, type ReadonlyHost } from '../../contract.ts';
import { type Server, twoServers } from './observe.ts';
import { laterOf, type SharedDataDetails } from './types.ts';

export const name = 'shared-data';

/**
 * Running instances whose data another running server uses too. Each writes pages that the other one does not know of, and
 * the lock file of PostgreSQL does not work across containers (docs/engineering/data-directory.md#one-server-per-directory).
 */
export async function detect(host: ReadonlyHost): Promise<Detection<SharedDataDetails>> {
  const findings = await Promise.all(
    (await host.instances()).map(async (instance) => {
      const found = await twoServers(instance.container, host);
      return found === undefined ? [] : [findingOf(instance.name, ...found)];
    }),
  );
  return { findings: findings.flat().toSorted(compareBy(({ id }) => id)), notLookedAt: [] };
}

function findingOf(instance: string, server: Server, second: Server): Finding<SharedDataDetails> {
  const { container } = server;
  const other = second.container;
  const later = laterOf(container, other);
  return {
    id: findingId(name, instance, 'two-servers'),
    remediator: name,
    instance,
    kind: 'two-servers',
    summary: `Two servers run on the data of ${instance}: ${container.name} and ${other.name}, which started ${later === other ? 'later' : 'earlier'}. They overwrite each other's data.`,
    risk: 'data',
    evidence: [server, second].map(evidenceOf),
    details: { container: container.id, other: other.id, otherName: other.name, later: later.id },
    problem: null,
    corruption: true,
  };
}

function evidenceOf({ container, place }: Server): Evidence {
  const { startedAt } = container.state;
  return {
    type: 'docker',
    object: container.name,
    field: 'Mounts',
    value: { data: place, StartedAt: startedAt },
  };
}
