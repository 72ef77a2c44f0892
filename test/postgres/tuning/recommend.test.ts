import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { amountOf, formatValue, parseSize, recommend, type TuningFacts } from '../../../src/postgres/tuning/index.ts';
import { anyFacts } from './arbitrary.ts';

const MiB = 2 ** 20;
const GiB = 2 ** 30;

const facts: TuningFacts = {
  profile: 'web',
  disk: 'ssd',
  major: 17,
  memory: 2 * GiB,
  memoryIs: 'limit',
  cpus: 2,
  walNeededBy: [],
  perBackend: undefined,
  hashMemMultiplier: 2,
};

function of(change: Partial<TuningFacts>, name: string) {
  const found = recommend({ ...facts, ...change }).advice.find((one) => one.name === name);
  return found === undefined
    ? undefined
    : {
        value: formatValue(found.value),
        rule: found.rule,
        pgtune: found.pgtune === undefined ? undefined : formatValue(found.pgtune),
      };
}

describe('a recommendation for a container', () => {
  it('lowers the connections before work_mem if the limit is small', () => {
    expect(of({}, 'max_connections')).toEqual({ value: '75', rule: 'connections', pgtune: '200' });
    expect(of({}, 'autovacuum_work_mem')).toMatchObject({ value: '16MB', rule: 'memory' });
    expect(of({}, 'work_mem')).toEqual({ value: '4MB', rule: 'pgtune', pgtune: undefined });
    expect(of({}, 'shared_buffers')).toEqual({ value: '512MB', rule: 'pgtune', pgtune: undefined });
  });

  it('goes below 4 MB of work_mem if 200 connections would need 928 MB of 512', () => {
    const small = { memory: 512 * MiB, cpus: 0.5 };
    expect(of(small, 'max_connections')).toEqual({ value: '20', rule: 'connections', pgtune: '200' });
    expect(of(small, 'work_mem')?.rule).toBe('memory');
    expect(recommend({ ...facts, ...small })).toMatchObject({ fits: true, needsPooler: false });
  });

  it('keeps a requested number of connections if the other settings can make room', () => {
    const asked = { memory: 2 * GiB, connections: 85 };
    expect(of(asked, 'max_connections')).toEqual({ value: '85', rule: 'pgtune', pgtune: undefined });
    expect(of(asked, 'maintenance_work_mem')?.rule).toBe('memory');
    expect(recommend({ ...facts, ...asked })).toMatchObject({ fits: true, needsPooler: false });
  });

  it('suggests a pooler if more connections are requested than can fit', () => {
    const { needsPooler, fits, advice } = recommend({ ...facts, connections: 500 });
    expect({ needsPooler, fits }).toEqual({ needsPooler: true, fits: true });
    expect(advice.find(({ name }) => name === 'max_connections')?.reason).toContain('pooler');
  });

  it('rounds half a CPU up to one, and derives parallelism from the quota', () => {
    expect(of({ cpus: 0.5 }, 'max_worker_processes')).toBeUndefined();
    expect(of({ cpus: 4.5, memory: 16 * GiB }, 'max_worker_processes')?.value).toBe('4');
  });

  it.for([
    [[], 'minimal', 'pgtune'],
    [['archive_mode is on'], 'replica', 'backups'],
    [undefined, 'replica', 'backups'],
  ] as const)('of a desktop whose WAL is needed by %j sets wal_level to %s', ([walNeededBy, value, rule]) => {
    const change = { profile: 'desktop', memory: 4 * GiB, walNeededBy } as const;
    expect(of(change, 'wal_level')).toMatchObject({ value, rule });
    expect(of(change, 'max_wal_senders')?.rule).toBe(rule);
  });

  it('keeps WAL within a tenth of the disk', () => {
    expect(of({ diskSize: 10 * GiB }, 'max_wal_size')).toEqual({ value: '1GB', rule: 'disk', pgtune: '4GB' });
    expect(of({ diskSize: 10 * GiB }, 'min_wal_size')).toEqual({ value: '256MB', rule: 'disk', pgtune: '1GB' });
    expect(of({ diskSize: 100 * GiB }, 'max_wal_size')?.rule).toBe('pgtune');
  });

  it('omits settings that Docker prevents or that the server was built without', () => {
    expect(of({ major: 18 }, 'io_method')).toEqual({ value: 'worker', rule: 'seccomp', pgtune: 'io_uring' });
    expect(of({ major: 18, ioUringAllowed: true }, 'io_method')?.value).toBe('io_uring');
    expect(of({ walCompressions: ['pglz', 'on', 'off'] }, 'wal_compression')).toEqual({
      value: 'pglz',
      rule: 'build',
      pgtune: 'lz4',
    });
    expect(of({ walCompressions: ['pglz', 'lz4', 'on', 'off'] }, 'wal_compression')?.rule).toBe('pgtune');
  });
});

describe('for any container', () => {
  it('the recommendation stays within 80% of its memory, with shared_buffers within a quarter', () => {
    fc.assert(
      fc.property(anyFacts, (any) => {
        const { advice, worstCase, usable, fits } = recommend({ ...any, memoryIs: 'limit' });
        expect(fits).toBe(true);
        expect(worstCase.total).toBeLessThanOrEqual(usable);
        expect(usable).toBeLessThanOrEqual(0.8 * any.memory);
        expect(amountOf(advice, 'shared_buffers')).toBeLessThanOrEqual(any.memory / 4);
      }),
    );
  });

  it('no correction gives an instance more than PGTune would, and each has a reason', () => {
    fc.assert(
      fc.property(anyFacts, (any) => {
        for (const { name, value, pgtune, rule, reason } of recommend(any).advice) {
          expect(reason).not.toBe('');
          if (pgtune === undefined) continue;
          expect(rule).not.toBe('pgtune');
          const [now, before] = [value, pgtune].map((one) =>
            one.type === 'size' ? one.bytes : one.type === 'number' ? one.number : undefined,
          );
          if (now !== undefined && name !== 'max_wal_senders') expect(now).toBeLessThanOrEqual(before ?? 0);
        }
      }),
    );
  });

  it('PostgreSQL can read every size back, and every name occurs once', () => {
    fc.assert(
      fc.property(anyFacts, (any) => {
        const { advice } = recommend(any);
        expect(new Set(advice.map(({ name }) => name)).size).toBe(advice.length);
        for (const { value } of advice) {
          if (value.type === 'size') expect(parseSize(formatValue(value))).toBe(value.bytes);
          if (value.type === 'number') expect(value.number).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  it('PostgreSQL accepts every value, even for tiny containers', () => {
    fc.assert(
      fc.property(anyFacts, fc.integer({ min: 0, max: 256 * MiB }), (any, memory) => {
        const { advice, fits, worstCase, usable } = recommend({ ...any, memory, memoryIs: 'share' });
        expect(fits).toBe(worstCase.total <= usable);
        for (const [name, least] of [
          ['shared_buffers', MiB],
          ['work_mem', 64 * 1024],
          ['maintenance_work_mem', MiB],
          ['autovacuum_work_mem', MiB],
          ['wal_buffers', 32 * 1024],
          ['max_connections', 10],
        ] as const)
          expect(amountOf(advice, name) ?? least).toBeGreaterThanOrEqual(least);
      }),
    );
  });

  it('more memory never means fewer connections', () => {
    fc.assert(
      fc.property(anyFacts, fc.integer({ min: 0, max: 2 ** 36 }), (any, more) => {
        // PGTune's work_mem jumps up when the databases begin to fit into memory.
        const { databaseSize: _, ...rest } = any;
        const limited = { ...rest, memoryIs: 'limit' } as const;
        const before = amountOf(recommend(limited).advice, 'max_connections') ?? 0;
        const after = amountOf(recommend({ ...limited, memory: any.memory + more }).advice, 'max_connections') ?? 0;
        expect(after).toBeGreaterThanOrEqual(before);
      }),
    );
  });
});
