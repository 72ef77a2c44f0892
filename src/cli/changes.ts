import { basename } from 'node:path';
import { ProblemsError } from '../errors.ts';
import { isRegistryName } from '../scan/walk.ts';
import { codeOf, meaningOf } from '../scan/locations.ts';
import { createFolderWatch, isBelow } from './folder-watch.ts';

/** `rules` decide what is scanned and how: an ignore file, a config, or where a scanned folder lies. */
export type Change = 'registry' | 'rules';

export interface Changes {
  /**
   * Waits until something has changed since it was last asked, and nothing more has for a moment. Undefined once the
   * signal has ended it.
   * @throws ProblemsError `file-unreadable`: the system watches no more folders.
   */
  next(): Promise<Change | undefined>;
  /** Watches these files too, whatever they are called. Absolute. */
  add(files: readonly string[]): void;
  close(): void;
}

export interface ChangesOptions {
  /** Real paths of folders and files. */
  readonly roots: readonly string[];
  /** Whether something below a folder of the roots is not looked at. */
  readonly isLeftOut: (path: string, isFolder: boolean) => boolean;
  readonly signal: AbortSignal | undefined;
}

/** Editors write a file in several steps. In milliseconds. */
const quiet = 100;

/** Watches registries, ignore files and configs. Everything that changes after it has returned is told. */
export function watchChanges({ roots, isLeftOut, signal }: ChangesOptions): Changes {
  let failure: ProblemsError | undefined;
  let seen: Change | undefined;
  let settled: Change | undefined;
  let timer: NodeJS.Timeout | undefined;
  let news = Promise.withResolvers<void>();

  function tell(): void {
    news.resolve();
    news = Promise.withResolvers();
  }
  function settle(): void {
    settled = seen;
    seen = undefined;
    tell();
  }

  const watch = createFolderWatch({
    matters: (name) => isRegistryName(name) || isRule(name),
    // An ignore file holds even where it leaves out itself.
    isLeftOut: (path, isFolder) => (isFolder || !isRule(basename(path))) && isLeftOut(path, isFolder),
    onChange(path) {
      const decides = isRule(basename(path)) || roots.some((root) => root === path || isBelow(root, path));
      if (seen !== 'rules') seen = decides ? 'rules' : 'registry';
      clearTimeout(timer);
      timer = setTimeout(settle, quiet);
    },
    onError(error) {
      failure ??= unwatchable(error);
      tell();
    },
  });
  signal?.addEventListener('abort', tell);
  for (const root of roots) {
    watch.one(root);
    watch.below(root);
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
      for (const file of files) watch.one(file);
    },
    close() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', tell);
      watch.close();
    },
  };
}

function isRule(name: string): boolean {
  return /^(?:problems\.config\.[a-z]+|\.gitignore|\.ignore)$/.test(name);
}

function unwatchable(error: unknown): ProblemsError {
  const code = codeOf(error);
  if (code !== 'ENOSPC' && code !== 'EMFILE')
    return new ProblemsError('file-unreadable', `changes cannot be watched: ${meaningOf(code)}`, { cause: error });
  return new ProblemsError('file-unreadable', 'changes cannot be watched: the system watches no more folders', {
    hint: 'Name fewer folders, or raise fs.inotify.max_user_watches and fs.inotify.max_user_instances.',
    cause: error,
  });
}
