import type { Instance } from '../../../host/instance.ts';
import type { Plan, ReadonlyHost, Verification } from '../../contract.ts';
import { waitUntilReady } from '../../shared/availability.ts';
import { controlFile } from '../../shared/server-settings.ts';
import { answerCheck, asideCheck, type Check, sameClusterCheck, withoutAnswer } from '../../shared/settings-steps.ts';
import { observe } from './observe.ts';
import { databasesOf, everyRelation, imageUsers, unfitCollations } from './files.ts';
import { placeOf } from './refusals.ts';
import type { VolumeExpected } from './types.ts';

/** Checks the start, a query with login, the same cluster, every relation, and every file with a base backup. */
export async function verify({ target, expected }: Plan<VolumeExpected>, host: ReadonlyHost): Promise<Verification> {
  const first = await waitUntilReady(target.instance, host, { patienceMs: 60_000 });
  const { instance, answeredAt } = first;
  if (instance === undefined || instance.container.name !== expected.name)
    return {
      result: 'not-verified',
      checks: [{ name: 'the container is there', ok: false, seen: instance?.container.name ?? 'none' }],
    };
  const checks: Check[] = [answerCheck(first)];
  if (first.answer?.ok !== true) return { result: withoutAnswer(first), checks };
  checks.push(
    sameClusterCheck(first, expected.systemIdentifier),
    onMount(instance, expected),
    await nothingInTheWay(instance, host),
    await relationsReadable(instance, host),
    await collationsFit(instance, expected, host),
    await backupSucceeds(instance, host),
    ...(expected.aside === null ? [] : await asideKept(expected.aside, expected, instance, host)),
  );
  return { result: checks.every(({ ok }) => ok) ? 'verified' : 'not-verified', answeredAt, checks };
}

function onMount({ dataMount }: Instance, { mount }: VolumeExpected): Check {
  const seen = dataMount === undefined ? 'no mount' : `${dataMount.type} ${placeOf(dataMount)}`;
  return { name: 'its data is where it is to be', ok: seen === `${mount.type} ${mount.source}`, seen };
}

async function nothingInTheWay(instance: Instance, host: ReadonlyHost): Promise<Check> {
  const name = 'the server may use every entry';
  if (instance.dataMount === undefined) return { name, ok: false, seen: 'no mount' };
  const { condition, seen } = await observe(instance, instance.dataMount, host, imageUsers(host));
  return { name, ok: condition === undefined, seen: condition?.kind ?? `${seen.entries.length} entries` };
}

async function relationsReadable(instance: Instance, host: ReadonlyHost): Promise<Check> {
  const name = 'every relation can be read';
  let readable = 0;
  for (const database of await databasesOf(instance, host)) {
    const answer = await host.sql.query(instance, everyRelation, { database, timeoutMs: 60_000 });
    if (!answer.ok) return { name, ok: false, seen: `${database}: ${answer.message}` };
    readable += Number(answer.rows[0]?.['readable'] ?? 0);
  }
  return { name, ok: true, seen: `${readable} relations` };
}

async function collationsFit(instance: Instance, expected: VolumeExpected, host: ReadonlyHost): Promise<Check> {
  const name = 'text is sorted as before';
  const now = await unfitCollations(instance, host);
  if (now === null) return { name, ok: true, seen: 'this version of PostgreSQL does not record it' };
  const added = now.filter((collation) => expected.collations !== null && !expected.collations.includes(collation));
  return { name, ok: added.length === 0, seen: added.join('; ') || 'no version of a collation has changed' };
}

/** A server whose settings forbid base backups is skipped; its files were checked one by one. */
async function backupSucceeds(instance: Instance, host: ReadonlyHost): Promise<Check> {
  const { result, message } = await host.probes.baseBackup(instance);
  const seen = result === 'done' ? 'done' : result === 'refused' ? `refused: ${message}` : message;
  return { name: 'a base backup succeeds', ok: result !== 'failed', seen };
}

async function asideKept(
  aside: string,
  { systemIdentifier: identifier }: VolumeExpected,
  { dataDirectory }: Instance,
  host: ReadonlyHost,
): Promise<readonly Check[]> {
  const old = await host.docker.container(aside);
  const control = await controlFile(host, aside, dataDirectory);
  return [
    asideCheck(old),
    {
      name: 'the old container still has the cluster',
      ok: control?.systemIdentifier === identifier && control.shutDown,
      seen: control?.systemIdentifier ?? 'no cluster',
    },
  ];
}
