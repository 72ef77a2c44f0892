import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import { isWithin } from '../../util/text.ts';
import type { Mount } from '../../host/docker/types.ts';
import type { Action, Host, ReadonlyHost } from '../contract.ts';
import { operations } from '../operations.ts';

const owner = z.int().nonnegative();

const params = z.strictObject({
  mount: z.strictObject({ type: z.enum(['volume', 'bind']), source: z.string().min(1) }),
  /** Only this folder of the mount, if the data is not the whole mount. */
  folder: z.string().refine(isBelow, 'must be a folder within the mount').default('.'),
  /** The server's own image: it has GNU find, and user ids match. */
  image: z.string(),
  uid: owner,
  gid: owner,
  /** Mode of the folder itself. PostgreSQL accepts 0700 and 0750. */
  topMode: z.enum(['700', '750']).default('700'),
});

type Wanted = z.output<typeof params>;

const before = z.strictObject({
  topMode: z.string(),
  entries: z.array(z.strictObject({ path: z.string(), uid: owner, gid: owner })),
});

/**
 * Changes only entries that differ, by uid and gid; follows no links, enters no other file system, and changes no mode
 * except that of the top folder
 * (docs/engineering/volumes.md#changing-owners).
 */
export const volumeChown: Action<Wanted, z.output<typeof before>> = {
  name: 'volume.chown',
  description:
    "Gives the files of a stopped instance back to the server's user. The old owners are kept in the journal.",
  params,
  undoState: before,
  operation: { running: operations['restart-running'], stopped: operations['chown-stopped-volume'] },
  deadlineMs: 600_000,
  describe: ({ mount, uid, gid }) => `change the owner of ${mount.source} to ${uid}:${gid}`,
  async effect(wanted, host) {
    const { mount, uid, gid, topMode } = wanted;
    const { topMode: mode, entries } = await manifest(host, wanted);
    const owners = [...new Set(entries.map((entry) => `${entry.uid}:${entry.gid}`))].sort();
    return [
      {
        object: `${mount.source}: ${entries.length} entries`,
        before: owners.join(', ') || `${uid}:${gid}`,
        after: `${uid}:${gid}`,
      },
      ...(mode === topMode ? [] : [{ object: `${mount.source}: mode`, before: mode, after: topMode }]),
    ];
  },
  prepare: async (wanted, host) => manifest(host, wanted),
  async isDone(wanted, host) {
    const { topMode, entries } = await manifest(host, wanted);
    return entries.length === 0 && topMode === wanted.topMode;
  },
  async apply(wanted, host) {
    const { uid, gid, topMode } = wanted;
    const script = `find -P "$0" -xdev \\( ! -user ${uid} -o ! -group ${gid} \\) -exec chown -h ${uid}:${gid} {} + && chmod 0${topMode} "$0"`;
    await inVolume(host, wanted, script, undefined);
  },
  async undo(wanted, { topMode, entries }, host) {
    const now = await ownersOf(host, wanted);
    const byOwner = new Map<string, string[]>();
    for (const { path, uid, gid } of entries) {
      if (!now.has(path)) continue;
      const key = `${uid}:${gid}`;
      byOwner.set(key, [...(byOwner.get(key) ?? []), path]);
    }
    for (const [key, paths] of byOwner)
      await inVolume(host, wanted, `cd /d && xargs -0 chown -h ${key} --`, paths.map((path) => `./${path}\0`).join(''));
    await inVolume(host, wanted, `chmod 0${topMode} "$0"`, undefined);
  },
  async isUndone(wanted, { topMode, entries }, host) {
    const now = await ownersOf(host, wanted);
    const { topMode: mode } = await manifest(host, wanted);
    return (
      mode === topMode && entries.every(({ path, uid, gid }) => [undefined, `${uid}:${gid}`].includes(now.get(path)))
    );
  },
};

/** Skips entries that a server has removed in the meantime. */
async function ownersOf(host: ReadonlyHost, { mount, image }: Wanted): Promise<ReadonlyMap<string, string>> {
  const { entries } = await host.probes.survey(mountOf(mount), image);
  return new Map(entries.map(({ path, uid, gid }) => [path, `${uid}:${gid}`]));
}

async function manifest(
  host: ReadonlyHost,
  { mount, folder, image, uid, gid }: Wanted,
): Promise<z.output<typeof before>> {
  const { entries, truncated } = await host.probes.survey(mountOf(mount), image);
  if (truncated) throw new ProblemsError('step-refused', `${mount.source} has too many entries for the journal.`);
  return {
    topMode: entries.find(({ path }) => path === folder)?.mode ?? '',
    entries: entries
      .filter(({ path }) => folder === '.' || isWithin(path, folder))
      .filter((entry) => entry.uid !== uid || entry.gid !== gid)
      .map((entry) => ({ path: entry.path, uid: entry.uid, gid: entry.gid })),
  };
}

async function inVolume(
  host: Host,
  { mount, folder, image }: Wanted,
  script: string,
  stdin: string | undefined,
): Promise<void> {
  const result = await host.change.docker.runHelper({
    task: 'change-owners',
    image,
    command: ['sh', '-c', script, folder === '.' ? '/d' : `/d/${folder}`],
    mounts: [{ type: mount.type, source: mount.source, target: '/d', readonly: false }],
    timeoutMs: 540_000,
    ...(stdin === undefined ? {} : { stdin }),
  });
  if (result.exitCode !== 0) throw new Error(`chown in ${mount.source} failed: ${result.stderr.trim().slice(0, 500)}`);
}

/** Stays within the mount, and cannot be parsed as an option by `find`: the path always begins with `/d`. */
function isBelow(folder: string): boolean {
  if (folder === '.') return true;
  return !folder.includes('\0') && folder.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

function mountOf({ type, source }: { readonly type: 'volume' | 'bind'; readonly source: string }): Mount {
  return { type, name: type === 'volume' ? source : '', source, destination: '', writable: true, anonymous: false };
}
