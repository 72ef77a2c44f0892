import { type Detection, type Evidence, type Finding, findingId, type ReadonlyHost } from '../../contract.ts';
import { isRunning } from '../../shared/availability.ts';
import { forEachInstance } from '../../shared/for-each-instance.ts';
import { lookAt, maxIndexes } from './observe.ts';
import type { Affected, CollationDetails, Versions } from './types.ts';

export const name = 'collation-versions';

const together = 4;

/**
 * Running servers whose library sorts text by another version than the one that the indexes were built with, as after an update
 * of the base image. Such an index misses rows, and a unique one lets duplicates in, without any error.
 */
export async function detect(host: ReadonlyHost): Promise<Detection<CollationDetails>> {
  const each = { remediator: name, together, only: isRunning };
  return forEachInstance<CollationDetails>(await host.instances(), host, each, async (instance, noting) => {
    const look = await lookAt(instance, host);
    if (look === undefined) return;
    for (const reason of look.unknown) noting.notLookedAt(`The collations of a database are not known: ${reason}`);
    if (look.affected.length > 0) noting.found(findingOf(instance.name, instance.container.id, look.affected));
  });
}

/** Pure. */
function findingOf(instance: string, container: string, affected: readonly Affected[]): Finding<CollationDetails> {
  const kind = 'version-changed';
  const count = affected.reduce((sum, { indexes }) => sum + indexes.length, 0);
  const [first] = affected.flatMap(versionsOf);
  const databases = affected.map((database) => database.name);
  return {
    id: findingId(name, instance, kind),
    remediator: name,
    instance,
    kind,
    summary: `The library of ${instance} sorts text by version ${first?.actual ?? 'unknown'}, but ${databases.join(', ')} ${databases.length === 1 ? 'was' : 'were'} built with ${first?.recorded ?? 'another'}: ${indexWords(count)} may miss rows or hold duplicates.`,
    risk: 'data',
    evidence: affected.flatMap((database) => [
      ...versionsOf(database).map((one): Evidence => ({
        type: 'query',
        sql: one === database.own ? 'pg_database_collation_actual_version' : 'pg_collation_actual_version',
        result: `${database.name}${one === database.own ? '' : `, collation ${one.name}`}: built with ${one.recorded}, now ${one.actual ?? 'no version'}`,
      })),
      ...(database.indexes.length === 0 ? [] : [indexEvidence(database)]),
    ]),
    details: { container, databases },
    problem: null,
  };
}

/** Both versions of the database's own collation, and of the named ones that its indexes use. */
function versionsOf({ own, collations }: Affected): readonly Versions[] {
  return own === undefined ? collations : [own, ...collations];
}

export function indexWords(count: number): string {
  if (count === 0) return 'no index, but what is sorted';
  return count > maxIndexes ? `more than ${maxIndexes} indexes` : count === 1 ? 'one index' : `${count} indexes`;
}

const listed = 20;

function indexEvidence({ name: database, indexes }: Affected): Evidence {
  const names = indexes.slice(0, listed).map((index) => index.name);
  const more = indexes.length > listed ? [`and ${indexes.length - listed} more`] : [];
  return { type: 'query', sql: `indexes of ${database} on text`, result: [...names, ...more].join(', ') };
}
