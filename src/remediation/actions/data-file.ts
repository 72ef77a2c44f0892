import { hash } from 'node:crypto';
import { posix } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProblemsError } from '../../errors.ts';
import type { Container } from '../../host/docker/types.ts';
import type { Instance } from '../../host/instance.ts';
import type { Host, ReadonlyHost } from '../contract.ts';

/**
 * Waits for helpers of an earlier process: one goes on when its process is killed, and would change a file after it was read.
 */
export async function settled(host: ReadonlyHost, instance: Instance): Promise<void> {
  const until = performance.now() + 60_000;
  while ((await isBeingWritten(host, instance)) && performance.now() < until)
    await sleep(100, undefined, { signal: host.signal });
}

async function isBeingWritten(host: ReadonlyHost, { dataMount }: Instance): Promise<boolean> {
  if (dataMount === undefined) return false;
  return (await host.docker.containers()).some(
    ({ state, labels, mounts }) =>
      state.running &&
      Object.hasOwn(labels, writesLabel) &&
      mounts.some(({ type, name, source }) =>
        type === 'volume' ? name === dataMount.name : source === dataMount.source,
      ),
  );
}

const writesLabel = 'problems.writes-settings';

/**
 * Runs as the server's own user and replaces the file with one rename, so that root owns nothing in the data directory
 * and a killed helper leaves either text (docs/engineering/volumes.md#files-owned-by-root and
 * docs/engineering/settings.md#repairing-auto-conf). Stdin has the hash of the expected text, the hash of the new text,
 * then the new text.
 */
const writeScript = String.raw`
set -eu
cd -- "$0"
IFS= read -r expected
IFS= read -r whole
[ "$(sha256sum < "$1" | cut -c 1-64)" = "$expected" ] || { echo 'changed meanwhile' >&2; exit 3; }
mode=$(stat -c %a "$1")
umask 077
cat > .problems-settings.tmp
[ "$(sha256sum < .problems-settings.tmp | cut -c 1-64)" = "$whole" ] || { rm .problems-settings.tmp; echo 'cut off' >&2; exit 4; }
chmod "$mode" .problems-settings.tmp
sync .problems-settings.tmp
mv -f .problems-settings.tmp "$1"
sync .
`;

/** Replaces the text of a file in the top folder of the data directory, if it is still `now`. */
export async function writeDataFile(
  host: Host,
  instance: Instance,
  { file, now, text }: { readonly file: string; readonly now: string; readonly text: string },
): Promise<void> {
  if (now === text) return;
  await inDataDirectory(host, instance, file, {
    script: writeScript,
    stdin: `${hash('sha256', now)}\n${hash('sha256', text)}\n${text}`,
    args: [file],
  });
}

/** Its arguments are the folder, the names, and the least age in seconds; stdin has the hash of the file. */
const renameScript = String.raw`
set -eu
cd -- "$0"
IFS= read -r expected
[ ! -e "$2" ] || { echo 'the new name is taken' >&2; exit 3; }
[ "$(sha256sum < "$1" | cut -c 1-64)" = "$expected" ] || { echo 'changed meanwhile' >&2; exit 3; }
[ "$(( $(date +%s) - $(stat -c %Y "$1") ))" -ge "$3" ] || { echo 'written just now' >&2; exit 5; }
mv -- "$1" "$2"
sync .
`;

/** Renames a file in the top folder of the data directory, if its text is still `text` and it is that old. */
export async function renameDataFile(
  host: Host,
  instance: Instance,
  move: { readonly from: string; readonly to: string; readonly text: string; readonly leastAgeSeconds: number },
): Promise<void> {
  await inDataDirectory(host, instance, move.from, {
    script: renameScript,
    stdin: `${hash('sha256', move.text)}\n`,
    args: [move.from, move.to, String(move.leastAgeSeconds)],
  });
}

interface Script {
  readonly script: string;
  readonly stdin: string;
  readonly args: readonly string[];
}

async function inDataDirectory(
  host: Host,
  { container, dataMount, dataDirectory }: Instance,
  file: string,
  { script, stdin, args }: Script,
): Promise<void> {
  if (dataMount === undefined || (dataMount.type !== 'volume' && dataMount.type !== 'bind'))
    throw new ProblemsError('step-refused', `The data of ${container.name} is neither in a volume nor in a folder.`);
  const { exitCode, stderr } = await host.change.docker.runHelper({
    task: 'edit-settings',
    image: container.image,
    command: ['sh', '-c', script, posix.join('/d', posix.relative(dataMount.destination, dataDirectory)), ...args],
    mounts: [{ type: dataMount.type, source: dataMount.name || dataMount.source, target: '/d', readonly: false }],
    user: serverUser(container),
    labels: { [writesLabel]: '1' },
    goesOn: true,
    stdin,
  });
  if (exitCode === 3)
    throw new ProblemsError('step-refused', `${file} of ${container.name} was changed by another program.`);
  if (exitCode === 5)
    throw new ProblemsError(
      'step-refused',
      `${file} of ${container.name} was written a moment ago, so a server may be starting on the data. Try again in a few minutes.`,
    );
  if (exitCode !== 0) throw new Error(`changing ${file} of ${container.name} failed: ${stderr.trim().slice(0, 500)}`);
}

/** The server's user. The helper has no capabilities, so the file system checks its permissions. */
function serverUser({ user }: Container): string {
  return user === '' || /^(?:root|0)(?::|$)/.test(user) ? 'postgres' : user;
}
