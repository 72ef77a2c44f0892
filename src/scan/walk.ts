import {
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  type Stats,
} from 'node:fs';
import {
  absentStamp,
  createEntry,
  fileOffset,
  type FolderEntry,
  type FolderTable,
  hasStamp,
  type Listing,
  noStamp,
  ruleOffset,
  type SeenFile,
  type Stamp,
  stampAt,
  stampLength,
  stampOf,
} from './folder-table.ts';
import type { IgnoreRules, RuleFile } from './ignore.ts';
import { codeOf, joined } from './locations.ts';

/** What stands in a folder, before anything is ignored. @throws the error of the file system. */
function readFolder(folder: string): Listing {
  const folders: string[] = [];
  const files: string[] = [];
  const links: string[] = [];
  const rules: string[] = [];
  let isRepository = false;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const { name } = entry;
    if (isGit(name)) {
      isRepository = true;
      if (entry.isDirectory()) rules.push('.git/info/exclude');
    } else if (entry.isDirectory()) {
      if (!isNeverEntered(name)) folders.push(name);
    } else if (isRegistryName(name)) {
      if (entry.isFile()) files.push(name);
      else if (entry.isSymbolicLink()) links.push(name);
    } else if (isRuleFile(entry)) {
      rules.push(name);
    }
  }
  return { folders, files, links, rules: rules.toSorted(), isRepository };
}

/** Whether a folder of this name is passed over, whatever ignore files say. */
export function isNeverEntered(name: string): boolean {
  return name === 'node_modules' || isGit(name);
}

function isGit(name: string): boolean {
  return name.length === 4 && name.toLowerCase() === '.git';
}

/** `PROBLEMS.md` in any case. */
export function isRegistryName(name: string): boolean {
  return name.length === 11 && name.toLowerCase() === 'problems.md';
}

/** A symbolic link is none: git does not follow it either (gitignore(5), "Notes"). */
function isRuleFile(entry: Dirent): boolean {
  return (entry.name === '.gitignore' || entry.name === '.ignore') && entry.isFile();
}

/** One for all files: a new one for each costs more than reading it. */
const buffer = Buffer.allocUnsafe(256 * 1024);

const word = 'embed';

const colon = 0x3a;

const mostBlanks = 1000;

/** No symbolic link is followed and no named pipe waited for, whatever has taken a file's place since it was listed. */
export const plainFile = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

export interface MarkerSearch {
  readonly stats: Stats;
  readonly found: boolean;
}

/**
 * Looks for `EMBED:` in any case among the bytes of a file, without decoding them. A file that starts with a UTF-16 mark
 * counts as found, since its markers would look otherwise.
 * @throws the error of the file system.
 */
function searchMarker(file: string): MarkerSearch {
  const descriptor = openSync(file, plainFile);
  try {
    const stats = fstatSync(descriptor);
    return { stats, found: stats.isFile() && fileHoldsMarker(descriptor, stats.size) };
  } finally {
    closeSync(descriptor);
  }
}

function fileHoldsMarker(descriptor: number, size: number): boolean {
  let kept = 0;
  for (let position = 0; ;) {
    const read = readSync(descriptor, buffer, kept, buffer.length - kept, position);
    const bytes = buffer.subarray(0, kept + read);
    if (position === 0 && isUtf16(bytes)) return true;
    if (includesMarker(bytes)) return true;
    position += read;
    if (read === 0 || (position >= size && bytes.length < buffer.length)) return false;
    kept = Math.min(bytes.length, word.length + mostBlanks + 1);
    buffer.copyWithin(0, bytes.length - kept, bytes.length);
  }
}

/**
 * Colons are rare, and the search for one byte is the fastest there is. Blanks may stand before the colon; where there
 * are absurdly many the answer is yes, which costs no more than reading the file.
 */
export function includesMarker(bytes: Uint8Array): boolean {
  for (let at = bytes.indexOf(colon); at !== -1; at = bytes.indexOf(colon, at + 1)) {
    let end = at;
    while (end > 0 && isBlank(bytes[end - 1])) end--;
    if (at - end > mostBlanks || isWord(bytes, end - word.length)) return true;
  }
  return false;
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09;
}

function isWord(bytes: Uint8Array, start: number): boolean {
  for (let index = 0; index < word.length; index++) {
    if (((bytes[start + index] ?? 0) | 0x20) !== word.charCodeAt(index)) return false;
  }
  return true;
}

export function isUtf16(bytes: Uint8Array): boolean {
  return (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
}

export interface VisitContext {
  /** The real path of the scanned folder. */
  readonly root: string;
  readonly device: number;
  /** The root as a path below the folder where ignore rules begin: `''`, or with a slash at its end. */
  readonly base: string;
  /** Whether the config leaves out a path below the root; that of a folder ends in a slash. */
  readonly isLeftOut: (path: string) => boolean;
  /** When the scan began, in milliseconds. */
  readonly since: number;
  /** What an earlier scan saw. */
  readonly before: FolderTable;
}

export interface Step {
  /** Below the root, without a slash at its end; `''` for the root. */
  readonly path: string;
  /** Those of the folder above. */
  readonly rules: IgnoreRules;
  /** Whether these are the rules of the earlier scan. */
  readonly isKnown: boolean;
}

/** What one folder holds. Paths are below the root. */
export interface Visit extends Step {
  /** None where the folder cannot be listed. */
  readonly entry: FolderEntry | undefined;
  /** Files with the name of a registry that hold `EMBED:`. */
  readonly registries: readonly StampedFile[];
  readonly unreadable: readonly Unreadable[];
}

export interface StampedFile {
  readonly path: string;
  readonly stamp: Stamp;
}

export interface Unreadable {
  readonly path: string;
  /** The system's code, such as `EACCES`. */
  readonly code: string;
}

/** Nothing where the folder has gone since it was listed. */
function visitFolder(context: VisitContext, step: Step): Visit | undefined {
  const folder = joined(context.root, step.path);
  try {
    const stats = lstatSync(folder, { throwIfNoEntry: false });
    if (stats?.isDirectory() === true) return visitNow(context, step, stats);
    // A name that is no UTF-8 cannot be asked for again: the system says that there is nothing.
    return stats === undefined && step.path.includes('\uFFFD') ? unreadable(step, 'EILSEQ') : undefined;
  } catch (error) {
    const code = codeOf(error);
    return code === 'ENOENT' ? undefined : unreadable(step, code);
  }
}

function unreadable(step: Step, code: string): Visit {
  return { ...step, entry: undefined, registries: [], unreadable: [{ path: step.path, code }] };
}

function visitNow(context: VisitContext, step: Step, stats: Stats): Visit {
  const before = context.before.get(step.path);
  const isSame = before !== undefined && step.isKnown && isUnchanged(context, before, stats);
  return (isSame ? visitAgain(context, step, before) : undefined) ?? visitAnew(context, step, stats, before);
}

const nothing: readonly Unreadable[] = [];

/** What the earlier scan saw, if the files are the same as well: the way that most folders of most scans go. */
function visitAgain(context: VisitContext, { path, rules }: Step, before: FolderEntry): Visit | undefined {
  const registries: StampedFile[] = [];
  for (const [index, name] of before.files.entries()) {
    const file = joined(path, name);
    const at = fileOffset(before, index);
    const stats = lstatSync(joined(context.root, file), { throwIfNoEntry: false });
    if (stats === undefined || !hasStamp(before.numbers, at, stats)) return undefined;
    if (before.numbers[at + stampLength] === 1) registries.push({ path: file, stamp: stampAt(before.numbers, at) });
  }
  const within = rules.within(ruleFiles(context, path, before.rules), before.isRepository);
  return { path, rules: within, isKnown: true, entry: before, registries, unreadable: nothing };
}

function visitAnew(context: VisitContext, step: Step, stats: Stats, before: FolderEntry | undefined): Visit {
  const { path } = step;
  const content = readFolder(joined(context.root, path));
  const rules = step.rules.within(ruleFiles(context, path, content.rules), content.isRepository);
  const listing = withoutIgnored(context, path, content, rules);
  const files = listing.files.map((name) => lookInto(context, joined(path, name), fileBefore(before, name)));
  return {
    path,
    rules,
    isKnown: before !== undefined && step.isKnown && hasSameRules(context, before, content),
    entry: newEntry(context, stats, path, listing, files),
    registries: files.filter(({ holdsMarker }) => holdsMarker),
    unreadable: files.flatMap((file) => (file.code === undefined ? [] : [{ path: file.path, code: file.code }])),
  };
}

function isUnchanged(context: VisitContext, before: FolderEntry, stats: Stats): boolean {
  return hasStamp(before.numbers, before.at, stats) && hasSameRules(context, before, before);
}

/** The files of patterns are compared by their stamps, so one that changed in place is noticed as well. */
function hasSameRules({ root }: VisitContext, before: FolderEntry, now: Listing): boolean {
  return (
    before.isRepository === now.isRepository &&
    before.rules.length === now.rules.length &&
    before.rules.every(
      (name, index) =>
        name === now.rules[index] &&
        hasStampOrIsAbsent(joined(joined(root, before.path), name), before.numbers, ruleOffset(before, index)),
    )
  );
}

function hasStampOrIsAbsent(file: string, numbers: ArrayLike<number>, at: number): boolean {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  return stats === undefined
    ? absentStamp.every((number, index) => numbers[at + index] === number)
    : hasStamp(numbers, at, stats);
}

/** `.gitignore` before `.ignore`; `.git/info/exclude` is the weakest. */
export function ruleFiles(
  { root, base }: Pick<VisitContext, 'root' | 'base'>,
  path: string,
  names: readonly string[],
): RuleFile[] {
  return names.map((name) => ({
    layer: name === '.ignore' ? 'ignore' : name === '.gitignore' ? 'gitignore' : 'exclude',
    file: joined(joined(root, path), name),
    base: path === '' ? base.slice(0, -1) : base + path,
  }));
}

function withoutIgnored(
  { base, isLeftOut }: VisitContext,
  path: string,
  content: Listing,
  rules: IgnoreRules,
): Listing {
  function isKept(name: string, slash: '/' | ''): boolean {
    const below = joined(path, name) + slash;
    return !isLeftOut(below) && !rules.ignoresWithin(base + below, name);
  }
  return {
    ...content,
    folders: content.folders.filter((name) => isKept(name, '/')),
    files: content.files.filter((name) => isKept(name, '')),
    links: content.links.filter((name) => isKept(name, '')),
  };
}

interface LookedInto extends SeenFile, StampedFile {
  /** Why it cannot be read. */
  readonly code?: string;
}

/** Where the stamp still fits the file is not opened. */
function lookInto(
  { root, since, device }: VisitContext,
  path: string,
  before: { readonly numbers: ArrayLike<number>; readonly at: number } | undefined,
): LookedInto {
  const file = joined(root, path);
  try {
    if (before !== undefined) {
      const stats = lstatSync(file, { throwIfNoEntry: false });
      if (stats !== undefined && hasStamp(before.numbers, before.at, stats)) {
        return {
          path,
          stamp: stampAt(before.numbers, before.at),
          holdsMarker: before.numbers[before.at + stampLength] === 1,
        };
      }
    }
    const { stats, found } = searchMarker(file);
    return { path, stamp: stampOf(stats, since, device), holdsMarker: found };
  } catch (error) {
    const code = codeOf(error);
    const hasGone = code === 'ENOENT' || code === 'ELOOP';
    return { path, stamp: noStamp, holdsMarker: false, ...(hasGone ? {} : { code }) };
  }
}

function fileBefore(before: FolderEntry | undefined, name: string) {
  const index = before?.files.indexOf(name) ?? -1;
  return before === undefined || index === -1 ? undefined : { numbers: before.numbers, at: fileOffset(before, index) };
}

function newEntry(
  { root, since, device }: VisitContext,
  folder: Stats,
  path: string,
  listing: Listing,
  files: readonly SeenFile[],
): FolderEntry {
  const rules = listing.rules.map((name): Stamp => {
    const stats = lstatSync(joined(joined(root, path), name), { throwIfNoEntry: false });
    return stats === undefined ? absentStamp : stampOf(stats, since, device);
  });
  return createEntry(path, listing, { folder: stampOf(folder, since, device), rules, files });
}

/**
 * Visits a folder and all below it that is not ignored. Symbolic links are not followed, so no circle is walked and
 * nothing outside is reached; `node_modules` and `.git` are never entered. What the earlier scan saw stands in for
 * listing a folder and reading a file wherever the stamps still fit.
 */
export function* walk(options: Omit<VisitContext, 'device'>, rules: IgnoreRules): Generator<Visit, void> {
  const context = { ...options, device: lstatSync(options.root, { throwIfNoEntry: false })?.dev ?? Number.NaN };
  const steps: Step[] = [{ path: '', rules, isKnown: true }];
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    const visit = visitFolder(context, step);
    if (visit === undefined) continue;
    yield visit;
    for (const folder of visit.entry?.folders ?? []) {
      steps.push({ path: joined(step.path, folder), rules: visit.rules, isKnown: visit.isKnown });
    }
  }
}
