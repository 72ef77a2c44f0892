import { describe, expect, it } from 'vitest';
import {
  type Ledger,
  type LedgerRow,
  migrationsOf,
  nameObstacle,
  outOfOrder,
  migrationStatusOf,
} from '../../src/migration/index.ts';

const [one, two, ten] = migrationsOf(
  ['002_b.sql', '001_a.sql', '10_c.sql', 'rollback_001_a.sql', 'notes.md', '.hidden.sql'].map((name) => ({
    name,
    text: 'select 1;\n',
  })),
);

function ledger(versions: readonly string[], row?: Partial<LedgerRow>): Ledger {
  const full = {
    version: '001_a',
    sha256: one?.sha256 ?? '',
    mode: 'tx',
    state: 'done',
    startedAt: '',
    runner: '',
    error: null,
  } as const;
  return { versions: new Set(versions), rows: new Map(row === undefined ? [] : [['001_a', { ...full, ...row }]]) };
}

describe('migration files', () => {
  it('are the *.sql files in code unit order, without rollbacks', () => {
    expect([one?.version, two?.version, ten?.version]).toEqual(['001_a', '002_b', '10_c']);
  });

  it('have the same checksum with any line ends, and another after any other change', () => {
    const sums = ['a\nb\n', 'a\r\nb\r\n', 'a\rb\r', 'a\nb', 'a\nB\n'].map(
      (text) => migrationsOf([{ name: '1.sql', text }])[0]?.sha256,
    );
    expect(new Set(sums.slice(0, 3)).size).toBe(1);
    expect(new Set(sums).size).toBe(3);
  });

  it('have a version that schema_migrations accepts', () => {
    expect(nameObstacle(`${'é'.repeat(255)}.sql`)).toBeUndefined();
    expect(nameObstacle(`${'é'.repeat(256)}.sql`)).toContain('255');
  });
});

describe('the status of a migration file', () => {
  it.each([
    ['not in the ledger', [], undefined, 'pending'],
    ['listed by another tool', ['001_a'], undefined, 'adopted'],
    ['done and listed', ['001_a'], {}, 'applied'],
    ['done with another text', ['001_a'], { sha256: 'x' }, 'conflict'],
    ['done and no longer listed', [], {}, 'conflict'],
    ['failed', [], { state: 'failed' }, 'failed'],
    ['failed and mended since', [], { state: 'failed', sha256: 'x' }, 'failed'],
    ['failed, and applied by another tool since', ['001_a'], { state: 'failed' }, 'adopted'],
    ['begun, end unknown', [], { state: 'started' }, 'unfinished'],
    ['begun, and changed since', [], { state: 'started', sha256: 'x' }, 'conflict'],
  ] as const)('%s', (_, versions, row, standing) => {
    if (one === undefined) throw new Error('no file');
    expect(migrationStatusOf(one, ledger(versions, row))).toMatchObject({ standing });
  });

  it('marks files that come late', () => {
    const all = [one, two, ten].filter((file) => file !== undefined);
    expect(outOfOrder(all, ledger(['002_b']))).toEqual(['001_a']);
    expect(outOfOrder(all, ledger(['001_a']))).toEqual([]);
    expect(outOfOrder(all, ledger([]))).toEqual([]);
  });
});
