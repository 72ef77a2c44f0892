import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { ProblemsError } from '../errors.ts';
import { escapeTerminal } from '../reporters/escape-terminal.ts';
import { ignoredBelow } from '../scan/discovery.ts';
import { outerRules } from '../scan/ignore.ts';
import { isOutside, relativePath } from '../scan/locations.ts';
import { type Changes, watchChanges } from './changes.ts';
import type { ScanRequest, ScanEnvironment } from './scan-request.ts';
import { scanOnce } from './scanning.ts';
import { configFor } from './shared-options.ts';

/** Scans, and again whenever a registry, an ignore file or a config changes, until the signal ends it. Returns the last exit code. */
export async function watchScan(request: ScanRequest, surroundings: ScanEnvironment): Promise<number> {
  const { cwd, screen, signal } = surroundings;
  let config = await configFor(request, cwd);
  let code = 0;
  let isFirst = true;

  async function scan(changes: Changes): Promise<void> {
    const onFound: ScanEnvironment['onFound'] = (files, { file }) =>
      changes.add(file === undefined ? files : [...files, file]);
    try {
      code = await scanOnce(request, { ...surroundings, onFound });
    } catch (error) {
      if (signal?.aborted === true) return;
      // A config that is being written is wrong for a while.
      if (isFirst || !(error instanceof ProblemsError)) throw error;
      screen.notes.write(`problems: ${escapeTerminal(error.message)}\n`);
    }
    if (isFirst) screen.notes.write('Watching for changes.\n');
    isFirst = false;
  }

  while (signal?.aborted !== true) {
    // What is told changes with the rules. The scan comes after it, so that nothing is missed between.
    const changes = watchChanges({ ...whatToWatch(request.paths, config, cwd), signal });
    try {
      for (let change: Awaited<ReturnType<Changes['next']>> = 'registry'; change === 'registry';) {
        if (!isFirst) screen.notes.write('\n');
        await scan(changes);
        change = await changes.next();
      }
    } finally {
      changes.close();
    }
    config = (await configNow(request, cwd)) ?? config;
  }
  return code;
}

async function configNow(request: ScanRequest, cwd: string): Promise<Config | undefined> {
  try {
    return await configFor(request, cwd);
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
    /** Left out of each of the scanned folders that it stands in. */
    isLeftOut(path: string, isFolder: boolean): boolean {
      const around = rules
        .map(({ root, isLeftOut }) => ({ below: relativePath(root, path), isLeftOut }))
        .filter(({ below }) => below !== '' && !isOutside(below));
      return around.length > 0 && around.every(({ below, isLeftOut }) => isLeftOut(below, isFolder));
    },
  };
}

/** The ignore files above a folder that have a say in it. */
function filesAbove(root: string): readonly string[] {
  return outerRules(root).files.map(({ file }) => file);
}

/** What is not there yet has none, and may come. */
function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}
