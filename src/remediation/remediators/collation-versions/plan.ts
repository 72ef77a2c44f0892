import { shellQuote, quoteIdentifier } from '../../../util/quote.ts';
import { readableSize } from '../../../postgres/tuning/index.ts';
import type { Instance } from '../../../host/instance.ts';
import type { Finding, Plan, ReadonlyHost, Refusal, Step } from '../../contract.ts';
import { planOn, refusal } from '../../shared/for-each-instance.ts';
import { indexWords } from './detect.ts';
import { lookAt, maxIndexes } from './observe.ts';
import type { Affected, CollationDetails, CollationExpected } from './types.ts';

/** Room that a rebuild leaves on the disk, in bytes. */
const leastRoom = 512 * 2 ** 20;

/** Rebuilds one index after the other while clients go on, then records the new versions: that ends the server's warning. */
export async function plan(
  finding: Finding<CollationDetails>,
  host: ReadonlyHost,
): Promise<Plan<CollationExpected> | Refusal> {
  const instance = await host.instance(finding.instance);
  const look = instance === undefined ? undefined : await lookAt(instance, host);
  if (
    instance === undefined ||
    look === undefined ||
    look.affected.length === 0 ||
    instance.container.id !== finding.details.container
  )
    return refusal(`${finding.instance} has changed since it was checked.`, 'Run `problems detect` again.');
  const [unknown] = look.unknown;
  if (unknown !== undefined)
    return refusal(`A database could not be checked: ${unknown}`, 'Let the tool in, then run `problems detect` again.');
  const refused = refusalFor(instance, look.recovers, look.affected);
  if (refused !== undefined) return refused;
  const bytes = look.affected.flatMap(({ indexes }) => indexes.map((index) => index.bytes));
  // The largest exists twice for a while, and everything that is built is also written to WAL.
  const needed = bytes.reduce((sum, one) => sum + one, 0) + Math.max(0, ...bytes) + leastRoom;
  const space = await host.probes.dataSpace(instance).catch(() => undefined);
  if (space === undefined || space.free < needed)
    return refusal(
      `Rebuilding the indexes may need ${readableSize(needed)} of the disk, and ${space === undefined ? 'how much is free is not known' : `${readableSize(space.free)} are free`}.`,
      `Make room, then run \`problems detect\` again. By hand: ${commandsFor(look.affected).join('; ')}`,
    );
  return planRebuild(finding, instance, look.affected);
}

/** Why the rebuild must be done by hand, if it must. */
function refusalFor(instance: Instance, recovers: boolean, affected: readonly Affected[]): Refusal | undefined {
  const { name } = instance;
  const commands = commandsFor(affected).join('; ');
  if (recovers)
    return refusal(
      `${name} is a standby, which cannot rebuild an index.`,
      'Use the same image on both servers. Rebuild the indexes on the primary: run `problems detect` there.',
    );
  const silent = affected.find(({ own, collations }) => [own, ...collations].some((one) => one?.actual === null));
  if (silent !== undefined)
    return refusal(
      `The library of the image states no version for ${silent.name}, as the C library of Alpine does, so no new one can be recorded.`,
      'Go back to an image with the C library that the data were made with (Debian). To stay on this one, dump the databases and restore them into a new instance.',
    );
  const partitioned = affected.flatMap(({ partitioned: tables }) => tables);
  if (partitioned.length > 0)
    return refusal(
      `Rows may be in the wrong partition of ${partitioned.join(', ')}, since ranges of text divide it. Rebuilding an index does not move them.`,
      `Go back to the image before, dump these tables there, and restore them with the new one. Then: ${commands}`,
    );
  const exclusion = affected.flatMap(({ indexes }) => indexes).find((index) => index.exclusion);
  if (exclusion !== undefined)
    return refusal(
      `${exclusion.name} belongs to an exclusion constraint. PostgreSQL locks its table against writes while it rebuilds such an index.`,
      `In a quiet hour: REINDEX INDEX ${exclusion.name}; the others and the versions: ${commands}`,
    );
  const count = affected.reduce((sum, { indexes }) => sum + indexes.length, 0);
  if (count > maxIndexes)
    return refusal(`${indexWords(count)} are too many for one plan.`, `Run, in a quiet hour: ${commands}`);
  return undefined;
}

/** What someone runs by hand, for all databases. */
function commandsFor(affected: readonly Affected[]): readonly string[] {
  return affected.flatMap(({ name, own, collations }) => [
    `reindexdb --concurrently --dbname ${shellQuote(name)}`,
    ...collations.map((one) => `ALTER COLLATION ${one.name} REFRESH VERSION in ${name}`),
    ...(own === undefined ? [] : [`ALTER DATABASE ${quoteIdentifier(name)} REFRESH COLLATION VERSION`]),
  ]);
}

function planRebuild(
  finding: Finding<CollationDetails>,
  instance: Instance,
  affected: readonly Affected[],
): Plan<CollationExpected> {
  const { id } = instance.container;
  const expects = [{ check: 'container', ref: id, running: true }] as const;
  const place = { instance: instance.name, container: id };
  const databases = affected.map(({ name, indexes }) => ({
    name,
    indexes: indexes.map(({ oid, name: index }) => ({ oid, name: index })),
  }));
  const steps: readonly Step[] = affected.flatMap(({ name, own, collations }, at) => {
    const indexes = databases[at]?.indexes ?? [];
    const rebuilds = indexes.map((index) => ({
      action: 'index.rebuild',
      params: { ...place, database: name, ...index },
      expects,
    }));
    const refresh = {
      action: 'collation.refresh',
      params: {
        ...place,
        database: name,
        own: own !== undefined,
        collations: collations.map((one) => one.name),
        rebuilt: indexes,
      },
      why: 'It refuses unless every index of the plan has been rebuilt.',
      expects,
    };
    return [...rebuilds, refresh];
  });
  const count = databases.reduce((sum, { indexes }) => sum + indexes.length, 0);
  const what = `${count === 0 ? 'no index' : indexWords(count)} of ${databases.map(({ name }) => name).join(', ')}`;
  return {
    ...planOn(finding, instance),
    summary: `Rebuild ${what} of ${instance.name} one at a time, then record the new versions of their collations.`,
    done: `${what} of ${instance.name} rebuilt, and the new versions recorded`,
    steps,
    risk: 'data',
    downtime: { seconds: 0, why: 'reads and writes continue' },
    unpredictable: [
      'REINDEX CONCURRENTLY waits for every older transaction, however long it takes, and reads the whole table.',
      'If duplicates are in a unique index already, its rebuild fails and names it. Nothing is recorded then, and the old index stays.',
    ],
    undo: 'Nothing is undone: a rebuilt index fits what the server sorts by now.',
    expected: { databases },
  };
}
