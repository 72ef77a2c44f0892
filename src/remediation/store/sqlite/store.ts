import { ProblemsError } from '../../../errors.ts';
import type { Store } from '../store.ts';
import { anchorOf } from './anchor.ts';
import { auditLog } from './audit.ts';
import { type Database, openDatabase } from './database.ts';
import { leasesOf } from './leases.ts';
import { locksOf } from './locks.ts';
import { runJournal } from './runs.ts';
import { samplesOf } from './samples.ts';
import { type Seals, sealsOf } from './seals.ts';
import { heldStateOf, suspensionsOf } from './suspensions.ts';

/** The store as one SQLite file for several processes on one machine: WAL, every commit synced. */
export async function openSqliteStore(path: string, now: () => Date = () => new Date()): Promise<Store> {
  const database = await openDatabase(path);
  const audit = auditLog(database, anchorOf(path));
  const seals = sealsOf(database, path);
  await beginSeals(database, seals);
  return {
    audit,
    runs: runJournal(database, audit, seals),
    locks: locksOf(database, audit, seals),
    leases: (host) => leasesOf(database, seals, host, now),
    samples: (host) => samplesOf(database, host),
    suspensions: suspensionsOf(database, audit, seals, path, now),
    held: heldStateOf(database, audit, seals),
    instances: (project) => ({
      async see(instances, at) {
        database.writing(() => {
          for (const instance of instances)
            database.run(
              'INSERT INTO seen_instances VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seen_at = excluded.seen_at',
              project,
              instance,
              at,
            );
        });
      },
      async list() {
        return database
          .all(
            "SELECT instance, max(seen_at) AS seen_at FROM seen_instances WHERE project IN (?, '') GROUP BY instance ORDER BY instance",
            project,
          )
          .map((row) => ({ instance: String(row['instance']), at: String(row['seen_at']) }));
      },
      async forget(instance, at) {
        return database.writing(() => {
          const removed = database.run(
            "DELETE FROM seen_instances WHERE instance = ? AND project IN (?, '')",
            instance,
            project,
          );
          if (removed > 0) audit.write({ at, run: null, event: 'instance-forgotten', body: { instance } });
          return removed > 0;
        });
      },
    }),
    close: () => database.close(),
  };
}

/** The first time, what must be signed later is signed while it is empty. Without the key nothing of it is believed, which says why. */
async function beginSeals(database: Database, seals: Seals): Promise<void> {
  try {
    const { held } = await seals.open();
    if (!held.isBegun()) database.writing(() => held.begin());
  } catch (error) {
    if (!(error instanceof ProblemsError)) throw error;
  }
}
