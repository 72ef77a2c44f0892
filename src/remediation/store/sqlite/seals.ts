import { ProblemsError } from '../../../errors.ts';
import { openSigner, type Signer } from '../../../host/user-key.ts';
import { type Counts, countsOf } from './anchor.ts';
import type { Database } from './database.ts';
import type { HeldTable } from '../store.ts';
import { type HeldSeals, heldSeals, raiseCounts } from './held.ts';

/**
 * Signatures of runs and of what their undo needs, by the key of the user who runs `problems`: `resume`, `rollback` and
 * `approve` do what the state file says, so what it says must come from this user. The key is not in the state file, so
 * that a file of a repository, or one that someone has edited, cannot bring its own.
 */
export interface Seals {
  /** Reads the key, or creates it. Call it before the transaction. */
  open(): Promise<RunSeals>;
}

/** Call these within the transaction that reads or writes what they sign. */
export interface RunSeals {
  /** Locks, leases, suspensions and leases of engines. */
  readonly held: HeldSeals;
  /** Signs the run and all that its undo needs. */
  sealAll(id: string): void;
  areWhole(id: string): boolean;
  sealRun(id: string): void;
  /** @throws ProblemsError `state-untrusted` */
  requireRun(id: string): void;
  sealUndo(id: string, index: number, before: string): void;
  /** @throws ProblemsError `state-untrusted` */
  requireUndo(id: string, index: number, before: string): void;
}

/** Transactions on a table that is signed as a whole. */
export interface HeldTransactions {
  /** @throws ProblemsError `state-untrusted`: someone else has changed the table. */
  readonly reading: <Result>(work: () => Result) => Promise<Result>;
  /** Signs the table again. @throws as `reading`; then nothing is changed. */
  readonly writing: <Result>(work: () => Result) => Promise<Result>;
}

export function heldTransactions(database: Database, seals: Seals, table: HeldTable): HeldTransactions {
  return {
    async reading(work) {
      const { held } = await seals.open();
      return database.reading(() => {
        held.require(table);
        return work();
      });
    },
    async writing(work) {
      const { held } = await seals.open();
      return database.writing(() => {
        held.require(table);
        const result = work();
        held.seal(table);
        return result;
      });
    },
  };
}

/** All of a run but who works on it: `token`, `owner` and `heartbeat_at` change without the run. */
const sealedColumns =
  'id, project, remediator, instance, plan, decision, phase, outcome, failure, verification, created_at, started_at, ended_at, approved_by, downtime_ms, dossier';

export function sealsOf(database: Database, path: string): Seals {
  let signer: Promise<Signer> | undefined;
  const counts = countsOf(path);
  raiseCounts(database, counts);
  return {
    async open() {
      signer ??= openSigner();
      try {
        return runSeals(database, path, await signer, counts);
      } catch (error) {
        signer = undefined;
        throw error;
      }
    },
  };
}

function runSeals(database: Database, path: string, signer: Signer, counts: Counts): RunSeals {
  function runText(id: string): string {
    const run = database.one(`SELECT ${sealedColumns} FROM runs WHERE id = ?`, id);
    const steps = database.all('SELECT * FROM steps WHERE run = ? ORDER BY number', id);
    return JSON.stringify([run ?? null, steps]);
  }

  function seal(id: string, what: string, text: string): void {
    database.run(
      'INSERT INTO seals VALUES (?, ?, ?) ON CONFLICT (run, what) DO UPDATE SET signature = excluded.signature',
      id,
      what,
      signer.sign(what, text),
    );
  }

  function faultOf(id: string, what: string, text: string): string | undefined {
    const signature = database.one('SELECT signature FROM seals WHERE run = ? AND what = ?', id, what)?.['signature'];
    if (signature === undefined) return 'is not signed by you';
    if (typeof signature === 'string' && signer.isSigned(what, text, signature)) return undefined;
    return 'was signed by someone else, or changed after it was signed';
  }

  function require(id: string, what: string, text: string): void {
    const fault = faultOf(id, what, text);
    if (fault === undefined) return;
    throw new ProblemsError('state-untrusted', `Run ${id} in ${path} ${fault}, so nothing is done with it.`, {
      hint: `If you made it, for example with an older version, sign it: problems runs sign ${id}`,
    });
  }

  /** What undo needs, as the columns `number` and `before` have it. */
  function undoOf(id: string): readonly { readonly what: string; readonly text: string }[] {
    return database
      .all('SELECT number, before FROM secrets WHERE run = ? ORDER BY number', id)
      .map(({ number, before }) => undoSeal(id, Number(number), String(before)));
  }

  return {
    held: heldSeals(database, path, signer, counts),
    sealAll(id) {
      seal(id, 'run', runText(id));
      for (const { what, text } of undoOf(id)) seal(id, what, text);
    },
    areWhole: (id) =>
      [{ what: 'run', text: runText(id) }, ...undoOf(id)].every(
        ({ what, text }) => faultOf(id, what, text) === undefined,
      ),
    sealRun: (id) => seal(id, 'run', runText(id)),
    requireRun: (id) => require(id, 'run', runText(id)),
    sealUndo(id, index, before) {
      const { what, text } = undoSeal(id, index, before);
      seal(id, what, text);
    },
    requireUndo(id, index, before) {
      const { what, text } = undoSeal(id, index, before);
      require(id, what, text);
    },
  };
}

function undoSeal(id: string, index: number, before: string): { readonly what: string; readonly text: string } {
  return { what: `undo ${index}`, text: JSON.stringify([id, index, before]) };
}
