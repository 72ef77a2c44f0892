import { realpathSync } from 'node:fs';
import { posix } from 'node:path';
import { isOutside, relativePath } from './locations.ts';

/** A registry whose component is to be named. Folders are in order from the root down: that of a project, or the scanned one. */
export interface Located {
  /** As in results. */
  readonly path: string;
  /** The folders from the root to the file; none for a registry at the root. */
  readonly folders: readonly string[];
  /** The folders from the working folder to the root. They distinguish the registries at several roots. */
  readonly outer: readonly string[];
  /** Its component in the config. */
  readonly stated: string | undefined;
}

interface Named {
  readonly path: string;
  /** The folder that it describes: all registries of one folder have the same component. */
  readonly subject: string;
  /** From the shortest to the longest. */
  readonly names: readonly string[];
}

/**
 * The component of each registry, by path: the name of the folder that contains it, or of its parent for
 * `docs/PROBLEMS.md`. While two folders have the same name, each gets the name of its parent in front. Names that are
 * the same even then, because they differ only in characters that an id cannot contain, are numbered in the order of
 * the folders.
 * @param rootName The component of a registry at the root.
 */
export function componentsOf(registries: readonly Located[], rootName = 'root'): ReadonlyMap<string, string> {
  const named = registries.map((registry) => describe(registry, rootName));
  const lengths = new Map(named.map(({ subject }) => [subject, 0]));
  for (let crowd = crowded(named, lengths); crowd.size > 0; crowd = crowded(named, lengths)) {
    for (const subject of crowd) lengths.set(subject, (lengths.get(subject) ?? 0) + 1);
  }
  return numbered(
    named.toSorted((a, b) => compare(a.subject, b.subject) || compare(a.path, b.path)),
    lengths,
  );
}

/**
 * The registries among `others` that can change the names of `registries`: those that would have the same name, and those
 * whose name the config states.
 */
export function rivalsOf<Other extends Located>(
  registries: readonly Located[],
  others: readonly Other[],
  rootName = 'root',
): readonly Other[] {
  const names = new Set(registries.map((registry) => describe(registry, rootName).names[0]));
  return others.filter((other) => other.stated !== undefined || names.has(describe(other, rootName).names[0]));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function describe({ path, folders, outer, stated }: Located, rootName: string): Named {
  if (stated !== undefined)
    return { path, subject: `=${stated}`, names: [stated.split('/').map(componentName).join('/')] };
  const own = folders.at(-1)?.toLowerCase() === 'docs' ? folders.slice(0, -1) : folders;
  const all = [...outer, ...own];
  const chain = all.map(componentName);
  const longer = chain.map((_, index) => chain.slice(-index - 1).join('/'));
  // The registry at a scanned root has its folder's name only to distinguish several roots.
  return { path, subject: all.join('/'), names: own.length === 0 ? [componentName(rootName), ...longer] : longer };
}

function nameOf({ names, subject }: Named, lengths: ReadonlyMap<string, number>): string {
  return names[lengths.get(subject) ?? 0] ?? '';
}

/** The subjects that share their name with another, and have a longer name. */
function crowded(named: readonly Named[], lengths: ReadonlyMap<string, number>): ReadonlySet<string> {
  const bySubject = new Map(named.map((one) => [one.subject, one]));
  const groups = Map.groupBy(bySubject.values(), (one) => nameOf(one, lengths));
  const crowd = [...groups.values()].filter((group) => group.length > 1).flat();
  return new Set(
    crowd.filter(({ subject, names }) => (lengths.get(subject) ?? 0) + 1 < names.length).map(({ subject }) => subject),
  );
}

function numbered(named: readonly Named[], lengths: ReadonlyMap<string, number>): ReadonlyMap<string, string> {
  const taken = new Map<string, string>();
  return new Map(
    named.map((one) => {
      const name = nameOf(one, lengths);
      let unique = name;
      for (let number = 2; (taken.get(unique) ?? one.subject) !== one.subject; number++) unique = `${name}-${number}`;
      taken.set(unique, one.subject);
      return [one.path, unique];
    }),
  );
}

const longestName = 64;

/** The name of a folder in the characters that an id can contain. */
export function componentName(folder: string): string {
  // Almost all names have this form. Patterns with Unicode classes take milliseconds to compile.
  if (folder.length <= longestName && /^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9._])?$/.test(folder)) return folder;
  const letters = Array.from(folder.normalize('NFC').replaceAll(/[^\p{L}\p{N}._-]+/gu, '-'))
    .slice(0, longestName)
    .join('');
  return letters.replaceAll(/^[.-]+|-+$/g, '') || 'unnamed';
}

/**
 * Returns the component that the config states for a file, given as an absolute path: by its path, its folder, or the
 * parent of `docs`.
 */
export function statedNames(
  components: Readonly<Record<string, string>>,
  configFolder: string,
): (file: string) => string | undefined {
  const names = new Map(
    Object.entries(components).map(([path, name]) => [posix.join(path, '.').replace(/\/$/, ''), name]),
  );
  if (names.size === 0) return () => undefined;
  const folder = realpathSync.native(configFolder);
  return (file) => {
    const path = relativePath(folder, file);
    if (isOutside(path)) return undefined;
    const parent = posix.dirname(path);
    const above = posix.basename(parent).toLowerCase() === 'docs' ? names.get(posix.dirname(parent)) : undefined;
    return names.get(path) ?? names.get(parent) ?? above;
  };
}
