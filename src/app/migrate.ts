import { readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ProblemsError } from '../errors.ts';
import type { Instance } from '../host/instance.ts';
import { uniqueInstance } from '../host/instances.ts';
import type { SessionOptions } from '../host/postgres/types.ts';
import {
  isMigrationName,
  migrate,
  migrateFromTemplate,
  type MigrateProgress,
  type Migration,
  type MigrationReport,
  migrationsOf,
  nameObstacle,
  openAs,
  type TemplateReport,
} from '../migration/index.ts';
import type { EngineContext } from '../remediation/engine/session.ts';
import { migrationRole } from '../remediation/remediators/migration-lock/types.ts';
import { bindCall, type Remediation, type RemediationCall } from './open-remediation.ts';
import { fileErrorText, readRegularFile } from '../read-file.ts';
import { instanceNotFound } from '../remediation/engine/not-found.ts';

export interface MigrateRequest extends RemediationCall {
  /** The folder of the files, absolute. */
  readonly folder: string;
  /** Names of instances, or `all`. */
  readonly instances: readonly string[] | 'all';
  /** Default: the instance's own. */
  readonly database?: string;
  /** Migrates this template instead, and makes these databases from it. */
  readonly template?: { readonly name: string; readonly databases: readonly string[] };
  readonly dryRun?: boolean;
  /** The role to log in as. Default: the config's, else the instance's user unless it is a superuser. */
  readonly role?: string;
  readonly waitMs?: number;
  readonly address?: SessionOptions['address'];
  readonly onProgress?: (instance: string, progress: MigrateProgress) => void;
  /** For tests that kill the process there. */
  readonly atPoint?: (name: string) => void | Promise<void>;
}

/** The result for one instance: exactly one of the two is not null. */
export interface InstanceMigration {
  readonly instance: string;
  readonly report: MigrationReport | null;
  readonly template: TemplateReport | null;
  /** Why nothing could be done. */
  readonly error: { readonly message: string; readonly hint: string | null } | null;
}

const maxBytes = 16 * 2 ** 20;

const maxFiles = 10_000;

/** The `application_name` that other runners see in `pg_stat_activity`. */
const application = 'problem-registry migrate';

/**
 * Migrates one instance after the other. A failure is reported for its instance, and the next one is still migrated.
 * @throws ProblemsError `file-unreadable` of the folder, `not-found` of an instance.
 */
export async function migrateInstances(
  opened: Remediation,
  request: MigrateRequest,
): Promise<readonly InstanceMigration[]> {
  const { session } = bindCall(opened, request);
  const migrations = await readMigrations(request.folder);
  const instances = await chosen(session, request.instances);
  const ended: InstanceMigration[] = [];
  for (const instance of instances) {
    if (session.signal.aborted) break;
    ended.push(await migrateOne(session, instance, migrations, request));
  }
  return ended;
}

/**
 * The migrations of a folder, in name order. Subfolders are ignored.
 * @throws ProblemsError `file-unreadable`: not a folder, or a file is not UTF-8, too large, or without a version in its
 * name.
 */
export async function readMigrations(folder: string): Promise<readonly Migration[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw unreadable(`${folder} cannot be read: ${fileErrorText(cause)}.`);
  });
  const wanted = names.filter(isMigrationName);
  if (wanted.length > maxFiles)
    throw unreadable(`${folder} contains ${wanted.length} migrations; at most ${maxFiles} are allowed.`);
  const files: { readonly name: string; readonly text: string }[] = [];
  for (const name of wanted) {
    const path = join(folder, name);
    const read = readRegularFile(path, { most: maxBytes });
    if (read.type === 'refused') continue;
    const obstacle = nameObstacle(name);
    if (obstacle !== undefined) throw unreadable(`${path}: ${obstacle}.`);
    if (!read.isWhole) throw unreadable(`${path} has ${read.stats.size} bytes; at most ${maxBytes} are allowed.`);
    files.push({ name, text: decoded(read.bytes, path) });
  }
  return migrationsOf(files);
}

async function migrateOne(
  { host, reader, redact, signal }: EngineContext,
  instance: Instance,
  migrations: readonly Migration[],
  request: MigrateRequest,
): Promise<InstanceMigration> {
  const { address, database = instance.database, template } = request;
  const options = {
    open: async (name: string) =>
      openAs(request.role ?? migrationRole(reader, instance.name, name), (login) =>
        host.changer.sql.openSession(instance, {
          database: name,
          application,
          ...login,
          ...(address === undefined ? {} : { address }),
        }),
      ),
    runner: `${hostname()}/${process.pid}`,
    onProgress: (progress: MigrateProgress) => request.onProgress?.(instance.name, progress),
    stop: signal,
    ...(request.waitMs === undefined ? {} : { waitMs: request.waitMs }),
    ...(request.atPoint === undefined ? {} : { atPoint: request.atPoint }),
  };
  const nothing = { instance: instance.name, report: null, template: null, error: null };
  try {
    if (template !== undefined) {
      const made = await migrateFromTemplate(migrations, {
        ...options,
        template: template.name,
        databases: template.databases,
      });
      return { ...nothing, template: made };
    }
    return { ...nothing, report: await migrate(migrations, { ...options, database, dryRun: request.dryRun === true }) };
  } catch (error) {
    if (!(error instanceof ProblemsError)) throw error;
    return { ...nothing, error: { message: redact.text(error.message), hint: error.hint ?? null } };
  }
}

async function chosen({ reader }: EngineContext, names: MigrateRequest['instances']): Promise<readonly Instance[]> {
  const all = await reader.instances();
  if (names === 'all') return all;
  return names.map((name) => {
    const found = uniqueInstance(all, name);
    if (found !== undefined) return found;
    throw instanceNotFound(name, all);
  });
}

function decoded(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw unreadable(`${path} is not valid UTF-8.`);
  }
}

function unreadable(message: string): ProblemsError {
  return new ProblemsError('file-unreadable', message);
}
