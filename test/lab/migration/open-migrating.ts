import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import {
  type InstanceMigration,
  migrateInstances,
  type MigrateRequest,
  type MigrationReport,
  openRemediation,
} from '../../../src/app/remediation.ts';
import { seededCredentials } from '../images/recipe.ts';
import { type LabInstance, query } from '../instance.ts';
import type { Run } from '../run.ts';

type Where = Pick<Run, 'folder' | 'prefix'>;

/** Migrates a database of the instance `orders` from the folder of its name. */
export async function migrateNow(
  where: Where,
  database: string,
  request: Partial<MigrateRequest> = {},
): Promise<InstanceMigration> {
  const [ended] = await migrateEach(where, database, request);
  if (ended === undefined) throw new Error('no instance');
  return ended;
}

/** The same on several; the run's instances alone are seen. */
export async function migrateEach(
  { folder, prefix }: Where,
  database: string,
  request: Partial<MigrateRequest> = {},
): Promise<readonly InstanceMigration[]> {
  const remediation = await openRemediation({
    folder,
    config: { containers: `^${prefix}vrooli-(?:postgres|pooler)-(.+)$` },
    onlyLooking: true,
  });
  try {
    return await migrateInstances(remediation, {
      folder: join(folder, 'migrations', database),
      instances: ['orders'],
      database,
      role: seededCredentials.user,
      ...request,
    });
  } finally {
    remediation.close();
  }
}

/** The same for a migration that must return a report. */
export async function reportOf(
  where: Where,
  database: string,
  request: Partial<MigrateRequest> = {},
): Promise<MigrationReport> {
  const { report, error } = await migrateNow(where, database, request);
  if (report === null) throw new Error(error?.message);
  return report;
}

export interface Ended {
  readonly points: readonly string[];
  readonly ended: InstanceMigration | undefined;
  readonly signal: string | null;
}

export interface ChildJob {
  readonly where: Where;
  readonly database: string;
  readonly request: Partial<MigrateRequest>;
  readonly killAt: string | undefined;
  readonly delayMs: number;
}

/** A separate process that migrates, and ends itself by SIGKILL at a point, or some time after it. */
export async function child(
  { folder, prefix }: Where,
  database: string,
  options: { readonly killAt?: string; readonly delayMs?: number; readonly request?: Partial<MigrateRequest> } = {},
): Promise<Ended> {
  const { killAt, delayMs = 0, request = {} } = options;
  const job: ChildJob = { where: { folder, prefix }, database, request, killAt, delayMs };
  const started = spawn(process.execPath, [join(import.meta.dirname, 'migrate-child.ts'), JSON.stringify(job)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said, [, signal]] = await Promise.all([text(started.stdout), once(started, 'close')]);
  return { points: [], ended: undefined, ...(said === '' ? {} : JSON.parse(said)), signal };
}

/** A database with the files that it is to be migrated with. */
export async function newDatabase(
  instance: LabInstance,
  name: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  await query(instance, `create database ${name}`);
  await writeMigrations(instance.run, name, files);
}

/** Files of a database's folder, written over those that are there. */
export async function writeMigrations(
  { folder }: Where,
  database: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  const own = join(folder, 'migrations', database);
  await mkdir(own, { recursive: true });
  for (const [name, sql] of Object.entries(files)) await writeFile(join(own, name), sql);
}
