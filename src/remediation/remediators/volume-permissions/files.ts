import type { Container } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import type { SurveyEntry } from '../../../host/probes/types.ts';
import type { Json } from '../../../util/json.ts';
import { isWithin } from '../../../util/text.ts';
import type { ReadonlyHost } from '../../contract.ts';

/** Numeric user and group of the server in its container. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL's own folders: it reads and writes every file in them. */
const ownFolders = new Set([
  'base',
  'global',
  'pg_commit_ts',
  'pg_dynshmem',
  'pg_logical',
  'pg_multixact',
  'pg_notify',
  'pg_replslot',
  'pg_serial',
  'pg_snapshots',
  'pg_stat',
  'pg_stat_tmp',
  'pg_subtrans',
  'pg_tblspc',
  'pg_twophase',
  'pg_wal',
  'pg_xact',
]);

/** Why the server cannot use an entry: the owner, or the owner's mode bits. */
export type Obstacle = 'owner' | 'mode';

/**
 * Whether the server can use an entry as it needs to. Another owner is fine if the mode bits allow access: a root-owned
 * key, a world-readable note. `path` is relative to the data directory.
 */
export function obstacleTo(entry: SurveyEntry, owner: Owner): Obstacle | undefined {
  const mode = Number.parseInt(entry.mode, 8);
  if (entry.path === '.') {
    if (entry.uid !== owner.uid) return 'owner';
    return isAcceptedTop(entry.mode) ? undefined : 'mode';
  }
  const needed = bitsNeeded(entry);
  if (needed === 0) return undefined;
  const isOwn = entry.uid === owner.uid;
  const bits = isOwn ? mode >> 6 : entry.gid === owner.gid ? mode >> 3 : mode;
  if ((bits & needed) === needed) return undefined;
  return isOwn ? 'mode' : 'owner';
}

/** 0700 or 0750, whatever the special bits: PostgreSQL requires one of them for its data directory. */
export function isAcceptedTop(mode: string): boolean {
  const bits = Number.parseInt(mode, 8);
  return (bits & 0o700) === 0o700 && (bits & 0o027) === 0;
}

function bitsNeeded({ path, type }: SurveyEntry): number {
  const [first = ''] = path.split('/');
  const writes = ownFolders.has(first) || path === 'postmaster.pid' || path === 'postmaster.opts';
  switch (type) {
    case 'd':
      return writes ? 0o7 : 0o5;
    case 'f':
      return writes ? 0o6 : 0o4;
    default:
      return 0;
  }
}

/** The entries of a folder of the mount, with paths relative to the folder. */
export function below(entries: readonly SurveyEntry[], folder: string): readonly SurveyEntry[] {
  if (folder === '.') return entries;
  return entries
    .filter(({ path }) => isWithin(path, folder))
    .map((entry) => ({ ...entry, path: entry.path === folder ? '.' : entry.path.slice(folder.length + 1) }));
}

/** An entry whose owner must not be changed automatically, and why. */
export interface UnexpectedFile {
  readonly path: string;
  readonly why: string;
}

/** The container's mounts, and whether the engine maps user ids. */
export interface Surroundings {
  readonly owner: Owner;
  /** Destinations of the container's mounts. */
  readonly mounts: readonly string[];
}

/** The id that a user namespace shows for an owner it has no number for. */
const nobody = 65_534;

/**
 * Entries that PostgreSQL does not create in a data directory. A chown that follows them could change a file outside
 * (docs/engineering/volumes.md#entrypoint), and one that cannot be undone must not begin.
 */
export function unexpectedFiles(
  entries: readonly SurveyEntry[],
  surroundings: Surroundings,
): readonly UnexpectedFile[] {
  return entries.flatMap((entry) => {
    const why = oddnessOf(entry, surroundings);
    return why === undefined ? [] : [{ path: entry.path, why }];
  });
}

function oddnessOf(entry: SurveyEntry, { owner, mounts }: Surroundings): string | undefined {
  const { path, type, uid, gid, links, linkTarget } = entry;
  const mode = Number.parseInt(entry.mode, 8);
  if (path.includes('\uFFFD')) return 'its name is not UTF-8, so undo could not restore its owner';
  if (type === 'l') return oddLink(path, linkTarget, mounts);
  if (type === 'b' || type === 'c') return 'it is a device';
  if (type === 's') return 'it is a socket';
  if (type === 'p') return 'it is a named pipe';
  if (type !== 'f' && type !== 'd') return `it is of the type ${type}`;
  if (uid === nobody && owner.uid !== nobody) return 'its owner has no uid in this user namespace';
  if (type === 'd') return path === 'lost+found' ? 'it belongs to the file system' : undefined;
  if (links > 1) return `it is one of ${links} hard links, and the others may be outside`;
  if ((mode & 0o6000) !== 0) return 'it is set-user-ID or set-group-ID, which a chown would clear';
  if (uid === 0 && gid === owner.gid && (mode & 0o077) !== 0 && /\.(?:key|pem)$/.test(path))
    return 'it looks like a private key, which PostgreSQL accepts with this mode only from root';
  return undefined;
}

/** Symbolic links that PostgreSQL itself creates: pg_wal, and one for each tablespace. */
function oddLink(path: string, target: string, mounts: readonly string[]): string | undefined {
  if (path !== 'pg_wal' && !/^pg_tblspc\/\d+$/.test(path)) return `it is a symbolic link to ${target}`;
  const isKnown =
    !target.split('/').includes('..') && mounts.some((mount) => target === mount || target.startsWith(`${mount}/`));
  return isKnown ? undefined : `it is a symbolic link to ${target}, where the container has no mount`;
}

/**
 * Reads one byte of every relation's file as the server's user, which `pg_isready` does not check
 * (docs/engineering/data-directory.md#readiness).
 */
export const everyRelation = `SELECT count(pg_catalog.pg_read_binary_file(path, 0, 1, true)) AS readable
FROM (SELECT pg_catalog.pg_relation_filepath(oid) AS path FROM pg_catalog.pg_class) AS files WHERE path IS NOT NULL`;

const databases = 'SELECT datname FROM pg_catalog.pg_database WHERE datallowconn ORDER BY datname COLLATE "C"';

/**
 * Databases with indexes from another version of the C library: data moved between Alpine and Debian
 * (docs/engineering/volumes.md#changing-the-image). Libraries without a version have recorded none.
 */
const collations = `SELECT datname || ': ' || coalesce(datcollversion, 'no version') || ', here ' || coalesce(pg_catalog.pg_database_collation_actual_version(oid), 'no version') AS collation
FROM pg_catalog.pg_database WHERE datcollversion IS DISTINCT FROM pg_catalog.pg_database_collation_actual_version(oid) AND datallowconn
ORDER BY datname COLLATE "C"`;

export async function databasesOf(instance: Instance, host: ReadonlyHost): Promise<readonly string[]> {
  const answer = await host.sql.query(instance, databases);
  return answer.ok ? answer.rows.flatMap((row) => row['datname'] ?? []) : [instance.database];
}

/** Total size of all databases; undefined if it could not be read. */
export async function bytesOf(instance: Instance, host: ReadonlyHost): Promise<number | undefined> {
  const sizes = 'SELECT sum(pg_catalog.pg_database_size(oid))::text AS bytes FROM pg_catalog.pg_database';
  const answer = await host.sql.query(instance, sizes, { timeoutMs: 30_000 });
  return answer.ok ? Number(answer.rows[0]?.['bytes'] ?? 0) : undefined;
}

/** Sorted; null if it could not be read, as before PostgreSQL 15, which does not record it. */
export async function unfitCollations(instance: Instance, host: ReadonlyHost): Promise<string[] | null> {
  const answer = await host.sql.query(instance, collations);
  return answer.ok ? answer.rows.flatMap((row) => row['collation'] ?? []) : null;
}

/** How a container starts: the user of its server, and whether its entrypoint can fix owners. */
export interface Runtime {
  readonly owner: Owner;
  readonly heals: boolean;
  readonly missingCapabilities: readonly string[];
}

export type ImageUsers = (image: string, user: string) => Promise<Owner>;

/** Queries each image once for each user. */
export function imageUsers(host: ReadonlyHost): ImageUsers {
  const known = new Map<string, Promise<Owner>>();
  return (image, user) => {
    const key = `${image} ${user}`;
    const found = known.get(key) ?? host.probes.imageUser(image, user);
    known.set(key, found);
    return found;
  };
}

/**
 * Only the image knows the ids: 999 on Debian, 70 on Alpine, whatever `--user` says.
 * See docs/engineering/volumes.md#the-images-user.
 */
export async function serverUser(container: Container, users: ImageUsers): Promise<Runtime> {
  const [user = '', group] = container.user.split(':');
  const asRoot = user === '' || user === 'root' || user === '0';
  const byEntrypoint = container.entrypoint.some((word) => word.endsWith('docker-entrypoint.sh'));
  const missingCapabilities = asRoot && byEntrypoint ? missing(container) : [];
  return {
    owner: asRoot ? await users(container.image, 'postgres') : await ownerOf(container.image, user, group, users),
    heals: asRoot && byEntrypoint && missingCapabilities.length === 0,
    missingCapabilities,
  };
}

async function ownerOf(image: string, user: string, group: string | undefined, users: ImageUsers): Promise<Owner> {
  const isNumber = /^\d+$/.test(user);
  if (isNumber && group !== undefined && /^\d+$/.test(group)) return { uid: Number(user), gid: Number(group) };
  // The engine gives group 0 to a uid that is not in the image's passwd.
  const found = await users(image, user).catch((error: unknown) => {
    if (isNumber) return { uid: Number(user), gid: 0 };
    throw error;
  });
  return group !== undefined && /^\d+$/.test(group) ? { uid: found.uid, gid: Number(group) } : found;
}

/** Capabilities for chown and for switching users. The engine grants all of them by default. */
const needed = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETGID', 'SETUID'] as const;

function missing({ inspect }: Container): readonly string[] {
  const host = property(inspect, 'HostConfig');
  if (property(host, 'Privileged') === true) return [];
  const dropped = capabilities(property(host, 'CapDrop'));
  const added = capabilities(property(host, 'CapAdd'));
  return needed.filter(
    (name) =>
      (dropped.has('ALL') || dropped.has(name)) && !added.has(name) && !(added.has('ALL') && !dropped.has(name)),
  );
}

function capabilities(list: Json | undefined): ReadonlySet<string> {
  const names = Array.isArray(list) ? list.filter((name) => typeof name === 'string') : [];
  return new Set(names.map((name) => name.toUpperCase().replace(/^CAP_/, '')));
}

function property(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.entries(value).find(([name]) => name === key)?.[1];
}
