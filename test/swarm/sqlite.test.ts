import { openDatabase } from '../../src/remediation/store/sqlite/database.ts';
import { swarmIn } from '../../src/swarm/sqlite/store.ts';
import { type Harness, swarmContract } from './contract.ts';

async function inMemory(): Promise<Harness> {
  const database = await openDatabase(':memory:');
  let at = Date.parse('2026-03-01T00:00:00Z');
  return {
    queue: (project = '/srv/app') => swarmIn(database, { project, now: () => new Date(at) }, ':memory:'),
    async advance(ms) {
      at += ms;
    },
    async [Symbol.asyncDispose]() {
      database.close();
    },
  };
}

swarmContract('SQLite', inMemory);
