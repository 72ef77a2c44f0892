import type { Instance } from '../../../host/instance.ts';
import type { ReadonlyHost } from '../../contract.ts';
import { lastSample, type Measured } from './measured.ts';

const temporaryTables = `
SELECT count(*) AS tables FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'`;

/** The last statement of a session is all that can be seen of what it keeps. */
const keeping = `
SELECT count(*) FILTER (WHERE query ~* '^[[:space:]]*listen[[:space:]]') AS listens,
  count(*) FILTER (WHERE query ~* '^[[:space:]]*set[[:space:]]' AND query !~* '^[[:space:]]*set[[:space:]]+(local|transaction)') AS sets,
  count(*) FILTER (WHERE query ~* '^[[:space:]]*prepare[[:space:]]+[a-z_]') AS prepares,
  count(*) FILTER (WHERE query ~* 'with[[:space:]]+hold') AS cursors
FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> 'problem-registry'`;

/** What clients were seen to keep in their sessions: a phrase each. Nothing seen is no proof of nothing kept. */
export async function sessionStateOf(
  instance: Instance,
  databases: readonly string[],
  measured: Measured,
  host: ReadonlyHost,
): Promise<readonly string[]> {
  const advisory = lastSample(measured).sessions.filter((session) => session.advisory).length;
  const found: [number, string][] = [[advisory, 'hold advisory locks']];
  const answer = await host.sql.query(instance, keeping);
  const row = answer.ok ? (answer.rows[0] ?? {}) : {};
  found.push(
    [Number(row['listens'] ?? 0), 'LISTEN'],
    [Number(row['sets'] ?? 0), 'SET something for the session'],
    [Number(row['prepares'] ?? 0), 'PREPARE statements by SQL'],
    [Number(row['cursors'] ?? 0), 'hold cursors'],
  );
  for (const database of databases) {
    const tables = await host.sql.query(instance, temporaryTables, { database });
    const count = tables.ok ? Number(tables.rows[0]?.['tables'] ?? 0) : 0;
    found.push([count, `temporary tables in ${database}`]);
  }
  return found.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
}
