import { errorText } from '../../../util/text.ts';
import type { Instance } from '../../../host/instance.ts';
import type { DatabaseProbe } from '../../../host/probes/types.ts';
import type { Evidence, ReadonlyHost } from '../../contract.ts';
import { damageInAmcheck, damageInReport, signOfLine } from './observe.ts';
import type { BackupSettings } from './types.ts';

/** State of continuous archiving, from the server. See docs/engineering/wal-archiving.md#failing-archives. */
export interface Archiving {
  /** `off`, `on` or `always`. */
  readonly mode: string;
  readonly command: string;
  readonly library: string;
  readonly archived: number;
  readonly failed: number;
  /** WAL files that wait to be archived. */
  readonly ready: number;
  /** The last attempt failed. */
  readonly failsNow: boolean;
  readonly lastFailedFile: string;
  readonly lastFailedAt: string;
}

const sql = `SELECT current_setting('archive_mode') AS mode, current_setting('archive_command') AS command,
  coalesce(current_setting('archive_library', true), '') AS library,
  archived_count::text AS archived, failed_count::text AS failed,
  (SELECT count(*) FROM pg_catalog.pg_ls_archive_statusdir() WHERE name LIKE '%.ready')::text AS ready,
  (last_failed_time IS NOT NULL AND last_failed_time > coalesce(last_archived_time, '-infinity'))::text AS fails_now,
  coalesce(last_failed_wal, '') AS last_file, coalesce(last_failed_time::timestamptz(0)::text, '') AS last_at
FROM pg_catalog.pg_stat_archiver`;

/** Undefined if it could not be read. */
export async function archivingOf(instance: Instance, host: ReadonlyHost): Promise<Archiving | undefined> {
  const answer = await host.sql.query(instance, sql);
  const row = answer.ok ? answer.rows[0] : undefined;
  if (row === undefined) return undefined;
  return {
    mode: row['mode'] ?? '',
    command: row['command'] ?? '',
    library: row['library'] ?? '',
    archived: Number(row['archived']),
    failed: Number(row['failed']),
    ready: Number(row['ready']),
    failsNow: row['fails_now'] === 'true' || row['fails_now'] === 't',
    lastFailedFile: row['last_file'] ?? '',
    lastFailedAt: row['last_at'] ?? '',
  };
}

/** More waiting files than a busy server has for a short time. */
const manyWaiting = 50;

/** Why WAL archiving fails, one sentence; undefined if it works or is off. */
export function archivingCondition({ mode, command, library, ...seen }: Archiving): string | undefined {
  if (mode === 'off') return undefined;
  if (command === '' && library === '')
    return seen.ready > 0
      ? `archive_mode is ${mode}, but archive_command is not set: ${seen.ready} files are waiting`
      : undefined;
  if (seen.failsNow)
    return `the archive_command has failed ${seen.failed} times, last at ${seen.lastFailedAt} on ${seen.lastFailedFile}; ${seen.ready} files are waiting`;
  return seen.ready > manyWaiting ? `${seen.ready} WAL files are waiting to be archived` : undefined;
}

export async function archivingEvidence(
  { container }: Instance,
  { mode, command, archived, failed, ready }: Archiving,
  host: ReadonlyHost,
): Promise<readonly Evidence[]> {
  const lines = await host.docker.logs(container.id, { tail: 500 }).catch(() => []);
  return [
    {
      type: 'query',
      sql: 'pg_stat_archiver, pg_ls_archive_statusdir()',
      result: `archive_mode ${mode}, archived ${archived}, failed ${failed}, ready ${ready}`,
    },
    { type: 'query', sql: 'SHOW archive_command', result: command },
    ...lines
      .filter(({ text }) => /archive command failed|failed too many times, will try again later/.test(text))
      .slice(-3)
      .map(({ at, text }): Evidence => ({ type: 'log', at, text: text.slice(0, 500) })),
  ];
}

/**
 * Whether a database itself is damaged, as opposed to its backups.
 * See docs/engineering/corruption.md#bad-backup-or-damaged-database.
 */
export interface SourceHealth {
  /** `unknown`: a check that could have shown damage did not run. */
  readonly verdict: 'damaged' | 'sound' | 'unknown';
  readonly evidence: readonly Evidence[];
  /** What could not be checked, one sentence each. */
  readonly unchecked: readonly string[];
  /** Damage may be the cause of a message, so a full read is worthwhile. */
  readonly suspicious: boolean;
  /** Why the regular check could not run this time; undefined if it ran. */
  readonly blind: string | undefined;
}

const day = 86_400_000;

const most = 20;

/**
 * Checks the server's log, checksum failures, and pg_amcheck if the extension is already installed. `thorough`: also every
 * row and every page with a checksum. Takes no lock that blocks writes, and installs nothing.
 */
export async function sourceHealth(
  instance: Instance,
  host: ReadonlyHost,
  settings: BackupSettings,
  thorough: boolean,
): Promise<SourceHealth> {
  const quick = await quickCheck(instance, host, settings);
  const runs = instance.container.state.running;
  if (quick.damaged.length > 0 || !runs)
    return {
      verdict: quick.damaged.length > 0 ? 'damaged' : 'unknown',
      evidence: [...quick.damaged, ...quick.suspicions],
      unchecked: runs
        ? quick.unchecked
        : [...quick.unchecked, `${instance.name} is not running, so it could not be read.`],
      suspicious: quick.suspicions.length > 0,
      blind: undefined,
    };
  const suspicious = quick.suspicions.length > 0;
  const deep = thorough || suspicious ? await readEverything(instance, host, settings) : undefined;
  const damaged = deep?.damaged ?? [];
  const unchecked = [...quick.unchecked, ...(deep?.unchecked ?? [])];
  return {
    verdict: damaged.length > 0 ? 'damaged' : deep === undefined || deep.blind ? 'unknown' : 'sound',
    evidence: [...damaged, ...quick.suspicions],
    unchecked,
    suspicious,
    blind: quick.blind,
  };
}

interface SourceCheck {
  readonly damaged: readonly Evidence[];
  readonly suspicions: readonly Evidence[];
  readonly unchecked: readonly string[];
  readonly blind: string | undefined;
}

async function quickCheck(instance: Instance, host: ReadonlyHost, settings: BackupSettings): Promise<SourceCheck> {
  const since = settings.lookedAt[instance.name] ?? new Date(Date.now() - 7 * day).toISOString();
  const { damage, suspicion, notes } = await logSigns(instance, host, since);
  const damaged = [...damage];
  const unchecked = [...notes];
  let blind: string | undefined;
  if (instance.container.state.running) {
    const failures = await checksumFailures(instance, host, settings.lookedAt[instance.name]);
    damaged.push(...failures);
    const checked = await amcheckWhereInstalled(instance, host, settings);
    damaged.push(...checked.damaged);
    unchecked.push(...checked.unchecked);
    blind = checked.blind;
  }
  return { damaged, suspicions: suspicion, unchecked, blind };
}

async function logSigns(
  { container }: Instance,
  host: ReadonlyHost,
  since: string,
): Promise<{ readonly damage: Evidence[]; readonly suspicion: Evidence[]; readonly notes: readonly string[] }> {
  const damage: Evidence[] = [];
  const suspicion: Evidence[] = [];
  try {
    for (const { at, text } of await host.docker.logs(container.id, { since, tail: 5_000 })) {
      const sign = signOfLine(text);
      if (sign === undefined) continue;
      (sign === 'damage' ? damage : suspicion).push({ type: 'log', at, text: text.slice(0, 500) });
    }
  } catch (error) {
    const words = errorText(error);
    return { damage, suspicion, notes: [`The log of ${container.name} could not be read: ${words}`] };
  }
  return { damage: damage.slice(-most), suspicion: suspicion.slice(-most), notes: [] };
}

const failuresSql =
  "SELECT coalesce(datname, 'shared') AS database, checksum_failures::text AS failures, checksum_last_failure::timestamptz(0)::text AS last, extract(epoch FROM checksum_last_failure)::bigint::text AS epoch FROM pg_catalog.pg_stat_database WHERE checksum_failures > 0";

async function checksumFailures(
  instance: Instance,
  host: ReadonlyHost,
  lookedAt: string | undefined,
): Promise<readonly Evidence[]> {
  const answer = await host.sql.query(instance, failuresSql);
  if (!answer.ok) return [];
  const since = lookedAt === undefined ? 0 : Date.parse(lookedAt) / 1000;
  return answer.rows
    .filter(({ epoch }) => Number(epoch ?? Number.POSITIVE_INFINITY) > since)
    .map(({ database, failures, last }) => ({
      type: 'query',
      sql: 'pg_stat_database.checksum_failures',
      result: `${database}: ${failures}, the last at ${last ?? 'an unknown time'}`,
    }));
}

const databasesSql =
  'SELECT datname, pg_catalog.pg_database_size(oid)::text AS bytes FROM pg_catalog.pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname';

interface Databases {
  readonly names: readonly string[];
  readonly bytes: number;
  readonly unchecked: readonly string[];
}

async function databasesOf(instance: Instance, host: ReadonlyHost): Promise<Databases> {
  const answer = await host.sql.query(instance, databasesSql);
  if (!answer.ok) return { names: [], bytes: 0, unchecked: [`The databases could not be listed: ${answer.message}`] };
  return {
    names: answer.rows.map(({ datname }) => datname ?? ''),
    bytes: answer.rows.reduce((sum, { bytes }) => sum + Number(bytes ?? 0), 0),
    unchecked: [],
  };
}

const amcheckSql = "SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'amcheck'";

async function amcheckWhereInstalled(
  instance: Instance,
  host: ReadonlyHost,
  settings: BackupSettings,
): Promise<Omit<SourceCheck, 'suspicions'>> {
  const { names, bytes, unchecked } = await databasesOf(instance, host);
  const installed: string[] = [];
  for (const database of names) {
    const answer = await host.sql.query(instance, amcheckSql, { database });
    if (answer.ok && answer.rows.length > 0) installed.push(database);
  }
  if (installed.length === 0) return { damaged: [], unchecked, blind: undefined };
  if (bytes > settings.amcheckMegabytes * 1e6)
    return {
      damaged: [],
      unchecked: [`pg_amcheck did not run: the databases have ${Math.round(bytes / 1e6)} MB.`],
      blind: undefined,
    };
  const probes = await host.probes.amcheck(instance, installed, { timeoutMs: settings.sourceSeconds * 1_000 });
  // A login without the privilege never can; a database that was not reached is unknown.
  const unreached = probes.filter(({ exitCode }) => exitCode !== 0 && exitCode !== 2).flatMap(amcheckGap)[0];
  return { damaged: probes.flatMap(amcheckDamage), unchecked: probes.flatMap(amcheckGap), blind: unreached };
}

function amcheckDamage({ database, exitCode, text }: DatabaseProbe): readonly Evidence[] {
  if (exitCode !== 2) return [];
  return damageInAmcheck(text)
    .slice(0, 5)
    .map((line) => ({ type: 'probe', name: `pg_amcheck of ${database}`, result: line.slice(0, 500) }));
}

/** Exit status 1, or a timeout, is never a pass. */
function amcheckGap({ database, exitCode, text }: DatabaseProbe): readonly string[] {
  if (exitCode === 0 || (exitCode === 2 && damageInAmcheck(text).length > 0)) return [];
  return [`pg_amcheck could not check ${database}: ${lastLine(text) || 'timeout'}`];
}

async function readEverything(
  instance: Instance,
  host: ReadonlyHost,
  settings: BackupSettings,
): Promise<{ readonly damaged: readonly Evidence[]; readonly unchecked: readonly string[]; readonly blind: boolean }> {
  const timeoutMs = settings.sourceSeconds * 1_000;
  const { names, unchecked } = await databasesOf(instance, host);
  const damaged: Evidence[] = [];
  const gaps = [...unchecked];
  let blind = names.length === 0;
  for (const { database, exitCode, text } of await host.probes.readRows(instance, names, { timeoutMs })) {
    if (exitCode === 0) continue;
    const said = damageInReport(text);
    for (const line of said) damaged.push({ type: 'probe', name: `reading every row of ${database}`, result: line });
    if (said.length > 0) continue;
    blind = true;
    gaps.push(`Not every row of ${database} could be read: ${lastLine(text) || 'timeout'}`);
  }
  const checksums = await host.sql.query(instance, 'SHOW data_checksums');
  if (checksums.ok && checksums.rows[0]?.['data_checksums'] !== 'on')
    gaps.push('Its pages have no checksums, so only amcheck can find damage in rows that are still readable.');
  else {
    const { result, message } = await host.probes.baseBackup(instance, { timeoutMs });
    for (const line of damageInReport(message).slice(0, 5))
      damaged.push({ type: 'probe', name: 'a base backup, which reads every page', result: line });
    if (result === 'refused') gaps.push(`Not all pages could be read: ${lastLine(message)}`);
  }
  return { damaged, unchecked: gaps, blind };
}

function lastLine(text: string): string {
  return (text.trim().split('\n').at(-1) ?? '').slice(0, 300);
}
