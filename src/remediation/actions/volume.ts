import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Container, Mount } from '../../host/docker/types.ts';
import type { Action, Host, ReadonlyHost } from '../contract.ts';
import { operations } from '../operations.ts';

const owner = z.int().nonnegative();

const volumeName = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/);

const volumePrepareParams = z.strictObject({
  volume: volumeName,
  /** The server's own image, so that user ids match. */
  image: z.string(),
  uid: owner,
  gid: owner,
});

type VolumePrepareWanted = z.output<typeof volumePrepareParams>;

const preparedByLabel = 'problems.prepared-by';

/** For files that only the server may read, such as a WAL archive. */
export const volumePrepare: Action<VolumePrepareWanted, null> = {
  name: 'volume.prepare',
  description: 'Creates an empty volume that only the server’s user can access. Refuses an existing volume.',
  params: volumePrepareParams,
  undoState: z.null(),
  operation: operations['new-backup'],
  leaves: ({ volume }) => [volume],
  describe: ({ volume, uid, gid }) => `create the volume ${volume} for ${uid}:${gid}`,
  effect: async ({ volume }) => [{ object: `volume ${volume}`, before: 'none', after: 'empty' }],
  async prepare({ volume }, host) {
    if ((await host.docker.volume(volume)) !== undefined)
      throw new ProblemsError('step-refused', `Volume ${volume} already exists.`);
    return null;
  },
  async isDone({ volume, image, uid, gid }, host, run) {
    if ((await host.docker.volume(volume))?.labels[preparedByLabel] !== run.id) return false;
    const { entries } = await host.probes.survey(mountOf(volume), image);
    const top = entries.find(({ path }) => path === '.');
    return top?.uid === uid && top.gid === gid && top.mode === '700';
  },
  async apply({ volume, image, uid, gid }, host) {
    const there = await host.docker.volume(volume);
    if (there === undefined)
      await host.change.docker.createVolume(volume, { ...host.run.labels, [preparedByLabel]: host.run.id });
    else if (there.labels[preparedByLabel] !== host.run.id)
      throw new ProblemsError('step-refused', `Volume ${volume} already exists.`);
    await prepareVolume(volume, { uid, gid }, image, host);
  },
  /** Never removed: a server may have written into it. */
  undo: () => Promise.resolve(),
  isUndone: () => Promise.resolve(true),
};

/** Gives the top of a new volume to the user of a server. */
export async function prepareVolume(
  volume: string,
  { uid, gid }: { readonly uid: number; readonly gid: number },
  image: string,
  host: Host,
): Promise<void> {
  const { exitCode, stderr } = await host.change.docker.runHelper({
    task: 'prepare-volume',
    image,
    command: ['sh', '-c', `chown ${uid}:${gid} /d && chmod 0700 /d`],
    mounts: [{ type: 'volume', source: volume, target: '/d', readonly: false }],
  });
  if (exitCode !== 0) throw new Error(`The volume ${volume} was not prepared: ${stderr.trim().slice(0, 500)}`);
}

function mountOf(name: string): Mount {
  return { type: 'volume', name, source: '', destination: '', writable: false, anonymous: false };
}

const volumeCopyParams = z.strictObject({
  /** The folder on the engine's machine, or the name of a volume. Read-only. */
  source: z.union([z.string().startsWith('/'), volumeName]),
  /** The new volume. */
  volume: volumeName,
  /** The server's own image. It must have GNU find and tar. */
  image: z.string(),
  /** The data directory within the source. Default: the source itself. */
  folder: z
    .string()
    .regex(/^\w[\w.-]*(?:\/\w[\w.-]*)*$/)
    .exactOptional(),
});

type VolumeCopyWanted = z.output<typeof volumeCopyParams>;

/**
 * Its argument is the path of `global/pg_control`, which is copied last, after everything else was compared: no server
 * starts without it, so a volume that has it is a complete copy, even after interruptions. Metadata and contents are
 * compared as one digest for each side; names may contain any bytes.
 */
const script = String.raw`
set -eu
control=$1
digest() {
  cd "$1"
  { find . -xdev -type d -printf 'd %U %G %m %P\0' -o ! -path "./$control*" -printf '%y %U %G %m %s %P %l\0' | LC_ALL=C sort -z
    find . -xdev -type f ! -path "./$control*" -print0 | LC_ALL=C sort -z | xargs -0r sha256sum; } | sha256sum
}
[ ! -e "/to/$control" ] || exit 0
need=$(du -sxk /from | cut -f1)
room=$(df -Pk /to | awk 'NR == 2 { print $4 }')
[ "$room" -gt $((need + need / 10 + 65536)) ] || { echo "no room: $need KiB to copy, $room KiB free" >&2; exit 1; }
tar -C /from --one-file-system --numeric-owner --sparse --exclude="./$control" -cf - . | tar -C /to --numeric-owner -xpf -
sync -f /to
was=$(digest /from)
is=$(digest /to)
[ "$was" = "$is" ] || { echo "the copy differs from its source" >&2; exit 1; }
cp -a "/from/$control" "/to/$control.part"
sync "/to/$control.part"
[ "$(sha256sum <"/from/$control")" = "$(sha256sum <"/to/$control.part")" ] || { echo "$control differs from its source" >&2; exit 1; }
mv "/to/$control.part" "/to/$control"
sync -f /to
`;

/**
 * See docs/engineering/volumes.md#moving-to-a-named-volume. The server must have shut down; its folder is unchanged.
 */
export const volumeCopy: Action<VolumeCopyWanted, null> = {
  name: 'volume.copy',
  description:
    'Copies the data of a stopped instance from a folder or another volume into a new volume, and compares owners, modes and SHA-256 of all files. The source is unchanged.',
  params: volumeCopyParams,
  undoState: z.null(),
  operation: operations['switch-volume'],
  leaves: ({ volume }) => [volume],
  deadlineMs: 4 * 3_600_000,
  describe: ({ source, volume }) => `copy ${source} into the new volume ${volume}`,
  effect: async ({ source, volume }) => [{ object: `volume ${volume}`, before: 'none', after: `a copy of ${source}` }],
  async prepare(wanted, host) {
    // A volume filled by an earlier run may be older than the source.
    if ((await host.docker.volume(wanted.volume)) !== undefined)
      throw new ProblemsError('step-refused', `Volume ${wanted.volume} already exists.`);
    return null;
  },
  async isDone(wanted, host, run) {
    const found = await host.docker.volume(wanted.volume);
    if (found?.labels[copiedByLabel] !== run.id || copying(wanted, await host.docker.containers()) !== undefined)
      return false;
    const { entries } = await host.probes.survey(
      { type: 'volume', name: wanted.volume, source: '', destination: '', writable: false, anonymous: false },
      wanted.image,
    );
    return entries.some(({ path }) => path === controlPath(wanted));
  },
  async apply(wanted, host) {
    const { source, volume, image } = wanted;
    if (await waitForOther(wanted, host)) return;
    await requireUnused(source, host);
    const there = await host.docker.volume(volume);
    if (there === undefined)
      await host.change.docker.createVolume(volume, { ...host.run.labels, [copiedByLabel]: host.run.id });
    else if (there.labels[copiedByLabel] !== host.run.id)
      throw new ProblemsError('step-refused', `Volume ${volume} already exists.`);
    const result = await host.change.docker.runHelper({
      task: 'copy-volume',
      image,
      command: ['bash', '-o', 'pipefail', '-c', script, 'copy', controlPath(wanted)],
      mounts: [
        { type: source.startsWith('/') ? 'bind' : 'volume', source, target: '/from', readonly: true },
        { type: 'volume', source: volume, target: '/to', readonly: false },
      ],
      timeoutMs: 4 * 3_600_000 - 60_000,
      goesOn: true,
    });
    if (result.exitCode !== 0)
      throw new Error(`copying ${source} into ${volume} failed: ${result.stderr.trim().slice(0, 500)}`);
  },
  /** The source was only read, and a volume with data is never deleted, so there is nothing to undo. */
  undo: () => Promise.resolve(),
  isUndone: () => Promise.resolve(true),
};

const copiedByLabel = 'problems.copied-by';

/** After a crash: waits for the helper container of the killed process. True if the copy is complete. */
async function waitForOther(wanted: VolumeCopyWanted, host: Host): Promise<boolean> {
  let waited = false;
  while (copying(wanted, await host.docker.containers()) !== undefined) {
    waited = true;
    await sleep(500, undefined, { signal: host.signal });
  }
  return waited && (await volumeCopy.isDone(wanted, host, host.run));
}

function copying({ source, volume }: VolumeCopyWanted, containers: readonly Container[]): Container | undefined {
  return containers.find(
    ({ state, mounts }) =>
      state.running && mounts.some(({ name }) => name === volume) && mounts.some((mount) => isAt(mount, source)),
  );
}

function isAt({ name, source }: Mount, place: string): boolean {
  return source === place || name === place;
}

function controlPath({ folder }: VolumeCopyWanted): string {
  return `${folder === undefined ? '' : `${folder}/`}global/pg_control`;
}

async function requireUnused(source: string, host: ReadonlyHost): Promise<void> {
  const user = (await host.docker.containers()).find(
    ({ state, mounts }) => state.running && mounts.some((mount) => isAt(mount, source) && mount.writable),
  );
  if (user !== undefined) throw new ProblemsError('step-refused', `${user.name} is running on ${source}; refused.`);
}
