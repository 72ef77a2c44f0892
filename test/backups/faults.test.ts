import { describe, expect, it } from 'vitest';
import { type Fault, faultsIn, isRestored, limitOf, reportFaults } from '../../src/backups/faults.ts';
import { faultsSay, moreNeeds, unfingerprinted } from '../../src/backups/levels/drill.ts';

/** As psql --echo-errors writes them (15.20 and 17.12). */
function psql(...errors: readonly (readonly [message: string, statement: string])[]): readonly Fault[] {
  return faultsIn(errors.map(([message, statement]) => `ERROR:  ${message}\nSTATEMENT:  ${statement}`).join('\n'));
}

function verdict(faults: readonly Fault[], newer?: number): string {
  const found = faultsSay('shop.sql', reportFaults(faults), newer);
  return found === undefined ? 'restored' : `${found.result} ${found.cause ?? ''}`;
}

describe('the errors of a restore', () => {
  it('are read from psql and pg_restore with their statements, and warnings are not among them', () => {
    expect(
      faultsIn(
        [
          'NOTICE:  table "a" does not exist, skipping',
          'ERROR:  type "public.mood" does not exist',
          'LINE 4:     m public.mood',
          'STATEMENT:  CREATE TABLE public.items (',
          '    m public.mood',
          'pg_restore: error: could not execute query: ERROR:  role "clerk" does not exist',
          'Command was: ALTER TABLE app.orders OWNER TO clerk;',
          'pg_restore: error: unsupported version (1.16) in file header',
          'pg_restore: warning: errors ignored on restore: 2',
          'WARNING:  database "shop" has a collation version mismatch',
        ].join('\n'),
      ),
    ).toEqual([
      { message: 'type "public.mood" does not exist', statement: 'CREATE TABLE public.items (' },
      { message: 'role "clerk" does not exist', statement: 'ALTER TABLE app.orders OWNER TO clerk;' },
      { message: 'unsupported version (1.16) in file header', statement: '' },
    ]);
  });

  it.for([
    [
      'a setting of a newer pg_dump',
      ['unrecognized configuration parameter "transaction_timeout"', 'SET transaction_timeout = 0;'],
    ],
    [
      'a tablespace that is not there',
      ['invalid value for parameter "default_tablespace": "fast"', 'SET default_tablespace = fast;'],
    ],
    [
      'a tablespace whose folder is not there',
      ['directory "/mnt/fast" does not exist', "CREATE TABLESPACE fast OWNER app LOCATION '/mnt/fast';"],
    ],
    ['--clean: a table', ['table "items" does not exist', 'DROP TABLE public.items;']],
    [
      '--clean: a constraint',
      ['relation "public.items" does not exist', 'ALTER TABLE ONLY public.items DROP CONSTRAINT items_pkey;'],
    ],
    ['--clean: a default', ['schema "app" does not exist', 'ALTER TABLE app.orders ALTER COLUMN id DROP DEFAULT;']],
    ['--clean: a large object', ['large object 16500 does not exist', "SELECT pg_catalog.lo_unlink('16500');"]],
    ['--clean: a role', ['role "app" does not exist', 'DROP ROLE app;']],
    ['--clean: the user', ['current user cannot be dropped', 'DROP ROLE postgres;']],
    ['the schema public', ['schema "public" already exists', 'CREATE SCHEMA public;']],
  ] as const)('are harmless if nothing is left out: %s', ([, fault]) => {
    const report = reportFaults(psql(fault));
    expect([isRestored(report), verdict(psql(fault))]).toEqual([true, 'restored']);
  });

  it.for([
    [
      'an error of a row',
      ['duplicate key value violates unique constraint "a"', 'COPY public.a (id) FROM stdin;'],
      'failed does-not-restore',
    ],
    [
      'a function that does not find another',
      ['function shift() does not exist', 'CREATE INDEX places ON public.orders USING btree (public.place(id));'],
      'failed does-not-restore',
    ],
    [
      'a setting that a function needs',
      ['unrecognized configuration parameter "app.user"', 'CREATE INDEX i ON public.a USING btree (public.f(id));'],
      'failed does-not-restore',
    ],
    [
      'a table that is there already',
      ['relation "a" already exists', 'CREATE TABLE public.a ('],
      'failed does-not-restore',
    ],
    [
      'an extension of another image',
      ['extension "postgis" is not available', 'CREATE EXTENSION IF NOT EXISTS postgis WITH SCHEMA public;'],
      'impossible not-supported',
    ],
    [
      'a locale of another image',
      ['invalid LC_COLLATE locale name: "de_DE.utf8"', 'CREATE DATABASE shop WITH TEMPLATE = template0'],
      'impossible not-supported',
    ],
    [
      'a type that -t leaves out',
      ['type "public.mood" does not exist', 'CREATE TABLE public.items ('],
      'impossible partial',
    ],
    [
      'a function that -n leaves out',
      ['function public.f(integer) does not exist', 'CREATE VIEW app.v AS'],
      'impossible partial',
    ],
    ['locks', ['out of shared memory', 'CREATE TABLE public.a5000 ('], 'impossible no-room'],
    [
      'disk',
      ['could not extend file "base/5/16384": No space left on device', 'COPY public.a (id) FROM stdin;'],
      'impossible no-room',
    ],
  ] as const)('decide: %s', ([, fault, expected]) => {
    expect(verdict(psql(fault))).toBe(expected);
  });

  it('after rows that have no table say nothing, since psql takes the rows for statements', () => {
    const lost = [
      ['type "public.mood" does not exist', 'CREATE TABLE public.items ('],
      ['relation "public.items" does not exist', 'COPY public.items (id, m) FROM stdin;'],
      ['syntax error at or near "1"', '1\ta'],
    ] as const;
    expect(verdict(psql(...lost))).toBe('impossible partial');
    expect(reportFaults(psql(...lost)).lacking).toEqual(['public.mood']);
    expect(verdict(psql(lost[2], ...lost))).toBe('failed does-not-restore');
  });

  it('of older programs are no fault of a dump that newer ones made', () => {
    const refused = faultsIn('pg_restore: error: unsupported version (1.16) in file header');
    expect(verdict(refused, 17)).toBe('impossible version');
    expect(faultsSay('shop.dump', reportFaults(refused), 17)?.says).toContain('Not proven: needs PostgreSQL 17.');
    expect(verdict(refused)).toBe('failed does-not-restore');
  });

  it('name the roles and tablespaces that the drill creates before it tries again, as long as there are more', () => {
    const faults = psql(
      ['role "clerk" does not exist', 'ALTER TABLE app.orders OWNER TO clerk;'],
      ['role "clerk" does not exist', 'ALTER SEQUENCE app.orders_id_seq OWNER TO clerk;'],
      ['tablespace "fast" does not exist', 'CREATE DATABASE shop WITH TEMPLATE = template0 TABLESPACE = fast;'],
    );
    const needs = moreNeeds({ roles: ['app'], tablespaces: [] }, reportFaults(faults));
    expect(needs).toEqual({ roles: ['app', 'clerk'], tablespaces: ['fast'] });
    expect(moreNeeds(needs ?? { roles: [], tablespaces: [] }, reportFaults(faults))).toBeUndefined();
    // A role that cannot be created, such as one with a reserved name.
    expect(verdict(faults)).toBe('failed missing-roles');
  });

  it.for([
    ['out of shared memory', 'raise max_locks_per_transaction'],
    ['could not write to file "base/pgsql_tmp/1": No space left on device', 'the disk is full'],
    ['pg_dump: error: out of memory', 'the memory is used up'],
  ] as const)('that are limits are named in plain words: %s', ([message, words]) => {
    expect(limitOf(message)).toContain(words);
    expect(limitOf('relation "a" does not exist')).toBeUndefined();
  });

  it('do not end a restore that goes on, but psql may stop at the first', () => {
    const harmless = ['schema "public" already exists', 'CREATE SCHEMA public;'] as const;
    const ended = (message: string): readonly Fault[] => [...psql(harmless), { message, statement: '' }];
    expect(verdict(ended('pg_restore ended with 1'))).toBe('restored');
    expect(verdict(ended('psql ended with 3'))).toBe('impossible not-supported');
    expect(verdict(ended('psql ended with 2'))).toBe('failed does-not-restore');
    expect(verdict([{ message: 'pg_restore ended with 1', statement: '' }])).toBe('failed does-not-restore');
  });
});

describe('a dump whose rows nothing is compared with', () => {
  // The oldest table first, as the running instance lists them.
  const source = ['public.users', 'public.orders', 'public.log', 'sales.offers'];
  const said = (tables: readonly string[]): string => {
    const { result, cause, says } = unfingerprinted('shop.dump', 'shop.dump restores', tables, source);
    return `${result} ${cause ?? ''} ${says}`;
  };

  it.for<[string, readonly string[]]>([
    ['-t', ['public.orders']],
    ['-n', ['sales.offers']],
    ['-T', ['public.users', 'public.orders', 'sales.offers']],
  ])('is a part of a database if it lacks tables that are older than one that it has, as with %s', ([, tables]) => {
    expect(said(tables)).toMatch(/^impossible partial .*leaves out .*which by their oids are older than/);
  });

  it('is whole if it only lacks the newest tables, which it may be older than', () => {
    expect(said(source)).toMatch(/^passed/);
    expect(said(['public.users', 'public.orders'])).toMatch(/^passed .*including 2 of the instance's 4 tables\./);
    expect(said(['public.users', 'public.orders', 'public.since_dropped'])).toMatch(/^passed/);
  });

  it('is of another database if it has none of the tables', () => {
    expect(said(['blog.posts'])).toMatch(/^failed other-database/);
  });
});
