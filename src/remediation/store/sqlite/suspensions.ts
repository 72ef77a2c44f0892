import { heldTables, type HeldState, type Suspensions } from '../store.ts';
import type { AuditTable } from './audit.ts';
import type { Database } from './database.ts';
import { faultOf } from './held.ts';
import { heldTransactions, type Seals } from './seals.ts';

/**
 * Suspensions of instances. If someone else has changed them, every instance counts as suspended, so that nothing runs before an
 * operator has looked: a suspension that was removed would be missed otherwise.
 */
export function suspensionsOf(
  database: Database,
  audit: AuditTable,
  seals: Seals,
  path: string,
  now: () => Date,
): Suspensions {
  const { writing } = heldTransactions(database, seals, 'suspensions');
  return {
    async add(instance, reason, at) {
      const { held } = await seals.open();
      database.writing(() => {
        const wasWhole = held.isWhole('suspensions');
        database.run('INSERT INTO suspensions VALUES (?, ?, ?) ON CONFLICT DO NOTHING', instance, reason, at);
        audit.write({ at, run: null, event: 'suspended', body: { instance, reason } });
        if (wasWhole) held.seal('suspensions');
      });
    },
    async get(instance) {
      const { held } = await seals.open();
      return database.reading(() => {
        if (!held.isWhole('suspensions'))
          return {
            reason: `${faultOf('suspensions', path)}: look at it with problems runs --verify`,
            at: now().toISOString(),
          };
        const row = database.one('SELECT reason, at FROM suspensions WHERE instance = ?', instance);
        return row === undefined ? undefined : { reason: String(row['reason']), at: String(row['at']) };
      });
    },
    async lift(instance, at) {
      await writing(() => {
        database.run('DELETE FROM suspensions WHERE instance = ?', instance);
        audit.write({ at, run: null, event: 'suspension-lifted', body: { instance } });
      });
    },
  };
}

/** For the operator who looks at the file. */
export function heldStateOf(database: Database, audit: AuditTable, seals: Seals): HeldState {
  return {
    async changed() {
      const { held } = await seals.open();
      return heldTables.filter((table) => !database.reading(() => held.isWhole(table)));
    },
    async accept(at) {
      const { held } = await seals.open();
      database.writing(() => {
        audit.write({ at, run: null, event: 'held-accepted', body: {} });
        for (const table of heldTables) held.seal(table);
      });
    },
  };
}
