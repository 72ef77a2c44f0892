import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Container, Instance } from '../../host/types.ts';
import type { Host, ReadonlyHost } from '../contract.ts';
import { knownSetting, unfitValue } from '../instances/known-settings.ts';

/** The parameters of what changes settings: names of our list, values within its bounds, null for none. */
export function settingsSchema(applies: readonly ('reload' | 'start')[]) {
  return z
    .record(z.string(), z.string().nullable())
    .refine((settings) => Object.keys(settings).length > 0, 'names no setting')
    .superRefine((settings, context) => {
      for (const [name, value] of Object.entries(settings)) {
        const known = knownSetting(name);
        const unfit =
          known === undefined || !applies.includes(known.applies)
            ? 'is no setting that is changed in this way'
            : value === null
              ? undefined
              : unfitValue(name, value);
        if (unfit !== undefined) context.addIssue({ code: 'custom', message: `${name} ${unfit}` });
      }
    });
}

export async function needInstance(host: ReadonlyHost, name: string): Promise<Instance> {
  const instance = await host.instance(name);
  if (instance === undefined) throw new ProblemsError('step-refused', `There is no instance ${name}.`);
  return instance;
}

/** The text of `postgresql.auto.conf`, of a server that runs or not. */
export async function autoConfOf(host: ReadonlyHost, { container, dataDirectory }: Instance): Promise<string> {
  const bytes = await host.docker.file(container.id, `${dataDirectory}/postgresql.auto.conf`);
  if (bytes === undefined)
    throw new ProblemsError('step-refused', `${container.name} has no postgresql.auto.conf in ${dataDirectory}.`);
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

/**
 * By the server's own user and in one rename, so that nothing in the data directory belongs to root and a killed helper
 * leaves either text (PGOPS §0.11, §6.5). The text comes on stdin, behind the hash of what is to be there.
 */
const script = String.raw`
set -eu
cd -- "$0"
IFS= read -r expected
[ "$(sha256sum < postgresql.auto.conf | cut -c 1-64)" = "$expected" ] || { echo 'changed meanwhile' >&2; exit 3; }
mode=$(stat -c %a postgresql.auto.conf)
umask 077
cat > .problems-auto.conf.tmp
chmod "$mode" .problems-auto.conf.tmp
sync .problems-auto.conf.tmp
mv -f .problems-auto.conf.tmp postgresql.auto.conf
sync .
`;

/** Puts a text in the place of the one that is there, if that is still `now`. */
export async function writeAutoConf(host: Host, instance: Instance, now: string, text: string): Promise<void> {
  if (now === text) return;
  const { container, dataMount, dataDirectory } = instance;
  if (dataMount === undefined || (dataMount.type !== 'volume' && dataMount.type !== 'bind'))
    throw new ProblemsError('step-refused', `The data of ${container.name} is in no volume and no folder.`);
  const { exitCode, stderr } = await host.change.docker.runHelper({
    image: container.image,
    command: ['sh', '-c', script, posix.join('/d', posix.relative(dataMount.destination, dataDirectory))],
    mounts: [{ type: dataMount.type, source: dataMount.name || dataMount.source, target: '/d', readonly: false }],
    user: serverUser(container),
    stdin: `${hashOf(now)}\n${text}`,
  });
  if (exitCode === 3)
    throw new ProblemsError('step-refused', `postgresql.auto.conf of ${container.name} was changed by somebody else.`);
  if (exitCode !== 0)
    throw new Error(`writing postgresql.auto.conf of ${container.name} failed: ${stderr.trim().slice(0, 500)}`);
}

/** Whoever may not write there is refused by the file system: the helper has no capability that would go past it. */
function serverUser({ user }: Container): string {
  return user === '' || /^(?:root|0)(?::|$)/.test(user) ? 'postgres' : user;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
