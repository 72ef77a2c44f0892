import { judgeBackups } from '../../../backups/verdict.ts';
import type { Instance } from '../../../host/instance.ts';
import { type Detection, type Evidence, type Finding, findingId, type ReadonlyHost } from '../../contract.ts';
import { forEachInstance, type Collector } from '../../shared/for-each-instance.ts';
import { archivingEvidence, archivingOf, archivingCondition, type SourceHealth, sourceHealth } from './diagnose.ts';
import { type BackupsSeen, checkBackups } from './observe.ts';
import { type BackupDetails, type BackupSettings, backupSettings } from './types.ts';

export const name = 'backup-repair';

/** How many instances to check at the same time: each may take a process in a container. */
const together = 2;

/** Finds damaged databases, bad backups, missing or old backups, and failing WAL archiving. */
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
  // A bad backup raises the question whether its database is damaged.
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
    summary: `Data of ${instance.name} is damaged in the database itself: its newest backups have the damage too. No automatic repair until you have checked it.`,
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
  const { bad, notes } = seen;
  if (bad.length > 0) {
    const many = bad.length === 1 ? 'A backup' : `${bad.length} backups`;
    return [
      {
        ...common(instance, 'bad-backup', bad, [...health.unchecked, ...notes]),
        // Named after the newest: what shows up after these are quarantined is another problem.
        id: findingId(name, instance.name, 'bad-backup', bad[0]?.ref.split('/')[1]),
        summary: `${many} of ${instance.name} cannot be restored: ${bad.map(({ ref, cause }) => `${ref} (${cause})`).join(', ')}.`,
        risk: 'safe',
        evidence: bad.map(({ ref, level, says }) => ({ type: 'probe', name: `${ref} at ${level}`, result: says })),
      },
    ];
  }
  const { reason, verdict } = judgeBackups(instance.name, seen.standing, {
    ...settings,
    now: new Date(),
    repositories: seen.repositories,
  });
  // A stopped server cannot be backed up, and another remediator finds out why it is down.
  if (verdict === 'good' || !instance.container.state.running) return [];
  if (!seen.everBackedUp && !isBackupExpected(instance.name, settings)) return [];
  const late = verdict === 'none' && seen.everBackedUp ? 'no backup without errors is left' : reason;
  return [
    {
      ...common(instance, 'no-good-backup', [], [...health.unchecked, ...notes]),
      summary: `${instance.name} has no recent good backup: ${late}.`,
      risk: 'safe',
      evidence: [{ type: 'probe', name: 'backups', result: late }],
    },
  ];
}

/** An instance without any backup is a finding only if the config says that it should have one. */
function isBackupExpected(instance: string, { expect, rpoHours }: BackupSettings): boolean {
  return rpoHours !== undefined || expect === true || (Array.isArray(expect) && expect.includes(instance));
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
  const condition = archivingCondition(archiving);
  if (condition !== undefined)
    return [
      {
        ...common(instance, 'archiving-failing', [], [condition]),
        summary: `WAL archiving of ${instance.name} fails: ${condition}.`,
        risk: 'safe',
        evidence: await archivingEvidence(instance, archiving, host),
      },
    ];
  if (!wanted || archiving.mode !== 'off') return [];
  return [
    {
      ...common(instance, 'archiving-wanted', [], []),
      summary: `${instance.name} should archive its WAL continuously, but does not.`,
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
