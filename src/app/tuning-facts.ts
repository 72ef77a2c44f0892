import { holdsServerFiles } from '../backups/types.ts';
import type { Container } from '../host/docker/types.ts';
import type { Instance } from '../host/instance.ts';
import type { DiskKind, Profile, TuningFacts } from '../postgres/tuning/index.ts';
import type { ReadonlyHost } from '../remediation/contract.ts';
import {
  type BackendMemory,
  hashMemMultiplierOf,
  measureBackends,
  memoryFor,
  memorySettingNames,
  numberOf,
} from '../remediation/shared/memory.ts';
import { readServerSettings, type ServerSettings } from '../remediation/shared/server-settings.ts';
import { getBoolean, getStrings } from '../util/json.ts';

export interface ReadFacts {
  readonly facts: TuningFacts;
  readonly settings: ServerSettings;
  readonly backends: BackendMemory | undefined;
  /** What could not be determined, one sentence each. */
  readonly unknown: readonly string[];
  /** Undefined if the server does not answer. */
  readonly activity: Activity | undefined;
}

/** Current activity of the server. */
interface Activity {
  readonly standby: boolean;
  /** Client sessions. */
  readonly sessions: number;
  readonly senders: number;
  readonly slots: number;
}

export interface TuningWishes {
  readonly profile: Profile;
  readonly disk: DiskKind;
  readonly connections: number | undefined;
}

/** Every setting that may be recommended, or on which a recommendation depends. */
const names = [
  ...memorySettingNames,
  'effective_cache_size',
  'checkpoint_completion_target',
  'default_statistics_target',
  'random_page_cost',
  'effective_io_concurrency',
  'huge_pages',
  'min_wal_size',
  'max_wal_size',
  'max_worker_processes',
  'max_parallel_workers_per_gather',
  'max_parallel_workers',
  'max_parallel_maintenance_workers',
  'wal_level',
  'max_wal_senders',
  'archive_mode',
  'jit',
  'wal_compression',
  'io_method',
  'io_workers',
];

const newestMajor = 17;

/** Reads what the recommendations for an instance depend on. Changes nothing. */
export async function readTuningFacts(
  reader: ReadonlyHost,
  instance: Instance,
  { profile, disk, connections }: TuningWishes,
): Promise<ReadFacts> {
  const engine = await reader.docker.info();
  const [settings, backends, diskSize, memory] = await Promise.all([
    readServerSettings(reader, instance, names),
    measureBackends(reader, instance),
    diskOf(reader, instance),
    memoryFor(instance.container, reader),
  ]);
  const [activity, databases] = settings.asked
    ? await Promise.all([askActivity(reader, instance), askDatabaseSize(reader, instance)])
    : [];
  const autovacuumMaxWorkers = numberOf(settings, 'autovacuum_max_workers');
  const walCompressions = settings.values.get('wal_compression')?.words ?? [];
  return {
    settings,
    backends,
    activity,
    facts: {
      profile,
      disk,
      major: settings.major ?? newestMajor,
      memory: memory.bytes,
      memoryIs: memory.is,
      cpus: instance.container.cpus || engine.cpus,
      walNeededBy: await walNeeds(reader, instance, settings, activity),
      perBackend: backends?.p95,
      hashMemMultiplier: hashMemMultiplierOf(settings),
      ioUringAllowed: seccompIsOff(instance.container),
      ...(connections === undefined ? {} : { connections }),
      // Databases that fit today may not fit tomorrow, so only databases already larger than memory count.
      ...(databases === undefined || databases < memory.bytes ? {} : { databaseSize: databases }),
      ...(diskSize === undefined ? {} : { diskSize }),
      ...(autovacuumMaxWorkers === undefined ? {} : { autovacuumMaxWorkers }),
      ...(walCompressions.length === 0 ? {} : { walCompressions }),
    },
    unknown: [
      ...settings.unknown,
      ...(settings.major === undefined ? [`unknown version: ${newestMajor} is assumed`] : []),
      ...(backends === undefined ? ['too few sessions to measure memory per session: 10 MiB is assumed'] : []),
      ...(diskSize === undefined ? ['unknown disk size: max_wal_size is not limited by it'] : []),
      ...(databases === undefined ? ['unknown database size: the databases are assumed to fit in memory'] : []),
    ],
  };
}

async function diskOf(reader: ReadonlyHost, instance: Instance): Promise<number | undefined> {
  if (!instance.container.state.running) return undefined;
  return (await reader.probes.dataSpace(instance).catch(() => undefined))?.size;
}

async function askDatabaseSize(reader: ReadonlyHost, instance: Instance): Promise<number | undefined> {
  const answer = await reader.sql.query(
    instance,
    `SELECT pg_catalog.sum(pg_catalog.pg_database_size(oid)) AS bytes FROM pg_catalog.pg_database`,
  );
  return answer.ok ? Number(answer.rows[0]?.['bytes'] ?? 0) : undefined;
}

async function askActivity(reader: ReadonlyHost, instance: Instance): Promise<Activity | undefined> {
  const answer = await reader.sql.query(
    instance,
    `SELECT pg_catalog.pg_is_in_recovery() AS standby,
  (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend') AS sessions,
  (SELECT count(*) FROM pg_catalog.pg_stat_replication) AS senders,
  (SELECT count(*) FROM pg_catalog.pg_replication_slots) AS slots`,
  );
  const row = answer.ok ? answer.rows[0] : undefined;
  if (row === undefined) return undefined;
  return {
    standby: row['standby'] === 't',
    sessions: Number(row['sessions']),
    senders: Number(row['senders']),
    slots: Number(row['slots']),
  };
}

/** What needs more WAL than `minimal`; undefined if unknown. */
async function walNeeds(
  reader: ReadonlyHost,
  instance: Instance,
  settings: ServerSettings,
  activity: Activity | undefined,
): Promise<readonly string[] | undefined> {
  const archiving = settings.values.get('archive_mode')?.setting;
  const level = settings.values.get('wal_level')?.setting;
  const physical =
    (await backupsOf(reader, instance))?.filter((one) => one.parts.some(({ kind }) => holdsServerFiles(kind))) ?? [];
  const { standby = false, senders = 0, slots = 0 } = activity ?? {};
  const needs = [
    ...(archiving === 'on' || archiving === 'always' ? [`archive_mode is ${archiving}`] : []),
    ...(level === 'logical' ? ['wal_level is logical: logical decoding may use it'] : []),
    ...(standby ? ['it is a standby itself'] : []),
    ...(senders === 0 ? [] : [`active WAL senders: ${senders}`]),
    ...(slots === 0 ? [] : [`replication slots: ${slots}`]),
    ...(physical.length === 0 ? [] : [`base backups: ${physical.length}`]),
  ];
  return needs.length > 0 || activity !== undefined ? needs : undefined;
}

async function backupsOf(reader: ReadonlyHost, { name }: Instance) {
  return reader.backups.list(name).then(
    ({ backups }) => backups,
    () => undefined,
  );
}

/** Without it, Docker's default seccomp profile blocks io_uring. */
function seccompIsOff({ inspect }: Container): boolean {
  const options = getStrings(inspect, 'HostConfig', 'SecurityOpt');
  return getBoolean(inspect, 'HostConfig', 'Privileged') || options.some((one) => /^seccomp[=:]unconfined$/.test(one));
}
