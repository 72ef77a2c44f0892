import { describe, expect, it } from 'vitest';
import { collationVersions } from '../../../src/remediation/remediators/collation-versions/index.ts';
import {
  clusterQuery,
  databaseQuery,
  namedQuery,
} from '../../../src/remediation/remediators/collation-versions/observe.ts';
import type { ClusterState, DatabaseState } from '../../../src/remediation/remediators/collation-versions/types.ts';
import { unsoundQuery } from '../../../src/remediation/remediators/collation-versions/verify.ts';
import { createTestHost, type TestSqlAnswer } from '../../../src/testing/index.ts';

const MiB = 2 ** 20;

const same = { name: 'postgres', recorded: '2.41', actual: '2.41' };
const changed = { name: 'orders', recorded: '2.36', actual: '2.41' };
const email = { oid: '16391', name: 'public.users_email', bytes: 10 * MiB, exclusion: false };

function cluster(changes: Partial<ClusterState> = {}): ClusterState {
  return { recovers: false, databases: [changed, same], namedDiffer: false, ...changes };
}

function database(changes: Partial<DatabaseState> = {}): DatabaseState {
  return { collations: [], indexes: [email], partitioned: [], ...changes };
}

interface Server {
  readonly cluster?: ClusterState | TestSqlAnswer;
  readonly databases?: Readonly<Record<string, DatabaseState | TestSqlAnswer>>;
  /** What other databases answer about their named collations. Default: none differs. */
  readonly named?: Readonly<Record<string, TestSqlAnswer>>;
  readonly free?: number | undefined;
}

function isAnswer(state: object): state is TestSqlAnswer {
  return Array.isArray(state) || 'message' in state;
}

function answer(state: object): TestSqlAnswer {
  return isAnswer(state) ? state : [{ state: JSON.stringify(state) }];
}

/** Databases that are not named have no index on text. */
function hostWith({
  cluster: state = cluster(),
  databases = { orders: database() },
  named = {},
  free = 100 * 1_024 * MiB,
}: Server) {
  return createTestHost({
    instances: [
      {
        name: 'orders',
        sql: (statement, options) => {
          if (statement === clusterQuery) return answer(state);
          if (statement === unsoundQuery) return [];
          if (statement === namedQuery) return named[options.database ?? ''] ?? [{ differ: 'f' }];
          if (statement !== databaseQuery) return undefined;
          return answer(databases[options.database ?? ''] ?? database({ indexes: [] }));
        },
      },
    ],
    probes: { dataSpace: async () => ({ size: 2 * free, free }) },
  }).reader;
}

async function found(server: Server) {
  const reader = hostWith(server);
  const { findings, notLookedAt } = await collationVersions.detect(reader);
  const [finding] = findings;
  const plan = finding === undefined ? undefined : await collationVersions.plan(finding, reader);
  return { finding, notLookedAt, plan };
}

describe('collation versions', () => {
  it.for<readonly [title: string, server: Server]>([
    ['all versions are the same', { cluster: cluster({ databases: [same] }) }],
    [
      'the database has none recorded, as one made on Alpine or in C',
      {
        cluster: cluster({
          databases: [
            { ...same, recorded: null },
            { name: 'c', recorded: null, actual: null },
          ],
        }),
      },
    ],
    [
      'no index uses the collations that have changed',
      { cluster: cluster({ databases: [same], namedDiffer: true }), databases: {} },
    ],
    ['PostgreSQL is older than 15', { cluster: { message: 'no such function', sqlstate: '42883' } }],
  ])('are no finding if %s', async ([, server]) => {
    expect(await found(server)).toEqual({ finding: undefined, notLookedAt: [], plan: undefined });
  });

  it('that differ are found with the indexes, which are rebuilt one at a time before the version is recorded', async () => {
    const { finding, plan, notLookedAt } = await found({
      databases: { orders: database({ indexes: [email, { ...email, oid: '16392', name: 'public."Name"' }] }) },
    });
    expect(notLookedAt).toEqual([]);
    expect(finding).toMatchObject({
      id: 'collation-versions/orders/version-changed',
      risk: 'data',
      summary:
        'The library of orders sorts text by version 2.41, but orders was built with 2.36: 2 indexes may miss rows or hold duplicates.',
    });
    const place = { instance: 'orders', database: 'orders' };
    expect(plan).toMatchObject({
      type: 'plan',
      steps: [
        { action: 'index.rebuild', params: { ...place, oid: '16391', name: 'public.users_email' } },
        { action: 'index.rebuild', params: { ...place, oid: '16392', name: 'public."Name"' } },
        {
          action: 'collation.refresh',
          params: {
            ...place,
            own: true,
            collations: [],
            rebuilt: [
              { oid: '16391', name: 'public.users_email' },
              { oid: '16392', name: 'public."Name"' },
            ],
          },
        },
      ],
    });
  });

  it('of a database without an index on text are recorded after nothing was rebuilt', async () => {
    const { finding, plan } = await found({ databases: {} });
    expect(finding?.summary).toContain('no index, but what is sorted may miss rows');
    expect(plan).toMatchObject({ steps: [{ action: 'collation.refresh', params: { own: true, rebuilt: [] } }] });
  });

  it('of a named collation are recorded alone if the database keeps its own', async () => {
    const german = { name: 'pg_catalog."de-x-icu"', recorded: '153.14', actual: '153.128' };
    const { finding, plan } = await found({
      cluster: cluster({ databases: [{ ...same, name: 'orders' }], namedDiffer: true }),
      named: { orders: [{ differ: 't' }] },
      databases: { orders: database({ collations: [german] }) },
    });
    expect(finding?.evidence).toContainEqual({
      type: 'query',
      sql: 'pg_collation_actual_version',
      result: 'orders, collation pg_catalog."de-x-icu": built with 153.14, now 153.128',
    });
    expect(plan).toMatchObject({
      steps: [{}, { action: 'collation.refresh', params: { own: false, collations: [german.name] } }],
    });
  });

  it('of ICU alone are found in another database, although the own one of the instance has the new version', async () => {
    const german = { name: 'pg_catalog."de-x-icu"', recorded: '153.14', actual: '153.128' };
    const databases = ['vrooli', 'sales', 'shut'].map((name) => ({ ...same, name }));
    const { finding, notLookedAt } = await found({
      cluster: cluster({ databases: [...databases, { ...same, name: 'template1' }] }),
      databases: { sales: database({ collations: [german] }) },
      named: { sales: [{ differ: 't' }], shut: { message: 'permission denied', sqlstate: '42501' } },
    });
    expect(finding).toMatchObject({ details: { databases: ['sales'] } });
    expect(notLookedAt).toMatchObject([{ reason: expect.stringContaining('shut: 42501 permission denied') }]);
  });

  it.for<readonly [title: string, server: Server, reason: RegExp, advice: RegExp]>([
    ['the server is a standby', { cluster: cluster({ recovers: true }) }, /is a standby/, /on the primary/],
    [
      'the library states no version',
      { cluster: cluster({ databases: [{ ...changed, actual: null }] }) },
      /states no version for orders/,
      /Go back to an image/,
    ],
    [
      'ranges of text divide a table',
      { databases: { orders: database({ partitioned: ['public.log'] }) } },
      /wrong partition of public\.log/,
      /restore them with the new one.*ALTER DATABASE "orders" REFRESH COLLATION VERSION/,
    ],
    [
      'an exclusion constraint is among them',
      { databases: { orders: database({ indexes: [{ ...email, exclusion: true }] }) } },
      /exclusion constraint/,
      /REINDEX INDEX public\.users_email; .*reindexdb --concurrently --dbname orders/,
    ],
    [
      'they are many',
      { databases: { orders: database({ indexes: Array.from({ length: 201 }, () => email) }) } },
      /more than 200 indexes are too many/,
      /reindexdb/,
    ],
    ['the disk has no room', { free: 500 * MiB }, /may need 532 MiB .* 500 MiB are free/, /Make room/],
  ])('are left to someone if %s', async ([, server, reason, advice]) => {
    expect((await found(server)).plan).toMatchObject({
      type: 'refusal',
      reason: expect.stringMatching(reason),
      advice: expect.stringMatching(advice),
    });
  });

  it('of a database that lets nobody in are not known, and nothing is planned', async () => {
    const { notLookedAt, plan } = await found({
      cluster: cluster({ databases: [changed, { ...same, name: 'sales' }] }),
      named: { sales: { message: 'permission denied', sqlstate: '42501' } },
    });
    expect(notLookedAt).toMatchObject([{ reason: expect.stringContaining('sales: 42501 permission denied') }]);
    expect(plan).toMatchObject({ type: 'refusal' });
  });

  it.each(['', 'no json', '{"databases":[]}'])('are not known if the server answers with %j', async (text) => {
    const { finding, notLookedAt } = await found({ cluster: [{ state: text }] });
    expect(finding).toBeUndefined();
    expect(notLookedAt).toMatchObject([{ instance: 'orders', reason: expect.stringContaining('something else') }]);
  });
});
