import { describe, expect, it } from 'vitest';
import { objectDroppedBy, objectCreatedBy, runnableOf, split } from '../../src/migration/index.ts';

function modeOf(sql: string): string {
  const found = runnableOf(sql);
  return 'mode' in found ? found.mode : found.obstacles.map(({ line, column }) => `${line}:${column}`).join(' ');
}

describe('the mode of a file', () => {
  it.each([
    'create index concurrently i on t (a)',
    'CREATE /* x */ UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "i" ON t (a);',
    '-- why\ndrop index concurrently i;',
    'reindex index concurrently i',
    'reindex (verbose, concurrently) table t',
    'reindex (verbose) schema public',
    'reindex database d',
    'vacuum (full) t',
    'cluster',
    'cluster verbose;',
    'create database d',
    'drop database if exists d',
    "create tablespace t location '/x'",
    'alter database "d" set tablespace t',
    "alter system set work_mem = '64MB'",
    "create subscription s connection 'host=a' publication p",
    'alter table t detach partition p concurrently',
  ])('is one statement outside a transaction: %s', (sql) => {
    expect(modeOf(sql)).toBe('nontx');
    expect(modeOf(`select 1;\n  ${sql}`)).toBe(`2:${sql.startsWith('--') ? 1 : 3}`.replace(/^2:1$/, '3:1'));
  });

  it.each([
    'create table t (a int); create index on t (a);',
    'reindex table t',
    'cluster t using i',
    "alter type mood add value 'happy'",
    'create role r',
    'truncate t',
    'create extension hstore',
    'alter database d set work_mem = 1',
    "create subscription s connection 'host=a' publication p with (create_slot = false)",
    "select 'create index concurrently'; -- vacuum",
    "do $$ begin perform 'commit;'; end $$;",
    'create function f() returns int begin atomic; select 1; end;',
    'savepoint a; rollback to savepoint a; release a',
    'begin; create table t (); commit;',
    'START TRANSACTION; create table t (); end work; -- over',
    '-- nothing yet\n',
  ])('is one transaction: %s', (sql) => {
    expect(modeOf(sql)).toBe('tx');
  });

  it.each([
    ['select 1; commit; select 2', '1:11'],
    ['begin; select 1; commit; begin; select 2; commit', '1:18 1:26'],
    ['rollback', '1:1'],
    ["prepare transaction 'x'", '1:1'],
    ['\\set x 1\nselect 1', '1:1'],
    ["select 'a", '1:8'],
    ['select 1;\n/* /* */', '2:1'],
    ['copy t from stdin;\n1\t2\n', '1:1'],
    ['discard all', '1:1'],
    ['create index concurrently on t (a)', '1:1'],
    ['select pg_advisory_unlock_all()', '1:1'],
    ['select\n\0', '2:1'],
    ['create index concurrently a on t (a); create index concurrently b on t (b);', '1:1 1:39'],
  ])('is refused with its place: %s', (sql, places) => {
    expect(modeOf(sql)).toBe(places);
  });

  it('blanks out the BEGIN and COMMIT around a file and keeps every other character in place', () => {
    const sql = '-- a\nBEGIN;\ncreate table t ();\nCOMMIT;\n';
    expect(runnableOf(sql)).toMatchObject({ sql: '-- a\n     ;\ncreate table t ();\n      ;\n' });
  });

  it.each([
    'create role a',
    'grant a to b',
    'create database d',
    'do $$ begin create role x; end $$',
    'alter user a login',
  ])('includes cluster-wide changes: %s', (sql) => {
    expect(runnableOf(sql)).toMatchObject({ clusterWide: true });
  });

  it('excludes grants on objects from cluster-wide changes', () => {
    expect(runnableOf('grant select on t to b')).toMatchObject({ clusterWide: false });
  });
});

describe('the object that a statement creates', () => {
  it.each([
    [
      'create table if not exists Customers (id int)',
      { kind: 'table', name: 'customers', schema: undefined, lenient: true },
    ],
    ['create unlogged table "A b"."C""d" ()', { kind: 'table', schema: 'A b', name: 'C"d', lenient: false }],
    [
      'create unique index concurrently if not exists i on only s.t (a)',
      { kind: 'index', schema: undefined, name: 'i', table: { schema: 's', name: 't' }, lenient: true },
    ],
    ['create index on t (a)', undefined],
    ['create temp table t ()', undefined],
    ['create or replace view v as select 1', { kind: 'view', schema: undefined, name: 'v', lenient: false }],
    ['select 1', undefined],
  ] as const)('%s', (sql, made) => {
    const [statement] = split(sql).statements;
    expect(statement === undefined ? undefined : objectCreatedBy(sql, statement)).toEqual(made);
  });

  it('and what it drops', () => {
    const sql = 'drop index concurrently if exists s.i, j';
    const [statement] = split(sql).statements;
    expect(statement === undefined ? undefined : objectDroppedBy(sql, statement)).toEqual({
      kind: 'index',
      schema: 's',
      name: 'i',
      lenient: true,
    });
  });
});
