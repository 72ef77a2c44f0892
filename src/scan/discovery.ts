import { lstatSync, realpathSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { usualCacheFolder } from './cache.ts';
import { createIgnoreRules, type IgnoreRules, type OuterRules, outerRules } from './ignore.ts';
import { isOutside, joined, relativePath } from './locations.ts';
import type { ScanOptions } from './options.ts';
import { isIgnored, parsePatterns } from './patterns.ts';
import {
  createSnapshotBuilder,
  isFresh,
  isUnmarked,
  openSnapshotCache,
  registriesIn,
  type Snapshot,
  type SnapshotCache,
  type Stamp,
  stampOf,
  unmarkedIn,
} from './snapshot.ts';
import { ruleFiles, type Unreadable, walk } from './walk.ts';
import type { Yielder } from './yield.ts';

export type IgnoreOptions = Pick<ScanOptions, 'configFolder' | 'ignore'> & { readonly cwd: string };

/**
 * Whether a scan ignores a path below a scanned folder, provided that it does not ignore the folder that contains it.
 * Ignore files are read once: call this again after one of them has changed.
 * @param root The real path of the folder.
 */
export function ignoredBelow(root: string, options: IgnoreOptions): (path: string, isFolder: boolean) => boolean {
  const outer = outerRules(root);
  const byConfig = ignoredByConfig(root, options);
  const byFolder = new Map<string, IgnoreRules>();
  function rulesIn(folder: string): IgnoreRules {
    const known = byFolder.get(folder);
    if (known !== undefined) return known;
    const above = folder === '' ? rulesAt(outer) : rulesIn(folderOf(folder));
    const listed = ignoreFilesIn(joined(root, folder));
    const rules = above.within(ruleFiles({ root, ...outer }, folder, listed), listed.isRepository);
    byFolder.set(folder, rules);
    return rules;
  }
  return (path, isFolder) => {
    const below = isFolder ? `${path}/` : path;
    return byConfig(below) || rulesIn(folderOf(path)).ignoresWithin(outer.base + below, posix.basename(path));
  };
}

function folderOf(path: string): string {
  const folder = posix.dirname(path);
  return folder === '.' ? '' : folder;
}

/** The ignore files that a listing of the folder would name. */
function ignoreFilesIn(folder: string): { readonly ignoreFiles: readonly string[]; readonly isRepository: boolean } {
  const git = statsOf(folder, '.git');
  const names = ['.gitignore', '.ignore'].filter((name) => statsOf(folder, name)?.isFile() === true);
  return {
    ignoreFiles: git?.isDirectory() === true ? ['.git/info/exclude', ...names] : names,
    isRepository: git !== undefined,
  };
}

function statsOf(folder: string, name: string) {
  try {
    return lstatSync(joined(folder, name), { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/**
 * A folder that the user names is scanned even if an ignore file above ignores it; then those files do not apply in it.
 */
function rulesAt({ base, files }: OuterRules): IgnoreRules {
  const rules = createIgnoreRules(files);
  return base !== '' && rules.ignores(base) ? createIgnoreRules([]) : rules;
}

/** What the config ignores. No pattern of an ignore file brings it back. */
function ignoredByConfig(
  root: string,
  { cwd, configFolder = cwd, ignore: patterns = [] }: IgnoreOptions,
): (path: string) => boolean {
  if (patterns.length === 0) return () => false;
  const parsed = parsePatterns(patterns, '');
  const way = relativePath(realpathSync.native(configFolder), root);
  if (!isOutside(way)) return (path) => isIgnored(parsed, joined(way, path));
  const below = `${relativePath(root, realpathSync.native(configFolder))}/`;
  return (path) => path.startsWith(below) && path !== below && isIgnored(parsed, path.slice(below.length));
}

/** What a scan found below one folder, in no order. Paths are below the folder. */
export interface Discovery {
  /** Files that contain `EMBED:`. */
  readonly files: readonly FoundFile[];
  /** Files with the name of a registry that do not contain it. */
  readonly unmarked: readonly string[];
  readonly unreadable: readonly Unreadable[];
  /** Links with the name of a registry that lead nowhere or out of the folder. */
  readonly refusedLinks: readonly string[];
  /** Whether stamps were taken: with a cache, on a file system whose stamps can be trusted. */
  readonly isStamped: boolean;
}

export interface FoundFile {
  readonly path: string;
  /** Its real path. */
  readonly file: string;
  /** Undefined without a cache, for the target of a link, and right after a change. */
  readonly stamp: Stamp | undefined;
}

type DiscoveryOptions = Pick<ScanOptions, 'configFolder' | 'ignore' | 'cache'> & { readonly cwd: string };

/** @param root The real path of the folder. */
export async function discover(root: string, options: DiscoveryOptions, yielder: Yielder): Promise<Discovery> {
  const since = Date.now();
  const outer = outerRules(root);
  const cache = cacheFor(root, outer, since, options);
  const before = cache?.load();
  return before !== undefined && (await isFresh(root, before, yielder))
    ? fromSnapshot(root, before)
    : fromWalk({ root, outer, since, cache, options }, yielder);
}

/**
 * Every regular file with a wanted name below a folder that a scan would enter, in order; with what could not be read. Paths are
 * below the folder.
 * @param root The real path of the folder.
 */
export async function filesBelow(
  root: string,
  options: IgnoreOptions,
  isWanted: (name: string) => boolean,
  yielder: Yielder,
): Promise<{ readonly files: readonly string[]; readonly unreadable: readonly Unreadable[] }> {
  const outer = outerRules(root);
  const isIgnoredByConfig = ignoredByConfig(root, options);
  const files: string[] = [];
  const unreadable: Unreadable[] = [];
  for (const visit of walk({ root, ...outer, isIgnoredByConfig, isWanted }, rulesAt(outer))) {
    for (const { path, stats } of visit.examined)
      if (stats?.isFile() === true && isWanted(posix.basename(path))) files.push(path);
    unreadable.push(...visit.unreadable);
    const pausing = yielder.pause();
    if (pausing !== undefined) await pausing;
  }
  return { files: files.toSorted(), unreadable };
}

function fromSnapshot(root: string, snapshot: Snapshot): Discovery {
  const files = registriesIn(snapshot).map(({ path, stamp }) => ({ path, file: joined(root, path), stamp }));
  const unmarked = unmarkedIn(snapshot);
  return { ...withLinks(root, files, snapshot.links), unmarked, unreadable: [], isStamped: true };
}

interface WalkContext {
  readonly root: string;
  readonly outer: OuterRules;
  readonly since: number;
  readonly cache: SnapshotCache | undefined;
  readonly options: DiscoveryOptions;
}

async function fromWalk({ root, outer, since, cache, options }: WalkContext, yielder: Yielder): Promise<Discovery> {
  const builder = cache === undefined ? undefined : createSnapshotBuilder(root, since);
  const files: FoundFile[] = [];
  const unmarked: string[] = [];
  const links: string[] = [];
  const unreadable: Unreadable[] = [];
  const isIgnoredByConfig = ignoredByConfig(root, options);
  for (const visit of walk({ root, base: outer.base, excludes: outer.excludes, isIgnoredByConfig }, rulesAt(outer))) {
    for (const examined of visit.examined) {
      const stamp = builder?.add(examined);
      if (examined.hasMarker) files.push({ path: examined.path, file: joined(root, examined.path), stamp });
      else if (isUnmarked(examined)) unmarked.push(examined.path);
    }
    links.push(...visit.links);
    unreadable.push(...visit.unreadable);
    yielder.folders++;
    yielder.found = files.length;
    const pausing = yielder.pause();
    if (pausing !== undefined) await pausing;
  }
  const snapshot = unreadable.length === 0 ? builder?.build(links) : undefined;
  if (snapshot !== undefined) cache?.save(snapshot);
  return { ...withLinks(root, files, links), unmarked, unreadable, isStamped: cache !== undefined };
}

function withLinks(
  root: string,
  files: readonly FoundFile[],
  links: readonly string[],
): Pick<Discovery, 'files' | 'refusedLinks'> {
  const targets = links.toSorted().map((path) => ({ path, file: targetWithin(root, path) }));
  return {
    files: withLinked(files, targets),
    refusedLinks: targets.filter(({ file }) => file === undefined).map(({ path }) => path),
  };
}

/** Undefined without a cache, and right after a change of an ignore file above the root. */
function cacheFor(
  root: string,
  { files, excludes }: OuterRules,
  since: number,
  { cwd, configFolder = cwd, ignore: patterns = [], cache = false }: DiscoveryOptions,
): SnapshotCache | undefined {
  if (cache === false) return undefined;
  const above = [...files.map(({ file }) => file), ...(excludes === undefined ? [] : [excludes])];
  const stamps = above.map((file) => currentStamp(file, since));
  if (stamps.includes(undefined)) return undefined;
  const folder = cache === true ? usualCacheFolder() : cache;
  return openSnapshotCache(
    folder,
    root,
    JSON.stringify([patterns, patterns.length > 0 && relativePath(root, configFolder)]),
    JSON.stringify([files, above, stamps]),
  );
}

function currentStamp(file: string, since: number): Stamp | undefined {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  return stats === undefined ? undefined : stampOf(stats, since, stats.dev);
}

/** The real path of a link's target, if that is a file below the root. */
function targetWithin(root: string, path: string): string | undefined {
  try {
    const target = realpathSync.native(joined(root, path));
    return !isOutside(relativePath(root, target)) && statSync(target).isFile() ? target : undefined;
  } catch {
    return undefined;
  }
}

/** A file that was found under its own name, or through an earlier link, is not read again. */
function withLinked(
  files: readonly FoundFile[],
  links: readonly { readonly path: string; readonly file: string | undefined }[],
): readonly FoundFile[] {
  if (links.length === 0) return files;
  const byFile = new Map(files.map((found) => [found.file, found]));
  for (const { path, file } of links) {
    if (file !== undefined && !byFile.has(file)) byFile.set(file, { path, file, stamp: undefined });
  }
  return [...byFile.values()];
}
