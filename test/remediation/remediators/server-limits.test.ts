import { describe, expect, it } from 'vitest';
import { serverLimits } from '../../../src/remediation/remediators/server-limits/index.ts';
import { findingsIn } from '../../../src/remediation/remediators/server-limits/detect.ts';
import { stateQuery } from '../../../src/remediation/remediators/server-limits/observe.ts';
import type { ServerState } from '../../../src/remediation/remediators/server-limits/types.ts';
import { createTestHost } from '../../../src/testing/index.ts';

const limits = { transactionAge: 1_000_000_000, slotMiB: 1_024 };
const GiB = 2 ** 30;

function state(changes: Partial<ServerState> = {}): ServerState {
  return { databases: [{ name: 'orders', age: 150_000_000, members: 1_000 }], holders: [], slots: [], ...changes };
}

function hostWith(answer: string, settings = {}) {
  return createTestHost({
    instances: [{ name: 'orders', sql: { [stateQuery]: [{ state: answer }] } }],
    settings: { 'server-limits': settings },
  });
}

async function adviceOn(found: ServerState): Promise<string> {
  const { reader } = hostWith(JSON.stringify(found));
  const [finding] = (await serverLimits.detect(reader)).findings;
  if (finding === undefined) throw new Error('nothing was found');
  const made = await serverLimits.plan(finding, reader);
  return made.type === 'refusal' ? made.advice : 'a plan';
}

describe('the limits of a server', () => {
  it('are no finding while it is far from them', () => {
    const slots = [
      { name: 'standby', active: true, kept: 50 * GiB, status: 'extended' },
      { name: 'young', active: false, kept: GiB - 1, status: 'reserved' },
      { name: 'lost', active: false, kept: null, status: 'lost' },
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
        summary: 'template0 of orders has used 100 % of its transaction ids. At 100 % it refuses every write.',
      },
    ]);
  });

  it('are reached when its multixact ids run out', () => {
    const databases = [{ name: 'orders', age: 10, members: 1_100_000_000 }];
    expect(findingsIn('orders', state({ databases }), limits)[0]?.summary).toContain('51 % of its multixact ids');
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

  it('are reached by a slot that nothing reads, with the exact command', async () => {
    const slots = [{ name: 'old_standby', active: false, kept: 3 * GiB, status: 'extended' }];
    expect(findingsIn('orders', state({ slots }), limits)).toMatchObject([
      { id: 'server-limits/orders/slot-keeps-wal', summary: expect.stringContaining('old_standby (3 GiB)') },
    ]);
    expect(await adviceOn(state({ slots }))).toContain("SELECT pg_drop_replication_slot('old_standby')");
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
