import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Instance } from '../../host/instance.ts';
import { readAutoConf } from '../../postgres/auto-conf.ts';
import type { ReadonlyHost } from '../contract.ts';
import { isRunning } from './availability.ts';

/** What `global/pg_control` says of a cluster. It can be read while no server runs, whoever owns it. */
export interface ControlFile {
  readonly systemIdentifier: string;
  /** Its server has ended as it should: nothing is left to recover. */
  readonly shutDown: boolean;
}

/** DB_SHUTDOWNED and DB_SHUTDOWNED_IN_RECOVERY of pg_control.h. */
const shutDownStates: readonly number[] = [1, 2];

/** Of the container's data directory. Undefined where there is none, or none that is written in this byte order. */
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
 * What the config says for one remediator, under `remediation.settings.<name>`, with its defaults.
 * @throws ProblemsError `bad-config`: it does not fit. That ends the command, since nothing would be looked at as meant.
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

/** One setting as it is in force, or as the files of a server that cannot be asked say it. */
export interface ServerSetting {
  /** As pg_settings has it, in `unit`; as written where it comes from a file. */
  readonly setting: string;
  /** `8kB`, `kB`, `s`; null without one. */
  readonly unit: string | null;
  /** The words of pg_settings: `default`, `configuration file`, `command line`, `environment variable`, … */
  readonly source: string;
  /** The file that says it; null where none does. */
  readonly file: string | null;
  /** Taken over only by a start of the server. */
  readonly needsRestart: boolean;
  /** Written already, and not in force until the server starts again. */
  readonly pendingRestart: boolean;
  /** What a setting of words can be; empty where that is not known. */
  readonly words: readonly string[];
}

export interface ServerSettings {
  /** PostgreSQL's major version. */
  readonly major: number | undefined;
  /** Whether the server itself said it; its files otherwise. */
  readonly asked: boolean;
  readonly values: ReadonlyMap<string, ServerSetting>;
  /** What could not be known, a sentence each. */
  readonly unknown: readonly string[];
}

/**
 * What these settings are: asked of the server, or read from its files where it does not answer. `serves`: whether to ask
 * it, default where its container runs; one that the engine starts again and again runs now and then.
 */
export async function readServerSettings(
  host: ReadonlyHost,
  instance: Instance,
  names: readonly string[],
  serves = isRunning(instance),
): Promise<ServerSettings> {
  if (!serves) return readFiles(host, instance, names, 'it does not run');
  const answer = await host.sql
    .query(instance, question, { values: [`{server_version_num,${names.join(',')}}`] })
    // One that the engine keeps restarting may end in this very moment.
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

/** Of bare numbers in files. */
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
  const unknown = [`settings are those of its files, since ${why}`];
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
    if (/^\s*include(?:_dir|_if_exists)?\b/m.test(text)) unknown.push(`${path} includes files that were not looked at`);
    put(readAutoConf(text), 'configuration file', path);
  }
  put(words, 'command line', null);
  return { major: await majorInFiles(host, instance), asked: false, values: found, unknown };
}

/** `postgres -c name=value`, `--name=value`, `-N 50`, `-B 16384`, as the container's command says it. */
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
