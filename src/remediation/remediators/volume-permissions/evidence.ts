import type { Instance } from '../../../host/instance.ts';
import type { Evidence, ReadonlyHost } from '../../contract.ts';
import type { Look } from './look.ts';
import { everyRelation } from './queries.ts';
import { placeOf } from './refusals.ts';

/** What a client is told, where a server runs that cannot read all of its data. */
export async function refusedQuery(
  instance: Instance,
  { seen }: Look,
  host: ReadonlyHost,
): Promise<readonly Evidence[]> {
  if (!seen.running) return [];
  // One that ends in this very moment has said enough already.
  const answer = await host.sql.query(instance, everyRelation, { timeoutMs: 30_000 }).catch(() => undefined);
  if (answer === undefined || answer.ok) return [];
  const { message, sqlstate } = answer;
  return [{ type: 'message', text: message, ...(sqlstate === undefined ? {} : { sqlstate }) }];
}

/** How many entries are in the way, whose they are, and the first of them. */
export function ownersSeen({ dataMount }: Instance, { trouble, seen }: Look): readonly Evidence[] {
  const wrong = trouble !== undefined && 'wrong' in trouble ? trouble.wrong : [];
  const counts = new Map<string, number>();
  for (const { uid, gid } of wrong) counts.set(`${uid}:${gid}`, (counts.get(`${uid}:${gid}`) ?? 0) + 1);
  const owners = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([owner, count]) => `${count} of ${owner}`);
  const examples = wrong.slice(0, 5).map(({ path, uid, gid, mode }) => `${JSON.stringify(path)} ${uid}:${gid} ${mode}`);
  const { uid, gid } = seen.owner;
  const result = [`${seen.entries.length} entries`, `the server is ${uid}:${gid}`, ...owners, ...examples].join(', ');
  return [{ type: 'probe', name: `survey of ${dataMount?.source ?? ''}`, result }];
}

/** One sentence of a finding. */
export function summary({ name: instance, container, dataMount }: Instance, { seen, trouble }: Look): string {
  const place = dataMount === undefined ? '' : placeOf(dataMount);
  const { uid, gid } = seen.owner;
  const state = seen.running ? `${instance} runs` : `${instance} does not run`;
  switch (trouble?.kind) {
    case 'wrong-owner':
      return `${state}, and ${trouble.wrong.length} of ${seen.entries.length} entries of ${place} belong to others than its server, which is ${uid}:${gid}.`;
    case 'wrong-mode':
      return `${state}, and ${trouble.wrong.length} of ${seen.entries.length} entries of ${place} have modes that its server does not take.`;
    case 'data-missing':
      return `${state}, and there is no cluster in ${place} where there was one: the mount is wrong, or the data is gone.`;
    case 'read-only':
      return `${state}: ${place} is read-only.`;
    case 'lost-and-found':
      return `${state}: its data directory is the top of a file system, with a lost+found in it.`;
    case 'ownership-refused':
      return seen.missingCapabilities.length > 0
        ? `${state}: ${container.name} lacks ${seen.missingCapabilities.join(', ')}, so its entrypoint cannot give the files to the server.`
        : `${state}: the engine does not let ${container.name} give the files of ${place} to its server.`;
    case 'label-refused':
      return `${state}: owners and modes of ${place} are right, and it is refused all the same, as SELinux does.`;
    case undefined:
      return state;
  }
}
