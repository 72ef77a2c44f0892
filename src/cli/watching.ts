import { basename, resolve } from 'node:path';
import { watch } from 'chokidar';
import { ProblemsError } from '../errors.ts';
import { visible } from '../reporters/visible.ts';
import { scanOnce, type ScanRequest, type Surroundings } from './scanning.ts';

/** Editors write a file in several steps. In milliseconds. */
const quiet = 100;

/** Scans, and again whenever a registry, an ignore file or a config changes, until the signal ends it. Returns the last exit code. */
export async function watchScan(request: ScanRequest, surroundings: Surroundings): Promise<number> {
  const { cwd, screen, signal } = surroundings;
  const named = new Set(request.paths.map((path) => resolve(cwd, path)));
  const watcher = watch([...named], {
    ignoreInitial: true,
    ignored: (path, stats) =>
      /^(?:node_modules|\.git)$/.test(basename(path)) ||
      (stats?.isFile() === true && !named.has(path) && !matters(path)),
  });
  let code = await scanOnce(request, surroundings);
  let running = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  async function again(): Promise<void> {
    if (signal?.aborted === true) return;
    screen.notes.write('\n');
    try {
      code = await scanOnce(request, surroundings);
    } catch (error) {
      // A config that is being written is wrong for a while.
      if (!(error instanceof ProblemsError)) throw error;
      screen.notes.write(`problems: ${visible(error.message)}\n`);
    }
  }

  return new Promise((end, fail) => {
    watcher.on('error', fail).on('all', () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        running = running.then(again);
        running.catch(fail);
      }, quiet);
    });
    watcher.on('ready', () => screen.notes.write('Watching for changes.\n'));
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      void watcher.close().then(() => end(code));
    });
  });
}

function matters(path: string): boolean {
  return /^(?:problems\.md|problems\.config\.[a-z]+|\.gitignore|\.ignore)$/i.test(basename(path));
}
