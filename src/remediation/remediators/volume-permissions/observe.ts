import type { SurveyEntry } from '../../../host/probes/types.ts';

/** The numeric user and group that the server runs as in its container. */
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

/** What keeps the server from an entry: its owner, or the bits that its owner has. */
export type Obstacle = 'owner' | 'mode';

/**
 * Whether the server can do with an entry what it does with it. An owner that is not its own is no trouble where the
 * bits let it in: a root-owned key, a note that anybody may read. `path` is relative to the data directory.
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

/** 0700 or 0750, whatever the special bits: what PostgreSQL asks of its data directory. */
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

/** The entries of a folder of the mount, with paths relative to it. */
export function below(entries: readonly SurveyEntry[], folder: string): readonly SurveyEntry[] {
  if (folder === '.') return entries;
  return entries
    .filter(({ path }) => path === folder || path.startsWith(`${folder}/`))
    .map((entry) => ({ ...entry, path: entry.path === folder ? '.' : entry.path.slice(folder.length + 1) }));
}
