import type { Instance } from '../../../host/instance.ts';
import type { Evidence, ReadonlyHost } from '../../contract.ts';

/** Continuous archiving as the server tells of it. PGOPS §3.4. */
export interface Archiving {
  /** `off`, `on` or `always`. */
  readonly mode: string;
  readonly command: string;
  readonly library: string;
  readonly archived: number;
  readonly failed: number;
  /** WAL files that wait. */
  readonly ready: number;
  /** A failure stands that no success has followed. */
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

/** Undefined where it could not be asked. */
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

/** More of them than one switch of a busy server leaves for a moment. */
const manyWaiting = 50;

/** Why WAL does not get to its archive, in a sentence; undefined where it does, or is not to. */
export function archivingTrouble({ mode, command, library, ...seen }: Archiving): string | undefined {
  if (mode === 'off') return undefined;
  if (command === '' && library === '')
    return seen.ready > 0
      ? `archive_mode is ${mode}, and there is no archive_command: ${seen.ready} files wait`
      : undefined;
  if (seen.failsNow)
    return `the archive_command has failed ${seen.failed} times, last at ${seen.lastFailedAt} on ${seen.lastFailedFile}; ${seen.ready} files wait`;
  return seen.ready > manyWaiting ? `${seen.ready} WAL files wait to be archived` : undefined;
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
