import { ProblemsError } from '../../../errors.ts';
import type { Signer } from '../../../host/user-key.ts';
import type { Counts } from './anchor.ts';
import { type HeldTable, heldTables } from '../store.ts';
import type { Database } from './database.ts';

/**
 * What holds a repair up, and what must not be lost: locks, leases of ports, suspensions, and which host's workers have an
 * engine. Each table is signed as a whole with the user's key, in the transaction that changes it, so that a row that someone
 * else has added, changed or removed is seen. The signature counts up, and the last count is also kept outside the state file, so
 * that an older table with its signature is not taken for the newest one.
 * Call these within the transaction that reads or writes the table.
 */
export interface HeldSeals {
  /** First in its transaction. */
  isWhole(table: HeldTable): boolean;
  /** @throws ProblemsError `state-untrusted` */
  require(table: HeldTable): void;
  seal(table: HeldTable): void;
  /** Whether `begin` has nothing to sign. */
  isBegun(): boolean;
  /** Signs tables that were never signed and hold nothing that could be missing. */
  begin(): void;
}

const rowsOf: Readonly<Record<HeldTable, string>> = {
  locks: 'SELECT * FROM locks ORDER BY volume',
  leases: 'SELECT * FROM leases ORDER BY host, port',
  suspensions: 'SELECT * FROM suspensions ORDER BY instance',
  'engine leases': 'SELECT * FROM engine_host ORDER BY engine',
};

/** As the index of these entries has it. */
const lastSuspension = "SELECT max(sequence) AS last FROM audit WHERE event IN ('suspended', 'suspension-lifted')";

/** What says that rows are missing from a table without a signature. */
const missing: Readonly<Record<HeldTable, string | undefined>> = {
  locks: "SELECT 1 FROM runs WHERE phase NOT IN ('planned', 'awaiting-approval', 'ended') LIMIT 1",
  leases: undefined,
  'engine leases': undefined,
  suspensions: `SELECT 1 FROM audit AS one WHERE event = 'suspended' AND NOT EXISTS (
    SELECT 1 FROM audit AS other WHERE other.event = 'suspension-lifted' AND other.sequence > one.sequence
      AND json_extract(other.body, '$.instance') = json_extract(one.body, '$.instance')) LIMIT 1`,
};

/** @param counts Of this state file; `raiseCounts` keeps them as they are after each transaction. */
export function heldSeals(database: Database, path: string, signer: Signer, counts: Counts): HeldSeals {
  function textOf(table: HeldTable, count: number): string {
    const at = table === 'suspensions' ? (database.one(lastSuspension)?.['last'] ?? null) : null;
    // Older versions did not count.
    return JSON.stringify([database.all(rowsOf[table]), at, ...(count === 0 ? [] : [count])]);
  }

  function sealOf(table: HeldTable): { readonly signature: string; readonly count: number } | undefined {
    const row = database.one('SELECT signature, count FROM held_seals WHERE held = ?', table);
    return row === undefined ? undefined : { signature: String(row['signature']), count: Number(row['count']) };
  }

  function isWhole(table: HeldTable): boolean {
    // Before the first row is read: another process may sign meanwhile, and a reading transaction would not see it.
    const least = counts.of(table);
    const found = sealOf(table);
    if (found === undefined || found.count < least) return false;
    return signer.isSigned(`held ${table}`, textOf(table, found.count), found.signature);
  }

  function seal(table: HeldTable): void {
    const count = Math.max(sealOf(table)?.count ?? 0, counts.of(table)) + 1;
    database.run(
      'INSERT INTO held_seals VALUES (?, ?, ?) ON CONFLICT (held) DO UPDATE SET signature = excluded.signature, count = excluded.count',
      table,
      signer.sign(`held ${table}`, textOf(table, count)),
      count,
    );
    counts.note();
  }

  return {
    isWhole,
    seal,
    require(table) {
      if (!isWhole(table)) throw untrusted(table, path);
    },
    isBegun: () => Number(database.one('SELECT count(*) AS signed FROM held_seals')?.['signed']) === heldTables.length,
    begin() {
      // A state file that is gone is told by the audit log, which is shorter than it was.
      const isNew = database.one('SELECT 1 FROM audit LIMIT 1') === undefined;
      for (const table of heldTables) {
        const test = missing[table];
        const isEmpty = database.one(rowsOf[table]) === undefined;
        const lacks = (test !== undefined && database.one(test) !== undefined) || (!isNew && counts.of(table) > 0);
        if (sealOf(table) === undefined && isEmpty && !lacks) seal(table);
      }
    },
  };
}

/** Keeps outside the state file how often each table was signed. Call it once for each database. */
export function raiseCounts(database: Database, counts: Counts): void {
  database.afterCommit(() =>
    counts.raise(() => {
      const rows = database.all('SELECT held, count FROM held_seals');
      return Object.fromEntries(rows.map((row) => [String(row['held']), Number(row['count'])]));
    }),
  );
}

/** Why a table is not believed, as a sentence without its end. */
export function faultOf(table: HeldTable, path: string): string {
  return `the ${table} in ${path} were changed by someone else or by an older version, or are not the newest`;
}

function untrusted(table: HeldTable, path: string): ProblemsError {
  return new ProblemsError('state-untrusted', `Nothing is changed, because ${faultOf(table, path)}.`, {
    hint: 'Look at it with: problems runs --verify',
  });
}
