import fc from 'fast-check';
import { diskKinds, type MemoryFacts, profiles, type TuningFacts } from '../../../src/postgres/tuning/index.ts';

const MiB = 2 ** 20;

/** Any instance, from 256 MiB to 512 GiB. */
export const anyFacts: fc.Arbitrary<TuningFacts> = fc
  .record({
    profile: fc.constantFrom(...profiles),
    disk: fc.constantFrom(...diskKinds),
    major: fc.integer({ min: 13, max: 18 }),
    memory: fc.oneof(
      fc.integer({ min: 256, max: 4096 }).map((size) => size * MiB),
      fc.integer({ min: 256 * MiB, max: 2 ** 39 }),
    ),
    memoryIs: fc.constantFrom('limit', 'share', 'machine'),
    cpus: fc.oneof(fc.integer({ min: 1, max: 64 }), fc.double({ min: 0.1, max: 8, noNaN: true })),
    walNeededBy: fc.constantFrom(undefined, [], ['a standby is connected']),
    perBackend: fc.option(fc.integer({ min: MiB, max: 10 * MiB }), { nil: undefined }),
    hashMemMultiplier: fc.constantFrom(1, 2),
  })
  .chain((facts) =>
    fc
      .record(
        {
          connections: fc.integer({ min: 10, max: 3000 }),
          databaseSize: fc.integer({ min: 0, max: 2 ** 40 }),
          diskSize: fc.integer({ min: 2 ** 30, max: 2 ** 42 }),
        },
        { requiredKeys: [] },
      )
      .map((more) => ({ ...facts, ...more })),
  );

export const anyMemory: fc.Arbitrary<MemoryFacts> = fc.record({
  cpus: fc.double({ min: 0.1, max: 64, noNaN: true }),
  sharedMemory: fc.integer({ min: MiB, max: 2 ** 36 }),
  workMem: fc.integer({ min: 64 * 1024, max: 2 ** 30 }),
  hashMemMultiplier: fc.constantFrom(1, 1.5, 2, 8),
  maintenanceWorkMem: fc.integer({ min: MiB, max: 2 ** 31 }),
  autovacuumWorkMem: fc.option(fc.integer({ min: MiB, max: 2 ** 31 }), { nil: undefined }),
  autovacuumMaxWorkers: fc.integer({ min: 1, max: 10 }),
  perBackend: fc.option(fc.integer({ min: 0, max: 2 ** 28 }), { nil: undefined }),
});
