import { quoteLiteral, shellQuote } from '../../../util/quote.ts';
import type { Finding, Plan, ReadonlyHost, Refusal } from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { settingSteps } from '../../shared/settings-steps.ts';
import { wordsOf } from './detect.ts';
import type { Holder, LimitDetails, LimitExpected } from './types.ts';

/**
 * What holds a server back may be in use elsewhere, such as a standby that will come back, so its end is left to you. What slots
 * may keep is bounded with approval, so that none of them loses anything now.
 */
export async function plan(finding: Finding<LimitDetails>, host: ReadonlyHost): Promise<Plan<LimitExpected> | Refusal> {
  const { instance, details } = finding;
  switch (details.kind) {
    case 'slot-keeps-wal':
      return planBound(finding, details, host);
    case 'disk-fills':
      return refusal(
        `What may be deleted from the disk of ${instance} is not known here.`,
        `${details.uses.length === 0 ? 'Find what is largest on it with `df` and `du`.' : `On it are ${details.uses.join(', ')}.`} Enlarge the disk, or free space outside the data directory. WAL goes away by itself once no slot and no failing archive keeps it: \`problems detect\` names both. Old server logs may go. Never delete files in pg_wal or base.`,
      );
    case 'transaction-ids':
      return adviseFreeze(instance, details);
  }
}

/** Less room than this is left to an operator, in bytes. */
const leastRoom = 512 * 2 ** 20;

/** What the setting may be at most, in MiB. */
const mostMiB = 4_096 * 1_024;

async function planBound(
  finding: Finding<LimitDetails>,
  { slots, kept }: Extract<LimitDetails, { kind: 'slot-keeps-wal' }>,
  host: ReadonlyHost,
): Promise<Plan<LimitExpected> | Refusal> {
  const drops = slots.map((slot) => `SELECT pg_drop_replication_slot(${quoteLiteral(slot)})`).join('; ');
  const instance = await host.instance(finding.instance);
  const space = instance === undefined ? undefined : await host.probes.dataSpace(instance).catch(() => undefined);
  if (instance?.dataMount === undefined || space === undefined || space.free / 2 < leastRoom)
    return refusal(
      `Whether the readers of the slots of ${finding.instance} come back is not known here${space === undefined || space.free / 2 >= leastRoom ? '' : ', and too little of the disk is free to bound what they keep'}.`,
      `If they are gone for good: ${drops}. To bound what any slot can keep: ALTER SYSTEM SET max_slot_wal_keep_size = '10GB', then SELECT pg_reload_conf(). Never delete files in pg_wal.`,
    );
  const keepLimit = `${Math.min(mostMiB, Math.floor((kept + space.free / 2) / 2 ** 20))}MB`;
  const settings = { max_slot_wal_keep_size: keepLimit };
  return {
    type: 'plan',
    remediator: finding.remediator,
    finding,
    target: { instance: instance.name, container: instance.container.id, volumes: [instance.volumeKey] },
    summary: `Bound what a replication slot of ${instance.name} can keep to ${keepLimit}, so that WAL cannot fill the disk.`,
    done: `a slot of ${instance.name} can keep at most ${keepLimit}`,
    steps: settingSteps(
      instance,
      settings,
      'It is what the slot keeps today and half of the free space, so nothing is lost now.',
    ),
    cleanup: [],
    leftovers: [],
    risk: 'data',
    approval: 'a reader that falls further behind than this cannot go on, and a standby must be built again then',
    downtime: { seconds: 0, why: 'a reload is enough' },
    unpredictable: [`If the readers are gone for good, drop their slots instead: ${drops}.`],
    undo: 'Puts the old limit back.',
    expected: { keepLimit },
  };
}

function adviseFreeze(
  instance: string,
  { database, holder }: Extract<LimitDetails, { kind: 'transaction-ids' }>,
): Refusal {
  const freeze = `vacuumdb --freeze --dbname ${shellQuote(database)}`;
  return refusal(
    holder === null
      ? `VACUUM FREEZE of all of ${database} of ${instance} may take hours and much I/O, so you decide when it runs.`
      : `Ending ${wordsOf(holder)} may lose its work, so you decide.`,
    holder === null
      ? `Run: ${freeze}. Check that autovacuum is on, and that no table has autovacuum_enabled = off.`
      : `End it first: ${endOf(holder)}. Then run: ${freeze}`,
  );
}

function endOf({ kind, name }: Holder): string {
  switch (kind) {
    case 'session':
      return `SELECT pg_terminate_backend(${Number(name)})`;
    case 'prepared':
      return `ROLLBACK PREPARED ${quoteLiteral(name)}, or COMMIT PREPARED, in its database`;
    case 'slot':
      return `SELECT pg_drop_replication_slot(${quoteLiteral(name)}), if its reader is gone for good`;
  }
}
