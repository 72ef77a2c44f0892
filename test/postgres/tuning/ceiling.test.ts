import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connectionCeiling, sharedMemoryOf, worstCaseOf } from '../../../src/postgres/tuning/index.ts';
import { anyMemory } from './arbitrary.ts';

const MiB = 2 ** 20;
const GiB = 2 ** 30;

describe('the ceiling of connections', () => {
  it.for([
    { memory: GiB, cpus: 2, sharedBuffers: 256 * MiB, autovacuumWorkMem: 32 * MiB, perBackend: undefined, fit: 22 },
    { memory: GiB, cpus: 2, sharedBuffers: 256 * MiB, autovacuumWorkMem: 32 * MiB, perBackend: 5 * MiB, fit: 44 },
    { memory: 4 * GiB, cpus: 4, sharedBuffers: GiB, autovacuumWorkMem: undefined, perBackend: undefined, fit: 168 },
    { memory: 4 * GiB, cpus: 4, sharedBuffers: GiB, autovacuumWorkMem: undefined, perBackend: 5 * MiB, fit: 335 },
  ])('is $fit for $memory bytes, $cpus CPUs and $perBackend bytes a backend', ({ sharedBuffers, fit, ...facts }) => {
    const { connections, terms } = connectionCeiling({
      ...facts,
      sharedMemory: sharedMemoryOf(sharedBuffers),
      workMem: 4 * MiB,
      hashMemMultiplier: 2,
      maintenanceWorkMem: 64 * MiB,
      autovacuumMaxWorkers: 3,
    });
    expect(connections).toBe(fit);
    expect(terms).toMatchObject({
      work: 4 * facts.cpus * 12 * MiB,
      maintenance: (3 * (facts.autovacuumWorkMem === undefined ? 64 : 32) + 64) * MiB,
      reserve: 64 * MiB,
    });
  });

  it.for([
    [128 * MiB, 138],
    [GiB, 1069],
  ] as const)(
    'estimates the shared memory of %s bytes of buffers within 2 MB of the measurement',
    ([buffers, measured]) => {
      expect(Math.abs(sharedMemoryOf(buffers) / MiB - measured)).toBeLessThan(2);
    },
  );

  it('counts each backend as at least 5 MiB, and as 10 MiB if none was measured', () => {
    const facts = {
      memory: 4 * GiB,
      cpus: 4,
      sharedMemory: GiB,
      workMem: 4 * MiB,
      hashMemMultiplier: 2,
      maintenanceWorkMem: 64 * MiB,
      autovacuumWorkMem: undefined,
      autovacuumMaxWorkers: 3,
    };
    const of = (perBackend: number | undefined) => connectionCeiling({ ...facts, perBackend }).connections;
    expect(of(MiB)).toBe(of(5 * MiB));
    expect(of(undefined)).toBe(of(10 * MiB));
    expect(of(20 * MiB)).toBeLessThan(of(undefined));
  });

  it('is the highest number whose worst case fits', () => {
    fc.assert(
      fc.property(anyMemory, fc.integer({ min: 64 * MiB, max: 2 ** 38 }), (facts, memory) => {
        const { connections, budget } = connectionCeiling({ ...facts, memory });
        expect(connections).toBeGreaterThanOrEqual(0);
        expect(budget).toBeLessThanOrEqual(memory);
        // One byte of rounding in either direction.
        if (connections > 0) expect(worstCaseOf(facts, connections).total).toBeLessThanOrEqual(budget + 1);
        expect(worstCaseOf(facts, connections + 1).total).toBeGreaterThanOrEqual(budget);
      }),
    );
  });

  it('never falls with more memory, and never rises if sessions sort more', () => {
    fc.assert(
      fc.property(
        anyMemory,
        fc.integer({ min: 64 * MiB, max: 2 ** 38 }),
        fc.integer({ min: 0, max: 2 ** 34 }),
        (facts, memory, more) => {
          const { connections } = connectionCeiling({ ...facts, memory });
          expect(connectionCeiling({ ...facts, memory: memory + more }).connections).toBeGreaterThanOrEqual(
            connections,
          );
          expect(
            connectionCeiling({ ...facts, memory, workMem: facts.workMem + more }).connections,
          ).toBeLessThanOrEqual(connections);
        },
      ),
    );
  });
});
