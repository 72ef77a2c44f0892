import { z } from 'zod';
import { ProblemsError } from '../../../errors.ts';
import { isAlive } from '../../../host/process-identity.ts';
import type { LockHolder, Locks, ProcessIdentity } from '../store.ts';
import type { AuditTable } from './audit.ts';
import type { Database, Row } from './database.ts';
import type { HeldSeals } from './held.ts';
import { type HeldTransactions, heldTransactions, type Seals } from './seals.ts';

export const processIdentity = z.object({ pid: z.number(), began: z.string(), machine: z.string() });

export function locksOf(database: Database, audit: AuditTable, seals: Seals): Locks {
  const { reading, writing } = heldTransactions(database, seals, 'locks');

  return {
    async take(run, volumes, owner, at) {
      // Checks whether the owner is alive before the transaction; inside it, the lock must still be that owner's.
      const before = lockOf(database, run);
      if (
        before !== undefined &&
        !isSame(before.owner, owner) &&
        (await isAlive(before.owner, before.heartbeatAt, new Date(at)))
      ) {
        return { ok: false, holder: before };
      }
      await dropVoid(database, writing, volumes, at);
      return writing(() => {
        const mine = lockOf(database, run);
        if (mine !== undefined && mine.token !== before?.token) return { ok: false as const, holder: mine };
        const rows = volumes.map((volume) => database.one('SELECT * FROM locks WHERE volume = ?', volume));
        const other = rows.filter((row) => row !== undefined).find((row) => row['run'] !== run);
        if (other !== undefined) return { ok: false as const, holder: holderOf(other) };
        database.run('UPDATE tokens SET last = last + 1');
        const token = Number(database.one('SELECT last FROM tokens')?.['last']);
        for (const volume of volumes) {
          database.run(
            'INSERT INTO locks VALUES (?, ?, ?, ?, ?) ON CONFLICT (volume) DO UPDATE SET token = excluded.token, owner = excluded.owner, heartbeat_at = excluded.heartbeat_at',
            volume,
            run,
            token,
            JSON.stringify(owner),
            at,
          );
        }
        database.run(
          'UPDATE runs SET token = ?, owner = ?, heartbeat_at = ? WHERE id = ?',
          token,
          JSON.stringify(owner),
          at,
          run,
        );
        audit.write({ at, run, event: 'locked', body: { volumes: [...volumes], token, pid: owner.pid } });
        return { ok: true as const, token };
      });
    },
    async heartbeat(run, token, at) {
      await writing(() => {
        database.run('UPDATE locks SET heartbeat_at = ? WHERE run = ? AND token = ?', at, run, token);
        database.run('UPDATE runs SET heartbeat_at = ? WHERE id = ? AND token = ?', at, run, token);
      });
    },
    async holds(run, token) {
      return reading(() => holds(database, run, token));
    },
    async release(run, token) {
      await writing(() => database.run('DELETE FROM locks WHERE run = ? AND token = ?', run, token));
    },
  };
}

function holds(database: Database, run: string, token: number): boolean {
  const row = database.one('SELECT count(*) AS held, max(token) AS token FROM locks WHERE run = ?', run);
  return Number(row?.['held']) > 0 && row?.['token'] === token;
}

/**
 * Call it within the transaction of the change that needs the locks.
 * @throws ProblemsError `lock-held`: another process has taken them, or the run has ended and released them. `state-untrusted`:
 * someone else has changed the locks.
 */
export function requireLocks(database: Database, held: HeldSeals, run: string, token: number): void {
  held.require('locks');
  if (holds(database, run, token)) return;
  throw new ProblemsError('lock-held', `Run ${run} has lost its locks: another process has taken it over.`);
}

/** Removes locks of runs that have ended or never began, left by a process that died between two writes. */
async function dropVoid(
  database: Database,
  writing: HeldTransactions['writing'],
  volumes: readonly string[],
  at: string,
): Promise<void> {
  for (const volume of volumes) {
    const row = database.one(
      "SELECT locks.* FROM locks LEFT JOIN runs ON runs.id = locks.run WHERE volume = ? AND coalesce(phase, 'ended') IN ('ended', 'planned', 'awaiting-approval')",
      volume,
    );
    if (row === undefined) continue;
    const holder = holderOf(row);
    if (await isAlive(holder.owner, holder.heartbeatAt, new Date(at))) continue;
    await writing(() => database.run('DELETE FROM locks WHERE volume = ? AND token = ?', volume, row['token'] ?? null));
  }
}

function isSame(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return a.pid === b.pid && a.began === b.began && a.machine === b.machine;
}

function lockOf(database: Database, run: string): (LockHolder & { readonly token: number }) | undefined {
  const row = database.one('SELECT * FROM locks WHERE run = ? ORDER BY token DESC LIMIT 1', run);
  return row === undefined ? undefined : { ...holderOf(row), token: Number(row['token']) };
}

function holderOf(row: Row): LockHolder {
  return {
    volume: String(row['volume']),
    run: String(row['run']),
    owner: processIdentity.parse(JSON.parse(String(row['owner']))),
    heartbeatAt: String(row['heartbeat_at']),
  };
}
