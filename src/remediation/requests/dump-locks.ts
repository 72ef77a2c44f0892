import { z } from 'zod';
import type { Instance } from '../../host/instance.ts';
import { parseJson } from '../../util/json.ts';
import type { ReadonlyHost, Refusal, Step } from '../contract.ts';
import { refusal } from '../shared/for-each-instance.ts';
import { settingSteps } from '../shared/settings-steps.ts';

/** pg_dump locks every table and sequence of a database in one transaction: `out of shared memory` if they are more than the server has room for. */

const serverQuery = `SELECT json_build_object(
    'each', (SELECT setting::int FROM pg_catalog.pg_settings WHERE name = 'max_locks_per_transaction'),
    'source', (SELECT source FROM pg_catalog.pg_settings WHERE name = 'max_locks_per_transaction'),
    'transactions', (SELECT sum(setting::int) FROM pg_catalog.pg_settings WHERE name IN ('max_connections', 'max_prepared_transactions')),
    'databases', (SELECT json_agg(datname ORDER BY datname) FROM pg_catalog.pg_database WHERE datallowconn AND NOT datistemplate)
  )::text AS state`;

const serverState = z.strictObject({
  each: z.int(),
  source: z.string(),
  transactions: z.int(),
  databases: z.array(z.string()),
});

const tablesQuery = `SELECT count(*)::text AS tables FROM pg_catalog.pg_class WHERE oid >= 16384 AND relkind IN ('r', 'p', 'S') AND relpersistence <> 't'`;

/** Most that `max_locks_per_transaction` is set to. Each costs about 270 bytes of shared memory for each transaction. */
const most = 1_024;

/** The steps before the dump that make room for its locks; empty if there is room, or if the server does not tell. */
export async function roomForLocks(instance: Instance, host: ReadonlyHost): Promise<readonly Step[] | Refusal> {
  const answer = await host.sql.query(instance, serverQuery).catch(() => undefined);
  const parsed = serverState.safeParse(parseJson(answer?.ok === true ? (answer.rows[0]?.['state'] ?? '') : ''));
  if (!parsed.success) return [];
  const { each, source, transactions, databases } = parsed.data;
  let needed = 0;
  for (const database of databases) {
    const counted = await host.sql.query(instance, tablesQuery, { database, timeoutMs: 15_000 }).catch(() => undefined);
    if (counted?.ok === true) needed = Math.max(needed, Number(counted.rows[0]?.['tables'] ?? 0));
  }
  if (needed <= 0.9 * each * transactions) return [];
  // A quarter more, for other sessions and tables to come.
  const wanted = Math.max(64, Math.ceil((needed * 1.25) / transactions / 16) * 16);
  const why = `pg_dump needs a lock for each of ${needed} tables and sequences in one transaction, and the server has room for about ${each * transactions} (max_locks_per_transaction = ${each}).`;
  if (wanted > most)
    return refusal(
      why,
      `Set max_locks_per_transaction to ${wanted} yourself and restart the server, or dump the schemas one by one (pg_dump -n).`,
    );
  if (source === 'command line')
    return refusal(
      `${why} The command line of ${instance.container.name} sets it, which overrides every file of the server.`,
      `Set max_locks_per_transaction=${wanted} in the command that creates ${instance.container.name}, recreate it, and take the backup again.`,
    );
  return settingSteps(instance, { max_locks_per_transaction: String(wanted) }, why);
}
