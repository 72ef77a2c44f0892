import { lstatSync, realpathSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import ignore from 'ignore';
import { isFresh, openCache, usualCacheFolder } from './cache.ts';
import {
  fileOffset,
  type FolderEntry,
  type FolderTable,
  noStamp,
  type Stamp,
  stampAt,
  stampLength,
  stampOf,
} from './folder-table.ts';
import { createIgnoreRules, type IgnoreRules, type OuterRules, outerRules } from './ignore.ts';
import { isOutside, joined, relativePath } from './locations.ts';
import type { ScanOptions } from './options.ts';
import { ruleFiles, type Unreadable, walk } from './walk.ts';
import type { Yielder } from './yield.ts';

export type LeftOutOptions = Pick<ScanOptions, 'configFolder' | 'ignore'> & { readonly cwd: string };

/**
 * Tells of any path below a scanned folder whether a scan leaves it out, where the folder that holds it is not left out
 * itself. Ignore files are read once: after a change of one of them it has to be asked for anew.
 * @param root The real path of the folder.
 */
export function ignoredBelow(root: string, options: LeftOutOptions): (path: string, isFolder: boolean) => boolean {
  const outer = outerRules(root);
  const isLeftOut = ignoredByConfig(root, options);
  const byFolder = new Map<string, IgnoreRules>();
  function rulesIn(folder: string): IgnoreRules {
    const known = byFolder.get(folder);
    if (known !== undefined) return known;
    const above = folder === '' ? rulesAt(outer) : rulesIn(folderOf(folder));
    const { names, isRepository } = lookForRules(joined(root, folder));
    const rules = above.within(ruleFiles({ root, base: outer.base }, folder, names), isRepository);
    byFolder.set(folder, rules);
    return rules;
  }
  return (path, isFolder) => {
    const below = isFolder ? `${path}/` : path;
    return isLeftOut(below) || rulesIn(folderOf(path)).ignoresWithin(outer.base + below, posix.basename(path));
  };
}

function folderOf(path: string): string {
  const folder = posix.dirname(path);
  return folder === '.' ? '' : folder;
}

/** As a listing of the folder would name them. */
function lookForRules(folder: string): { readonly names: readonly string[]; readonly isRepository: boolean } {
  const git = lookAt(folder, '.git');
  const names = ['.gitignore', '.ignore'].filter((name) => lookAt(folder, name)?.isFile() === true);
  return {
    names: git?.isDirectory() === true ? ['.git/info/exclude', ...names] : names,
    isRepository: git !== undefined,
  };
}

function lookAt(folder: string, name: string) {
  try {
    return lstatSync(joined(folder, name), { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** A folder is scanned if it is named, though files above it leave it out: then they have no say in it. */
function rulesAt({ base, files }: OuterRules): IgnoreRules {
  const rules = createIgnoreRules(files);
  return base !== '' && rules.ignores(base) ? createIgnoreRules([]) : rules;
}

/** What the config leaves out. Its patterns stand for themselves: nothing brings back what they name. */
function ignoredByConfig(
  root: string,
  { cwd, configFolder = cwd, ignore: patterns = [] }: LeftOutOptions,
): (path: string) => boolean {
  if (patterns.length === 0) return () => false;
  const matcher = ignore({ ignorecase: false }).add(patterns);
  const way = relativePath(realpathSync.native(configFolder), root);
  if (!isOutside(way)) return (path) => matcher.ignores(joined(way, path));
  const below = `${relativePath(root, realpathSync.native(configFolder))}/`;
  return (path) => path.startsWith(below) && path !== below && matcher.ignores(path.slice(below.length));
}

/** What stands below one scanned folder, in no order. Paths are below it. */
export interface Discovery {
  /** Files that hold `EMBED:`. */
  readonly files: readonly FoundFile[];
  readonly unreadable: readonly Unreadable[];
  /** Links with the name of a registry that lead nowhere or out of the folder. */
  readonly refusedLinks: readonly string[];
  /** Whether stamps prove anything here. */
  readonly isStamped: boolean;
}

export interface FoundFile {
  readonly path: string;
  /** Its real path. */
  readonly file: string;
  /** When it was found; none of a link's target. */
  readonly stamp: Stamp;
}

type DiscoveryOptions = Pick<ScanOptions, 'configFolder' | 'ignore' | 'cache'> & { readonly cwd: string };

/** Beyond it nothing is kept for the next scan, so that memory stays bounded whatever the size of the tree. */
const mostEntries = 400_000;

/** @param root The real path of the folder. */
export async function discover(root: string, options: DiscoveryOptions, pacer: Yielder): Promise<Discovery> {
  const since = Date.now();
  const outer = outerRules(root);
  const cache = cacheFor(root, outer, since, options);
  const before = cache?.table ?? new Map<string, FolderEntry>();
  const seen = new Map<string, FolderEntry>();
  const files: FoundFile[] = [];
  const links: string[] = [];
  const unreadable: Unreadable[] = [];
  let isChanged = false;

  if (before.size > 0 && (await isFresh(root, before, pacer)))
    return { ...asBefore(root, before), unreadable, isStamped: true };

  const context = { root, base: outer.base, isLeftOut: ignoredByConfig(root, options), since, before };
  for (const visit of walk(context, rulesAt(outer))) {
    for (const { path, stamp } of visit.registries) files.push({ path, file: joined(root, path), stamp });
    unreadable.push(...visit.unreadable);
    links.push(...(visit.entry?.links ?? []).map((name) => joined(visit.path, name)));
    if (visit.entry !== before.get(visit.path)) isChanged = true;
    if (visit.entry !== undefined && cache !== undefined && seen.size < mostEntries) seen.set(visit.path, visit.entry);
    pacer.folders++;
    pacer.found += visit.registries.length;
    const pausing = pacer.pause();
    if (pausing !== undefined) await pausing;
  }
  if (isChanged || seen.size !== before.size) cache?.save(seen);
  return { ...withLinks(root, files, links), unreadable, isStamped: cache !== undefined };
}

/** What the earlier scan found, where nothing has changed since. */
function asBefore(root: string, before: FolderTable): Pick<Discovery, 'files' | 'refusedLinks'> {
  const files: FoundFile[] = [];
  const links: string[] = [];
  for (const entry of before.values()) {
    for (const [index, name] of entry.files.entries()) {
      const at = fileOffset(entry, index);
      if (entry.numbers[at + stampLength] !== 1) continue;
      const path = joined(entry.path, name);
      files.push({ path, file: joined(root, path), stamp: stampAt(entry.numbers, at) });
    }
    links.push(...entry.links.map((name) => joined(entry.path, name)));
  }
  return withLinks(root, files, links);
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

function cacheFor(
  root: string,
  { files }: OuterRules,
  since: number,
  { cwd, configFolder = cwd, ignore: patterns = [], cache = false }: DiscoveryOptions,
) {
  if (cache === false) return undefined;
  const stamps = files.map(({ file }) => freshStamp(file, since));
  if (stamps.includes(noStamp)) return undefined;
  const folder = cache === true ? usualCacheFolder() : cache;
  return openCache(
    folder,
    root,
    JSON.stringify([patterns, patterns.length > 0 && relativePath(root, configFolder)]),
    JSON.stringify([files, stamps]),
  );
}

function freshStamp(file: string, since: number): Stamp {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  return stats === undefined ? noStamp : stampOf(stats, since, stats.dev);
}

/** The real path of a link's target, where that is a file below the root. */
function targetWithin(root: string, path: string): string | undefined {
  try {
    const target = realpathSync.native(joined(root, path));
    return !isOutside(relativePath(root, target)) && statSync(target).isFile() ? target : undefined;
  } catch {
    return undefined;
  }
}

/** A file that is found under its own name, or by an earlier link, is not read again. */
function withLinked(
  files: readonly FoundFile[],
  links: readonly { readonly path: string; readonly file: string | undefined }[],
): readonly FoundFile[] {
  if (links.length === 0) return files;
  const byFile = new Map(files.map((found) => [found.file, found]));
  for (const { path, file } of links) {
    if (file !== undefined && !byFile.has(file)) byFile.set(file, { path, file, stamp: noStamp });
  }
  return [...byFile.values()];
}
