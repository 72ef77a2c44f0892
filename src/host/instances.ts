import { join } from 'node:path';
import { ProblemsError } from '../errors.ts';
import { compareText } from '../util/compare.ts';
import { helperLabel, poolerLabel } from './docker/shapes.ts';
import type { Container, DockerReader, ListedContainer, Mount } from './docker/types.ts';
import { dataDirectoryOf, isPostgresImage, loginOf, needsProcesses, portVariable } from './image-contract.ts';
import { identityOf } from './instance-identity.ts';
import type { Instance } from './instance.ts';
import type { FileReader } from './types.ts';

/** The mount that contains the data directory: the deepest one above it. */
export function dataMount(container: Container, dataDirectory = dataDirectoryOf(container)): Mount | undefined {
  const directory = withSlash(dataDirectory);
  return container.mounts
    .filter((mount) => directory.startsWith(withSlash(mount.destination)))
    .sort((a, b) => b.destination.length - a.destination.length)[0];
}

/** The identity of the data, which locks are taken on: a volume's name, a path, or else the container's id, with the engine's id. */
export function volumeKey(
  engineId: string,
  container: Container,
  mount: Mount | undefined = dataMount(container),
): string {
  if (mount === undefined) return `container:${engineId}/${container.id}`;
  return mount.type === 'volume' ? `volume:${engineId}/${mount.name}` : `bind:${engineId}/${mount.source}`;
}

/**
 * A running container that writes to the data of this one. Two servers on one volume destroy it, and PostgreSQL's own lock
 * does not work across containers (docs/engineering/data-directory.md#one-server-per-directory). A PostgreSQL container
 * that mounts a folder above or below counts as well.
 */
export function containerOnSameData(container: Container, all: readonly Container[]): Container | undefined {
  const mine = dataMount(container);
  if (mine === undefined) return undefined;
  return all.find(
    (other) =>
      other.id !== container.id &&
      other.state.running &&
      other.mounts.some(
        (theirs) =>
          theirs.writable && (isSameMount(mine, theirs) || (isPostgresImage(other) && overlaps(mine, theirs))),
      ),
  );
}

function isSameMount(a: Mount, b: Mount): boolean {
  return a.type === 'volume' || b.type === 'volume'
    ? a.type === b.type && a.name === b.name
    : withSlash(a.source) === withSlash(b.source);
}

function overlaps(a: Mount, b: Mount): boolean {
  if (a.type !== 'bind' || b.type !== 'bind') return isSameMount(a, b);
  const [left, right] = [withSlash(a.source), withSlash(b.source)];
  return left.startsWith(right) || right.startsWith(left);
}

function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`;
}

/**
 * `instance.conf` consists of lines `key="value"`. Other programs source it as shell; here it is only data: nothing is expanded
 * or run, and a line that is not a plain assignment is ignored. Later lines win.
 */
export function parseInstanceConf(text: string): Readonly<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const match =
      /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]{0,63})=(?:"([^"\\$`]*)"|'([^']*)'|([^\s"'\\$`;&|<>()#]*))\s*(?:#.*)?$/.exec(
        line,
      );
    if (match === null) continue;
    const [, key = '', double, single, bare] = match;
    if (key !== '__proto__') values[key] = double ?? single ?? bare ?? '';
  }
  return values;
}

/** Containers that a recreate has kept aside have this label, or the marker in their name. */
const asideLabel = 'problems.aside';

const instanceLabel = 'problems.instance';

export const asideMarker = '.pgops-old-';

export const namePrefix = 'vrooli-postgres-';

export interface InstanceSources {
  readonly docker: DockerReader;
  readonly files: FileReader;
  /** From the config: a pattern for container names; its first group, if any, is the instance's name. */
  readonly pattern?: RegExp;
  /** Folders that contain `<name>/config/instance.conf`. */
  readonly folders: readonly string[];
}

/** All PostgreSQL containers that are managed, sorted by name. */
export async function findInstances(sources: InstanceSources): Promise<readonly Instance[]> {
  const engine = await sources.docker.info();
  const found: Instance[] = [];
  for (const container of await sources.docker.containers()) {
    const instance = await asInstance(container, engine.id, sources);
    if (instance !== undefined) found.push(instance);
  }
  return found.sort((a, b) => compareText(a.name, b.name) || compareText(a.container.id, b.container.id));
}

/**
 * The instance with this name, if any. Asks only about containers of that name, since a wait asks often.
 * @throws ProblemsError `step-refused`: several containers have this name, one by its label and one by its own name.
 */
export async function findInstance(sources: InstanceSources, name: string): Promise<Instance | undefined> {
  const listed = await sources.docker.list();
  const named = listed.filter((one) => instanceName(one, sources.pattern) === name);
  if (named.length === 0) return undefined;
  const engine = await sources.docker.info();
  const found: Instance[] = [];
  for (const { id } of named) {
    const container = await sources.docker.container(id);
    const instance = container === undefined ? undefined : await asInstance(container, engine.id, sources);
    // It may have been removed or renamed since the list.
    if (instance?.name === name) found.push(instance);
  }
  return uniqueInstance(found, name);
}

/** Undefined if nothing makes the container an instance. */
async function asInstance(
  container: Container,
  engineId: string,
  sources: InstanceSources,
): Promise<Instance | undefined> {
  const name = instanceName(container, sources.pattern);
  if (name === undefined || !(await isNamedByItsOwner(name, container, sources))) return undefined;
  return instanceOf(name, container, engineId, sources);
}

/**
 * An image can bring a label along, and the engine shows it as one of the container. Only who starts a container may call it
 * an instance: by its name, by a label of its own, or in the config.
 */
async function isNamedByItsOwner(name: string, container: Container, sources: InstanceSources): Promise<boolean> {
  return isNamed(name, container, sources.pattern) || (await isOwnLabel(container, sources));
}

async function isOwnLabel(container: Container, { docker }: InstanceSources): Promise<boolean> {
  const image = await docker.image(container.image);
  return image?.labels[instanceLabel] !== container.labels[instanceLabel];
}

/** Whether the container's own name says it, whatever its labels say. */
function isNamed(name: string, container: ListedContainer, pattern: RegExp | undefined): boolean {
  return instanceName({ ...container, labels: {} }, pattern) === name;
}

function instanceName(container: ListedContainer, pattern: RegExp | undefined): string | undefined {
  if (isAsideOrOurs(container)) return undefined;
  const label = container.labels[instanceLabel];
  if (label !== undefined && label !== '') return label;
  if (container.name.startsWith(namePrefix) && container.name.length > namePrefix.length)
    return container.name.slice(namePrefix.length);
  const match = pattern?.exec(container.name);
  return match === null || match === undefined ? undefined : (match[1] ?? container.name);
}

/** A replaced container that is kept, a helper, or a pooler. */
function isAsideOrOurs({ name, labels }: ListedContainer): boolean {
  return (
    name.includes(asideMarker) || [asideLabel, helperLabel, poolerLabel].some((label) => Object.hasOwn(labels, label))
  );
}

async function instanceOf(
  name: string,
  container: Container,
  engineId: string,
  sources: InstanceSources,
): Promise<Instance> {
  const declaration = await readDeclaration(name, sources);
  const directory = dataDirectoryOf(container, await processesOf(container, sources.docker));
  const mount = dataMount(container, directory);
  const login = loginOf(container.env);
  const identity = await identityOf({
    container,
    named: isNamed(name, container, sources.pattern),
    labelled: container.labels[instanceLabel] === name && (await isOwnLabel(container, sources)),
    dataMount: mount,
    folder: declaration.folder,
  });
  const { folder, declared } = identity === 'label' ? noDeclaration : declaration;
  const { password: _, ...shown } = declared;
  const user = login.user ?? declared['user'] ?? 'postgres';
  return {
    name,
    container,
    user,
    database: login.database ?? declared['database'] ?? user,
    port: serverPort(container),
    dataDirectory: directory,
    dataMount: mount,
    volumeKey: volumeKey(engineId, container, mount),
    identity,
    folder,
    declared: shown,
  };
}

/** Of a running container whose variables do not say where its data are; none if the engine cannot list processes. */
async function processesOf(container: Container, docker: DockerReader): Promise<readonly string[]> {
  return needsProcesses(container) ? docker.processes(container.id).catch(() => []) : [];
}

/** `postgres -p 5433` or `-c port=5433`, a variable, or 5432. */
function serverPort(container: Container): number {
  const command = container.command.join(' ');
  const stated = /(?:^|\s)-p\s*(\d{1,5})\b|(?:-c\s*|--)port=(\d{1,5})\b/.exec(command);
  const port = Number(stated?.[1] ?? stated?.[2] ?? portVariable(container.env) ?? 5432);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 5432;
}

/** The names of all folders with an `instance.conf`, sorted. */
export async function findDeclarations({
  files,
  folders,
}: Pick<InstanceSources, 'folders' | 'files'>): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const parent of folders) {
    // A folder that cannot be read holds no instance that could be managed.
    for (const name of await files.list(parent).catch(() => [])) {
      if ((await readDeclaration(name, { files, folders: [parent] })).folder !== undefined) names.add(name);
    }
  }
  return [...names].toSorted(compareText);
}

/**
 * Containers with a PostgreSQL server that are not managed: neither name, label nor the config make them instances.
 * Sorted by name.
 */
export function unmanagedServers(
  containers: readonly Container[],
  instances: readonly Instance[],
): readonly Container[] {
  const managed = new Set(instances.map(({ container }) => container.id));
  return containers.filter(
    (container) =>
      !managed.has(container.id) && container.state.running && !isAsideOrOurs(container) && isPostgresImage(container),
  );
}

type Declaration = Pick<Instance, 'folder' | 'declared'>;

const noDeclaration: Declaration = { folder: undefined, declared: {} };

async function readDeclaration(
  name: string,
  { folders, files }: Pick<InstanceSources, 'folders' | 'files'>,
): Promise<Declaration> {
  if (!/^[A-Za-z0-9_-]{1,50}$/.test(name)) return noDeclaration;
  for (const parent of folders) {
    const folder = join(parent, name);
    const file = await files.read(join(folder, 'config', 'instance.conf')).catch(() => undefined);
    if (file !== undefined) return { folder, declared: parseInstanceConf(file.text) };
  }
  return noDeclaration;
}

/**
 * The instance with this name, if any.
 * @throws ProblemsError `step-refused`: several containers have this name, one by its label and one by its own name.
 */
export function uniqueInstance(all: readonly Instance[], name: string): Instance | undefined {
  const named = all.filter((instance) => instance.name === name);
  if (named.length < 2) return named[0];
  const containers = named.map(({ container }) => container.name).toSorted();
  throw new ProblemsError('step-refused', `Several instances are named ${name}: ${containers.join(' and ')}.`, {
    hint: 'Give each a unique name, by its label `problems.instance` or by the name of its container.',
  });
}
