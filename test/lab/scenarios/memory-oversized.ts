import { psql, query, startInstance, waitReady } from '../instance.ts';
import { addOrders } from '../rows.ts';
import type { Scenario } from '../scenario.ts';

const megabyte = 1024 * 1024;
const limit = 96 * megabyte;

/** The record's 2 GB and 2 GB, as a twentieth: shared_buffers fits the limit on paper and fills it under load. */
export const memoryOversized: Scenario = {
  name: 'memory-oversized',
  problem: 'postgres/memory-allocation-errors-in-production-template',
  description: 'shared_buffers is larger than the memory limit of the container: under load a backend is killed.',
  async up(run, say) {
    const production = await startInstance(run, {
      name: 'production',
      storage: 'bind',
      template: 'production',
      settings: { shared_buffers: '128MB' },
      host: { Memory: limit, MemorySwap: limit },
    });
    await addOrders(production);
    // A table made from a query passes through a small ring of buffers: filling it takes no memory yet.
    await query(
      production,
      `create extension pg_prewarm;
       create table history as select n, repeat(md5(n::text), 30) as entry from generate_series(1, 140000) as n;
       checkpoint;`,
    );
    say(`${production.containerName} runs with shared_buffers of 128 MB and a memory limit of 96 MB`);
    const load = await psql(production, "select pg_prewarm('history')");
    await waitReady(production);
    say(`a query that reads a large table ended with: ${load.stderr.trim().split('\n').join(' ') || 'no error'}`);
  },
};
