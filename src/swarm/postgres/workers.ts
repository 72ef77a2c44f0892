import { hostname } from 'node:os';
import { checkLease, checkName } from '../bounds.ts';
import type { EngineHeld } from '../types.ts';
import { clock, type Queue } from './rows.ts';
import { schema } from './schema.ts';

/** How old `seen_at` of a busy worker may be: a write for each of its calls would slow down its claims. */
const seenEvery = `interval '1 second'`;

/** Part of a statement: notes that the worker of `rows` is alive. */
export function seen(rows: string): string {
  return `seen AS (
    UPDATE ${schema}.worker SET seen_at = ${clock} FROM ${rows}
    WHERE worker.project = ${rows}.project AND worker.name = ${rows}.worker AND seen_at <= ${clock} - ${seenEvery})`;
}

/**
 * Part of a statement: what is known of the worker that asks ($6, with its handlers $3, engines $5, host $9 and process $10).
 * `draining` is null unless it was seen just now; `lapsed`: leases are over; `limited`: the project has limits.
 */
export const asking = `asking AS (
    SELECT (SELECT draining FROM ${schema}.worker WHERE project = $2 AND name = $6 AND host = $9 AND pid = $10
        AND handlers = $3 AND engines = $5 AND seen_at > ${clock} - ${seenEvery}) AS draining,
      EXISTS (SELECT FROM ${schema}.task WHERE state = 'claimed' AND lease_until <= ${clock}) AS lapsed,
      EXISTS (SELECT FROM ${schema}.hour_limit WHERE project = $2) AS limited)`;

/** Registers the worker. Returns whether it is draining. */
export async function register(
  { server, project, at }: Queue,
  worker: string,
  handlers: readonly string[],
  engines: readonly string[],
): Promise<boolean> {
  const [row] = await server.rows(
    `INSERT INTO ${schema}.worker (project, name, host, pid, handlers, engines, seen_at)
     VALUES ($2, $3, $4, $5, $6, $7, ${clock})
     ON CONFLICT (project, name) DO UPDATE SET host = excluded.host, pid = excluded.pid, handlers = excluded.handlers,
       engines = excluded.engines, seen_at = excluded.seen_at
     RETURNING draining`,
    at(),
    project,
    worker,
    hostname(),
    process.pid,
    handlers,
    engines,
  );
  return row?.['draining'] === true;
}

/** The lease of an engine, over all projects of the database. */
export async function holdEngine(
  { server, at }: Queue,
  engine: string,
  host: string,
  lease: number,
): Promise<EngineHeld> {
  checkName('id of the engine', engine);
  checkName('name of the host', host);
  checkLease(lease);
  for (;;) {
    // Without a change nothing is returned, and the row is that of the other host: unless that has just come, unseen.
    const [row] = await server.rows(
      `WITH held AS (
         INSERT INTO ${schema}.engine_host (engine, host, lease_until) VALUES ($2, $3, ${clock} + $4 * interval '1 second')
         ON CONFLICT (engine) DO UPDATE SET host = excluded.host, lease_until = excluded.lease_until
           WHERE engine_host.host = excluded.host OR engine_host.lease_until <= ${clock}
         RETURNING host, lease_until
       )
       SELECT host, lease_until FROM held
       UNION ALL SELECT host, lease_until FROM ${schema}.engine_host WHERE engine = $2 AND NOT EXISTS (SELECT FROM held)`,
      at(),
      engine,
      host,
      lease,
    );
    if (row === undefined) continue;
    const [by, leaseUntil] = [String(row['host']), String(row['lease_until'])];
    return by === host ? { held: true, leaseUntil } : { held: false, by, leaseUntil };
  }
}
