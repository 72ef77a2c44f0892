import { ProblemsError } from '../../../errors.ts';
import type { Signer } from '../../../host/user-key.ts';
import type { Database } from './database.ts';

/**
 * What holds a repair up, and what must not be lost: locks, leases of ports, and suspensions. Each table is signed as a whole with the
 * user's key, in the transaction that changes it, so that a row that someone else has added, changed or removed is seen. That
 * the suspensions are the newest ones follows from the audit log, whose end is also kept outside the state file.
 */
export const heldTables = ['locks', 'leases', 'suspensions'] as const;

export type HeldTable = (typeof heldTables)[number];

/** Call these within the transaction that reads or writes the table. */
export interface HeldSeals {
  isWhole(table: HeldTable): boolean;
  /** @throws ProblemsError `state-untrusted` */
  require(table: HeldTable): void;
  seal(table: HeldTable): void;
  /** Signs tables that were never signed and hold nothing that could be missing. */
  begin(): void;
}

const rowsOf: Readonly<Record<HeldTable, string>> = {
  locks: 'SELECT * FROM locks ORDER BY volume',
  leases: 'SELECT * FROM leases ORDER BY host, port',
  suspensions: 'SELECT * FROM suspensions ORDER BY instance',
};

/** As the index of these entries has it. */
const lastSuspension = "SELECT max(sequence) AS last FROM audit WHERE event IN ('suspended', 'suspension-lifted')";

/** What says that rows are missing from a table without a signature. */
const missing: Readonly<Record<HeldTable, string | undefined>> = {
  locks: "SELECT 1 FROM runs WHERE phase NOT IN ('planned', 'awaiting-approval', 'ended') LIMIT 1",
  leases: undefined,
  suspensions: `SELECT 1 FROM audit AS one WHERE event = 'suspended' AND NOT EXISTS (
    SELECT 1 FROM audit AS other WHERE other.event = 'suspension-lifted' AND other.sequence > one.sequence
      AND json_extract(other.body, '$.instance') = json_extract(one.body, '$.instance')) LIMIT 1`,
};

export function heldSeals(database: Database, path: string, signer: Signer): HeldSeals {
  function textOf(table: HeldTable): string {
    const at = table === 'suspensions' ? (database.one(lastSuspension)?.['last'] ?? null) : null;
    return JSON.stringify([database.all(rowsOf[table]), at]);
  }

  function signatureOf(table: HeldTable): unknown {
    return database.one('SELECT signature FROM held_seals WHERE held = ?', table)?.['signature'];
  }

  function isWhole(table: HeldTable): boolean {
    const signature = signatureOf(table);
    return typeof signature === 'string' && signer.isSigned(`held ${table}`, textOf(table), signature);
  }

  function seal(table: HeldTable): void {
    database.run(
      'INSERT INTO held_seals VALUES (?, ?) ON CONFLICT (held) DO UPDATE SET signature = excluded.signature',
      table,
      signer.sign(`held ${table}`, textOf(table)),
    );
  }

  return {
    isWhole,
    seal,
    require(table) {
      if (!isWhole(table)) throw untrusted(table, path);
    },
    begin() {
      for (const table of heldTables) {
        const test = missing[table];
        const isEmpty = database.one(rowsOf[table]) === undefined;
        const lacks = test !== undefined && database.one(test) !== undefined;
        if (signatureOf(table) === undefined && isEmpty && !lacks) seal(table);
      }
    },
  };
}

/** Why a table is not believed, as a sentence without its end. */
export function faultOf(table: HeldTable, path: string): string {
  return `the ${table} in ${path} were changed by someone else, or by an older version`;
}

function untrusted(table: HeldTable, path: string): ProblemsError {
  return new ProblemsError('state-untrusted', `Nothing is changed, because ${faultOf(table, path)}.`, {
    hint: 'Look at it with: problems runs --verify',
  });
}
