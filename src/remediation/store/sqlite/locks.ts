import { z } from 'zod';
import { ProblemsError } from '../../../errors.ts';
import { isAlive } from '../../../host/process-identity.ts';
import type { PortLease } from '../../contract.ts';
import type { Leases, LockHolder, Locks, ProcessIdentity } from '../store.ts';
import type { AuditTable } from './audit.ts';
import type { Database, Row } from './database.ts';

export const processIdentity = z.object({ pid: z.number(), began: z.string(), machine: z.string() });

export function locksOf(database: Database, audit: AuditTable): Locks {
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
      return holds(database, run, token);
    },
    async release(run, token) {
      database.run('DELETE FROM locks WHERE run = ? AND token = ?', run, token);
    },
  };
}

function holds(database: Database, run: string, token: number): boolean {
  const row = database.one('SELECT count(*) AS held, max(token) AS token FROM locks WHERE run = ?', run);
  return Number(row?.['held']) > 0 && row?.['token'] === token;
}

/**
 * Call it within the transaction of the change that needs the locks.
 * @throws ProblemsError `lock-held`: another process has taken them, or the run has ended and released them.
 */
export function requireLocks(database: Database, run: string, token: number): void {
  if (holds(database, run, token)) return;
  throw new ProblemsError('lock-held', `Run ${run} has lost its locks: another process has taken it over.`);
}

/** Removes locks of runs that have ended or never began, left by a process that died between two writes. */
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

/**
 * Ports of one engine, each leased to one instance. A `reserved` lease expires; a `bound` one lasts until it is released,
 * since a stopped instance keeps its port. See docs/engineering/ports.md#leases.
 */
export function leasesOf(database: Database, host: string, now: () => Date): Leases {
  function held(instance: string): PortLease | undefined {
    const row = database.one('SELECT * FROM leases WHERE host = ? AND instance = ?', host, instance);
    return row === undefined || expired(row) ? undefined : leaseOf(row);
  }

  function expired(row: Row): boolean {
    return row['expires_at'] !== null && String(row['expires_at']) <= now().toISOString();
  }

  function endOf(ttlMs: number): string {
    return new Date(now().getTime() + ttlMs).toISOString();
  }

  /** Extends the lease to the full time from now on. A bound lease, or one that ends later, is unchanged. */
  function renewed(lease: PortLease, ttlMs: number): PortLease {
    const expiresAt = endOf(ttlMs);
    return lease.expiresAt === null || lease.expiresAt >= expiresAt ? lease : { ...lease, expiresAt };
  }

  function dropExpired(): void {
    database.run('DELETE FROM leases WHERE host = ? AND expires_at <= ?', host, now().toISOString());
  }

  function write(lease: PortLease): void {
    database.run('DELETE FROM leases WHERE host = ? AND instance = ?', host, lease.instance);
    database.run(
      'INSERT INTO leases VALUES (?, ?, ?, ?, ?, ?, ?)',
      host,
      lease.port,
      lease.instance,
      lease.state,
      lease.owner,
      lease.token,
      lease.expiresAt,
    );
  }

  return {
    async get(instance) {
      return held(instance);
    },
    async list() {
      return database
        .all('SELECT * FROM leases WHERE host = ? ORDER BY port', host)
        .filter((row) => !expired(row))
        .map(leaseOf);
    },
    async take({ instance, ports, ttlMs }) {
      return database.writing(() => {
        dropExpired();
        const taken = new Set(
          database
            .all('SELECT port FROM leases WHERE host = ? AND instance <> ?', host, instance)
            .map((row) => row['port']),
        );
        const mine = held(instance);
        if (mine !== undefined && ports.includes(mine.port)) {
          const kept = renewed(mine, ttlMs);
          write(kept);
          return kept;
        }
        const port = ports.find((candidate) => !taken.has(candidate));
        if (port === undefined) return undefined;
        database.run('UPDATE tokens SET last = last + 1');
        const token = Number(database.one('SELECT last FROM tokens')?.['last']);
        const lease: PortLease = {
          host,
          port,
          instance,
          state: 'reserved',
          owner: `pid ${process.pid}`,
          token,
          expiresAt: endOf(ttlMs),
        };
        write(lease);
        return lease;
      });
    },
    async bind(port, instance) {
      const changed = database.run(
        "UPDATE leases SET state = 'bound', expires_at = NULL WHERE host = ? AND port = ? AND instance = ?",
        host,
        port,
        instance,
      );
      if (changed === 0) throw new ProblemsError('step-refused', `Port ${port} is no longer leased to ${instance}.`);
    },
    async release(port, instance) {
      database.run('DELETE FROM leases WHERE host = ? AND port = ? AND instance = ?', host, port, instance);
    },
    async put(instance, lease) {
      database.writing(() => {
        dropExpired();
        // An expired lease is not written back: it would reserve nothing and appear in no list.
        if (lease === null || (lease.expiresAt !== null && lease.expiresAt <= now().toISOString())) {
          database.run('DELETE FROM leases WHERE host = ? AND instance = ?', host, instance);
          return;
        }
        const other = database.one(
          'SELECT instance FROM leases WHERE host = ? AND port = ? AND instance <> ?',
          host,
          lease.port,
          instance,
        );
        if (other !== undefined)
          throw new ProblemsError('step-refused', `Port ${lease.port} is now leased to ${String(other['instance'])}.`);
        write({ ...lease, instance });
      });
    },
  };
}

function leaseOf(row: Row): PortLease {
  return {
    host: String(row['host']),
    port: Number(row['port']),
    instance: String(row['instance']),
    state: row['state'] === 'bound' ? 'bound' : 'reserved',
    owner: String(row['owner']),
    token: Number(row['token']),
    expiresAt: row['expires_at'] === null ? null : String(row['expires_at']),
  };
}
