import { z } from 'zod';
import type { AuditTable } from './sqlite/audit.ts';
import type { Database, Row } from './sqlite/database.ts';
import { isAlive } from '../../host/process-identity.ts';
import type { LockHolder, Locks, ProcessIdentity } from './store.ts';

export const processIdentity = z.object({ pid: z.number(), began: z.string(), machine: z.string() });

export function locksOf(database: Database, audit: AuditTable): Locks {
  return {
    async take(run, volumes, owner, at) {
      // Whether an owner lives is asked before the transaction; in it, the lock must still be that owner's.
      const before = lockOf(database, run);
      if (
        before !== undefined &&
        !isSame(before.owner, owner) &&
        (await isAlive(before.owner, before.heartbeatAt, new Date(at)))
      ) {
        return { ok: false, holder: before };
      }
      await dropVoid(database, volumes, at);
      return database.writing(() => {
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
      database.writing(() => {
        database.run('UPDATE locks SET heartbeat_at = ? WHERE run = ? AND token = ?', at, run, token);
        database.run('UPDATE runs SET heartbeat_at = ? WHERE id = ? AND token = ?', at, run, token);
      });
    },
    async holds(run, token) {
      const row = database.one('SELECT count(*) AS held, max(token) AS token FROM locks WHERE run = ?', run);
      return Number(row?.['held']) > 0 && row?.['token'] === token;
    },
    async release(run, token) {
      database.run('DELETE FROM locks WHERE run = ? AND token = ?', run, token);
    },
  };
}

/** Locks of runs that are over, or were never begun, whose process ended between two writes. */
async function dropVoid(database: Database, volumes: readonly string[], at: string): Promise<void> {
  for (const volume of volumes) {
    const row = database.one(
      "SELECT locks.* FROM locks LEFT JOIN runs ON runs.id = locks.run WHERE volume = ? AND coalesce(phase, 'ended') IN ('ended', 'planned', 'awaiting-approval')",
      volume,
    );
    if (row === undefined) continue;
    const holder = holderOf(row);
    if (await isAlive(holder.owner, holder.heartbeatAt, new Date(at))) continue;
    database.run('DELETE FROM locks WHERE volume = ? AND token = ?', volume, row['token'] ?? null);
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
