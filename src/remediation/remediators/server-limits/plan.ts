import { quoteLiteral, shellQuote } from '../../../util/quote.ts';
import type { Finding, Plan, ReadonlyHost, Refusal } from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { wordsOf } from './detect.ts';
import { planForSlots } from './plan-slots.ts';
import type { Holder, LimitDetails, LimitExpected } from './types.ts';

/**
 * What holds a server back may be in use elsewhere, such as a standby that will come back, so its end is left to you, or needs
 * your approval.
 */
export async function plan(finding: Finding<LimitDetails>, host: ReadonlyHost): Promise<Plan<LimitExpected> | Refusal> {
  const { instance, details } = finding;
  switch (details.kind) {
    case 'slot-keeps-wal':
      return planForSlots(finding, details, host);
    case 'disk-fills':
      return refusal(
        `What may be deleted from the disk of ${instance} is not known here.`,
        `${details.uses.length === 0 ? 'Find what is largest on it with `df` and `du`.' : `On it are ${details.uses.join(', ')}.`} Enlarge the disk, or free space outside the data directory. WAL goes away by itself once no slot and no failing archive keeps it: \`problems detect\` names both. Old server logs may go. Never delete files in pg_wal or base.`,
      );
    case 'transaction-ids':
      return adviseFreeze(instance, details);
  }
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
