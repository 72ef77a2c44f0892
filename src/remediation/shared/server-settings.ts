import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Instance } from '../../host/instance.ts';
import { readAutoConf } from '../../postgres/auto-conf.ts';
import type { ReadonlyHost } from '../contract.ts';
import { isRunning } from './availability.ts';

/** Facts from `global/pg_control`, which can be read while the server is down, with any owner. */
export interface ControlFile {
  readonly systemIdentifier: string;
  /** The server has shut down cleanly; no crash recovery is needed. */
  readonly shutDown: boolean;
}

/** DB_SHUTDOWNED and DB_SHUTDOWNED_IN_RECOVERY of pg_control.h. */
const shutDownStates: readonly number[] = [1, 2];

/** Of the container's data directory. Undefined if the file is missing or has another byte order. */
export async function controlFile(
  host: ReadonlyHost,
  container: string,
  dataDirectory: string,
): Promise<ControlFile | undefined> {
  const bytes = await host.docker.file(container, `${dataDirectory}/global/pg_control`);
  return bytes === undefined ? undefined : readControlFile(bytes);
}

/** Identifier (8 bytes), version of the file, version of the catalogue, state. */
export function readControlFile(bytes: Uint8Array): ControlFile | undefined {
  if (bytes.length < 20) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(8, true);
  if (version < 800 || version > 10_000) return undefined;
  return {
    systemIdentifier: view.getBigUint64(0, true).toString(),
    shutDown: shutDownStates.includes(view.getUint32(16, true)),
  };
}

/**
 * The settings of one remediator from `remediation.settings.<name>`, with defaults.
 * @throws ProblemsError `bad-config`: invalid settings. That ends the command, since no check would do what was meant.
 */
export function settingsOf<Schema extends z.ZodType>(
  { settings }: Pick<ReadonlyHost, 'settings'>,
  remediator: string,
  schema: Schema,
): z.output<Schema> {
  const parsed = schema.safeParse(settings[remediator] ?? {});
  if (parsed.success) return parsed.data;
  throw new ProblemsError('bad-config', `remediation.settings.${remediator}: ${z.prettifyError(parsed.error)}`);
}

/** One setting as it is in effect, or as in the files of a server that cannot be queried. */
export interface ServerSetting {
  /** As in pg_settings, in `unit`; as written if it comes from a file. */
  readonly setting: string;
  /** `8kB`, `kB`, `s`; null without one. */
  readonly unit: string | null;
  /** As in pg_settings: `default`, `configuration file`, `command line`, `environment variable`, … */
  readonly source: string;
  /** The file that sets it; null if none does. */
  readonly file: string | null;
  /** Takes effect only at server start. */
  readonly needsRestart: boolean;
  /** Changed in the files, but not in effect until the server restarts. */
  readonly pendingRestart: boolean;
  /** Allowed values of an enum setting; empty if unknown. */
  readonly words: readonly string[];
}

export interface ServerSettings {
  /** PostgreSQL's major version. */
  readonly major: number | undefined;
  /** True if read from the server, false if read from its files. */
  readonly asked: boolean;
  readonly values: ReadonlyMap<string, ServerSetting>;
  /** What could not be determined, one sentence each. */
  readonly unknown: readonly string[];
}

/**
 * Reads these settings from the server, or from its files if it does not answer. `serves`: whether to query the server,
 * by default if its container is running; pass false for a restart loop.
 */
export async function readServerSettings(
  host: ReadonlyHost,
  instance: Instance,
  names: readonly string[],
  serves = isRunning(instance),
): Promise<ServerSettings> {
  if (!serves) return readFiles(host, instance, names, 'it is not running');
  const answer = await host.sql
    .query(instance, question, { values: [`{server_version_num,${names.join(',')}}`] })
    // A container in a restart loop may exit at any time.
    .catch((error: unknown) => {
      if (error instanceof Error && /is restarting|is not running/.test(error.message))
        return { ok: false, message: error.message } as const;
      throw error;
    });
  if (!answer.ok) return readFiles(host, instance, names, `it does not answer: ${answer.message}`);
  const values = new Map(
    answer.rows.map((row): [string, ServerSetting] => [
      row['name'] ?? '',
      {
        setting: row['setting'] ?? '',
        unit: row['unit'] ?? null,
        source: row['source'] ?? '',
        file: row['file'] ?? null,
        needsRestart: row['context'] === 'postmaster',
        pendingRestart: row['pending'] === 't',
        words: (row['words'] ?? '').split(',').filter((one) => one !== ''),
      },
    ]),
  );
  const version = Number(values.get('server_version_num')?.setting);
  return {
    major: Number.isFinite(version) ? Math.floor(version / 10_000) : undefined,
    asked: true,
    values,
    unknown: [],
  };
}

const question = `
SELECT name, setting, unit, context, source, sourcefile AS file, pending_restart AS pending,
  pg_catalog.array_to_string(enumvals, ',') AS words
FROM pg_catalog.pg_settings WHERE name = ANY ($1::text[])`;

/** Units of bare numbers in files. */
const units: Readonly<Record<string, string>> = {
  shared_buffers: '8kB',
  wal_buffers: '8kB',
  effective_cache_size: '8kB',
  work_mem: 'kB',
  maintenance_work_mem: 'kB',
  autovacuum_work_mem: 'kB',
  min_wal_size: 'MB',
  max_wal_size: 'MB',
};

/** See docs/engineering/settings.md#when-a-change-applies. */
const atStart: ReadonlySet<string> = new Set([
  'max_connections',
  'shared_buffers',
  'wal_buffers',
  'max_worker_processes',
  'max_wal_senders',
  'autovacuum_max_workers',
  'huge_pages',
  'wal_level',
  'archive_mode',
  'io_method',
]);

async function readFiles(
  host: ReadonlyHost,
  instance: Instance,
  names: readonly string[],
  why: string,
): Promise<ServerSettings> {
  const { container, dataDirectory } = instance;
  const words = commandLineSettings(container.command);
  const paths = [
    words.get('config_file') ?? `${dataDirectory}/postgresql.conf`,
    `${dataDirectory}/postgresql.auto.conf`,
  ];
  const unknown = [`settings were read from its files, since ${why}`];
  const found = new Map<string, ServerSetting>();
  function put(values: ReadonlyMap<string, string>, source: string, file: string | null): void {
    for (const name of names) {
      const setting = values.get(name);
      if (setting === undefined) continue;
      const unit = units[name] ?? null;
      found.set(name, {
        setting,
        unit,
        source,
        file,
        needsRestart: atStart.has(name),
        pendingRestart: false,
        words: [],
      });
    }
  }
  for (const path of paths) {
    const text = await textOf(host, container.id, path);
    if (text === undefined) {
      unknown.push(`${path} could not be read`);
      continue;
    }
    if (/^\s*include(?:_dir|_if_exists)?\b/m.test(text))
      unknown.push(`${path} includes other files, which were not read`);
    put(readAutoConf(text), 'configuration file', path);
  }
  put(words, 'command line', null);
  return { major: await majorInFiles(host, instance), asked: false, values: found, unknown };
}

/** Settings in the container's command: `postgres -c name=value`, `--name=value`, `-N 50`, `-B 16384`. */
export function commandLineSettings(command: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const short: Readonly<Record<string, string>> = { N: 'max_connections', B: 'shared_buffers' };
  command.forEach((word, at) => {
    const next = command[at + 1] ?? '';
    const attached = /^(?:-c|--)([A-Za-z_][\w.-]*)=(.*)$/s.exec(word);
    const apart = word === '-c' ? /^([A-Za-z_][\w.-]*)=(.*)$/s.exec(next) : null;
    const [, name, value] = attached ?? apart ?? [];
    if (name !== undefined && value !== undefined) found.set(name.replaceAll('-', '_').toLowerCase(), value);
    const letter = short[/^-([NB])$/.exec(word)?.[1] ?? ''];
    if (letter !== undefined && next !== '') found.set(letter, next);
  });
  return found;
}

async function majorInFiles(host: ReadonlyHost, { container, dataDirectory }: Instance): Promise<number | undefined> {
  const text = (await textOf(host, container.id, `${dataDirectory}/PG_VERSION`)) ?? container.env['PG_MAJOR'];
  const major = /^\s*(\d{1,2})(?:\.|\s|$)/.exec(text ?? '')?.[1];
  return major === undefined ? undefined : Number(major);
}

async function textOf(host: ReadonlyHost, container: string, path: string): Promise<string | undefined> {
  const bytes = await host.docker.file(container, path).catch(() => undefined);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}
