import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Run } from './run.ts';

/** What `instance.conf` says of an instance. The managed system sources it as shell: no value may need quoting. */
export interface InstanceConf {
  readonly port: number;
  readonly password: string;
  readonly template: string;
  /** ISO 8601. */
  readonly created: string;
  readonly user: string;
  readonly database: string;
  readonly networks: string;
}

/** `<project>/resources/postgres/instances/<name>`. */
export function instanceFolder(run: Run, name: string): string {
  return join(run.folder, 'resources', 'postgres', 'instances', name);
}

/** `<project>/.vrooli/backups/postgres/<instance>/<backup>`. */
export function backupFolder(run: Run, instance: string, backup: string): string {
  return join(run.folder, '.vrooli', 'backups', 'postgres', instance, backup);
}

/** Copies the registry of the fixtures to where a project of the managed system has it. */
export async function copyRegistry(run: Run): Promise<void> {
  const place = join('resources', 'postgres', 'PROBLEMS.md');
  await mkdir(join(run.folder, 'resources', 'postgres'), { recursive: true });
  await copyFile(join(import.meta.dirname, '..', '..', 'fixtures', place), join(run.folder, place));
}

/** Writes `config/instance.conf` of an instance; mode 0600, since the password is in it. */
export async function writeInstanceConf(run: Run, name: string, conf: InstanceConf): Promise<void> {
  const folder = join(instanceFolder(run, name), 'config');
  await mkdir(folder, { recursive: true });
  const lines = Object.entries(conf).map(([key, value]) => `${key}="${value}"\n`);
  await writeFile(join(folder, 'instance.conf'), lines.join(''), { mode: 0o600 });
}

/** The current keys and values of an instance's `instance.conf`. */
export async function readInstanceConf(run: Run, name: string): Promise<Readonly<Record<string, string>>> {
  const text = await readFile(join(instanceFolder(run, name), 'config', 'instance.conf'), 'utf8');
  return Object.fromEntries([...text.matchAll(/^(\w+)="(.*)"$/gm)].map(([, key = '', value = '']) => [key, value]));
}

/** Writes `config/postgresql.conf` of an instance and returns its path. The server listens on every address. */
export async function writePostgresConf(
  run: Run,
  name: string,
  settings: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = join(instanceFolder(run, name), 'config');
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'postgresql.conf');
  const lines = Object.entries({ listen_addresses: '*', ...settings }).map(([key, value]) => `${key} = '${value}'\n`);
  // The server reads it as another user than the one who writes it.
  await writeFile(path, lines.join(''), { mode: 0o644 });
  return path;
}

/** The metadata that the managed system writes next to the files of a backup. */
export interface BackupMetadata {
  readonly instance: string;
  readonly backup_name: string;
  readonly type: 'full' | 'schema' | 'data';
  readonly status: 'completed' | 'failed';
  readonly created: string;
  readonly completed: string;
  readonly postgres_version: string;
  readonly instance_config: { readonly port: number; readonly template: string };
}

/** Writes `metadata.json` and returns the backup's folder. */
export async function writeBackupMetadata(run: Run, metadata: BackupMetadata): Promise<string> {
  const folder = backupFolder(run, metadata.instance, metadata.backup_name);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'metadata.json'), `${JSON.stringify(metadata, undefined, 2)}\n`);
  return folder;
}
