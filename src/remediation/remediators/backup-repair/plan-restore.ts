import { posix } from 'node:path';
import type { Backup } from '../../../backups/types.ts';
import type { Instance } from '../../../host/instance.ts';
import {
  type Finding,
  findingId,
  type Plan,
  type ReadonlyHost,
  type Refusal,
  type RequestedWork,
} from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { freeVolume } from './observe.ts';
import { archivePlaceOf } from './plan-archiving.ts';
import type { BackupExpected } from './types.ts';

export interface RestoreRequest {
  /** `<instance>/<name>`. */
  readonly backup: string;
  /** Name of the new instance. */
  readonly into: string;
  /** The port leased for it. */
  readonly port: number;
  /** Recovery target time, RFC 3339. Default: the end of the backup. */
  readonly to?: string;
}

/**
 * Never overwrites: uses a new volume and a new container without the source's networks.
 * See docs/engineering/wal-archiving.md#point-in-time-recovery and docs/engineering/safety.md#who-may-decide.
 */
export async function planRestore(wanted: RestoreRequest, host: ReadonlyHost): Promise<RequestedWork> {
  const { backup, into, to } = wanted;
  const moment = to === undefined ? '' : `, as it was at ${to}`;
  const finding: Finding = {
    id: findingId('backup-repair', into, 'restore-wanted'),
    remediator: 'backup-repair',
    instance: into,
    kind: 'restore-wanted',
    summary: `Restore ${backup} into the new instance ${into}${moment}.`,
    risk: 'safe',
    evidence: [],
    details: { ...wanted },
    problem: null,
  };
  return { finding, plan: await restorePlan(finding, wanted, host) };
}

async function restorePlan(
  finding: Finding,
  wanted: RestoreRequest,
  host: ReadonlyHost,
): Promise<Plan<BackupExpected> | Refusal> {
  const backup = await host.backups.read(wanted.backup);
  if (backup === undefined)
    return refusal(`Backup ${wanted.backup} does not exist.`, 'List the backups with: problems backups');
  const source = await host.instance(backup.instance);
  if (source?.dataMount === undefined)
    return refusal(
      `${backup.instance}, the instance of ${backup.ref}, has no container with a volume to use as a template.`,
      'Create an instance of that name with the same image first, or restore by hand.',
    );
  const { container, dataMount } = source;
  const name = nameFor(wanted.into, source);
  const refused = (await refusalForName(name, host)) ?? (await refusalForBackup(backup, source, wanted, host));
  if (refused !== undefined) return refused;
  const archive = wanted.to === undefined ? null : (archivePlaceOf(container) ?? null);
  const volume = await freeVolume(`${name}-data`, host);
  const { id: engine } = await host.docker.info();
  const isFiles = backup.parts.some(({ kind }) => kind === 'base-backup');
  const fingerprints = await host.backups.fingerprints(backup);
  return {
    type: 'plan',
    remediator: finding.remediator,
    requested: true,
    finding,
    target: { instance: wanted.into, container: '', volumes: [`volume:${engine}/${volume}`] },
    summary: `Restore ${backup.ref} into the new instance ${wanted.into}, next to ${source.name}.`,
    done: `${backup.ref} restored into the new instance ${wanted.into}${wanted.to === undefined ? '' : `, as it was at ${wanted.to}`}`,
    steps: [
      {
        action: 'port.lease',
        // Until the container exists, which is after the restore: a day at most.
        params: { instance: wanted.into, port: wanted.port, ttlMs: 25 * 3_600_000 },
        why: 'So that no other instance gets it in the meantime.',
      },
      {
        action: 'backup.restore',
        params: {
          ref: backup.ref,
          volume,
          folder: posix.relative(dataMount.destination, source.dataDirectory) || '.',
          like: container.id,
          role: source.user,
          database: source.database,
          to: wanted.to === undefined ? null : new Date(wanted.to).toISOString(),
          archive: archive === null ? null : { ...archive },
        },
        why: 'In a container without a network. The backup and the archive are only read.',
      },
      {
        action: 'instance.create',
        params: {
          like: container.id,
          name,
          volume,
          serverPort: source.port,
          port: wanted.port,
        },
        expects: [{ check: 'no-container', ref: name }],
      },
      { action: 'container.start', params: { container: name } },
    ],
    cleanup: [{ action: 'port.bind', params: { instance: wanted.into, port: wanted.port } }],
    leftovers: [],
    risk: 'safe',
    downtime: { seconds: 0, why: `${source.name} is not interrupted.` },
    unpredictable: [
      'Jobs inside the database, such as those of pg_cron, run in the new instance too once it is started.',
      `The new instance listens only on 127.0.0.1:${wanted.port} and is on no network of ${source.name}; it neither archives nor replicates.`,
    ],
    undo: `The new container is removed. The volume ${volume} is kept; to remove it, run: docker volume rm ${volume}`,
    expected: {
      kind: 'restored',
      container: name,
      volume,
      systemIdentifier: isFiles ? (fingerprints?.systemIdentifier ?? null) : null,
      port: wanted.port,
    },
  };
}

/** Named like its source: `vrooli-postgres-<name>`, or with any other prefix. */
function nameFor(into: string, { name, container }: Instance): string {
  return container.name.endsWith(name)
    ? `${container.name.slice(0, container.name.length - name.length)}${into}`
    : `vrooli-postgres-${into}`;
}

async function refusalForName(name: string, host: ReadonlyHost): Promise<Refusal | undefined> {
  return (await host.docker.container(name)) === undefined
    ? undefined
    : refusal(`Container ${name} already exists; a restore never overwrites one.`, 'Choose another name with --into.');
}

/**
 * Checks the backup first: a bad one could restore incompletely without an error
 * (docs/engineering/backups.md#plain-sql-dumps).
 */
async function refusalForBackup(
  backup: Backup,
  instance: Instance,
  { to }: RestoreRequest,
  host: ReadonlyHost,
): Promise<Refusal | undefined> {
  const base = backup.parts.find(({ kind }) => kind === 'base-backup');
  if (backup.state === 'running')
    return refusal(`${backup.ref} is still being taken.`, 'Wait until `problems backups` lists it as complete.');
  // A check decrypts it for itself; the helper that restores has no key.
  const encrypted = backup.parts.flatMap(({ path, packing }) =>
    packing === 'age' || packing === 'gpg' || packing === 'openssl' ? [{ path, packing }] : [],
  );
  if (encrypted.length > 0)
    return refusal(
      `${backup.ref} is encrypted: ${encrypted.map(({ path, packing }) => `${path} (${packing})`).join(', ')}.`,
      'Decrypt it in a folder of its own among the backups, and restore that.',
    );
  if (to !== undefined) {
    if (base === undefined)
      return refusal(
        `${backup.ref} has no base backup, which point-in-time recovery needs.`,
        '`problems backups` lists the kinds. A dump can be restored without --to.',
      );
    if (Date.parse(to) <= Date.parse(backup.createdAt))
      return refusal(
        `${to} is before the start of ${backup.ref} at ${backup.createdAt}.`,
        'Choose an earlier backup, or a later time.',
      );
    if (archivePlaceOf(instance.container) === undefined)
      return refusal(
        `${instance.name} does not archive WAL, so no time after ${backup.ref} can be restored.`,
        'Without --to, the backup itself is restored. To set up archiving, use remediation.settings.backup-repair.archive.',
      );
  }
  if (
    base === undefined &&
    !backup.parts.some(({ kind }) => /^(?:plain|plain-gzip|custom|tar|directory|cluster)$/.test(kind))
  )
    return refusal(
      `${backup.ref} has no part that can be restored automatically: ${backup.parts.map(({ kind }) => kind).join(', ') || 'no part'}.`,
      'Restore it by hand, into a new folder.',
    );
  const { checks } = await host.backups.check(backup, { upTo: 'L3', instance });
  const failed = checks.find(({ result }) => result === 'failed');
  // What was not read here is not given to psql.
  const unread = checks.find(({ level, result }) => level === 'L0' && result === 'impossible');
  if (base === undefined && unread !== undefined && backup.parts.some(({ packing }) => packing !== undefined))
    return refusal(`${backup.ref} could not be read before the restore.`, unread.says.join(' '));
  return failed === undefined
    ? undefined
    : refusal(
        `${backup.ref} fails at ${failed.level} (${failed.cause ?? 'damaged'}): ${failed.says.join(' ')}`,
        'Choose another backup. If you need data from this one, work on a copy of it.',
      );
}
