import { type Dirent, lstatSync, readdirSync, type Stats } from 'node:fs';
import { readTextIfPossible } from '../read-file.ts';
import { errorCode } from '../util/text.ts';
import type { IgnoreRules, RuleFile } from './ignore.ts';
import { joined } from './locations.ts';
import { searchMarker } from './marker-search.ts';

/** Whether a scan never enters a folder of this name, whatever ignore files say. */
export function isNeverEntered(name: string): boolean {
  return name === 'node_modules' || isGit(name);
}

function isGit(name: string): boolean {
  return name.length === 4 && name.toLowerCase() === '.git';
}

/** Whether a file of this name is a registry: `PROBLEMS.md` in any case. */
export function isRegistryName(name: string): boolean {
  return name.length === 11 && name.toLowerCase() === 'problems.md';
}

/** The names of files in which people write down problems, without separators and in lower case. */
const problemFiles = new Set(
  'problems knownproblems issues knownissues bugs knownbugs limitations knownlimitations troubleshooting'.split(' '),
);

/** Whether a file of this name may hold problems in free form: `PROBLEMS.md`, `KNOWN_ISSUES.md`, `troubleshooting.md` and the like. */
export function isProblemFileName(name: string): boolean {
  const [, stem] = /^([A-Za-z_ -]{1,40})\.md$/i.exec(name) ?? [];
  return stem !== undefined && problemFiles.has(stem.toLowerCase().replaceAll(/[_ -]/g, ''));
}

/** Git does not follow a symbolic link to an ignore file either (gitignore(5), "Notes"). */
function isIgnoreFile(entry: Dirent): boolean {
  return (entry.name === '.gitignore' || entry.name === '.ignore') && entry.isFile();
}

/** The names in a folder that concern a scan. */
interface Listing {
  readonly folders: readonly string[];
  /** Regular files with a wanted name. */
  readonly files: readonly string[];
  /** Symbolic links with a wanted name. */
  readonly links: readonly string[];
  /** Ignore files that exist, and `.git/info/exclude` even if it does not. */
  readonly ignoreFiles: readonly string[];
  readonly isRepository: boolean;
  /** `.git` is a file: of a linked worktree or a submodule. */
  readonly hasGitFile: boolean;
}

/** @throws the error of the file system. */
function listFolder(folder: string, isWanted: (name: string) => boolean): Listing {
  const folders: string[] = [];
  const files: string[] = [];
  const links: string[] = [];
  const ignoreFiles: string[] = [];
  let isRepository = false;
  let hasGitFile = false;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const { name } = entry;
    if (isGit(name)) {
      isRepository = true;
      hasGitFile = entry.isFile();
      if (entry.isDirectory()) ignoreFiles.push('.git/info/exclude');
    } else if (entry.isDirectory()) {
      if (!isNeverEntered(name)) folders.push(name);
    } else if (isWanted(name)) {
      if (entry.isFile()) files.push(name);
      else if (entry.isSymbolicLink()) links.push(name);
    } else if (isIgnoreFile(entry)) {
      ignoreFiles.push(name);
    }
  }
  return { folders, files, links, ignoreFiles: ignoreFiles.toSorted(), isRepository, hasGitFile };
}

/** Whether the file `.git` is that of a linked worktree: another checkout of a repository that has its registries already. */
function isLinkedWorktree(file: string): boolean {
  const text = readTextIfPossible(file, { most: 8192, followLink: false });
  return text !== undefined && /^gitdir: .*[\\/]worktrees[\\/][^\\/]+\s*$/.test(text);
}

/**
 * The ignore files of a folder as rules: `.gitignore` before `.ignore`; `.git/info/exclude` is weaker, and the user's own
 * patterns, which begin at each repository, are the weakest.
 */
export function ruleFiles(
  { root, base, excludes }: Pick<WalkOptions, 'root' | 'base' | 'excludes'>,
  path: string,
  { ignoreFiles, isRepository }: Pick<Listing, 'ignoreFiles' | 'isRepository'>,
): RuleFile[] {
  const folder = path === '' ? base.slice(0, -1) : base + path;
  const own = ignoreFiles.map((name): RuleFile => ({
    layer: name === '.ignore' ? 'ignore' : name === '.gitignore' ? 'gitignore' : 'exclude',
    file: joined(joined(root, path), name),
    base: folder,
  }));
  return isRepository && excludes !== undefined ? [{ layer: 'user', file: excludes, base: folder }, ...own] : own;
}

export interface WalkOptions {
  /** The real path of the scanned folder. */
  readonly root: string;
  /** The root as a path below the folder where ignore rules begin: `''`, or with a slash at its end. */
  readonly base: string;
  /** The file of the user's own patterns, if there is one. */
  readonly excludes: string | undefined;
  /** Whether the config ignores a path below the root; that of a folder ends in a slash. */
  readonly isIgnoredByConfig: (path: string) => boolean;
  /** Which files are wanted, by name. Default: registries. */
  readonly isWanted?: (name: string) => boolean;
}

/** One folder and what a scan needs of it. Paths are below the root. */
export interface Visit {
  /**
   * Everything that decided what was found here: the folder, its ignore files and its registry files. Stats are taken
   * before the file is read or the folder listed; undefined if the file does not exist.
   */
  readonly examined: readonly Examined[];
  /** Symbolic links with the name of a registry. */
  readonly links: readonly string[];
  readonly unreadable: readonly Unreadable[];
}

export interface Examined {
  readonly path: string;
  readonly stats: Stats | undefined;
  /** Whether it is a registry file that contains `EMBED:`. */
  readonly hasMarker: boolean;
}

export interface Unreadable {
  readonly path: string;
  /** The system's code, such as `EACCES`. */
  readonly code: string;
}

interface Step {
  /** Without a slash at its end; `''` for the root. */
  readonly path: string;
  /** Those of the parent folder. */
  readonly rules: IgnoreRules;
}

/**
 * Visits a folder and every folder below it that is not ignored. It follows no symbolic link, so it never walks in a
 * circle or leaves the root, and it never enters `node_modules`, `.git` and linked worktrees of git below the root.
 */
export function* walk(options: WalkOptions, rules: IgnoreRules): Generator<Visit, void> {
  const steps: Step[] = [{ path: '', rules }];
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    const visit = visitFolder(options, step, steps);
    if (visit !== undefined) yield visit;
  }
}

/** Undefined if the folder has been removed since its parent was listed. */
function visitFolder(options: WalkOptions, step: Step, steps: Step[]): Visit | undefined {
  const folder = joined(options.root, step.path);
  try {
    const stats = lstatSync(folder, { throwIfNoEntry: false });
    if (stats?.isDirectory() === true)
      return visitListed(options, step, steps, stats, listFolder(folder, options.isWanted ?? isRegistryName));
    // Node decodes a name that is not UTF-8 with replacement characters, under which the system finds nothing.
    return stats === undefined && step.path.includes('\uFFFD') ? unreadable(step.path, 'EILSEQ') : undefined;
  } catch (error) {
    const code = errorCode(error);
    return code === 'ENOENT' ? undefined : unreadable(step.path, code);
  }
}

function unreadable(path: string, code: string): Visit {
  return { examined: [], links: [], unreadable: [{ path, code }] };
}

function visitListed(
  options: WalkOptions,
  { path, rules }: Step,
  steps: Step[],
  stats: Stats,
  listing: Listing,
): Visit {
  const { root, base, isIgnoredByConfig } = options;
  const examined: Examined[] = [{ path, stats, hasMarker: false }];
  if (listing.hasGitFile && path !== '') {
    const file = joined(path, '.git');
    examined.push({ path: file, stats: lstatSync(joined(root, file), { throwIfNoEntry: false }), hasMarker: false });
    if (isLinkedWorktree(joined(root, file))) return { examined, links: [], unreadable: [] };
  }
  const unreadableFiles: Unreadable[] = [];
  for (const name of listing.ignoreFiles) {
    const file = joined(path, name);
    examined.push({ path: file, stats: lstatSync(joined(root, file), { throwIfNoEntry: false }), hasMarker: false });
  }
  const here = rules.within(ruleFiles(options, path, listing), listing.isRepository);

  function isKept(name: string, slash: '/' | ''): boolean {
    const below = joined(path, name) + slash;
    return !isIgnoredByConfig(below) && !here.ignoresWithin(base + below, name);
  }
  for (const name of listing.files) {
    if (!isKept(name, '')) continue;
    const file = joined(path, name);
    try {
      examined.push({ path: file, ...searchMarker(joined(root, file)) });
    } catch (error) {
      const code = errorCode(error);
      // ELOOP: a symbolic link has replaced it.
      if (code === 'ENOENT' || code === 'ELOOP') examined.push({ path: file, stats: undefined, hasMarker: false });
      else unreadableFiles.push({ path: file, code });
    }
  }
  for (const name of listing.folders) if (isKept(name, '/')) steps.push({ path: joined(path, name), rules: here });
  const links = listing.links.filter((name) => isKept(name, '')).map((name) => joined(path, name));
  return { examined, links, unreadable: unreadableFiles };
}
