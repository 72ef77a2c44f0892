import { join, posix } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { restoreInput, type RestoreSource } from '../../backups/restore-input.ts';
import { restoreScratch, restoreScript } from '../../backups/restore-script.ts';
import { hasTablespaces } from '../../backups/tar-stream.ts';
import type { Backup, BackupKind, BackupPart } from '../../backups/types.ts';
import { ProblemsError } from '../../errors.ts';
import type { Container, Mount } from '../../host/docker/types.ts';
import { helperLabel } from '../../host/docker/shapes.ts';
import type { Action, Host } from '../contract.ts';
import { operations } from '../operations.ts';
import { requireBackup } from './backup.ts';
import { prepareVolume } from './volume.ts';

const params = z.strictObject({
  /** `<instance>/<name>`. */
  ref: z.string().regex(/^[^/\0]+\/[^/\0]+$/),
  /** The new volume. */
  volume: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/),
  /** Path of the data within the volume. */
  folder: z.string().regex(/^(?:\.|[\w-][\w.-]*(?:\/[\w-][\w.-]*)*)$/),
  /** Id of the source's container, which provides the image, the archive and the superuser. */
  like: z.string().regex(/^[0-9a-f]{64}$/),
  role: z.string().min(1),
  database: z.string().min(1),
  /** Recovery target time, RFC 3339; null: the end of the backup. */
  to: z.string().nullable(),
  /** The volume or folder of the source's archive; null without a target time. */
  archive: z.strictObject({ type: z.enum(['volume', 'bind']), source: z.string().min(1) }).nullable(),
});

type Wanted = z.output<typeof params>;

const restoredByLabel = 'problems.restored-by';

/**
 * Restores only into a new volume, so that no existing data is overwritten.
 * See docs/engineering/wal-archiving.md#point-in-time-recovery.
 */
export const backupRestore: Action<Wanted, null> = {
  name: 'backup.restore',
  description:
    'Restores a backup into a new volume, in a container without a network; with a target time, to that time from the archive. Refuses an existing volume.',
  params,
  undoState: z.null(),
  operation: operations['new-backup'],
  leaves: ({ volume }) => [volume],
  deadlineMs: 24 * 3_600_000,
  describe: ({ ref, volume, to }) =>
    `restore ${ref} into the new volume ${volume}${to === null ? '' : `, as it was at ${to}`}`,
  effect: async ({ ref, volume }) => [{ object: `volume ${volume}`, before: 'none', after: `restored from ${ref}` }],
  async prepare({ volume, ref }, host) {
    if ((await host.docker.volume(volume)) !== undefined)
      throw new ProblemsError('step-refused', `Volume ${volume} already exists.`);
    await requireBackup(ref, host);
    return null;
  },
  async isDone(wanted, host, run) {
    const { volume, folder, like } = wanted;
    if ((await host.docker.volume(volume))?.labels[restoredByLabel] !== run.id) return false;
    if (restoring(volume, await host.docker.containers()) !== undefined) return false;
    const image = (await host.docker.container(like))?.image;
    if (image === undefined) return false;
    const paths = new Set((await host.probes.survey(mountOf(volume), image)).entries.map(({ path }) => path));
    const at = (name: string): string => posix.join(folder, name);
    return paths.has(at('PG_VERSION')) && paths.has(at('global/pg_control')) && !paths.has(at('restoring'));
  },
  async apply(wanted, host) {
    const { volume, like, archive } = wanted;
    const there = await host.docker.volume(volume);
    if (there === undefined)
      await host.change.docker.createVolume(volume, { ...host.run.labels, [restoredByLabel]: host.run.id });
    else if (there.labels[restoredByLabel] !== host.run.id)
      throw new ProblemsError('step-refused', `Volume ${volume} already exists.`);
    await waitForOther(volume, host);
    if (await backupRestore.isDone(wanted, host, host.run)) return;
    const backup = await requireBackup(wanted.ref, host);
    const source = await host.docker.container(like);
    if (source === undefined) throw new ProblemsError('step-refused', 'The source container no longer exists.');
    const input = inputOf(wanted, backup, source);
    if (input.dumps === undefined && (await hasTablespaces(input.folder)))
      throw new ProblemsError('step-refused', `${wanted.ref} has tablespaces outside the data directory.`);
    const { uid, gid } = await host.probes.imageUser(source.image, 'postgres');
    if (uid === 0)
      throw new ProblemsError(
        'step-refused',
        'The user postgres of the image is root, and nothing is restored as root.',
      );
    await prepareVolume(volume, { uid, gid }, source.image, host);
    const { exitCode, stdout, stderr } = await host.change.docker.runHelper({
      task: 'restore-backup',
      image: source.image,
      user: `${uid}:${gid}`,
      command: ['bash', '-c', restoreScript],
      stdin: restoreInput(input),
      scratch: restoreScratch,
      mounts: [
        { type: 'volume', source: volume, target: '/volume', readonly: false },
        ...(archive === null ? [] : [{ ...archive, target: '/archive', readonly: true }]),
      ],
      timeoutMs: 24 * 3_600_000 - 60_000,
      goesOn: true,
    });
    const lines = stdout.split('\n');
    if (lines.includes('over')) return;
    throw failureOf(wanted, lines, stderr.trim() || `status ${exitCode}`);
  },
  /** Data is never deleted, and the volume is new, so there is nothing to undo. */
  undo: () => Promise.resolve(),
  isUndone: () => Promise.resolve(true),
};

function inputOf({ folder, to, role, database }: Wanted, backup: Backup, source: Container): RestoreSource {
  const base = backup.parts.find(({ kind }) => kind === 'base-backup');
  const common = {
    data: folder === '.' ? '/volume' : `/volume/${folder}`,
    // PostgreSQL does not accept `Z` here.
    target: to?.replace('T', ' ').replace('Z', '+00') ?? '',
    role,
    needKiB: Math.ceil((backup.bytes / 1024) * 1.5),
    password: source.env['POSTGRES_PASSWORD'] ?? '',
  };
  if (base !== undefined) return { ...common, folder: join(backup.folder, base.path), dumps: undefined };
  const globals = backup.parts.find(({ kind }) => kind === 'globals');
  const parts = dumpsOf(backup).map((part) => ({ part, database: part.database ?? database }));
  return { ...common, folder: backup.folder, dumps: { globals, parts } };
}

const dumpKinds: readonly BackupKind[] = ['plain', 'plain-gzip', 'custom', 'tar', 'directory', 'cluster'];

/** The managed layout: `full` contains both `schema` and `data`; data comes after its schema. */
function dumpsOf({ parts }: Backup): readonly BackupPart[] {
  const dumps = parts.filter(({ kind }) => dumpKinds.includes(kind));
  const hasWhole = dumps.some(({ path }) => path.startsWith('full.'));
  return dumps
    .filter(({ path }) => !hasWhole || !/^(?:schema|data)\.sql/.test(path))
    .sort((a, b) => Number(a.path.startsWith('data.sql')) - Number(b.path.startsWith('data.sql')));
}

function failureOf({ ref, to }: Wanted, lines: readonly string[], otherwise: string): Error {
  const faults = lines.filter((line) => line.startsWith('fault ')).map((line) => line.slice(6));
  const [, needed, room] =
    lines.map((line) => /^no-room (\d+) (\d+)$/.exec(line)).find((match) => match !== null) ?? [];
  if (needed !== undefined)
    return new ProblemsError('step-refused', `Not enough space for ${ref}: ${needed} KiB needed, ${room} KiB free.`);
  const reserve = lines.map((line) => /^full (\d+)$/.exec(line)?.[1]).find((kib) => kib !== undefined);
  if (reserve !== undefined)
    return new ProblemsError(
      'step-refused',
      `The restored copy of ${ref} grew until less than ${reserve} KiB of the disk were free. It was stopped, and what it had written was removed.`,
    );
  const last = lines.find((line) => line.startsWith('last '))?.slice(5);
  if (faults.some((line) => line.includes('recovery ended before configured recovery target was reached')))
    return new ProblemsError(
      'step-refused',
      `The archive does not reach ${to ?? 'the target time'}: ${last === undefined ? 'it has no transaction after the backup' : `its last transaction is from ${last}`}. A WAL file is archived when it is full, after archive_timeout, or after pg_switch_wal().`,
    );
  if (faults.some((line) => line.includes('before consistent recovery point')))
    return new ProblemsError(
      'step-refused',
      `${to ?? 'The target time'} is before the end of the backup ${ref}; restore an earlier backup.`,
    );
  return new Error(`${ref} was not restored: ${faults.slice(0, 5).join(' | ') || otherwise.slice(0, 500)}`);
}

/** After a crash: the helper container of the killed process goes on. */
async function waitForOther(volume: string, host: Host): Promise<void> {
  while (restoring(volume, await host.docker.containers()) !== undefined)
    await sleep(500, undefined, { signal: host.signal });
}

function restoring(volume: string, containers: readonly Container[]): Container | undefined {
  return containers.find(
    ({ state, mounts, labels }) =>
      state.running && Object.hasOwn(labels, helperLabel) && mounts.some(({ name }) => name === volume),
  );
}

function mountOf(name: string): Mount {
  return { type: 'volume', name, source: '', destination: '', writable: false, anonymous: false };
}
