import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatSize,
  hostBudget,
  hostReserve,
  instanceBudget,
  parseSize,
  shareOfUnlimited,
} from '../../../src/postgres/tuning/index.ts';

const MiB = 2 ** 20;
const GiB = 2 ** 30;

describe('the budget of a machine', () => {
  it.for([
    [8 * GiB, 2 * GiB],
    [32 * GiB, Math.ceil(4.8 * GiB)],
  ] as const)('of %s bytes keeps %s for itself', ([memory, kept]) => {
    expect(hostReserve(memory)).toBe(kept);
  });

  it('counts limits, and the worst case of containers without a limit', () => {
    const budget = hostBudget(8 * GiB, [
      { name: 'a', limit: 2 * GiB, worstCase: 9 * GiB },
      { name: 'b', limit: 0, worstCase: GiB },
      { name: 'c', limit: 0 },
    ]);
    expect(budget).toEqual({
      memory: 8 * GiB,
      reserve: 2 * GiB,
      budget: 6 * GiB,
      promised: 3 * GiB,
      left: 3 * GiB,
      within: true,
      unlimited: ['b', 'c'],
    });
    expect(shareOfUnlimited(budget, 2 * GiB)).toBe(2 * GiB);
  });

  it('is exceeded by one byte more', () => {
    const members = (extra: number) => [{ name: 'a', limit: 6 * GiB + extra }];
    expect(hostBudget(8 * GiB, members(0)).within).toBe(true);
    expect(hostBudget(8 * GiB, members(1))).toMatchObject({ within: false, left: -1 });
  });

  it('is nothing on a machine smaller than its reserve', () => {
    expect(hostBudget(GiB, [])).toMatchObject({ budget: 0, left: 0, within: true });
  });

  it('always adds up', () => {
    const member = fc.record({ name: fc.string(), limit: fc.nat(2 ** 40), worstCase: fc.nat(2 ** 40) });
    fc.assert(
      fc.property(fc.nat(2 ** 42), fc.array(member), (memory, members) => {
        const { budget, promised, left, within } = hostBudget(memory, members);
        expect(promised + left).toBe(budget);
        expect(within).toBe(left >= 0);
        expect(budget).toBeLessThanOrEqual(memory);
      }),
    );
  });
});

describe('the budget of an instance', () => {
  it.for([
    [{ limit: GiB, worstCase: 800 * MiB, sharedBuffers: 256 * MiB }, []],
    [{ limit: GiB, worstCase: 820 * MiB, sharedBuffers: 256 * MiB }, ['worst-case']],
    [{ limit: GiB, worstCase: 900 * MiB, sharedBuffers: 257 * MiB }, ['worst-case', 'shared-buffers']],
    [{ limit: 0, worstCase: 900 * MiB, sharedBuffers: 257 * MiB }, ['limit']],
  ] as const)('of %j is over by %j', ([of, over]) => {
    expect(instanceBudget(of).over).toEqual(over);
  });
});

describe('a size of PostgreSQL', () => {
  it.for([
    ['128MB', undefined, 128 * MiB],
    ['7864kB', undefined, 7864 * 1024],
    ['1.5GB', undefined, 1.5 * GiB],
    [' 2 GB ', undefined, 2 * GiB],
    ['16384', '8kB', 128 * MiB],
    ['4096', 'kB', 4 * MiB],
    ['1024', 'MB', GiB],
    ['-1', 'kB', undefined],
    ['128mb', undefined, undefined],
    ['300', 's', undefined],
    ['300', null, undefined],
    ['many', 'kB', undefined],
  ] as const)('%j in %s is %s bytes', ([text, unit, bytes]) => {
    expect(parseSize(text, unit)).toBe(bytes);
  });

  it('is written in the largest unit that divides it', () => {
    expect([0, 512, 1536, 1536 * 1024, 128 * MiB, 1536 * MiB, GiB, 1024 * GiB].map(formatSize)).toEqual([
      '0',
      '512B',
      '1536B',
      '1536kB',
      '128MB',
      '1536MB',
      '1GB',
      '1TB',
    ]);
  });

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 49 }), (bytes) => {
        expect(parseSize(formatSize(bytes), 'B')).toBe(bytes);
      }),
    );
  });
});
