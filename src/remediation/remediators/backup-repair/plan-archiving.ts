import type { ArchivePlace } from '../../../backups/types.ts';
import type { Container, Mount } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import type { Finding, Plan, ReadonlyHost, Refusal, Step } from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { keptContainer, recreateSteps, refusalToRecreate } from '../../shared/recreate.ts';
import { controlFile } from '../../shared/server-settings.ts';
import { settingSteps } from '../../shared/settings-steps.ts';
import { freeVolume } from './observe.ts';
import type { BackupDetails, BackupExpected } from './types.ts';

/** Mount point of the archive volume in a new container. */
const archiveDirectory = '/var/lib/postgresql/archive';

/**
 * Returns 0 only if the file is durable under its name. Never overwrites; an identical file counts as done. See
 * docs/engineering/wal-archiving.md#archive-command. Uses a link, which fails if the name already exists, unlike a rename;
 * and checksums, since few images have `cmp`.
 */
export function archiveCommand(directory: string): string {
  return [
    `a=${directory}/%f;`,
    `if test -e "$a"; then test "$(sha256sum <"%p")" = "$(sha256sum <"$a")";`,
    `else cp "%p" "$a.tmp" && sync "$a.tmp" && ln "$a.tmp" "$a"; fi`,
    `&& sync "$a" && sync ${directory} && rm -f "$a.tmp"`,
  ].join(' ');
}

/** Adds an archive volume or folder, and the settings: archive_mode needs a restart. */
export async function planArchiving(
  finding: Finding<BackupDetails>,
  instance: Instance,
  host: ReadonlyHost,
): Promise<Plan<BackupExpected> | Refusal> {
  const { container, name, volumeKey, dataDirectory } = instance;
  const fixed = await fixedSettings(instance, host);
  if (fixed.length > 0)
    return refusal(
      `${fixed.join(', ')} of ${name} are set on the command line, which overrides every file.`,
      'Remove them from the command of the container, then try again.',
    );
  const there = archiveMountOf(container)?.destination;
  const directory = there ?? archiveDirectory;
  const settings = {
    archive_mode: 'on',
    archive_command: archiveCommand(directory),
    archive_timeout: '5min',
    wal_level: await walLevel(instance, host),
  };
  const why = 'archive_mode needs a restart; archive_timeout limits the data loss if the machine is lost.';
  const prove: Step = {
    action: 'archive.switch',
    params: { instance: name },
    why: 'Archiving is proven once a file is archived.',
  };
  const common = {
    type: 'plan',
    remediator: finding.remediator,
    finding,
    cleanup: [],
    risk: 'restart',
    downtime: { seconds: 5, why: 'The server restarts once.' },
    expected: {
      kind: 'archiving',
      directory,
      systemIdentifier: (await controlFile(host, container.id, dataDirectory))?.systemIdentifier ?? null,
    },
  } as const;
  const unpredictable = [
    'The size of the archive: it keeps every WAL file, at least 16 MB for five minutes with writes, until you remove files older than the oldest base backup.',
    'Point-in-time recovery needs a base backup that is taken after this: problems backups take',
  ];
  if (there !== undefined)
    return {
      ...common,
      target: { instance: name, container: container.id, volumes: [volumeKey] },
      summary: `Archive the WAL of ${name} to ${there}, which is already mounted.`,
      done: `${name} archives its WAL to ${there}`,
      steps: [...settingSteps(instance, settings, why), prove],
      leftovers: [],
      unpredictable,
      undo: 'The server is stopped, its old settings are restored, and it is started. Archived files are kept.',
    };

  const refused = await refusalToRecreate(instance, host);
  if (refused !== undefined) return refused;
  // Never reuses an existing archive: it may belong to a timeline that was rolled back.
  const volume = await freeVolume(`${container.name}-archive`, host);
  const { uid, gid } = await serverUser(container, host);
  const { id: engine } = await host.docker.info();
  return {
    ...common,
    target: { instance: name, container: container.id, volumes: [volumeKey, `volume:${engine}/${volume}`] },
    summary: `Archive the WAL of ${name} to a new volume ${volume}.`,
    done: `${name} archives its WAL to the new volume ${volume}`,
    steps: [
      ...recreateSteps({
        instance,
        edits: { mounts: { [directory]: { source: volume, writable: true } } },
        why: 'Docker cannot add a mount to an existing container.',
        whileStopped: [
          { action: 'volume.prepare', params: { volume, image: container.image, uid, gid } },
          {
            action: 'setting.alter-stopped',
            params: { instance: name, settings },
            why,
            expects: [{ check: 'container', ref: container.id, running: false }],
          },
        ],
      }),
      prove,
    ],
    leftovers: [keptContainer(container)],
    unpredictable: [
      ...unpredictable,
      `The volume ${volume} is on the same machine as the data. To survive a disk failure, copy it elsewhere.`,
    ],
    undo: `The old container is started again with its old settings. The volume ${volume} with archived files is kept.`,
  };
}

/** A writable mount, other than the data, whose name shows that it is for an archive. */
export function archivePlaceOf(container: Container): ArchivePlace | undefined {
  const mount = archiveMountOf(container);
  if (mount === undefined) return undefined;
  return { type: mount.type === 'volume' ? 'volume' : 'bind', source: mount.name || mount.source };
}

function archiveMountOf({ mounts }: Container): Mount | undefined {
  return mounts.find(
    ({ destination, writable }) => writable && /^\/(?:[\w.-]+\/)*(?:[\w.-]*[._-])?archive$/.test(destination),
  );
}

async function serverUser(
  { user, image }: Container,
  host: ReadonlyHost,
): Promise<{ readonly uid: number; readonly gid: number }> {
  const [, uid, gid] = /^(\d+)(?::(\d+))?$/.exec(user) ?? [];
  if (uid !== undefined) return { uid: Number(uid), gid: Number(gid ?? uid) };
  return host.probes.imageUser(image, user === '' || user === 'root' ? 'postgres' : (user.split(':')[0] ?? 'postgres'));
}

async function fixedSettings(instance: Instance, host: ReadonlyHost): Promise<readonly string[]> {
  const answer = await host.sql.query(
    instance,
    "SELECT name FROM pg_catalog.pg_settings WHERE source = 'command line' AND name IN ('archive_mode', 'archive_command', 'archive_timeout', 'wal_level') ORDER BY name",
  );
  return answer.ok ? answer.rows.map(({ name }) => name ?? '') : [];
}

/** `minimal` cannot be archived; `logical` is kept. */
async function walLevel(instance: Instance, host: ReadonlyHost): Promise<string> {
  const answer = await host.sql.query(instance, 'SHOW wal_level');
  return answer.ok && answer.rows[0]?.['wal_level'] === 'logical' ? 'logical' : 'replica';
}
