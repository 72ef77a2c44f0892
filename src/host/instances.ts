import { join } from 'node:path';
import { dataDirectory, dataMount, volumeKey } from './data-mount.ts';
import type { Container, DockerReader } from './docker/types.ts';
import { parseInstanceConf } from './instance-conf.ts';
import type { Instance } from './instance.ts';
import { helperLabel, poolerLabel } from './labels.ts';
import type { FileReader } from './types.ts';

/** Containers kept aside by a recreate carry this label, or have the marker in their name. */
const asideLabel = 'problems.aside';

export const asideMarker = '.pgops-old-';

const instanceLabel = 'problems.instance';

export const namePrefix = 'vrooli-postgres-';

export interface InstanceSources {
  readonly docker: DockerReader;
  readonly files: FileReader;
  /** Of the config: a pattern of container names; its first group, if it has one, is the instance's name. */
  readonly pattern?: RegExp;
  /** Folders that hold `<name>/config/instance.conf`. */
  readonly folders: readonly string[];
}

/** Every PostgreSQL container that is ours to look at, sorted by name. */
export async function findInstances(sources: InstanceSources): Promise<readonly Instance[]> {
  const engine = await sources.docker.info();
  const found: Instance[] = [];
  for (const container of await sources.docker.containers()) {
    const name = instanceName(container, sources.pattern);
    if (name !== undefined) found.push(await instanceOf(name, container, engine.id, sources));
  }
  return found.sort((a, b) =>
    a.name === b.name ? (a.container.id < b.container.id ? -1 : 1) : a.name < b.name ? -1 : 1,
  );
}

function instanceName(container: Container, pattern: RegExp | undefined): string | undefined {
  if (container.name.includes(asideMarker)) return undefined;
  if ([asideLabel, helperLabel, poolerLabel].some((label) => Object.hasOwn(container.labels, label))) return undefined;
  const label = container.labels[instanceLabel];
  if (label !== undefined && label !== '') return label;
  if (container.name.startsWith(namePrefix) && container.name.length > namePrefix.length)
    return container.name.slice(namePrefix.length);
  const match = pattern?.exec(container.name);
  return match === null || match === undefined ? undefined : (match[1] ?? container.name);
}

async function instanceOf(
  name: string,
  container: Container,
  engineId: string,
  sources: InstanceSources,
): Promise<Instance> {
  const { folder, declared } = await declaration(name, sources);
  const { password: _, ...shown } = declared;
  const user = container.env['POSTGRES_USER'] ?? declared['user'] ?? 'postgres';
  return {
    name,
    container,
    user,
    database: container.env['POSTGRES_DB'] ?? declared['database'] ?? user,
    port: serverPort(container),
    dataDirectory: dataDirectory(container),
    dataMount: dataMount(container),
    volumeKey: volumeKey(engineId, container),
    folder,
    declared: shown,
  };
}

/** `postgres -p 5433` or `-c port=5433`, PGPORT, or 5432. */
function serverPort(container: Container): number {
  const command = container.command.join(' ');
  const stated = /(?:^|\s)-p\s*(\d{1,5})\b|(?:-c\s*|--)port=(\d{1,5})\b/.exec(command);
  const port = Number(stated?.[1] ?? stated?.[2] ?? container.env['PGPORT'] ?? 5432);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 5432;
}

async function declaration(
  name: string,
  { folders, files }: InstanceSources,
): Promise<{ readonly folder: string | undefined; readonly declared: Readonly<Record<string, string>> }> {
  if (!/^[A-Za-z0-9_-]{1,50}$/.test(name)) return { folder: undefined, declared: {} };
  for (const parent of folders) {
    const folder = join(parent, name);
    const file = await files.read(join(folder, 'config', 'instance.conf')).catch(() => undefined);
    if (file !== undefined) return { folder, declared: parseInstanceConf(file.text) };
  }
  return { folder: undefined, declared: {} };
}
