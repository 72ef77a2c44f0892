import { ProblemsError } from '../errors.ts';
import { repositoriesOf } from '../backups/repositories.ts';
import { type InstanceVerdict, judgeBackups } from '../backups/verdict.ts';
import type { Backup, BackupAnswer, BackupInventory, BackupLevel } from '../backups/types.ts';
import { requireInstances } from './detect.ts';
import { bindCall, type Remediation, type RemediationCall } from './open-remediation.ts';
import { leasePort } from './ports.ts';
import { submit, type SubmitOptions } from './submit.ts';
import type { ReadonlyHost } from '../remediation/contract.ts';
import { instanceNotFound, notFound } from '../remediation/engine/not-found.ts';
import type { RunReport } from '../remediation/run-report.ts';
import { archivePlaceOf, backupSettings, planRestore } from '../remediation/remediators/backup-repair/index.ts';
import { compareText } from '../util/compare.ts';
import {
  planBackup,
  planExpiry,
  planPutBack,
  requestSettings,
  type Retained,
  retention,
} from '../remediation/requests/backups.ts';

export type { Retained } from '../remediation/requests/backups.ts';

/** Lists the backups of one instance, or all. Reads only the beginning of each backup, and its sidecar files. */
export function listBackups({ session: { reader } }: Remediation, instance?: string): Promise<BackupInventory> {
  return reader.backups.list(instance);
}

export interface JudgedBackups extends BackupInventory {
  /** One for each instance, and for each name that has backups, by name. */
  readonly verdicts: readonly InstanceVerdict[];
  /** The folders that were searched, absolute. */
  readonly folders: readonly string[];
}

/**
 * Lists backups, and judges whether each instance could be restored from its own. Reads no backup: the results of earlier
 * checks decide. Without an engine, instances without backups
 * are unknown unless they are named; `notLookedAt` says so.
 * @throws ProblemsError `not-found`: neither an instance nor a backup has this name.
 */
export async function backupVerdicts(opened: Remediation, instance?: string): Promise<JudgedBackups> {
  const { session } = opened;
  const { backups, notLookedAt, repositories = [] } = await listBackups(opened, instance);
  const { folders } = session.reader.backups;
  const owners = backups.map((backup) => backup.instance);
  const found = await instancesIfReachable(opened);
  if (instance !== undefined) requireOwner(instance, found.names, owners);
  const names = instance === undefined ? [...(found.names ?? []), ...owners] : [instance];
  const { rpoHours } = backupSettings(session.reader);
  const unknown =
    instance === undefined && found.names === undefined ? [{ path: 'instances', reason: found.reason }] : [];
  return {
    backups,
    folders,
    ...(repositories.length === 0 ? {} : { repositories }),
    notLookedAt: [...notLookedAt, ...unknown],
    verdicts: [...new Set(names)].toSorted(compareText).map((name) =>
      judgeBackups(
        name,
        backups.filter((backup) => backup.instance === name),
        { rpoHours, now: session.now(), repositories: repositoriesOf(name, repositories, folders) },
      ),
    ),
  };
}

/** @throws ProblemsError `not-found`: neither an instance nor a backup has this name, as far as can be told. */
function requireOwner(name: string, instances: readonly string[] | undefined, owners: readonly string[]): void {
  if (owners.includes(name) || instances === undefined || instances.includes(name)) return;
  throw instanceNotFound(
    name,
    [...instances, ...owners].map((one) => ({ name: one })),
  );
}

async function instancesIfReachable({
  session,
}: Remediation): Promise<
  { readonly names: readonly string[] } | { readonly names: undefined; readonly reason: string }
> {
  try {
    return { names: (await session.reader.instances({ all: true })).map(({ name }) => name) };
  } catch (error) {
    if (!(error instanceof ProblemsError && error.code === 'engine-unreachable')) throw error;
    return { names: undefined, reason: error.message };
  }
}

export interface VerifyRequest extends RemediationCall {
  /** `<instance>/<name>`, or the path of the folder. */
  readonly backup: string;
  /** The highest level to check. */
  readonly upTo: BackupLevel;
  readonly onProgress?: (what: string) => void;
}

/**
 * Checks a backup level by level and writes the result into its sidecar file. The backup itself is unchanged.
 * @throws ProblemsError `not-found`: there is no such backup, or no instance whose image could restore it.
 */
export async function verifyBackup(
  opened: Remediation,
  { backup: ref, upTo, onProgress, ...call }: VerifyRequest,
): Promise<{ readonly backup: Backup; readonly answer: BackupAnswer }> {
  const { reader, host } = bindCall(opened, call).session;
  const backup = await reader.backups.read(ref);
  if (backup === undefined) throw await noBackup(ref, reader);
  const instance = await reader.instance(backup.instance);
  if (instance === undefined)
    throw new ProblemsError(
      'not-found',
      `There is no instance ${backup.instance}, whose image is needed to restore a copy.`,
      {
        hint: '`docker ps -a` shows the containers; docs/remediation.md says which are instances.',
      },
    );
  const archive = archivePlaceOf(instance.container);
  const answer = await reader.backups.check(backup, {
    instance,
    upTo,
    withSource: true,
    ...(archive === undefined ? {} : { archive }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  // A backup that is quarantined or still being taken is left unchanged.
  if (backup.state === 'complete' || backup.state === 'failed') await host.changer.backups.record(backup, answer);
  return { backup: (await reader.backups.read(ref)) ?? backup, answer };
}

async function noBackup(ref: string, { backups }: Pick<ReadonlyHost, 'backups'>): Promise<ProblemsError> {
  const refs = (await backups.list()).backups.map((backup) => backup.ref);
  return notFound(`There is no backup ${ref}.`, ref, refs, '`problems backups` lists them.');
}

/**
 * What retention keeps and removes, for one instance or all. Removes nothing of a suspended instance.
 * @throws ProblemsError `not-found`: neither an instance nor a backup has this name.
 */
export async function retainedBackups(opened: Remediation, instance?: string): Promise<readonly Retained[]> {
  const { session } = opened;
  const { reader, store } = session;
  const { backups } = await reader.backups.list(instance);
  if (instance !== undefined && backups.length === 0)
    requireOwner(instance, (await instancesIfReachable(opened)).names, []);
  const settings = requestSettings(reader);
  const retained: Retained[] = [];
  for (const name of new Set(backups.map((backup) => backup.instance))) {
    const suspended = await store.suspensions.get(name);
    const own = backups.filter((backup) => backup.instance === name);
    retained.push(...retention(own, settings, suspended?.reason, session.now()));
  }
  return retained;
}

export interface TakeBackupRequest extends SubmitOptions {
  readonly instance: string;
  /** Whether to prove the backup by restoring a copy. Default true. */
  readonly drill?: boolean;
}

/**
 * Takes a backup of a running instance, named after the time in UTC: `20260301_031000`. Needs no approval.
 * @throws ProblemsError `not-found`: there is no such instance. `engine-unreachable`.
 */
export async function takeBackup(
  opened: Remediation,
  { instance, drill = true, ...options }: TakeBackupRequest,
): Promise<RunReport> {
  const remediation = bindCall(opened, options);
  const { session } = remediation;
  await requireInstances(remediation, [instance]);
  const work = await planBackup({ instance, backup: timestamp(session.now()), drill }, session.reader);
  return submit(remediation, work, { automation: 'auto', ...options });
}

/** Removes backups, given as `<instance>/<name>`: one run for each instance. Waits for approval unless `yes` is given. */
export async function expireBackups(
  opened: Remediation,
  { backups, ...options }: SubmitOptions & { readonly backups: readonly string[] },
): Promise<readonly RunReport[]> {
  const remediation = bindCall(opened, options);
  const reports: RunReport[] = [];
  for (const work of await planExpiry(backups, remediation.session.reader))
    reports.push(await submit(remediation, work, options));
  return reports;
}

export interface PutBackRequest extends SubmitOptions {
  /** `<instance>/<name>` of a quarantined backup. */
  readonly backup: string;
}

/**
 * Moves a quarantined backup back among the others and forgets its checks. Needs no approval: the caller decides.
 * @throws ProblemsError `not-found`: no such backup. `bad-usage`: it is not quarantined.
 */
export async function putBackBackup(opened: Remediation, { backup, ...options }: PutBackRequest): Promise<RunReport> {
  const remediation = bindCall(opened, options);
  const { reader } = remediation.session;
  const { backups } = await reader.backups.list(backup.split('/')[0]);
  const named = backups.filter(({ ref }) => ref === backup);
  if (named.length === 0) throw await noBackup(backup, reader);
  if (!named.some(({ state }) => state === 'quarantined'))
    throw new ProblemsError('bad-usage', `${backup} is not quarantined.`, { hint: '`problems backups` lists them.' });
  return submit(remediation, await planPutBack(backup, reader), { automation: 'auto', ...options });
}

export interface RestoreBackupRequest extends SubmitOptions {
  /** `<instance>/<name>`. */
  readonly backup: string;
  /** Name of the new instance. */
  readonly into: string;
  /** Recovery target time, RFC 3339. Default: the end of the backup. */
  readonly to?: string;
}

/** Long enough for checking and restoring the backup, which may take a day each. */
const restoreLeaseMs = 48 * 3_600_000;

/**
 * Restores a backup into an instance that does not exist yet, on a port that is leased for it. Touches nothing that
 * exists, so it needs no approval.
 * @throws ProblemsError `not-found`: no such backup. `bad-usage`: the instance exists, or no port is free.
 */
export async function restoreBackup(
  opened: Remediation,
  { backup, into, to, ...options }: RestoreBackupRequest,
): Promise<{ readonly report: RunReport; readonly port: number }> {
  const remediation = bindCall(opened, options);
  const { reader, store } = remediation.session;
  if ((await reader.backups.read(backup)) === undefined) throw await noBackup(backup, reader);
  if ((await reader.instance(into)) !== undefined)
    throw new ProblemsError('bad-usage', `Instance ${into} already exists; a restore never overwrites one.`, {
      hint: 'Choose another name with --into.',
    });
  const hadLease = (await reader.leases.list()).some(({ instance }) => instance === into);
  const lease = await leasePort(remediation, { instance: into, ttlMs: restoreLeaseMs });
  if (lease === undefined)
    throw new ProblemsError('bad-usage', 'No port is free for a new instance.', {
      hint: '`problems ports` lists them.',
    });
  const { port } = lease;
  const work = await planRestore({ backup, into, port, ...(to === undefined ? {} : { to }) }, reader);
  const report = await submit(remediation, work, { automation: 'auto', ...options });
  if (!hadLease && (report.outcome === 'failed' || report.outcome === 'rolled-back'))
    await store.leases((await reader.docker.info()).id).release(port, into);
  return { report, port };
}

/** `%Y%m%d_%H%M%S` in UTC, as the managed system names its backups. */
function timestamp(now: Date): string {
  return now.toISOString().replaceAll(/[-:]/g, '').replace('T', '_').slice(0, 15);
}
