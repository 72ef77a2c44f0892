import { describe, expect, it } from 'vitest';
import {
  formatValue,
  pgtune,
  type PgtuneInput,
  profiles,
  recommend,
  type TuningFacts,
} from '../../../src/postgres/tuning/index.ts';

const GiB = 2 ** 30;
const MiB = 2 ** 20;

function valuesOf(advice: ReturnType<typeof pgtune>): Readonly<Record<string, string>> {
  return Object.fromEntries(advice.map(({ name, value }) => [name, formatValue(value)]));
}

/** PGTune's own code, run with `ssd` and without a database size. */
const golden = [
  {
    input: { profile: 'web', memory: 2 * GiB, cpus: 2, connections: 200 },
    values: {
      shared_buffers: '512MB',
      effective_cache_size: '1536MB',
      maintenance_work_mem: '128MB',
      work_mem: '4MB',
      wal_buffers: '16MB',
      min_wal_size: '1GB',
      max_wal_size: '4GB',
      default_statistics_target: '100',
      huge_pages: 'off',
      jit: 'off',
    },
  },
  {
    input: { profile: 'oltp', memory: 16 * GiB, cpus: 8, connections: 300 },
    values: {
      shared_buffers: '4GB',
      effective_cache_size: '12GB',
      maintenance_work_mem: '1GB',
      work_mem: '13617kB',
      max_worker_processes: '8',
      max_parallel_workers_per_gather: '4',
      max_parallel_workers: '8',
      max_parallel_maintenance_workers: '4',
      min_wal_size: '2GB',
      max_wal_size: '8GB',
      huge_pages: 'try',
    },
  },
  {
    input: { profile: 'dw', memory: 32 * GiB, cpus: 8, connections: 40 },
    values: {
      shared_buffers: '8GB',
      effective_cache_size: '24GB',
      maintenance_work_mem: '4GB',
      work_mem: '87381kB',
      autovacuum_work_mem: '2GB',
      default_statistics_target: '500',
      random_page_cost: '4',
      max_wal_size: '16GB',
    },
  },
  {
    input: { profile: 'desktop', memory: 4 * GiB, cpus: 4, connections: 20 },
    values: {
      shared_buffers: '256MB',
      effective_cache_size: '1GB',
      maintenance_work_mem: '256MB',
      work_mem: '9102kB',
      wal_buffers: '7864kB',
      min_wal_size: '100MB',
      wal_level: 'minimal',
      max_wal_senders: '0',
    },
  },
  {
    input: { profile: 'mixed', memory: 8 * GiB, cpus: 4, connections: 100 },
    values: {
      shared_buffers: '2GB',
      effective_cache_size: '6GB',
      maintenance_work_mem: '512MB',
      work_mem: '10082kB',
    },
  },
] as const satisfies readonly { input: Partial<PgtuneInput>; values: Readonly<Record<string, string>> }[];

describe('PGTune’s recommendation', () => {
  it.for(golden)('for $input.profile equals the output of PGTune’s code', ({ input, values }) => {
    expect(valuesOf(pgtune({ ...input, disk: 'ssd', major: 17 }))).toMatchObject({
      ...values,
      max_connections: String(input.connections),
      checkpoint_completion_target: '0.9',
      effective_io_concurrency: '200',
      wal_compression: 'lz4',
    });
  });

  it.for(golden)('for $input.profile applies to a container without a limit', ({ input }) => {
    const facts: TuningFacts = {
      ...input,
      disk: 'ssd',
      major: 17,
      memoryIs: 'machine',
      walNeededBy: [],
      perBackend: undefined,
      hashMemMultiplier: 2,
    };
    const { advice } = recommend(facts);
    expect(advice).toEqual(pgtune({ ...input, disk: 'ssd', major: 17 }));
    expect(advice.every(({ rule }) => rule === 'pgtune')).toBe(true);
  });

  it.for(golden.filter(({ input }) => ['oltp', 'desktop', 'mixed'].includes(input.profile)))(
    'for $input.profile fits into a limit of that size without a change',
    ({ input }) => {
      const { advice, fits } = recommend({
        ...input,
        disk: 'ssd',
        major: 17,
        memoryIs: 'limit',
        walNeededBy: [],
        perBackend: undefined,
        hashMemMultiplier: 2,
      });
      expect(fits).toBe(true);
      expect(advice).toEqual(pgtune({ ...input, disk: 'ssd', major: 17 }));
    },
  );

  it('uses the connections of the profile by default', () => {
    const of = profiles.map((profile) =>
      Number(valuesOf(pgtune({ profile, memory: 8 * GiB, cpus: 4, disk: 'ssd', major: 17 }))['max_connections']),
    );
    expect(of).toEqual([200, 300, 40, 20, 100]);
  });

  it.for([
    [undefined, '13617kB'],
    [8 * GiB, '17702kB'],
    [64 * GiB, '12255kB'],
  ] as const)('with databases of %s bytes gives work_mem %s', ([databaseSize, expected]) => {
    const values = valuesOf(
      pgtune({
        profile: 'oltp',
        memory: 16 * GiB,
        cpus: 8,
        connections: 300,
        disk: 'ssd',
        major: 17,
        ...(databaseSize === undefined ? {} : { databaseSize }),
      }),
    );
    expect(values['work_mem']).toBe(expected);
  });

  it.for([
    ['web', 'hdd', undefined, '4', '2'],
    ['web', 'hdd', MiB, '1.1', '2'],
    ['dw', 'nvme', undefined, '4', '1000'],
    ['dw', 'san', MiB, '1.1', '300'],
    ['oltp', 'nvme', 64 * GiB, '1.1', '1000'],
  ] as const)(
    'for %s on %s with databases of %s bytes estimates pages at %s',
    ([profile, disk, databaseSize, cost, io]) => {
      const values = valuesOf(
        pgtune({
          profile,
          memory: 4 * GiB,
          cpus: 2,
          disk,
          major: 17,
          ...(databaseSize === undefined ? {} : { databaseSize }),
        }),
      );
      expect(values).toMatchObject({ random_page_cost: cost, effective_io_concurrency: io });
    },
  );

  it('caps maintenance_work_mem at 8 GB, and sets autovacuum_work_mem from 16 CPUs on', () => {
    const values = valuesOf(pgtune({ profile: 'web', memory: 256 * GiB, cpus: 32, disk: 'ssd', major: 18 }));
    expect(values).toMatchObject({
      maintenance_work_mem: '8GB',
      autovacuum_work_mem: '2GB',
      autovacuum_max_workers: '5',
      io_method: 'io_uring',
      io_workers: '8',
    });
  });

  it('contains only settings that the server version knows', () => {
    const old = valuesOf(pgtune({ profile: 'web', memory: 4 * GiB, cpus: 8, disk: 'ssd', major: 10 }));
    expect(old).toMatchObject({ wal_compression: 'on', max_parallel_workers: '8' });
    expect(Object.keys(old)).not.toEqual(expect.arrayContaining(['jit']));
    expect(old['max_parallel_maintenance_workers']).toBeUndefined();
    expect(
      valuesOf(pgtune({ profile: 'web', memory: GiB, cpus: 2, disk: 'ssd', major: 17 }))['io_method'],
    ).toBeUndefined();
  });
});
