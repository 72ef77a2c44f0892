import type { Instance } from '../../../host/instance.ts';
import { indexOfFile, type Migration, sessionRole, superuserRefusal } from '../../../migration/index.ts';
import type { Finding, Plan, ReadonlyHost, Refusal, Step } from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { name } from './detect.ts';
import { type Repair, diagnose } from './diagnose.ts';
import { type Observation, observeAll, otherRunners, rowsOf } from './observe.ts';
import { compare } from './schema-diff.ts';
import { type MigrationDetails, type MigrationExpected, migrationRole } from './types.ts';

/** Checks again, and plans the repair if the problem persists and no other session is changing the schema. */
export async function plan(
  finding: Finding<MigrationDetails>,
  host: ReadonlyHost,
): Promise<Plan<MigrationExpected> | Refusal> {
  const { details } = finding;
  const instance = await host.instance(finding.instance);
  if (instance === undefined || instance.container.id !== details.container)
    return refusal(`${finding.instance} has been recreated since it was checked.`, 'Run `problems detect` again.');
  const all = await observeAll(instance, host);
  const found = all.looks.find(({ database }) => database === details.database);
  if (found === undefined)
    return refusal(
      `Another runner is migrating ${details.database}.`,
      'When it has ended, run `problems detect` again.',
    );
  const conditions = await diagnose(found, all, instance, host);
  const condition = conditions.find(({ kind, subject }) => kind === details.kind && subject === details.subject);
  if (condition === undefined)
    return refusal(`${finding.instance} has changed since it was checked.`, 'Run `problems detect` again.');
  if (condition.repair.type === 'refusal') return condition.repair;
  const [other] = await rowsOf(instance, details.database, host, otherRunners);
  if (other !== undefined)
    return refusal(
      `Another session is changing the schema of ${details.database}: process ${other['pid'] ?? ''} (${other['application'] ?? ''}): ${other['query'] ?? ''}`,
      'Wait until it has ended, or find out whose it is; then run `problems detect` again.',
    );
  const role = migrationRole(host, instance.name, details.database);
  const [own] = role === undefined ? await rowsOf(instance, details.database, host, sessionRole) : [];
  if (role === undefined && own?.['rolsuper'] !== 'f') {
    const { message, hint = '' } = superuserRefusal(own?.['rolname'] ?? instance.user);
    return refusal(message, hint);
  }
  const as = role === undefined ? {} : { role };
  if (condition.repair.type === 'repair') return planRepair(finding, instance, found, condition.repair, as);
  const { file } = condition.repair;
  const same = await compare(file, found, instance, host);
  return 'fingerprint' in same ? planRecord(finding, instance, found, file, same.fingerprint, as) : same;
}

/** The role that the config names, for the parameters of steps. */
type As = { readonly role?: string };

function planRepair(
  finding: Finding<MigrationDetails>,
  instance: Instance,
  { database, folder }: Observation,
  { drop, apply }: Repair,
  as: As,
): Plan<MigrationExpected> {
  const { id } = instance.container;
  const place = { instance: instance.name, container: id, database, ...as };
  const expects = [{ check: 'container', ref: id, running: true }] as const;
  const steps: readonly Step[] = [
    ...(drop === undefined
      ? []
      : [
          {
            action: 'index.drop-invalid',
            params: { ...place, oid: drop.oid, name: drop.qualified },
            why: '`IF NOT EXISTS` would skip the build because of the invalid index',
            expects,
          },
        ]),
    ...(apply === undefined || folder === undefined
      ? []
      : [
          {
            action: 'migration.apply',
            params: { ...place, folder: folder.path, name: apply.name, sha256: apply.sha256 },
            expects,
          },
        ]),
  ];
  const named = apply === undefined ? undefined : indexOfFile(apply);
  const builds = named === undefined ? undefined : (drop?.qualified ?? null);
  return {
    type: 'plan',
    remediator: name,
    finding,
    target: { instance: instance.name, container: id, volumes: [instance.volumeKey] },
    summary: [
      ...(drop === undefined ? [] : [`drop the invalid index ${drop.qualified}`]),
      ...(apply === undefined ? [] : [`apply ${apply.name} to ${database}`]),
    ].join(', then '),
    done: [
      ...(drop === undefined ? [] : [`invalid index ${drop.qualified} dropped`]),
      ...(apply === undefined ? [] : [`${apply.name} applied to ${database}`]),
    ].join(', '),
    steps,
    cleanup: [],
    leftovers: [],
    risk: 'safe',
    downtime: { seconds: 0, why: 'reads and writes continue' },
    unpredictable: [
      ...(drop === undefined && builds === undefined
        ? []
        : ['DROP and CREATE INDEX CONCURRENTLY wait for every older transaction, however long it takes.']),
      ...(apply !== undefined && drop === undefined && builds === undefined
        ? ['Each statement of the file waits up to four seconds for its locks, then is retried.']
        : []),
    ],
    undo: undoWords(drop !== undefined, apply !== undefined, builds !== undefined),
    expected: { database, version: apply?.version ?? null, index: builds ?? drop?.qualified ?? null },
  };
}

function planRecord(
  finding: Finding<MigrationDetails>,
  instance: Instance,
  { database, folder }: Observation,
  { name: file, version, sha256 }: Migration,
  fingerprint: string,
  as: As,
): Plan<MigrationExpected> {
  const { id } = instance.container;
  const place = { instance: instance.name, container: id, database, ...as };
  const params = { ...place, folder: folder?.path ?? '', name: file, sha256 };
  return {
    type: 'plan',
    remediator: name,
    finding,
    target: { instance: instance.name, container: id, volumes: [instance.volumeKey] },
    summary: `record ${file} as applied to ${database}`,
    done: `${file} recorded as applied to ${database}`,
    steps: [
      {
        action: 'migration.record',
        params: { ...params, fingerprint },
        why: 'its relations match what the file creates in an empty database, according to the catalogs',
        expects: [{ check: 'container', ref: id, running: true }],
      },
    ],
    cleanup: [],
    leftovers: [],
    risk: 'data',
    downtime: { seconds: 0, why: 'only the ledger changes' },
    unpredictable: ['Rows, owners and privileges were not compared.'],
    undo: 'The rows of the file are removed from the ledger.',
    expected: { database, version, index: null },
  };
}

function undoWords(drops: boolean, applies: boolean, builds: boolean): string {
  return [
    ...(drops ? ['The invalid index is not recreated: no query could use it.'] : []),
    ...(builds ? ['The new index is dropped, and its rows are removed from the ledger.'] : []),
    ...(applies && !builds
      ? ['Committed changes of the file are kept: migrations are never reverted automatically.']
      : []),
  ].join(' ');
}
