import { isPutBack } from '../../../backups/verdict.ts';
import type { Instance } from '../../../host/instance.ts';
import type { Finding, Plan, ReadonlyHost, Refusal, Step } from '../../contract.ts';
import { planOn, refusal } from '../../shared/for-each-instance.ts';
import { controlFile } from '../../shared/server-settings.ts';
import { sourceHealth } from './diagnose.ts';
import { planArchiving } from './plan-archiving.ts';
import { refusalForArchive, refusalForDamage } from './refusals.ts';
import { type BackupDetails, type BackupExpected, backupSettings } from './types.ts';

/** Checks again, and plans a repair that changes no data. */
export async function plan(
  finding: Finding<BackupDetails>,
  host: ReadonlyHost,
): Promise<Plan<BackupExpected> | Refusal> {
  const { details } = finding;
  const instance = await host.instance(finding.instance);
  if (instance === undefined || instance.container.id !== details.container)
    return refusal(`${finding.instance} has been recreated since it was checked.`, 'Run `problems detect` again.');
  switch (details.kind) {
    case 'source-damaged':
      return refusalForDamage(instance, details);
    case 'archiving-failing':
      return refusalForArchive(instance, details);
    case 'archiving-wanted':
      return planArchiving(finding, instance, host);
    case 'bad-backup':
    case 'no-good-backup':
      return planBackup(finding, instance, host);
  }
}

async function planBackup(
  finding: Finding<BackupDetails>,
  instance: Instance,
  host: ReadonlyHost,
): Promise<Plan<BackupExpected> | Refusal> {
  const { container, name } = instance;
  const { bad, notes } = finding.details;
  if (!container.state.running)
    return refusal(
      `${name} is not running, so no new backup can be taken. The bad ones are kept in place until there is one.`,
      `Start ${name} first; \`problems detect --instance ${name}\` shows what else is wrong with it.`,
    );
  const health = await sourceHealth(instance, host, backupSettings(host), false);
  if (health.verdict === 'damaged') return refusalForDamage(instance, finding.details);
  const standby = await host.sql.query(instance, 'SELECT pg_catalog.pg_is_in_recovery()::text AS standby');
  if (!standby.ok)
    return refusal(
      `${name} could not be queried: ${standby.message}`,
      'A backup needs a login of a superuser: see docs/remediation.md on passwords.',
    );
  if (standby.rows[0]?.['standby'] === 'true')
    return refusal(`${name} is a standby.`, 'Take the backup from its primary.');
  const control = await controlFile(host, container.id, instance.dataDirectory);
  const taken = `${name}/${stamp(new Date())}`;
  const steps: readonly Step[] = [
    ...bad.map(({ ref, cause, level, says }, index): Step => ({
      action: 'backup.quarantine',
      params: { ref, reason: `${cause}: failed at ${level}. ${says}`.trim().slice(0, 1_000) },
      ...(index === 0 ? { why: 'It cannot be restored, and must not be mistaken for a good backup.' } : {}),
    })),
    {
      action: 'backup.take',
      params: { instance: name, name: taken.slice(name.length + 1) },
      why: 'A base backup with a manifest and a dump of each database, under a temporary name until it is complete.',
      expects: [{ check: 'container', ref: container.id, running: true }],
    },
    {
      action: 'backup.prove',
      params: { ref: taken, level: 'L4', upTo: 'L5' },
      why: 'Only a test restore proves that a backup can be restored.',
    },
  ];
  return {
    ...planOn(finding, instance),
    summary:
      bad.length === 0
        ? `Take a new backup of ${name} and prove it by restoring a copy.`
        : `Quarantine ${bad.length === 1 ? 'the bad backup' : `the ${bad.length} bad backups`} of ${name}, take a new one and prove it by restoring a copy.`,
    done: `${bad.length === 0 ? '' : `${bad.length === 1 ? 'the bad backup' : `the ${bad.length} bad backups`} of ${name} quarantined, `}backup ${taken} taken and proven by restoring a copy`,
    steps,
    leftovers: bad.map(({ ref, cause }) => ({
      object: `quarantined backup ${ref}`,
      why: `It cannot be restored (${cause}). Keep it for 30 days: parts of it may still be readable.`,
      command: `problems backups ${name}`,
    })),
    risk: 'safe',
    ...approvalFor(bad, await putBackRefs(bad, host)),
    downtime: { seconds: 0, why: 'The server is not interrupted; it reads its data once for the backup.' },
    unpredictable: [...notes, 'How long it takes. Restoring takes about three times as long as taking the backup.'],
    undo: 'The quarantined backups are moved back. The new backup is kept.',
    expected: {
      kind: 'backup',
      quarantined: bad.map(({ ref }) => ref),
      taken,
      systemIdentifier: control?.systemIdentifier ?? null,
    },
  };
}

/** Those that someone has put back: `problems backups put-back`. */
async function putBackRefs(
  bad: readonly { readonly ref: string }[],
  host: Pick<ReadonlyHost, 'backups'>,
): Promise<readonly string[]> {
  const read = await Promise.all(bad.map(({ ref }) => host.backups.read(ref)));
  return read.flatMap((backup) => (backup !== undefined && isPutBack(backup) ? [backup.ref] : []));
}

/** What lacks its end or has no content is bad whatever it is. Any other failure may be one of the check. */
const certain: readonly string[] = ['empty', 'truncated'];

/** A backup that fails here may still be restored by someone who knows what it is. */
export function approvalFor(
  bad: readonly { readonly ref: string; readonly cause: string }[],
  putBack: readonly string[] = [],
): { approval?: string } {
  if (putBack.length > 0) return { approval: `${putBack.join(', ')} was put back by someone after it was set aside` };
  const unsure = bad.filter(({ cause }) => !certain.includes(cause));
  if (unsure.length === 0) return {};
  const list = unsure.map(({ ref, cause }) => `${ref} (${cause})`).slice(0, 3);
  return { approval: `only an empty or truncated backup is certainly bad; check ${list.join(', ')}` };
}

/** As the managed system names its backups: `%Y%m%d_%H%M%S`, in UTC. */
function stamp(now: Date): string {
  return now.toISOString().replaceAll(/[-:]/g, '').replace('T', '_').slice(0, 15);
}
