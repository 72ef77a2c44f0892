import { setTimeout as sleep } from 'node:timers/promises';
import type { Instance, SqlResult } from '../../../host/types.ts';
import type { Plan, ReadonlyHost, Verification } from '../../contract.ts';
import { controlFile } from './control-file.ts';
import type { VolumeExpected } from './details.ts';
import { look, runs } from './look.ts';
import { databasesOf, everyRelation, systemIdentifier, unfitCollations } from './queries.ts';
import { placeOf } from './refusals.ts';
import { imageUsers } from './runtime.ts';

type Check = Verification['checks'][number];

const patienceMs = 60_000;

/** A start, a query with a login, the same cluster, every relation, every file by a base backup. */
export async function verify({ target, expected }: Plan<VolumeExpected>, host: ReadonlyHost): Promise<Verification> {
  const [instance, answer] = await firstAnswer(target.instance, host);
  const answeredAt = new Date().toISOString();
  if (instance === undefined || instance.container.name !== expected.name)
    return {
      result: 'not-verified',
      checks: [{ name: 'the container is there', ok: false, seen: instance?.container.name ?? 'none' }],
    };
  const { status } = instance.container.state;
  const checks: Check[] = [{ name: 'it answers a query', ok: answer?.ok === true, seen: saidOf(answer) ?? status }];
  if (answer?.ok !== true) {
    const impossible = answer?.sqlstate?.startsWith('28') === true;
    return { result: impossible ? 'impossible' : 'not-verified', checks };
  }
  const seen = answer.rows[0]?.['system_identifier'] ?? '';
  checks.push(
    { name: 'the same cluster (system_identifier)', ok: seen === expected.systemIdentifier, seen },
    onMount(instance, expected),
    await nothingInTheWay(instance, host),
    await relationsReadable(instance, host),
    await collationsFit(instance, expected, host),
    await backupSucceeds(instance, host),
    ...(expected.aside === null ? [] : await asideKept(expected.aside, expected, instance, host)),
  );
  return { result: checks.every(({ ok }) => ok) ? 'verified' : 'not-verified', answeredAt, checks };
}

/** The instance is looked up each time: the container of its name may be a new one, with a new address. */
async function firstAnswer(
  name: string,
  host: ReadonlyHost,
): Promise<readonly [Instance | undefined, SqlResult | undefined]> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const instance = await host.instance(name);
    const answer =
      instance === undefined || !runs(instance)
        ? undefined
        : await host.sql.query(instance, systemIdentifier, { timeoutMs: 3_000 });
    const refused = answer?.ok === false && answer.sqlstate?.startsWith('28') === true;
    const ended = instance !== undefined && instance.container.state.status === 'exited';
    if (answer?.ok === true || refused || ended || performance.now() > until) return [instance, answer];
    await sleep(100, undefined, { signal: host.signal });
  }
}

function saidOf(answer: SqlResult | undefined): string | undefined {
  if (answer === undefined) return undefined;
  return answer.ok ? `yes, by way of ${answer.via}` : `${answer.sqlstate ?? ''} ${answer.message}`.trim();
}

function onMount({ dataMount }: Instance, { mount }: VolumeExpected): Check {
  const seen = dataMount === undefined ? 'no mount' : `${dataMount.type} ${placeOf(dataMount)}`;
  return { name: 'its data is where it is to be', ok: seen === `${mount.type} ${mount.source}`, seen };
}

async function nothingInTheWay(instance: Instance, host: ReadonlyHost): Promise<Check> {
  const name = 'the server may use every entry';
  if (instance.dataMount === undefined) return { name, ok: false, seen: 'no mount' };
  const { trouble, seen } = await look(instance, instance.dataMount, host, imageUsers(host));
  return { name, ok: trouble === undefined, seen: trouble?.kind ?? `${seen.entries.length} entries` };
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

/** A server that makes no backups by its settings has none to lose, and its files were looked at one by one. */
async function backupSucceeds(instance: Instance, host: ReadonlyHost): Promise<Check> {
  const { result, message } = await host.probes.baseBackup(instance);
  const seen = result === 'done' ? 'done' : result === 'refused' ? `none could be begun: ${message}` : message;
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
  const policy = old?.restartPolicy.name || 'no';
  return [
    {
      name: 'the old container stays stopped',
      ok: old?.state.running === false && policy === 'no',
      seen: `${old?.state.status ?? 'gone'}, restart ${policy}`,
    },
    {
      name: 'the old folder still holds the cluster',
      ok: control?.systemIdentifier === identifier && control.shutDown,
      seen: control?.systemIdentifier ?? 'no cluster',
    },
  ];
}
