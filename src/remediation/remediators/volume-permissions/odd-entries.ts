import type { SurveyEntry } from '../../../host/probes/types.ts';
import type { Owner } from './observe.ts';

/** Something that no program should give away, and why. */
export interface OddEntry {
  readonly path: string;
  readonly why: string;
}

/** Where the container has mounts, and what the engine does with user ids. */
export interface Surroundings {
  readonly owner: Owner;
  /** Destinations of the container's mounts. */
  readonly mounts: readonly string[];
}

/** The id that a user namespace shows for an owner it has no number for. */
const nobody = 65_534;

/**
 * What a data directory does not hold unless somebody put it there. A chown that follows such an entry gives away a file
 * outside of it (PGOPS §4.1), and one that cannot be undone is not begun.
 */
export function oddEntries(entries: readonly SurveyEntry[], surroundings: Surroundings): readonly OddEntry[] {
  return entries.flatMap((entry) => {
    const why = oddnessOf(entry, surroundings);
    return why === undefined ? [] : [{ path: entry.path, why }];
  });
}

function oddnessOf(entry: SurveyEntry, { owner, mounts }: Surroundings): string | undefined {
  const { path, type, uid, gid, links, linkTarget } = entry;
  const mode = Number.parseInt(entry.mode, 8);
  if (path.includes('\uFFFD')) return 'its name is no UTF-8, so its owner could not be put back';
  if (type === 'l') return oddLink(path, linkTarget, mounts);
  if (type === 'b' || type === 'c') return 'it is a device';
  if (type === 's') return 'it is a socket';
  if (type === 'p') return 'it is a named pipe';
  if (type !== 'f' && type !== 'd') return `it is of the type ${type}`;
  if (uid === nobody && owner.uid !== nobody) return 'its owner has no number in this user namespace';
  if (type === 'd') return path === 'lost+found' ? 'it belongs to the file system' : undefined;
  if (links > 1) return `it is a hard link, one of ${links}: the others may lie outside`;
  if ((mode & 0o6000) !== 0) return 'it is set-user-ID or set-group-ID, which a chown would take away';
  if (uid === 0 && gid === owner.gid && (mode & 0o077) !== 0 && /\.(?:key|pem)$/.test(path))
    return 'it looks like a private key, which PostgreSQL takes from root with these bits and from nobody else';
  return undefined;
}

/** PostgreSQL itself makes two: the WAL's folder, and one for each tablespace. */
function oddLink(path: string, target: string, mounts: readonly string[]): string | undefined {
  if (path !== 'pg_wal' && !/^pg_tblspc\/\d+$/.test(path)) return `it is a symbolic link to ${target}`;
  const isKnown =
    !target.split('/').includes('..') && mounts.some((mount) => target === mount || target.startsWith(`${mount}/`));
  return isKnown ? undefined : `it is a symbolic link to ${target}, where the container has no mount`;
}
