import { quoteLiteral, shellQuote } from '../../../util/quote.ts';
import type { Finding, Refusal } from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { wordsOf } from './detect.ts';
import type { Holder, LimitDetails } from './types.ts';

/** What holds a server back may be in use elsewhere, such as a standby that will come back, so its end is left to you. */
export async function plan({ instance, details }: Finding<LimitDetails>): Promise<Refusal> {
  if (details.kind === 'slot-keeps-wal') {
    const drops = details.slots.map((slot) => `SELECT pg_drop_replication_slot(${quoteLiteral(slot)})`).join('; ');
    return refusal(
      `Whether the readers of the slots of ${instance} come back is not known here.`,
      `If they are gone for good: ${drops}. To bound what any slot can keep: ALTER SYSTEM SET max_slot_wal_keep_size = '10GB', then SELECT pg_reload_conf(). Never delete files in pg_wal.`,
    );
  }
  const { database, holder } = details;
  const freeze = `vacuumdb --freeze --dbname ${shellQuote(database)}`;
  return refusal(
    holder === null
      ? `VACUUM FREEZE of all of ${database} may take hours and much I/O, so you decide when it runs.`
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
