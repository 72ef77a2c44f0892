import { lstatSync, realpathSync } from 'node:fs';
import { posix } from 'node:path';
import ignore from 'ignore';
import { createIgnoreRules, type IgnoreRules } from './ignore-rules.ts';
import { isOutside, relativePath } from './locations.ts';
import type { ScanOptions } from './options.ts';
import { type OuterRules, outerRules } from './outer-rules.ts';
import { joined } from './paths.ts';
import { ruleFiles } from './visit.ts';

export type LeftOutOptions = Pick<ScanOptions, 'configFolder' | 'ignore'> & { readonly cwd: string };

/**
 * Tells of any path below a scanned folder whether a scan leaves it out, where the folder that holds it is not left out
 * itself. Ignore files are read once: after a change of one of them it has to be asked for anew.
 * @param root The real path of the folder.
 */
export function leftOutBelow(root: string, options: LeftOutOptions): (path: string, isFolder: boolean) => boolean {
  const outer = outerRules(root);
  const isLeftOut = leftOutByConfig(root, options);
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
export function rulesAt({ base, files }: OuterRules): IgnoreRules {
  const rules = createIgnoreRules(files);
  return base !== '' && rules.ignores(base) ? createIgnoreRules([]) : rules;
}

/** What the config leaves out. Its patterns stand for themselves: nothing brings back what they name. */
export function leftOutByConfig(
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
