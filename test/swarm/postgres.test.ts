import { afterAll, beforeAll, describe } from 'vitest';
import { openPostgresSwarm } from '../../src/swarm/postgres/store.ts';
import type { SwarmStore } from '../../src/swarm/store.ts';
import { type Harness, swarmContract } from './contract.ts';
import { emptyTables, hasPostgres, type PostgresServer, startPostgres } from './postgres-server.ts';

describe.runIf(hasPostgres)('the queue on PostgreSQL', () => {
  let server: PostgresServer;
  const stores = new Map<string, SwarmStore>();
  let at = 0;

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => {
    for (const store of stores.values()) store.close();
    await server[Symbol.asyncDispose]();
  });

  /** Tests share the connections. Each begins with empty tables. */
  async function empty(): Promise<Harness> {
    at = Date.parse('2026-03-01T00:00:00Z');
    if (stores.size > 0) await emptyTables(server);
    return {
      async queue(project = '/srv/app') {
        const store =
          stores.get(project) ?? (await openPostgresSwarm(server.socketUrl, { project, now: () => new Date(at) }));
        stores.set(project, store);
        return store;
      },
      async advance(ms) {
        at += ms;
      },
      async [Symbol.asyncDispose]() {},
    };
  }

  swarmContract('PostgreSQL', empty, 10);
});
