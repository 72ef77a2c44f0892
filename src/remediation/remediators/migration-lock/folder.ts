import { join, resolve } from 'node:path';
import type { Instance } from '../../../host/instance.ts';
import { isMigrationName, type Ledger, type Migration, migrationsOf, nameObstacle } from '../../../migration/index.ts';
import type { ReadonlyHost } from '../../contract.ts';
import { migrationSettings } from './settings.ts';

/** The files that a database is migrated with. */
export interface Folder {
  readonly path: string;
  readonly migrations: readonly Migration[];
}

const maxFiles = 2_000;

/** The files of a folder, as the project's roots allow to read them. A folder that is not there holds none. */
export function folderReader(host: ReadonlyHost): (path: string) => Promise<readonly Migration[]> {
  const read = new Map<string, Promise<readonly Migration[]>>();
  async function migrationsIn(path: string): Promise<readonly Migration[]> {
    const names = (await host.files.list(path)).filter(
      (name) => isMigrationName(name) && nameObstacle(name) === undefined,
    );
    if (names.length > maxFiles)
      throw new Error(`${path} holds ${names.length} migrations: at most ${maxFiles} are read.`);
    const files: { readonly name: string; readonly text: string }[] = [];
    for (const name of names) {
      const file = await host.files.read(join(path, name));
      if (file === undefined) continue;
      // What is no UTF-8 would have another checksum here than where it was applied.
      if (file.text.includes('\uFFFD')) throw new Error(`${join(path, name)} is no UTF-8.`);
      files.push({ name, text: file.text });
    }
    return migrationsOf(files);
  }
  return async (path) => {
    const known = read.get(path) ?? migrationsIn(path);
    read.set(path, known);
    return known;
  };
}

/** By the config, or by convention: then the ledger must know one of the files. */
export async function folderOf(
  host: ReadonlyHost,
  instance: Instance,
  database: string,
  ledger: Ledger,
  read: ReturnType<typeof folderReader>,
): Promise<Folder | undefined> {
  const [project] = host.files.roots;
  if (project === undefined) return undefined;
  const { folders } = migrationSettings(host);
  const isOwn = database === instance.database;
  const named = folders[`${instance.name}/${database}`] ?? (isOwn ? folders[instance.name] : undefined);
  if (named !== undefined) {
    const path = resolve(project, named);
    return { path, migrations: await read(path) };
  }
  const path = join(project, 'migrations');
  const migrations = ledger.versions.size === 0 && ledger.rows.size === 0 ? [] : await read(path);
  const isKnown = migrations.some(({ version }) => ledger.versions.has(version) || ledger.rows.has(version));
  return isKnown ? { path, migrations } : undefined;
}
