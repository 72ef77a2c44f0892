import type { Backup } from '../../../backups/types.ts';
import type { Instance } from '../../../host/instance.ts';
import type { Plan, ReadonlyHost, Verification } from '../../contract.ts';
import {
  answerCheck,
  type Check,
  notInitialisedCheck,
  sameClusterCheck,
  withoutAnswer,
} from '../../shared/settings-steps.ts';
import { waitUntilReady } from '../../shared/availability.ts';
import { type Archiving, archivingOf } from './diagnose.ts';
import type { BackupExpected } from './types.ts';

/** A verification must end within three minutes; the drill has just read larger backups completely. */
const readableBytes = 1e9;

/** The server answers, bad backups are quarantined, and the new backup has been restored and is still readable. */
export async function verify({ target, expected }: Plan<BackupExpected>, host: ReadonlyHost): Promise<Verification> {
  const answer = await waitUntilReady(target.instance, host);
  const checks: Check[] = [answerCheck(answer)];
  if (answer.answer?.ok !== true || answer.instance === undefined) return { result: withoutAnswer(answer), checks };
  checks.push(sameClusterCheck(answer, expected.systemIdentifier));
  if (expected.kind === 'backup') {
    for (const ref of expected.quarantined) checks.push(asideCheck(ref, await host.backups.read(ref)));
    const taken = await host.backups.read(expected.taken);
    checks.push(provenCheck(expected.taken, taken));
    if (taken !== undefined && taken.bytes <= readableBytes) {
      // From its files now, independently of the drill's result.
      const { checks: again } = await host.backups.check(taken, { upTo: 'L3', instance: answer.instance });
      const failed = again.find(({ result }) => result === 'failed');
      const seen = failed === undefined ? `${again.length} levels` : `${failed.level}: ${failed.says.join(' ')}`;
      checks.push({ name: `${expected.taken} reads whole`, ok: failed === undefined, seen });
    }
  }
  if (expected.kind === 'archiving')
    checks.push(archivingCheck(expected.directory, await archivingOf(answer.instance, host)));
  if (expected.kind === 'restored') checks.push(...(await restoredChecks(answer.instance, expected, host)));
  return { result: checks.every(({ ok }) => ok) ? 'verified' : 'not-verified', answeredAt: answer.answeredAt, checks };
}

async function restoredChecks(
  instance: Instance,
  { container, volume }: Extract<BackupExpected, { readonly kind: 'restored' }>,
  host: ReadonlyHost,
): Promise<readonly Check[]> {
  const state = await host.sql.query(
    instance,
    "SELECT pg_catalog.pg_is_in_recovery()::text AS recovering, current_setting('archive_mode') AS archiving, current_setting('primary_conninfo') AS follows",
  );
  const row = state.ok ? state.rows[0] : undefined;
  const seen = row === undefined ? 'it could not be queried' : JSON.stringify(row);
  return [
    {
      name: 'it is the new container on the new volume',
      ok: instance.container.name === container && instance.dataMount?.name === volume,
      seen: `${instance.container.name} on ${instance.dataMount?.name ?? 'no volume'}`,
    },
    await notInitialisedCheck(instance, true, host),
    {
      name: 'it has left recovery, and neither archives nor follows',
      ok: row?.['recovering'] === 'false' && row['archiving'] === 'off' && row['follows'] === '',
      seen,
    },
  ];
}

function archivingCheck(directory: string, archiving: Archiving | undefined): Check {
  const name = `WAL gets to ${directory}`;
  if (archiving === undefined) return { name, ok: false, seen: 'it could not be queried' };
  const { mode, command, archived, failsNow, ready } = archiving;
  return {
    name,
    ok: mode === 'on' && command.includes(directory) && archived > 0 && !failsNow,
    seen: `archive_mode ${mode}, ${archived} archived, ${ready} wait${failsNow ? ', and the last try failed' : ''}`,
  };
}

function asideCheck(ref: string, backup: Backup | undefined): Check {
  return {
    name: `${ref} is set aside with its reason`,
    ok: backup?.state === 'quarantined' && backup.quarantine !== null,
    seen: backup === undefined ? 'it no longer exists' : (backup.quarantine?.reason ?? backup.state),
  };
}

function provenCheck(ref: string, backup: Backup | undefined): Check {
  return {
    name: `${ref} has been restored`,
    ok: backup?.state === 'complete' && backup.verdict === 'good',
    seen: backup === undefined ? 'there is none' : (backup.reached ?? 'unproven'),
  };
}
