import { basename } from 'node:path';
import { watch } from 'chokidar';
import { ProblemsError } from '../errors.ts';
import { codeOf, meaningOf } from '../scan/system-errors.ts';

/** `rules` decide what is scanned and how: an ignore file or a config. */
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
  close(): Promise<void>;
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

/**
 * Watches registries, ignore files and configs. Symbolic links are not followed, as in a scan: no circle is walked, and
 * nothing outside is watched. Everything that changes after it has returned is told.
 */
export async function watchChanges({ roots, isLeftOut, signal }: ChangesOptions): Promise<Changes> {
  const named = new Set(roots);
  let isReady = false;
  let failure: Error | undefined;
  let seen: Change | undefined;
  let settled: Change | undefined;
  let timer: NodeJS.Timeout | undefined;
  let news = Promise.withResolvers<void>();

  const watcher = watch([...roots], {
    ignoreInitial: true,
    followSymlinks: false,
    ignorePermissionErrors: true,
    ignored: (path, stats) => {
      if (named.has(path)) return false;
      if (/^(?:node_modules|\.git)$/i.test(basename(path))) return true;
      // Asked before it is known what stands there, and again then.
      if (stats === undefined) return false;
      if (stats.isDirectory()) return isLeftOut(path, true);
      return !isRule(path) && (!isRegistry(path) || isLeftOut(path, false));
    },
  });

  function tell(): void {
    news.resolve();
    news = Promise.withResolvers();
  }
  /** Whether `has` holds before the signal ends it. */
  async function until(has: () => boolean): Promise<boolean> {
    while (signal?.aborted !== true) {
      if (failure !== undefined) throw unwatchable(failure);
      if (has()) return true;
      await news.promise;
    }
    return false;
  }
  async function close(): Promise<void> {
    clearTimeout(timer);
    signal?.removeEventListener('abort', tell);
    await watcher.close();
  }

  signal?.addEventListener('abort', tell);
  watcher
    .on('error', (error) => {
      // Links in a circle, and what has gone again.
      if (['ELOOP', 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(codeOf(error))) return;
      failure = error instanceof Error ? error : new Error(String(error));
      tell();
    })
    .on('ready', () => {
      isReady = true;
      tell();
    })
    .on('all', (event, path) => {
      // The files in a folder are told one by one.
      if (!isReady || event.endsWith('Dir')) return;
      if (seen !== 'rules') seen = isRule(path) ? 'rules' : 'registry';
      clearTimeout(timer);
      timer = setTimeout(() => {
        settled = seen;
        seen = undefined;
        tell();
      }, quiet);
    });
  try {
    await until(() => isReady);
  } catch (error) {
    await close();
    throw error;
  }

  return {
    async next() {
      if (!(await until(() => settled !== undefined))) return undefined;
      const change = settled;
      settled = undefined;
      return change;
    },
    add(files) {
      const more = files.filter((file) => !named.has(file));
      for (const file of more) named.add(file);
      watcher.add(more);
    },
    close,
  };
}

function isRegistry(path: string): boolean {
  return /^problems\.md$/i.test(basename(path));
}

function isRule(path: string): boolean {
  return /^(?:problems\.config\.[a-z]+|\.gitignore|\.ignore)$/.test(basename(path));
}

function unwatchable(error: Error): ProblemsError {
  const code = codeOf(error);
  const hint =
    code === 'ENOSPC' || code === 'EMFILE'
      ? 'The system watches no more folders at once: raise fs.inotify.max_user_watches and max_user_instances, or name fewer folders.'
      : undefined;
  return new ProblemsError('file-unreadable', `changes cannot be watched: ${meaningOf(code)}`, { hint, cause: error });
}
