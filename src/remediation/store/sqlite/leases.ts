import { ProblemsError } from '../../../errors.ts';
import type { PortLease } from '../../contract.ts';
import type { Leases } from '../store.ts';
import type { Database, Row } from './database.ts';
import { heldTransactions, type Seals } from './seals.ts';

/**
 * Ports of one engine, each leased to one instance. A `reserved` lease expires; a `bound` one lasts until it is released,
 * since a stopped instance keeps its port. See docs/engineering/ports.md#leases.
 */
export function leasesOf(database: Database, seals: Seals, host: string, now: () => Date): Leases {
  const { reading, writing } = heldTransactions(database, seals, 'leases');

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
      return reading(() => held(instance));
    },
    async list() {
      return reading(() =>
        database
          .all('SELECT * FROM leases WHERE host = ? ORDER BY port', host)
          .filter((row) => !expired(row))
          .map(leaseOf),
      );
    },
    async take({ instance, ports, ttlMs }) {
      return writing(() => {
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
      const changed = await writing(() =>
        database.run(
          "UPDATE leases SET state = 'bound', expires_at = NULL WHERE host = ? AND port = ? AND instance = ?",
          host,
          port,
          instance,
        ),
      );
      if (changed === 0) throw new ProblemsError('step-refused', `Port ${port} is no longer leased to ${instance}.`);
    },
    async release(port, instance) {
      await writing(() =>
        database.run('DELETE FROM leases WHERE host = ? AND port = ? AND instance = ?', host, port, instance),
      );
    },
    async put(instance, lease) {
      await writing(() => {
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
