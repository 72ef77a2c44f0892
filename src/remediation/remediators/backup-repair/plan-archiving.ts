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

/** Where a new container gets the volume of its archive. */
const archiveDirectory = '/var/lib/postgresql/archive';

/**
 * Returns 0 only when the file is durable under its name; never overwrites, and takes an identical one for done.
 * See docs/engineering/wal-archiving.md#archive-command. A link fails where the name is taken meanwhile, which a rename
 * does not; `cmp` is in few images.
 */
export function archiveCommand(directory: string): string {
  return [
    `a=${directory}/%f;`,
    `if test -e "$a"; then test "$(sha256sum <"%p")" = "$(sha256sum <"$a")";`,
    `else cp "%p" "$a.tmp" && sync "$a.tmp" && ln "$a.tmp" "$a"; fi`,
    `&& sync "$a" && sync ${directory} && rm -f "$a.tmp"`,
  ].join(' ');
}

/** A volume or folder of its own, and the settings: a server takes archive_mode over only at its start. */
export async function planArchiving(
  finding: Finding<BackupDetails>,
  instance: Instance,
  host: ReadonlyHost,
): Promise<Plan<BackupExpected> | Refusal> {
  const { container, name, volumeKey, dataDirectory } = instance;
  const fixed = await fixedSettings(instance, host);
  if (fixed.length > 0)
    return refusal(
      `${fixed.join(', ')} of ${name} come from the command line, which goes before every file.`,
      'Take them out of the command of the container, and ask again.',
    );
  const there = archiveMountOf(container)?.destination;
  const directory = there ?? archiveDirectory;
  const settings = {
    archive_mode: 'on',
    archive_command: archiveCommand(directory),
    archive_timeout: '5min',
    wal_level: await walLevel(instance, host),
  };
  const why = 'archive_mode is taken over only by a start; archive_timeout bounds what a lost machine would cost.';
  const prove: Step = {
    action: 'archive.switch',
    params: { instance: name },
    why: 'An archive counts once a file got there.',
  };
  const common = {
    type: 'plan',
    remediator: finding.remediator,
    finding,
    cleanup: [],
    risk: 'restart',
    downtime: { seconds: 5, why: 'The server stops and starts once.' },
    expected: {
      kind: 'archiving',
      directory,
      systemIdentifier: (await controlFile(host, container.id, dataDirectory))?.systemIdentifier ?? null,
    },
  } as const;
  const unpredictable = [
    'How much the archive will hold: every WAL file since, at least one of 16 MB in five minutes of writes, until somebody removes what is older than the oldest base backup.',
    'A point in time can be reached only from a base backup that is taken after this: problems backups take.',
  ];
  if (there !== undefined)
    return {
      ...common,
      target: { instance: name, container: container.id, volumes: [volumeKey] },
      summary: `Have ${name} archive its WAL to ${there}, which it has mounted.`,
      steps: [...settingSteps(instance, settings, why), prove],
      leftovers: [],
      unpredictable,
      undo: 'The server is stopped, gets its old settings, and is started. What was archived stays.',
    };

  const refused = await refusalToRecreate(instance, host);
  if (refused !== undefined) return refused;
  // An archive is never continued by another: what it holds may be of a time that was undone.
  const volume = await freeVolume(`${container.name}-archive`, host);
  const { uid, gid } = await serverUser(container, host);
  const { id: engine } = await host.docker.info();
  return {
    ...common,
    target: { instance: name, container: container.id, volumes: [volumeKey, `volume:${engine}/${volume}`] },
    summary: `Have ${name} archive its WAL to a new volume ${volume}.`,
    steps: [
      ...recreateSteps({
        instance,
        edits: { mounts: { [directory]: { source: volume, writable: true } } },
        why: 'Docker cannot give a container another mount.',
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
      `The volume ${volume} is on the same machine as the data: whoever wants to survive its disk copies it elsewhere.`,
    ],
    undo: `The old container comes back with its old settings. The volume ${volume} with what was archived stays.`,
  };
}

/** A writable mount that says what it is for and does not hold the data. */
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

/** `minimal` cannot be archived, and what is more than `replica` has its reasons. */
async function walLevel(instance: Instance, host: ReadonlyHost): Promise<string> {
  const answer = await host.sql.query(instance, 'SHOW wal_level');
  return answer.ok && answer.rows[0]?.['wal_level'] === 'logical' ? 'logical' : 'replica';
}
