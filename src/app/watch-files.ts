import { type FSWatcher, lstatSync, readdirSync, watch } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { ProblemsError } from '../errors.ts';
import { meaningOf } from '../read-file.ts';
import { isNeverEntered, isRegistryName } from '../scan/walk.ts';
import { errorCode } from '../util/text.ts';

/** `rules` decide what is scanned and how: an ignore file, a config, or where a scanned folder is. */
export type Change = 'registry' | 'rules';

export interface Changes {
  /**
   * Waits for a change since the last call, and until changes have paused briefly. Undefined once the signal is aborted.
   * @throws ProblemsError `file-unreadable`: the system cannot watch more folders.
   */
  next(): Promise<Change | undefined>;
  /** Watches these files too, whatever their names. Absolute paths. */
  add(files: readonly string[]): void;
  close(): void;
}

export interface ChangesOptions {
  /** Real paths of folders and files. */
  readonly roots: readonly string[];
  /** Whether a path below a folder of the roots is ignored. */
  readonly isLeftOut: (path: string, isDirectory: boolean) => boolean;
  readonly signal: AbortSignal | undefined;
  /** Which files matter, by name. Default: registries. */
  readonly isWanted?: ((name: string) => boolean) | undefined;
}

/** Editors write a file in several steps. In milliseconds. */
const quiet = 100;

/** Watches registries, ignore files and configs. Every change after it has returned is reported. */
export function watchChanges({ roots, isLeftOut, signal, isWanted = isRegistryName }: ChangesOptions): Changes {
  let failure: ProblemsError | undefined;
  let seen: Change | undefined;
  let settled: Change | undefined;
  let timer: NodeJS.Timeout | undefined;
  let news = Promise.withResolvers<void>();

  function wake(): void {
    news.resolve();
    news = Promise.withResolvers();
  }
  function settle(): void {
    settled = seen;
    seen = undefined;
    wake();
  }

  const folders = createFolderWatch({
    matters: (name) => isWanted(name) || isRule(name),
    // An ignore file applies even if it ignores itself.
    isLeftOut: (path, isDirectory) => (isDirectory || !isRule(basename(path))) && isLeftOut(path, isDirectory),
    onChange(path) {
      const decides = isRule(basename(path)) || roots.some((root) => root === path || isBelow(root, path));
      if (seen !== 'rules') seen = decides ? 'rules' : 'registry';
      clearTimeout(timer);
      timer = setTimeout(settle, quiet);
    },
    onError(error) {
      failure ??= unwatchable(error);
      wake();
    },
  });
  signal?.addEventListener('abort', wake);
  for (const root of roots) {
    folders.one(root);
    folders.below(root);
  }

  return {
    async next() {
      while (signal?.aborted !== true) {
        if (failure !== undefined) throw failure;
        const change = settled;
        settled = undefined;
        if (change !== undefined) return change;
        await news.promise;
      }
      return undefined;
    },
    add(files) {
      for (const file of files) folders.one(file);
    },
    close() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', wake);
      folders.close();
    },
  };
}

function isRule(name: string): boolean {
  return /^(?:problems\.config\.[a-z]+|\.gitignore|\.ignore)$/.test(name);
}

function unwatchable(error: unknown): ProblemsError {
  const code = errorCode(error);
  if (code !== 'ENOSPC' && code !== 'EMFILE')
    return new ProblemsError('file-unreadable', `Cannot watch for changes: ${meaningOf(code)}`, { cause: error });
  return new ProblemsError(
    'file-unreadable',
    'Cannot watch for changes: the system’s limit of watched folders is reached.',
    {
      hint: 'Name fewer folders, or raise fs.inotify.max_user_watches and fs.inotify.max_user_instances.',
      cause: error,
    },
  );
}

interface FolderWatchOptions {
  /** Whether a change of a file with this name counts. */
  readonly matters: (name: string) => boolean;
  /** Whether a path below a watched folder is ignored. */
  readonly isLeftOut: (path: string, isDirectory: boolean) => boolean;
  /** Called with each path that came, went or changed: a file that matters, a folder, or a path that was added. */
  readonly onChange: (path: string) => void;
  /** Called if the system refuses to watch a folder. */
  readonly onError: (error: unknown) => void;
}

interface FolderWatch {
  /** Watches a folder and all below it; does nothing if the path is not a folder. */
  below(folder: string): void;
  /** Watches one path, whether or not it exists. */
  one(path: string): void;
  close(): void;
}

interface Watched {
  readonly watcher: FSWatcher;
  /** Whether it is watched with all below it. */
  isWhole: boolean;
  /** Names in it that were added as paths. */
  readonly names: Set<string>;
}

/**
 * Opens one watch per folder and none per file. Symbolic links are not followed, and `node_modules` and `.git` are left
 * out, as in a scan. A tree of 10,000 folders and 50,000 files takes one second and 30 MB to set up; packages that watch
 * each file take more than ten times as much of both.
 */
function createFolderWatch({ matters, isLeftOut, onChange, onError }: FolderWatchOptions): FolderWatch {
  const watched = new Map<string, Watched>();

  function open(folder: string): Watched | undefined {
    const known = watched.get(folder);
    if (known !== undefined) return known;
    try {
      const watcher = watch(folder, (event, name) => onEvent(folder, event, name));
      watcher.on('error', () => drop(folder));
      const made = { watcher, isWhole: false, names: new Set<string>() };
      watched.set(folder, made);
      return made;
    } catch (error) {
      // It was removed, or may not be read.
      if (!['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM', 'ENAMETOOLONG'].includes(errorCode(error))) onError(error);
      return undefined;
    }
  }

  /** Calls `found` with the files that matter: they may have been written before the folder was watched. */
  function below(root: string, found: (path: string) => void = () => {}): void {
    const folders = isFolder(root) ? [root] : [];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      const opened = open(folder);
      if (opened === undefined || opened.isWhole) continue;
      opened.isWhole = true;
      for (const entry of entriesOf(folder)) {
        const path = join(folder, entry.name);
        if (!entry.isDirectory()) {
          if (matters(entry.name) && !isLeftOut(path, false)) found(path);
        } else if (!isNeverEntered(entry.name) && !isLeftOut(path, true)) folders.push(path);
      }
    }
  }

  function one(path: string): void {
    // A path that does not exist is awaited in its nearest existing parent.
    for (let child = path, folder = dirname(path); child !== folder; child = folder, folder = dirname(folder)) {
      const opened = open(folder);
      if (opened === undefined) continue;
      opened.names.add(basename(child));
      return;
    }
  }

  function onEvent(folder: string, event: string, name: string | null): void {
    const here = watched.get(folder);
    if (here === undefined) return;
    if (name === null) return onChange(folder);
    if (event === 'rename' && name === basename(folder) && !isFolder(folder)) return onFolder(folder);
    const changed = join(folder, name);
    if (here.names.has(name) && (event === 'rename' || !isFolder(changed))) onChange(changed);
    if (!here.isWhole) return;
    if (matters(name)) {
      if (!isLeftOut(changed, false)) onChange(changed);
    } else if (event === 'rename' && !isNeverEntered(name)) onFolder(changed);
  }

  function onFolder(folder: string): void {
    if (watched.has(folder)) {
      drop(folder);
      onChange(folder);
    }
    if (!isLeftOut(folder, true)) below(folder, onChange);
  }

  function drop(folder: string): void {
    for (const [path, { watcher }] of watched) {
      if (path !== folder && !isBelow(path, folder)) continue;
      watcher.close();
      watched.delete(path);
    }
  }

  return {
    below,
    one,
    close() {
      for (const { watcher } of watched.values()) watcher.close();
      watched.clear();
    },
  };
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function isFolder(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    return false;
  }
}
