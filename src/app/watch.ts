import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { ProblemsError } from '../errors.ts';
import { ignoredBelow } from '../scan/discovery.ts';
import { outerRules } from '../scan/ignore.ts';
import { isOutside, relativePath } from '../scan/locations.ts';
import { type ScanProblemsOptions, type ScanReport, startScan } from './scan.ts';
import { type Change, type Changes, watchChanges } from './watch-files.ts';

export interface WatchOptions extends Omit<ScanProblemsOptions, 'config'> {
  /** Called before each scan, since the config may have changed. */
  readonly loadConfig: () => Promise<Config>;
}

export type WatchEvent =
  | { readonly type: 'scan'; readonly report: ScanReport; readonly config: Config }
  /** A later scan failed, for example because a config is being edited. Watching goes on. */
  | { readonly type: 'failed'; readonly error: ProblemsError };

/**
 * Scans, and scans again whenever a registry, an ignore file or a config changes, until the signal is aborted or the
 * caller stops iterating. Files are watched before the first scan, so no change is missed between two events.
 *
 * ```ts
 * for await (const event of watchProblems(['.'], { cwd, loadConfig: () => loadConfig(cwd), signal })) {
 *   if (event.type === 'scan') console.log(event.report.tasks.length);
 * }
 * ```
 * @throws ProblemsError whatever the first scan throws; `file-unreadable`: the system cannot watch more folders.
 */
export async function* watchProblems(
  paths: readonly string[],
  options: WatchOptions,
): AsyncGenerator<WatchEvent, void> {
  const events = repeatOnChange(paths, options, async (config, add) => {
    const pending = await startScan(paths, { ...options, config });
    add(pending.files);
    return pending.finish();
  });
  for await (const event of events)
    yield event.type === 'failed' ? event : { type: 'scan', report: event.result, config: event.config };
}

export interface RepeatOptions extends Pick<WatchOptions, 'cwd' | 'signal' | 'loadConfig'> {
  /** Files that are waited for, by name. Default: registries. */
  readonly isWanted?: ((name: string) => boolean) | undefined;
}

export type RepeatEvent<Result> =
  | { readonly type: 'done'; readonly result: Result; readonly config: Config }
  | Extract<WatchEvent, { readonly type: 'failed' }>;

/**
 * Does something, and does it again whenever a file below the paths, an ignore file or a config changes; ends and fails as
 * `watchProblems`.
 * @param run `add` takes files that are watched whatever their names.
 */
export async function* repeatOnChange<Result>(
  paths: readonly string[],
  { cwd, signal, loadConfig, isWanted }: RepeatOptions,
  run: (config: Config, add: (files: readonly string[]) => void) => Promise<Result>,
): AsyncGenerator<RepeatEvent<Result>, void> {
  let config = await loadConfig();
  let isFirst = true;

  async function runNow(changes: Changes): Promise<RepeatEvent<Result> | undefined> {
    try {
      const current = await loadConfig();
      if (current.file !== undefined) changes.add([current.file]);
      return { type: 'done', result: await run(current, (files) => changes.add(files)), config: current };
    } catch (error) {
      if (signal?.aborted === true) return undefined;
      if (isFirst || !(error instanceof ProblemsError)) throw error;
      return { type: 'failed', error };
    }
  }

  while (signal?.aborted !== true) {
    // A change of the rules changes what is watched. Watching starts before the first run, so that nothing is missed.
    const changes = watchChanges({ ...whatToWatch(paths, config, cwd), signal, isWanted });
    try {
      for (let change: Change | undefined = 'registry'; change === 'registry'; change = await changes.next()) {
        const event = await runNow(changes);
        isFirst = false;
        if (event !== undefined) yield event;
      }
    } finally {
      changes.close();
    }
    config = (await loadedConfig(loadConfig)) ?? config;
  }
}

async function loadedConfig(loadConfig: WatchOptions['loadConfig']): Promise<Config | undefined> {
  try {
    return await loadConfig();
  } catch (error) {
    if (error instanceof ProblemsError) return undefined;
    throw error;
  }
}

function whatToWatch(paths: readonly string[], { file, folder, ignore }: Config, cwd: string) {
  const roots = paths.map((path) => realPath(resolve(cwd, path)));
  const rules = roots.map((root) => ({ root, isLeftOut: ignoredBelow(root, { cwd, configFolder: folder, ignore }) }));
  return {
    roots: [...roots, ...(file === undefined ? [] : [file]), ...roots.flatMap((root) => filesAbove(root))],
    /** True if every scanned folder that contains the path ignores it. */
    isLeftOut(path: string, isFolder: boolean): boolean {
      const around = rules
        .map(({ root, isLeftOut }) => ({ below: relativePath(root, path), isLeftOut }))
        .filter(({ below }) => below !== '' && !isOutside(below));
      return around.length > 0 && around.every(({ below, isLeftOut }) => isLeftOut(below, isFolder));
    },
  };
}

/** The ignore files above a folder that apply to it. */
function filesAbove(root: string): readonly string[] {
  const { files, excludes } = outerRules(root);
  return [...files.map(({ file }) => file), ...(excludes === undefined ? [] : [excludes])];
}

/** A path that does not exist yet is watched as it is written. */
function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}
