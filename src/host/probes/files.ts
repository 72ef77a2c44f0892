import { ProblemsError } from '../../errors.ts';
import { compareBy } from '../../util/compare.ts';
import type { ChangingEngine } from '../docker/client.ts';
import type { Mount } from '../docker/types.ts';
import { execIn, imageFile, runHelper } from '../exec.ts';
import type { Instance } from '../instance.ts';
import type { FileSettings, Survey, SurveyEntry } from './types.ts';

/** The file system with the data, in bytes; undefined if df does not tell. */
export async function dataSpace(
  engine: ChangingEngine,
  { container, dataDirectory }: Instance,
): Promise<{ readonly size: number; readonly free: number } | undefined> {
  const { stdout } = await execIn(engine, container.id, {
    command: ['df', '-P', '-k', dataDirectory],
    timeoutMs: 15_000,
    maxBytes: 4_096,
  });
  return spaceIn(stdout.split('\n')[1] ?? '');
}

/** Size and free space in bytes, from a line of `df -P -k`; undefined if it has none. */
export function spaceIn(line: string): { readonly size: number; readonly free: number } | undefined {
  // The name of the file system may contain spaces, so the numbers are searched for.
  const [, size, free] = /\s(\d+)\s+\d+\s+(\d+)\s+\d+%\s/.exec(line) ?? [];
  return size === undefined || free === undefined
    ? undefined
    : { size: Number(size) * 1024, free: Number(free) * 1024 };
}

/** The arguments are the options of the container; names of settings come on standard input. */
const fileSettingsScript = String.raw`
while IFS= read -r name; do
  value=$(postgres "$@" -C "$name") || exit 1
  printf '%s=%s\n' "$name" "$value"
done
`;

/**
 * The settings of a server at its next start, also of one that cannot start: `postgres -C` of its image, on its files and with
 * the options of its container, which `candidates` precede. Only settings that are written somewhere: computed ones, such as
 * `shared_memory_size`, would need a lock file in the data.
 */
export async function fileSettings(
  engine: ChangingEngine,
  { container, dataDirectory }: Instance,
  names: readonly string[],
  candidates: Readonly<Record<string, string>> = {},
): Promise<FileSettings> {
  const { exitCode, stdout, stderr } = await runHelper(engine, {
    task: 'file-settings',
    image: container.image,
    command: [
      'sh',
      '-c',
      fileSettingsScript,
      'sh',
      '-D',
      dataDirectory,
      ...serverOptions(container.command),
      ...options(candidates),
    ],
    mounts: container.mounts
      .filter(({ type }) => type === 'volume' || type === 'bind')
      .map(({ type, name, source, destination }) => ({
        type: type === 'volume' ? 'volume' : 'bind',
        source: name || source,
        target: destination,
        readonly: true,
      })),
    // By name, since the uid depends on the image.
    user: /^(?:root|0)?(?::|$)/.test(container.user) ? 'postgres' : container.user,
    stdin: `${names.filter((name) => /^[a-z_]{1,63}$/.test(name)).join('\n')}\n`,
    timeoutMs: 30_000,
    maxBytes: 65_536,
  });
  if (exitCode !== 0) return { ok: false, message: stderr.trim().slice(0, 1_000) };
  const lines = stdout.split('\n').filter((line) => line.includes('='));
  return {
    ok: true,
    values: Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    ),
  };
}

function options(candidates: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(candidates).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** The arguments after the name of the server on a container's command line. */
function serverOptions(command: readonly string[]): readonly string[] {
  const at = command.findIndex((word) => word === 'postgres' || word.endsWith('/postgres'));
  return at === -1
    ? command.filter((_, index) => command[0]?.startsWith('-') === true || index > 0)
    : command.slice(at + 1);
}

const maxEntries = 200_000;

/**
 * Its argument is the folder. GNU find prints all of it. BusyBox find, in Alpine images, has no -printf: there `stat` prints
 * a line for each name that it gets, in order. If a name has vanished meanwhile, it is called for one name at a time.
 */
const surveyScript = String.raw`
cd -- "$1" || exit 1
if find /dev/null -maxdepth 0 -printf '' 2>/dev/null; then
  exec find -P . -ignore_readdir_race -xdev -printf '%y %U %G %m %n %P\0%l\0'
fi
exec find . -xdev -exec sh -c '
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

const surveyBounds = { timeoutMs: 120_000, maxBytes: 64 * 2 ** 20 } as const;

/**
 * All entries of a mount. Symbolic links are not followed, and other file systems not entered. With `inside`, a running
 * container that has the mount is asked first, which takes a fifth of the time; if its root may not read everything there,
 * or it lacks the programs, a helper is.
 */
export async function survey(
  engine: ChangingEngine,
  mount: Mount,
  image: string,
  { inside }: { readonly inside?: string } = {},
): Promise<Survey> {
  if (inside !== undefined) {
    const command = ['sh', '-c', surveyScript, 'sh', mount.destination];
    const result = await execIn(engine, inside, { command, user: '0:0', ...surveyBounds }).catch(() => undefined);
    if (result?.exitCode === 0) return parseSurvey(result.stdout, result.truncated);
  }
  const result = await runHelper(engine, {
    task: 'survey',
    image,
    command: ['sh', '-c', surveyScript, 'sh', '/surveyed'],
    mounts: [
      {
        type: mount.type === 'volume' ? 'volume' : 'bind',
        source: mount.name || mount.source,
        target: '/surveyed',
        readonly: true,
      },
    ],
    ...surveyBounds,
  });
  if (result.exitCode !== 0 && !onlyVanished(result.stderr))
    throw new ProblemsError(
      'engine-refused',
      `Cannot list the files of ${mount.destination}: ${result.stderr.trim().slice(0, 500)}`,
    );
  return parseSurvey(result.stdout, result.truncated);
}

/** A running server may remove files while find lists them. */
function onlyVanished(stderr: string): boolean {
  return stderr
    .trim()
    .split('\n')
    .every((line) => line.startsWith('find: ') && line.endsWith('No such file or directory'));
}

/** The letters of GNU find for the file type bits of `st_mode`. */
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
 * Parses `type uid gid mode links path NUL target NUL`, with the type as a letter or as `st_mode` in hexadecimal, and the path
 * relative, with `./` before it or without. A path may contain anything but NUL; invalid UTF-8 is read as U+FFFD.
 */
export function parseSurvey(printed: string, truncated: boolean): Survey {
  const parts = printed.split('\0');
  const entries: SurveyEntry[] = [];
  for (let index = 0; index + 1 < parts.length && entries.length < maxEntries; index += 2) {
    const match = /^(\S+) (\d+) (\d+) (\d+) (\d+) (.*)$/s.exec(parts[index] ?? '');
    if (match === null) continue;
    const [, type = '', uid, gid, mode = '', links, path] = match;
    entries.push({
      path: path?.replace(/^\.(?:\/|$)/, '') || '.',
      type: type.length === 1 ? type : (letters[Number.parseInt(type, 16) >> 12] ?? '?'),
      uid: Number(uid),
      gid: Number(gid),
      mode,
      links: Number(links),
      linkTarget: parts[index + 1] ?? '',
    });
  }
  entries.sort(compareBy(({ path }) => path));
  return { entries, truncated: truncated || parts.length > maxEntries * 2 + 1 };
}

/** Users by engine, image and name. An image's id names its content, so its users never change. */
const knownUsers = new Map<string, Promise<{ readonly uid: number; readonly gid: number }>>();

/** From the image's own /etc/passwd, since its user postgres is 999:999 on Debian and 70:70 on Alpine. */
export async function imageUser(
  engine: ChangingEngine,
  image: string,
  user: string,
): Promise<{ readonly uid: number; readonly gid: number }> {
  const key = [engine.address, image, user].join(' ');
  const known = knownUsers.get(key) ?? readUser(engine, image, user);
  knownUsers.set(key, known);
  try {
    return await known;
  } catch (error) {
    knownUsers.delete(key);
    throw error;
  }
}

/** By name or by number, as the engine looks up the user of a container. */
async function readUser(
  engine: ChangingEngine,
  image: string,
  user: string,
): Promise<{ readonly uid: number; readonly gid: number }> {
  const bytes = await imageFile(engine, image, '/etc/passwd');
  const entries = new TextDecoder()
    .decode(bytes)
    .split('\n')
    .map((line) => line.split(':'));
  const found = entries.find(([name]) => name === user) ?? entries.find(([, , uid]) => uid === user);
  const [, , uid = '', gid = ''] = found ?? [];
  if (!/^\d{1,10}$/.test(uid) || !/^\d{1,10}$/.test(gid))
    throw new ProblemsError('engine-refused', `The image ${image} has no user ${user}.`);
  return { uid: Number(uid), gid: Number(gid) };
}
