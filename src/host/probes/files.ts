import { ProblemsError } from '../../errors.ts';
import type { ChangingEngine } from '../docker/client.ts';
import type { Mount } from '../docker/types.ts';
import { runHelper } from '../exec.ts';
import type { Survey, SurveyEntry } from './types.ts';

const maxEntries = 200_000;

/**
 * GNU find says it all by itself. BusyBox, as in Alpine's images, knows no -printf: there `stat` gives a line for each
 * name it is handed, in order, and one by one where a name has vanished in between.
 */
const script = String.raw`
if find /dev/null -maxdepth 0 -printf '' 2>/dev/null; then
  exec find -P /surveyed -ignore_readdir_race -xdev -printf '%y %U %G %m %n %P\0%l\0'
fi
exec find /surveyed -xdev -exec sh -c '
  show() {
    printf "%s %s\0" "$1" "$2"
    [ ! -L "$2" ] || readlink -n "$2"
    printf "\0"
  }
  lines=$(stat -c "%f %u %g %a %h" "$@" 2>/dev/null)
  if [ "$(printf "%s\n" "$lines" | wc -l)" -eq $# ]; then
    printf "%s\n" "$lines" | for path; do read -r line; show "$line" "$path"; done
  else
    for path; do line=$(stat -c "%f %u %g %a %h" "$path" 2>/dev/null) && show "$line" "$path"; done
  fi
  true
' sh {} +
`;

/** Every entry of a mount, symbolic links not followed and other file systems not entered. */
export async function survey(engine: ChangingEngine, mount: Mount, image: string): Promise<Survey> {
  const result = await runHelper(engine, {
    image,
    command: ['sh', '-c', script],
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
  if (result.exitCode !== 0 && !onlyVanished(result.stderr))
    throw new ProblemsError(
      'engine-refused',
      `The survey of ${mount.destination} failed: ${result.stderr.trim().slice(0, 500)}`,
    );
  return surveyOf(result.stdout, result.truncated);
}

/** What a server that runs removes between two looks is no error. */
function onlyVanished(stderr: string): boolean {
  return stderr
    .trim()
    .split('\n')
    .every((line) => line.startsWith('find: ') && line.endsWith('No such file or directory'));
}

/** The file type bits of `st_mode`, as GNU find's letters. */
const letters: Readonly<Record<number, string>> = {
  0x1: 'p',
  0x2: 'c',
  0x4: 'd',
  0x6: 'b',
  0x8: 'f',
  0xa: 'l',
  0xc: 's',
};

/**
 * Reads what find prints: `type uid gid mode links path NUL target NUL`, the type as a letter or as
 * `st_mode` in hexadecimal, the path relative or below `/surveyed`. A path may hold anything but NUL; one that is
 * no UTF-8 comes with U+FFFD in place of what it really holds.
 */
export function surveyOf(printed: string, truncated: boolean): Survey {
  const parts = printed.split('\0');
  const entries: SurveyEntry[] = [];
  for (let index = 0; index + 1 < parts.length && entries.length < maxEntries; index += 2) {
    const match = /^(\S+) (\d+) (\d+) (\d+) (\d+) (.*)$/s.exec(parts[index] ?? '');
    if (match === null) continue;
    const [, type = '', uid, gid, mode = '', links, path] = match;
    entries.push({
      path: path?.replace(/^\/surveyed(?:\/|$)/, '') || '.',
      type: type.length === 1 ? type : (letters[Number.parseInt(type, 16) >> 12] ?? '?'),
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
