import type { Instance } from '../../../host/instance.ts';
import { indexOfFile, type Migration } from '../../../migration/index.ts';
import type { Finding, Plan, ReadonlyHost, Refusal, Step } from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { name } from './detect.ts';
import { type Repair, diagnose } from './diagnose.ts';
import { type Observation, observeAll, otherRunners, rowsOf } from './observe.ts';
import { compare } from './schema-diff.ts';
import type { MigrationDetails, MigrationExpected } from './types.ts';

/** Looks again, and plans the repair of what is still so, while nobody else changes the schema. */
export async function plan(
  finding: Finding<MigrationDetails>,
  host: ReadonlyHost,
): Promise<Plan<MigrationExpected> | Refusal> {
  const { details } = finding;
  const instance = await host.instance(finding.instance);
  if (instance === undefined || instance.container.id !== details.container)
    return refusal(`${finding.instance} is another container by now.`, 'Detect again.');
  const all = await observeAll(instance, host);
  const found = all.looks.find(({ database }) => database === details.database);
  if (found === undefined)
    return refusal(`A runner migrates ${details.database} at this moment.`, 'Detect again when it has ended.');
  const troubles = await diagnose(found, all, instance, host);
  const trouble = troubles.find(({ kind, subject }) => kind === details.kind && subject === details.subject);
  if (trouble === undefined) return refusal(`${finding.instance} is not as it was found.`, 'Detect again.');
  if (trouble.repair.type === 'refusal') return trouble.repair;
  const [other] = await rowsOf(instance, details.database, host, otherRunners);
  if (other !== undefined)
    return refusal(
      `Somebody changes the schema of ${details.database} at this moment: process ${other['pid'] ?? ''} (${other['application'] ?? ''}): ${other['query'] ?? ''}`,
      'Wait until it has ended, or find out whose it is, and detect again.',
    );
  if (trouble.repair.type === 'repair') return planRepair(finding, instance, found, trouble.repair);
  const { file } = trouble.repair;
  const same = await compare(file, found, instance, host);
  return 'fingerprint' in same ? planRecord(finding, instance, found, file, same.fingerprint) : same;
}

function planRepair(
  finding: Finding<MigrationDetails>,
  instance: Instance,
  { database, folder }: Observation,
  { drop, apply }: Repair,
): Plan<MigrationExpected> {
  const { id } = instance.container;
  const place = { instance: instance.name, container: id, database };
  const expects = [{ check: 'container', ref: id, running: true }] as const;
  const steps: readonly Step[] = [
    ...(drop === undefined
      ? []
      : [
          {
            action: 'index.drop-invalid',
            params: { ...place, oid: drop.oid, name: drop.qualified },
            why: '`IF NOT EXISTS` would take it for the index that it never became',
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
    steps,
    cleanup: [],
    leftovers: [],
    risk: 'safe',
    downtime: { seconds: 0, why: 'reads and writes go on' },
    unpredictable: [
      ...(drop === undefined && builds === undefined
        ? []
        : [
            'Dropping and building concurrently wait for every transaction that is older than they are, however long it lasts.',
          ]),
      ...(apply !== undefined && drop === undefined && builds === undefined
        ? ['Each statement of the file waits up to four seconds for its locks, and is tried again.']
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
): Plan<MigrationExpected> {
  const { id } = instance.container;
  const params = { instance: instance.name, container: id, database, folder: folder?.path ?? '', name: file, sha256 };
  return {
    type: 'plan',
    remediator: name,
    finding,
    target: { instance: instance.name, container: id, volumes: [instance.volumeKey] },
    summary: `record ${file} as applied to ${database}`,
    steps: [
      {
        action: 'migration.record',
        params: { ...params, fingerprint },
        why: 'its relations are what the file makes in an empty database, by the catalogs of both',
        expects: [{ check: 'container', ref: id, running: true }],
      },
    ],
    cleanup: [],
    leftovers: [],
    risk: 'data',
    downtime: { seconds: 0, why: 'only the ledger changes' },
    unpredictable: ['Rows, owners and privileges were not compared.'],
    undo: 'The rows of the file leave the ledger.',
    expected: { database, version, index: null },
  };
}

function undoWords(drops: boolean, applies: boolean, builds: boolean): string {
  return [
    ...(drops ? ['An invalid index is not made again: no query could use it.'] : []),
    ...(builds ? ['An index that was built is dropped, and its rows leave the ledger.'] : []),
    ...(applies && !builds ? ['What a file did and committed stays: a migration is never taken back by itself.'] : []),
  ].join(' ');
}
