import type { Instance } from '../../../host/instance.ts';
import { type Detection, type Evidence, type Finding, findingId, type ReadonlyHost } from '../../contract.ts';
import { forEachInstance, type Collector } from '../../shared/for-each-instance.ts';
import { archivingEvidence, archivingOf, archivingCondition, type SourceHealth, sourceHealth } from './diagnose.ts';
import { type BackupsSeen, checkBackups } from './observe.ts';
import { type BackupDetails, type BackupSettings, backupSettings } from './types.ts';

export const name = 'backup-repair';

/** How many instances are looked at together: each may take a process in a container. */
const together = 2;

/** Damaged sources, bad backups, none that is good and young enough, archives that WAL does not get to. */
export async function detect(host: ReadonlyHost): Promise<Detection<BackupDetails>> {
  const settings = backupSettings(host);
  return forEachInstance(await host.instances(), host, { remediator: name, together }, async (instance, noting) =>
    lookAt(instance, host, settings, noting),
  );
}

async function lookAt(
  instance: Instance,
  host: ReadonlyHost,
  settings: BackupSettings,
  noting: Collector<BackupDetails>,
): Promise<void> {
  const seen = await checkBackups(instance, host, settings);
  // A backup that does not hold asks the question whether its source does.
  // See docs/engineering/corruption.md#bad-backup-or-damaged-database.
  const health = await sourceHealth(instance, host, settings, seen.bad.length > 0);
  const born = seen.bornDamaged.filter(
    ({ createdAt }) => Date.parse(createdAt) > Date.parse(settings.lookedAt[instance.name] ?? '1970-01-01T00:00:00Z'),
  );
  if (health.verdict === 'damaged' || born.length > 0) {
    noting.found(sourceDamaged(instance, health, born, seen));
    return;
  }
  if (health.blind !== undefined) noting.notLookedAt(health.blind);
  noting.found(...onBackups(instance, seen, health, settings));
  noting.found(...(await onArchiving(instance, host, settings)));
}

function sourceDamaged(
  instance: Instance,
  health: SourceHealth,
  born: BackupsSeen['backups'],
  { bad }: BackupsSeen,
): Finding<BackupDetails> {
  const evidence = [
    ...health.evidence,
    ...born.flatMap(({ ref, verification }) =>
      (verification?.checks ?? [])
        .filter(({ result }) => result === 'failed')
        .map(({ says }): Evidence => ({ type: 'probe', name: `restored copy of ${ref}`, result: says.join(' ') })),
    ),
  ];
  return {
    ...common(instance, 'source-damaged', bad, health.unchecked),
    summary: `Data of ${instance.name} is damaged in the database itself: its newest backups hold the damage too, and nothing runs on it until a person has looked.`,
    risk: 'data',
    evidence,
    corruption: true,
  };
}

function onBackups(
  instance: Instance,
  seen: BackupsSeen,
  health: SourceHealth,
  settings: BackupSettings,
): readonly Finding<BackupDetails>[] {
  const { backups, bad, notes } = seen;
  if (bad.length > 0) {
    const many = bad.length === 1 ? 'A backup' : `${bad.length} backups`;
    return [
      {
        ...common(instance, 'bad-backup', bad, [...health.unchecked, ...notes]),
        // By the newest: whatever comes to light once these are set aside is another trouble.
        id: findingId(name, instance.name, 'bad-backup', bad[0]?.ref.split('/')[1]),
        summary: `${many} of ${instance.name} would not restore: ${bad.map(({ ref, cause }) => `${ref} (${cause})`).join(', ')}.`,
        risk: 'safe',
        evidence: bad.map(({ ref, level, says }) => ({ type: 'probe', name: `${ref} at ${level}`, result: says })),
      },
    ];
  }
  const late = tooOld(seen, settings);
  // A server that is down cannot be backed up, and why it is down is another remediator's question.
  if (late === undefined || backups.length === 0 || !instance.container.state.running) return [];
  return [
    {
      ...common(instance, 'no-good-backup', [], [...health.unchecked, ...notes]),
      summary: `${instance.name} has no good backup that is young enough: ${late}.`,
      risk: 'safe',
      evidence: [{ type: 'probe', name: 'backups', result: late }],
    },
  ];
}

const hour = 3_600_000;

const unstatedHours = 8 * 24;

/** Where the config states no age, a backup need not be proven: then nothing may speak against it. */
function tooOld({ standing }: BackupsSeen, { rpoHours }: BackupSettings): string | undefined {
  const newest = rpoHours === undefined ? standing[0] : standing.find(({ verdict }) => verdict === 'good');
  const most = rpoHours ?? unstatedHours;
  if (newest === undefined) return rpoHours === undefined ? 'none is left that holds' : 'none has been restored at L4';
  const hours = (Date.now() - Date.parse(newest.createdAt)) / hour;
  return hours > most
    ? `the newest one, ${newest.ref}, is ${Math.floor(hours)} hours old, and ${most} are allowed`
    : undefined;
}

async function onArchiving(
  instance: Instance,
  host: ReadonlyHost,
  { archive }: BackupSettings,
): Promise<readonly Finding<BackupDetails>[]> {
  const wanted = archive.includes(instance.name);
  if (!instance.container.state.running) return [];
  const archiving = await archivingOf(instance, host);
  if (archiving === undefined) return [];
  const trouble = archivingCondition(archiving);
  if (trouble !== undefined)
    return [
      {
        ...common(instance, 'archiving-failing', [], [trouble]),
        summary: `WAL of ${instance.name} does not get to its archive: ${trouble}.`,
        risk: 'safe',
        evidence: await archivingEvidence(instance, archiving, host),
      },
    ];
  if (!wanted || archiving.mode !== 'off') return [];
  return [
    {
      ...common(instance, 'archiving-wanted', [], []),
      summary: `${instance.name} is to archive its WAL continuously, and does not.`,
      risk: 'restart',
      evidence: [{ type: 'query', sql: 'SHOW archive_mode', result: archiving.mode }],
    },
  ];
}

function common(
  instance: Instance,
  kind: BackupDetails['kind'],
  bad: BackupsSeen['bad'],
  notes: readonly string[],
): Pick<Finding<BackupDetails>, 'id' | 'remediator' | 'instance' | 'kind' | 'details' | 'problem'> {
  return {
    id: findingId(name, instance.name, kind),
    remediator: name,
    instance: instance.name,
    kind,
    details: { kind, container: instance.container.id, bad: [...bad], notes: [...notes] },
    problem: null,
  };
}
