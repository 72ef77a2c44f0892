import { describe, expect, it } from 'vitest';
import { serverLimits } from '../../../src/remediation/remediators/server-limits/index.ts';
import { findingsIn } from '../../../src/remediation/remediators/server-limits/detect.ts';
import { stateQuery, usesQuery } from '../../../src/remediation/remediators/server-limits/observe.ts';
import type { ServerState } from '../../../src/remediation/remediators/server-limits/types.ts';
import { createTestHost } from '../../../src/testing/index.ts';

const limits = { transactionAge: 1_000_000_000, slotMiB: 1_024, freePercent: 5 };
const GiB = 2 ** 30;

/** A slot that nothing reads. */
const gone = {
  name: 'old_standby',
  active: false,
  kept: 3 * GiB,
  status: 'extended',
  type: 'physical',
  begins: '0/3000028',
  unusedFor: null,
} as const;

function state(changes: Partial<ServerState> = {}): ServerState {
  return {
    databases: [{ name: 'orders', age: 150_000_000, members: 1_000 }],
    holders: [],
    slots: [],
    keepLimit: null,
    wal: { bytes: GiB, seconds: 86_400 },
    ...changes,
  };
}

function hostWith(answer: string, settings = {}, free: number | null = 500 * GiB) {
  const uses = { databases: 600 * GiB, WAL: 300 * GiB, logs: 0 };
  return createTestHost({
    instances: [
      {
        name: 'orders',
        sql: { [stateQuery]: [{ state: answer }], [usesQuery]: [{ uses: JSON.stringify(uses) }] },
      },
    ],
    probes: { dataSpace: async () => (free === null ? undefined : { size: 1_000 * GiB, free }) },
    settings: { 'server-limits': settings },
  });
}

/** `free`: null if df does not tell. */
async function adviceOn(found: ServerState, free?: number | null): Promise<string> {
  const { reader } = hostWith(JSON.stringify(found), { freePercent: 0 }, free);
  const [finding] = (await serverLimits.detect(reader)).findings;
  if (finding === undefined) throw new Error('nothing was found');
  const made = await serverLimits.plan(finding, reader);
  return made.type === 'refusal' ? made.advice : 'a plan';
}

describe('the limits of a server', () => {
  it('are no finding while it is far from them', () => {
    const slots = [
      { ...gone, name: 'standby', active: true, kept: 50 * GiB },
      { ...gone, name: 'young', kept: GiB - 1, status: 'reserved' },
      { ...gone, name: 'lost', kept: null, status: 'lost', begins: null },
    ];
    expect(findingsIn('orders', state({ slots }), limits)).toEqual([]);
  });

  it('are reached when its transaction ids run out, whichever database is the oldest', () => {
    const databases = [
      { name: 'orders', age: 150_000_000, members: 0 },
      { name: 'template0', age: 2_144_483_648, members: 0 },
    ];
    expect(findingsIn('orders', state({ databases }), limits)).toMatchObject([
      {
        id: 'server-limits/orders/transaction-ids',
        summary: 'template0 of orders has used 100% of its transaction ids. At 100% it refuses every write.',
      },
    ]);
  });

  it('are reached when its multixact ids run out', () => {
    const databases = [{ name: 'orders', age: 10, members: 1_100_000_000 }];
    expect(findingsIn('orders', state({ databases }), limits)[0]?.summary).toContain('51% of its multixact ids');
  });

  it.each([
    ['session', '412', 'SELECT pg_terminate_backend(412)'],
    ['prepared', "it's", "ROLLBACK PREPARED 'it''s'"],
    ['slot', 'gone', "SELECT pg_drop_replication_slot('gone')"],
  ] as const)('name the %s that keeps VACUUM from freeing them, and how to end it', async (kind, name, command) => {
    const databases = [{ name: 'my orders', age: 1_500_000_000, members: 0 }];
    const holders = [{ kind, name, age: 1_499_000_000 }];
    const advice = await adviceOn(state({ databases, holders }));
    expect(advice).toContain(command);
    expect(advice).toContain("vacuumdb --freeze --dbname 'my orders'");
  });

  it('do not blame what is much younger than the database', async () => {
    const databases = [{ name: 'orders', age: 1_500_000_000, members: 0 }];
    const advice = await adviceOn(state({ databases, holders: [{ kind: 'session', name: '7', age: 1_000 }] }));
    expect(advice).toMatch(/^Run: vacuumdb --freeze --dbname orders\./);
  });

  it('are reached by a slot that nothing reads, with the exact command if the disk is unknown', async () => {
    const slots = [gone];
    expect(findingsIn('orders', state({ slots }), limits)).toMatchObject([
      { id: 'server-limits/orders/slot-keeps-wal', summary: expect.stringContaining('old_standby (3 GiB)') },
    ]);
    expect(await adviceOn(state({ slots }), null)).toContain("SELECT pg_drop_replication_slot('old_standby')");
  });

  it.for<readonly [title: string, changes: Partial<ServerState['slots'][number]>, approval: string]>([
    ['a standby', {}, 'a standby that still uses old_standby must be built again'],
    ['a subscriber', { type: 'logical', unusedFor: 86_400 }, 'a subscriber that still uses old_standby must copy'],
  ])(
    'are kept from the slot of %s by its end, with approval, if the disk has no room for a bound',
    async ([, changes, approval]) => {
      const slots = [{ ...gone, ...changes }];
      const { reader } = hostWith(JSON.stringify(state({ slots })), { freePercent: 0 }, GiB / 2);
      const [finding] = (await serverLimits.detect(reader)).findings;
      if (finding === undefined) throw new Error('nothing was found');
      expect(await serverLimits.plan(finding, reader)).toMatchObject({
        type: 'plan',
        approval: expect.stringContaining(approval),
        undo: expect.stringContaining('A logical slot is not made again'),
        steps: [
          {
            action: 'slot.drop',
            params: { instance: 'orders', slot: 'old_standby', type: slots[0]?.type, begins: '0/3000028' },
          },
        ],
        expected: { dropped: ['old_standby'] },
      });
    },
  );

  it('are not protected from a slot whose reader left a moment ago, and may only restart', async () => {
    const advice = await adviceOn(state({ slots: [{ ...gone, unusedFor: 300 }] }), GiB / 2);
    expect(advice).toMatch(/^Start the reader again\. .*pg_drop_replication_slot/);
  });

  it('are kept from a slot by a bound, with approval, that takes nothing from it now', async () => {
    const slots = [gone];
    const { reader } = hostWith(JSON.stringify(state({ slots })), {}, 100 * GiB);
    const [finding] = (await serverLimits.detect(reader)).findings;
    if (finding === undefined) throw new Error('nothing was found');
    expect(finding.summary).toContain('100 GiB are free, for about 100 days of WAL');
    expect(await serverLimits.plan(finding, reader)).toMatchObject({
      type: 'plan',
      approval: expect.any(String),
      steps: [{ action: 'setting.alter', params: { settings: { max_slot_wal_keep_size: `${53 * 1_024}MB` } } }],
    });
  });

  it.for<readonly [keepLimit: number | null, free: number, found: number]>([
    [null, 100 * GiB, 1],
    [53 * GiB, 100 * GiB, 0],
    [53 * GiB, 40 * GiB, 1],
  ])('are out of reach of a slot that is bounded to %i bytes while %i are free', ([keepLimit, free, found]) => {
    const slots = [gone];
    const seen = findingsIn('orders', state({ slots, keepLimit }), limits, { size: 1_000 * GiB, free });
    expect(seen).toHaveLength(found);
  });

  it.for<readonly [free: number, seconds: number, says: string | undefined]>([
    [500 * GiB, 86_400, undefined],
    // Five percent of a large disk are plenty.
    [30 * GiB, 86_400, undefined],
    [10 * GiB, 86_400, '10 GiB are free, for about 10 days'],
    [GiB / 2, 7_200, 'for about 60 minutes'],
    [10 * GiB, 60, 'is not known yet, so check again later'],
  ])('are reached when %i bytes of the disk are left', async ([free, seconds, says]) => {
    const { reader } = hostWith(JSON.stringify(state({ wal: { bytes: GiB, seconds } })), {}, free);
    const { findings } = await serverLimits.detect(reader);
    expect(findings.map(({ id }) => id)).toEqual(says === undefined ? [] : ['server-limits/orders/disk-fills']);
    const [finding] = findings;
    if (finding === undefined) return;
    expect(finding.summary).toContain(says);
    expect(await serverLimits.plan(finding, reader)).toMatchObject({
      type: 'refusal',
      advice: expect.stringMatching(/^On it are databases: 600 GiB, WAL: 300 GiB, everything else/),
    });
  });

  it('are not known if df does not tell how much of the disk is free', async () => {
    const { reader } = createTestHost({
      instances: [{ name: 'orders', sql: { [stateQuery]: [{ state: JSON.stringify(state()) }] } }],
      probes: { dataSpace: async () => undefined },
    });
    expect(await serverLimits.detect(reader)).toMatchObject({
      findings: [],
      notLookedAt: [{ reason: expect.stringContaining('df did not tell') }],
    });
  });

  it.each(['', 'no json', '{"databases":[]}', '[]'])(
    'are not checked if the server answers with %j',
    async (answer) => {
      const { findings, notLookedAt } = await serverLimits.detect(hostWith(answer).reader);
      expect(findings).toEqual([]);
      expect(notLookedAt).toMatchObject([{ instance: 'orders', reason: expect.stringContaining('something else') }]);
    },
  );
});
