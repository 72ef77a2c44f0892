import type { Store } from '../store.ts';
import { anchorOf } from './anchor.ts';
import { auditLog } from './audit.ts';
import { openDatabase } from './database.ts';
import { leasesOf, locksOf } from './locks.ts';
import { runJournal } from './runs.ts';
import { samplesOf } from './samples.ts';
import { sealsOf } from './seals.ts';

/** The store as one SQLite file for several processes on one machine: WAL, every commit synced. */
export async function openSqliteStore(path: string, now: () => Date = () => new Date()): Promise<Store> {
  const database = await openDatabase(path);
  const audit = auditLog(database, anchorOf(path));
  return {
    audit,
    runs: runJournal(database, audit, sealsOf(database, path)),
    locks: locksOf(database, audit),
    leases: (host) => leasesOf(database, host, now),
    samples: (host) => samplesOf(database, host),
    suspensions: {
      async add(instance, reason, at) {
        database.writing(() => {
          database.run('INSERT INTO suspensions VALUES (?, ?, ?) ON CONFLICT DO NOTHING', instance, reason, at);
          audit.write({ at, run: null, event: 'suspended', body: { instance, reason } });
        });
      },
      async get(instance) {
        const row = database.one('SELECT reason, at FROM suspensions WHERE instance = ?', instance);
        return row === undefined ? undefined : { reason: String(row['reason']), at: String(row['at']) };
      },
      async lift(instance, at) {
        database.writing(() => {
          database.run('DELETE FROM suspensions WHERE instance = ?', instance);
          audit.write({ at, run: null, event: 'suspension-lifted', body: { instance } });
        });
      },
    },
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
