import { describe, expect, it } from 'vitest';
import {
  leftovers,
  type ToolRows,
  type ToolSession,
} from '../../../src/remediation/remediators/migration-lock/leftovers.ts';

const idle: ToolSession = { pid: 7, state: 'idle', application: '', client: '172.18.0.9', seconds: 900, locks: [] };

function table(name: ToolRows['name'], row: Readonly<Record<string, string | null>>): ToolRows {
  return { name, schema: 'public', rows: [row] };
}

const dirty = table('schema_migrations', { version: '3', dirty: 't' });
const failed = table('flyway_schema_history', { version: '2', script: 'V2__a.sql', success: 'f' });
const locked = table('databasechangeloglock', { locked: 't', lockgranted: '2026-03-01', lockedby: 'ci (172.18.0.5)' });
const knex = table('knex_migrations_lock', { index: '1', is_locked: '1' });
const started = { migration_name: '2_add', started_at: '2026-03-01', finished_at: null, rolled_back_at: null };
const unfinished = table('_prisma_migrations', started);

describe('leftovers of other migration tools', () => {
  it.for<readonly [string, ToolRows, RegExp]>([
    ['the dirty flag of golang-migrate', dirty, /migrate -path <folder> -database <url> force 3/],
    ['a failed row of Flyway', failed, /flyway repair/],
    ['a held lock of Liquibase', locked, /liquibase release-locks/],
    ['a held lock of Knex', knex, /knex migrate:unlock/],
    ['an unfinished row of Prisma', unfinished, /prisma migrate resolve --applied 2_add/],
  ])('are named with the remedy of the tool: %s', ([, rows, remedy]) => {
    const found = leftovers('shop', [rows], [idle]);
    expect(found.map((one) => one.remedy.type === 'refusal' && one.remedy.advice)).toEqual([
      expect.stringMatching(remedy),
    ]);
  });

  it.for<readonly [string, ToolRows, ToolSession]>([
    ['golang-migrate', dirty, { ...idle, state: 'active', locks: ['1'] }],
    ['Liquibase, by its address', locked, { ...idle, client: '172.18.0.5' }],
    ['Liquibase, by its driver', locked, { ...idle, application: 'PostgreSQL JDBC Driver' }],
    ['Knex, building an index', knex, { ...idle, state: 'active', seconds: 900 }],
    ['Knex, between two statements', knex, { ...idle, state: 'idle in transaction', seconds: 0 }],
    ['Prisma', unfinished, { ...idle, state: 'active', locks: ['72707369'] }],
  ])('are none while the tool is running: %s', ([, rows, session]) => {
    expect(leftovers('shop', [rows], [session])).toEqual([]);
  });

  it.for<readonly [string, ToolRows]>([
    ['golang-migrate', table('schema_migrations', { version: '3', dirty: 'f' })],
    ['Flyway', table('flyway_schema_history', { version: '2', script: 'V2__a.sql', success: 't' })],
    ['Liquibase', table('databasechangeloglock', { locked: 'f', lockgranted: null, lockedby: null })],
    ['Knex', table('knex_migrations_lock', { index: '1', is_locked: '0' })],
    ['Prisma, finished', table('_prisma_migrations', { ...started, finished_at: '2026-03-01' })],
    ['Prisma, rolled back', table('_prisma_migrations', { ...started, rolled_back_at: '2026-03-01' })],
  ])('are none in a sound table: %s', ([, rows]) => {
    expect(leftovers('shop', [rows], [idle])).toEqual([]);
  });

  it.for([
    ['Prisma', '72707369'],
    // 2053462845 × CRC-32 of "shop", and CRC-32 of the three names × 1486364155 in 32 bits.
    ['Rails', String(2_053_462_845n * 2_892_647_586n)],
    ['golang-migrate', '3689236698'],
    ['node-pg-migrate', '7241865325823964'],
  ] as const)('include the lock of %s that an idle session keeps', ([tool, key]) => {
    const found = leftovers('shop', [], [{ ...idle, locks: [key] }]);
    expect(found.map(({ kind, subject }) => [kind, subject])).toEqual([['other-tool-lock', `${tool}-lock`]]);
    expect(leftovers('shop', [], [{ ...idle, seconds: 20, locks: [key] }])).toEqual([]);
    expect(leftovers('shop', [], [{ ...idle, locks: ['1'] }])).toEqual([]);
  });
});
