import { existsSync, lstatSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { RuleFile } from './ignore-rules.ts';

/** What holds at the root of a scan before anything in it is looked at. */
export interface OuterRules {
  /** The root as a path below the folder where the rules begin: `''`, or with a slash at its end. */
  readonly base: string;
  readonly files: readonly RuleFile[];
}

/**
 * The ignore files of the folders above a scanned folder, up to the repository it stands in. Where it is a repository
 * itself, or stands in none, nothing above has a say.
 */
export function outerRules(root: string): OuterRules {
  const above = foldersAbove(root);
  const repository = above.at(-1);
  if (repository === undefined) return { base: '', files: [] };
  const files = above.toReversed().flatMap((folder): RuleFile[] => {
    const base = slashed(relative(repository, folder));
    return [
      ...(hasOwnExcludes(folder) ? [{ layer: 'exclude', file: join(folder, '.git/info/exclude'), base } as const] : []),
      { layer: 'gitignore', file: join(folder, '.gitignore'), base },
      { layer: 'ignore', file: join(folder, '.ignore'), base },
    ];
  });
  return { base: `${slashed(relative(repository, root))}/`, files: files.filter(({ file }) => isPlainFile(file)) };
}

function foldersAbove(root: string): readonly string[] {
  const folders: string[] = [];
  for (let folder = root; ; folder = dirname(folder)) {
    if (folder !== root) folders.push(folder);
    if (existsSync(join(folder, '.git'))) return folders;
    if (folder === dirname(folder)) return [];
  }
}

/** In a worktree or a submodule `.git` is a file, and its repository lies elsewhere: nothing outside is read for it. */
function hasOwnExcludes(folder: string): boolean {
  return lstatSync(join(folder, '.git'), { throwIfNoEntry: false })?.isDirectory() === true;
}

function slashed(path: string): string {
  return path.replaceAll('\\', '/');
}

function isPlainFile(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false })?.isFile() === true;
}
