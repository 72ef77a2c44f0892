import { existsSync, lstatSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { readRegularFile } from '../read-file.ts';
import { userExcludes } from './git-excludes.ts';
import { isIgnored, isIgnoredItself, parsePatterns, type Pattern } from './patterns.ts';

/** In bytes. The rest of a larger ignore file is not read, so that a hostile one costs little. */
const longest = 256 * 1024;

/** The patterns of one ignore file, unchanged. */
function linesIn(text: string): string[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  return lines.filter((line) => line.trim() !== '' && !line.startsWith('#'));
}

/**
 * Returns whether one of the patterns could match a path with a given last name. A pattern that is a plain name, or `*`
 * and a plain ending, matches that name in any folder; one that begins with `!` ignores nothing; any other pattern
 * could match.
 */
function suspectNames(patterns: readonly string[]): (name: string) => boolean {
  const names = new Set<string>();
  const endings: string[] = [];
  for (const pattern of patterns) {
    if (pattern.startsWith('!')) continue;
    const [, star, plain] = /^(\*?)([\w.-]+)\/?$/.exec(pattern) ?? [];
    if (plain === undefined) return () => true;
    if (star === '*') endings.push(plain);
    else names.add(plain);
  }
  return (name) => names.has(name) || endings.some((ending) => name.endsWith(ending));
}

/**
 * From the weakest to the strongest: a pattern of a later layer overrides those of earlier ones, in whichever folder
 * its file is.
 */
const layers = ['user', 'exclude', 'gitignore', 'ignore'] as const;

/** A file of ignore patterns. */
export interface RuleFile {
  readonly layer: (typeof layers)[number];
  /** Absolute. */
  readonly file: string;
  /**
   * The folder that its patterns are relative to, as a path below the folder where all rules begin; `''` for that
   * folder.
   */
  readonly base: string;
}

/** Tells which paths are ignored in one folder and below it. Ignore files are read when they are first needed. */
export interface IgnoreRules {
  readonly files: readonly RuleFile[];
  /** `path` is relative to the folder where all rules begin; that of a folder ends in a slash. */
  ignores(path: string): boolean;
  /** The same for a path in a folder that is not ignored. Faster, because most names rule out every pattern. */
  ignoresWithin(path: string, name: string): boolean;
  /** The rules of a folder that also contains these files. Those of git end at a nested repository. */
  within(files: readonly RuleFile[], isRepository: boolean): IgnoreRules;
}

/** What a folder's rules add to. */
interface ParentRules {
  readonly files: readonly RuleFile[];
  suspects(name: string): boolean;
}

/**
 * The rules of gitignore(5): the last pattern that matches decides, deeper files come later, and nothing in an ignored
 * folder can be brought back. All files form one list of patterns, because `!` in a deeper file can override a pattern of
 * a file above it.
 */
export function createIgnoreRules(files: readonly RuleFile[], parent: ParentRules = noRules): IgnoreRules {
  let made: readonly Pattern[] | undefined;
  let own: readonly ((name: string) => boolean)[] | undefined;
  function patterns(): readonly Pattern[] {
    made ??= layers.flatMap((layer) =>
      files.filter((file) => file.layer === layer).flatMap((file) => readRules(file).patterns),
    );
    return made;
  }
  /** Includes the patterns of the parent, even those that end at a repository: that only costs time. */
  function suspects(name: string): boolean {
    own ??= files.filter((file) => !parent.files.includes(file)).map((file) => readRules(file).suspects);
    return own.some((suspectsName) => suspectsName(name)) || parent.suspects(name);
  }
  return {
    files,
    ignores: (path) => isIgnored(patterns(), path),
    ignoresWithin: (path, name) => suspects(name) && isIgnoredItself(patterns(), path),
    within(more, isRepository) {
      const kept = isRepository ? files.filter(({ layer }) => layer === 'ignore') : files;
      return more.length === 0 && kept.length === files.length
        ? this
        : createIgnoreRules([...kept, ...more], { files, suspects });
    },
  };
}

const noRules: ParentRules = { files: [], suspects: () => false };

interface ReadRules {
  readonly patterns: readonly Pattern[];
  /** Whether one of them could match a path with this last name. */
  readonly suspects: (name: string) => boolean;
}

/** Each file is read once in a scan, which makes its own `RuleFile`. */
const alreadyRead = new WeakMap<RuleFile, ReadRules>();

function readRules(file: RuleFile): ReadRules {
  const known = alreadyRead.get(file);
  if (known !== undefined) return known;
  const lines = linesIn(textOf(file.file));
  const rules = { patterns: parsePatterns(lines, file.base), suspects: suspectNames(lines) };
  alreadyRead.set(file, rules);
  return rules;
}

/** An ignore file that cannot be read has no patterns, as for git. */
function textOf(file: string): string {
  try {
    const read = readRegularFile(file, { most: longest });
    return read.type === 'read' ? read.bytes.toString('utf8') : '';
  } catch {
    return '';
  }
}

/** The rules that apply at the root of a scan before its own ignore files. */
export interface OuterRules {
  /** The root as a path below the folder where the rules begin: `''`, or with a slash at its end. */
  readonly base: string;
  readonly files: readonly RuleFile[];
  /** The user's own patterns, which every repository below the root begins with. */
  readonly excludes: string | undefined;
}

/**
 * The ignore files of the folders above a scanned folder, up to the root of its repository. If the scanned folder is
 * the root of a repository, or is not in one, there are none.
 */
export function outerRules(root: string): OuterRules {
  const above = foldersAbove(root);
  const repository = above.at(-1);
  const excludes = userExcludes(repository ?? root);
  if (repository === undefined) return { base: '', files: [], excludes };
  const files = above.toReversed().flatMap((folder): RuleFile[] => {
    const base = slashed(relative(repository, folder));
    return [
      ...(hasOwnExcludes(folder) ? [{ layer: 'exclude', file: join(folder, '.git/info/exclude'), base } as const] : []),
      { layer: 'gitignore', file: join(folder, '.gitignore'), base },
      { layer: 'ignore', file: join(folder, '.ignore'), base },
    ];
  });
  const users: readonly RuleFile[] = excludes === undefined ? [] : [{ layer: 'user', file: excludes, base: '' }];
  return {
    base: `${slashed(relative(repository, root))}/`,
    files: [...users, ...files.filter(({ file }) => isPlainFile(file))],
    excludes,
  };
}

function foldersAbove(root: string): readonly string[] {
  const folders: string[] = [];
  for (let folder = root; ; folder = dirname(folder)) {
    if (folder !== root) folders.push(folder);
    if (existsSync(join(folder, '.git'))) return folders;
    if (folder === dirname(folder)) return [];
  }
}

/** In a worktree or a submodule `.git` is a file, and the repository is elsewhere: nothing is read from there. */
function hasOwnExcludes(folder: string): boolean {
  return lstatSync(join(folder, '.git'), { throwIfNoEntry: false })?.isDirectory() === true;
}

function slashed(path: string): string {
  return path.replaceAll('\\', '/');
}

function isPlainFile(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false })?.isFile() === true;
}
