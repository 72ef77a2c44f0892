import { ProblemsError } from '../../errors.ts';
import type { ChangingEngine } from '../docker.ts';
import { runHelper } from '../process.ts';
import type { Mount, Survey, SurveyEntry } from '../types.ts';

const maxEntries = 200_000;

/** Every entry of a mount, symbolic links not followed and other file systems not entered. */
export async function survey(engine: ChangingEngine, mount: Mount, image: string): Promise<Survey> {
  const result = await runHelper(engine, {
    image,
    // What a server that runs removes between two looks is no error.
    command: [
      'find',
      '-P',
      '/surveyed',
      '-ignore_readdir_race',
      '-xdev',
      '-printf',
      String.raw`%y %U %G %m %n %P\0%l\0`,
    ],
    mounts: [
      {
        type: mount.type === 'volume' ? 'volume' : 'bind',
        source: mount.name || mount.source,
        target: '/surveyed',
        readonly: true,
      },
    ],
    // Reads what others own, changes nothing.
    capabilities: ['DAC_READ_SEARCH'],
    timeoutMs: 120_000,
    maxBytes: 64 * 2 ** 20,
  });
  if (result.exitCode !== 0)
    throw new ProblemsError(
      'engine-refused',
      `The survey of ${mount.destination} failed: ${result.stderr.trim().slice(0, 500)}`,
    );
  return surveyOf(result.stdout, result.truncated);
}

/**
 * Reads what find prints: `type uid gid mode links path NUL target NUL`. A path may hold anything but NUL; one that is
 * no UTF-8 comes with U+FFFD in place of what it really holds.
 */
export function surveyOf(printed: string, truncated: boolean): Survey {
  const parts = printed.split('\0');
  const entries: SurveyEntry[] = [];
  for (let index = 0; index + 1 < parts.length && entries.length < maxEntries; index += 2) {
    const match = /^(\S) (\d+) (\d+) (\d+) (\d+) (.*)$/s.exec(parts[index] ?? '');
    if (match === null) continue;
    const [, type = '', uid, gid, mode = '', links, path] = match;
    entries.push({
      path: path || '.',
      type,
      uid: Number(uid),
      gid: Number(gid),
      mode,
      links: Number(links),
      linkTarget: parts[index + 1] ?? '',
    });
  }
  entries.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { entries, truncated: truncated || parts.length > maxEntries * 2 + 1 };
}
