import { hash } from 'node:crypto';
import { posix } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProblemsError } from '../../errors.ts';
import type { Container } from '../../host/docker/types.ts';
import type { Instance } from '../../host/instance.ts';
import { type SettingChanges, undoneText } from '../../postgres/auto-conf.ts';
import type { Host, ReadonlyHost } from '../contract.ts';

/** The text of `postgresql.auto.conf`, whether or not the server is running. */
export async function autoConfOf(host: ReadonlyHost, { container, dataDirectory }: Instance): Promise<string> {
  const bytes = await host.docker.file(container.id, `${dataDirectory}/postgresql.auto.conf`);
  if (bytes === undefined)
    throw new ProblemsError('step-refused', `${container.name} has no postgresql.auto.conf in ${dataDirectory}.`);
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

/**
 * The same, after helpers of an earlier process have ended: a helper goes on when its process is killed, and would make
 * the text stale.
 */
export async function settledAutoConf(host: ReadonlyHost, instance: Instance): Promise<string> {
  const until = performance.now() + 60_000;
  while ((await isBeingWritten(host, instance)) && performance.now() < until)
    await sleep(100, undefined, { signal: host.signal });
  return autoConfOf(host, instance);
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

/** The text that undoes the changes, even if other settings have been changed since. */
export function textToPutBack({ name }: Instance, now: string, before: string, changes: SettingChanges): string {
  const text = undoneText(now, before, changes);
  if (text !== undefined) return text;
  const names = Object.keys(changes).join(', ');
  throw new ProblemsError(
    'step-refused',
    `At least one of ${names} in postgresql.auto.conf of ${name} has been changed since; the file is left unchanged.`,
  );
}

/**
 * Runs as the server's own user and replaces the file with one rename, so that root owns nothing in the data directory
 * and a killed helper leaves either text (docs/engineering/volumes.md#files-owned-by-root and
 * docs/engineering/settings.md#repairing-auto-conf). Stdin has the hash of the expected text, the hash of the new text,
 * then the new text.
 */
const script = String.raw`
set -eu
cd -- "$0"
IFS= read -r expected
IFS= read -r whole
[ "$(sha256sum < postgresql.auto.conf | cut -c 1-64)" = "$expected" ] || { echo 'changed meanwhile' >&2; exit 3; }
mode=$(stat -c %a postgresql.auto.conf)
umask 077
cat > .problems-auto.conf.tmp
[ "$(sha256sum < .problems-auto.conf.tmp | cut -c 1-64)" = "$whole" ] || { rm .problems-auto.conf.tmp; echo 'cut off' >&2; exit 4; }
chmod "$mode" .problems-auto.conf.tmp
sync .problems-auto.conf.tmp
mv -f .problems-auto.conf.tmp postgresql.auto.conf
sync .
`;

/** Replaces the text if it is still `now`. */
export async function writeAutoConf(host: Host, instance: Instance, now: string, text: string): Promise<void> {
  if (now === text) return;
  const { container, dataMount, dataDirectory } = instance;
  if (dataMount === undefined || (dataMount.type !== 'volume' && dataMount.type !== 'bind'))
    throw new ProblemsError('step-refused', `The data of ${container.name} is neither in a volume nor in a folder.`);
  const { exitCode, stderr } = await host.change.docker.runHelper({
    task: 'edit-settings',
    image: container.image,
    command: ['sh', '-c', script, posix.join('/d', posix.relative(dataMount.destination, dataDirectory))],
    mounts: [{ type: dataMount.type, source: dataMount.name || dataMount.source, target: '/d', readonly: false }],
    user: serverUser(container),
    labels: { [writesLabel]: '1' },
    goesOn: true,
    stdin: `${hash('sha256', now)}\n${hash('sha256', text)}\n${text}`,
  });
  if (exitCode === 3)
    throw new ProblemsError(
      'step-refused',
      `postgresql.auto.conf of ${container.name} was changed by another program.`,
    );
  if (exitCode !== 0)
    throw new Error(`writing postgresql.auto.conf of ${container.name} failed: ${stderr.trim().slice(0, 500)}`);
}

/** The server's user. The helper has no capabilities, so the file system checks its permissions. */
function serverUser({ user }: Container): string {
  return user === '' || /^(?:root|0)(?::|$)/.test(user) ? 'postgres' : user;
}
