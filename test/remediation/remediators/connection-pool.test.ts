import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diagnose } from '../../../src/remediation/remediators/connection-pool/diagnose.ts';
import { countedTitles, titledSession } from '../../../src/remediation/remediators/connection-pool/observe.ts';
import {
  limitReached,
  type Limits,
  type Observation,
  poolSettings,
  type Refused,
  type Sample,
  type Session,
} from '../../../src/remediation/remediators/connection-pool/types.ts';
import { session } from './pool-session.ts';

const settings = poolSettings({ settings: {} });

const limits: Limits = {
  maxConnections: 100,
  reserved: 3,
  standby: false,
  prepared: 0,
  replicas: 0,
  abandoned: 0,
  major: 17,
};

/** The state of a session in all samples, unless they are given one by one. */
type Kind = Partial<Session> & { readonly count: number };

const kinds = {
  works: { state: 'active', waitType: 'Client', stateMs: 20 },
  computes: { state: 'active', waitType: '', stateMs: 20 },
  usedNow: { state: 'idle', stateMs: 300, sessionMs: 600_000 },
  unused: { state: 'idle', stateMs: 900_000, sessionMs: 900_500 },
  stuck: { state: 'idle in transaction', stateMs: 9_000, transactionMs: 9_500 },
  waits: { state: 'active', waitType: 'Lock', stateMs: 4_000, blockedBy: [1] },
} as const satisfies Readonly<Record<string, Partial<Session>>>;

function sessions(groups: readonly Kind[]): readonly Session[] {
  return groups
    .flatMap(({ count, ...rest }) => Array.from({ length: count }, () => rest))
    .map((rest, index) => ({
      ...session,
      pid: index + 1,
      backendStart: `start ${index + 1}`,
      client: '10.0.0.9',
      ...rest,
    }));
}

function measured(
  groups: readonly Kind[],
  more: Partial<Observation> & { readonly perSecond?: number } = {},
): Observation {
  const { perSecond = 0, ...rest } = more;
  const all = sessions(groups);
  const sampled = (afterMs: number): Sample => ({ afterMs, sessions: all, opened: (perSecond + 2) * (afterMs / 1000) });
  return {
    limits,
    ownLimits: [],
    samples: [sampled(0), sampled(1_000), sampled(2_000)],
    refused: [],
    cpus: 2,
    places: new Map(),
    ...rest,
  };
}

function refused(text: string, count = 1): readonly Refused[] {
  const reached = limitReached(text);
  if (reached === undefined) throw new Error(`no limit in ${text}`);
  return Array.from({ length: count }, (_, index) => ({ at: `2026-01-01T00:00:0${index % 10}Z`, text, reached }));
}

const reserved = 'FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute';

describe('the log lines of a server without free slots', () => {
  it.for([
    ['FATAL:  remaining connection slots are reserved for non-replication superuser connections', 'ordinary-slots'],
    [reserved, 'ordinary-slots'],
    [
      'FATAL:  remaining connection slots are reserved for roles with privileges of the "pg_use_reserved_connections" role',
      'ordinary-slots',
    ],
    ['FATAL:  sorry, too many clients already', 'all-slots'],
    ['ERROR:  no more connections allowed (max_client_conn)', 'pooler'],
  ] as const)('%s', ([text, limit]) => {
    expect(limitReached(text)).toEqual({ limit });
  });

  it.for([
    ['too many connections for role "app2"', { limit: 'role', name: 'app2' }],
    ['FATAL:  too many connections for database "limdb"', { limit: 'database', name: 'limdb' }],
    ['FATAL:  password authentication failed for user "app"', undefined],
    ['LOG:  connection received', undefined],
  ] as const)('%s', ([text, reached]) => {
    expect(limitReached(text)).toEqual(reached);
  });
});

describe('the title of a process', () => {
  it.for([
    ['postgres: app vrooli 172.18.0.3(45678) idle in transaction', 'app vrooli 172.18.0.3 idle in transaction'],
    ['postgres: main: app vrooli [local] SELECT waiting', 'app vrooli [local] SELECT waiting'],
    ['postgres: app vrooli ::1(9) idle', 'app vrooli ::1 idle'],
    ['postgres: autovacuum launcher ', undefined],
    ['postgres: walsender replicator 172.18.0.4(1) streaming 0/3000060', undefined],
    ['postgres: logical replication launcher', undefined],
  ] as const)('%s', ([title, expected]) => {
    const found = titledSession(title);
    expect(found && `${found.role} ${found.database} ${found.client} ${found.doing}`).toBe(expected);
  });

  it('is counted with its kind, most frequent first', () => {
    const titles = ['postgres: a d [local] idle', 'postgres: b d 10.0.0.1(1) idle', 'postgres: b d 10.0.0.1(2) idle'];
    expect(countedTitles(titles)).toEqual(['2 × b d 10.0.0.1 idle', '1 × a d [local] idle']);
  });
});

describe('a diagnosis', () => {
  it.for<readonly [string, Observation, readonly string[]]>([
    ['no problem in a server that is half full', measured([{ count: 40, ...kinds.works }]), []],
    ['no problem in an idle server', measured([]), []],
    ['no problem after a burst', measured([{ count: 4, ...kinds.works }], { refused: refused(reserved, 9) }), []],
    ['a leak of transactions', measured([{ count: 97, ...kinds.stuck }]), ['leak']],
    [
      'a leak next to active sessions',
      measured([
        { count: 40, ...kinds.stuck },
        { count: 57, ...kinds.works },
      ]),
      ['leak'],
    ],
    ['an old leak while slots are still free', measured([{ count: 6, ...kinds.stuck, stateMs: 400_000 }]), ['leak']],
    [
      'no leak of transactions that continue',
      measured([{ count: 97, ...kinds.stuck, stateMs: 300 }]),
      ['undetermined'],
    ],
    [
      'a lock pile-up',
      measured([
        { count: 1, ...kinds.stuck },
        { count: 30, ...kinds.waits },
      ]),
      ['lock-pile-up'],
    ],
    [
      'a lock pile-up that has filled every slot',
      measured(
        [
          { count: 1, ...kinds.stuck },
          { count: 60, ...kinds.works },
          { count: 36, ...kinds.waits },
        ],
        {
          refused: refused(reserved, 30),
        },
      ),
      ['lock-pile-up'],
    ],
    [
      'a lock pile-up from three waiters on, though slots are free',
      measured([
        { count: 1, ...kinds.stuck },
        { count: 3, ...kinds.waits },
      ]),
      ['lock-pile-up'],
    ],
    [
      'no lock pile-up of two',
      measured([
        { count: 1, ...kinds.stuck },
        { count: 2, ...kinds.waits },
      ]),
      [],
    ],
    [
      'no lock pile-up of sessions that take turns at a row',
      measured([
        { count: 1, ...kinds.works },
        { count: 30, ...kinds.waits, stateMs: 300 },
      ]),
      [],
    ],
    [
      'a leak whose transactions hold up others',
      measured([
        { count: 40, ...kinds.stuck },
        { count: 57, ...kinds.waits },
      ]),
      ['leak'],
    ],
    [
      'no leak if the others wait for another session',
      measured([
        { count: 40, ...kinds.stuck },
        { count: 56, ...kinds.waits, blockedBy: [97] },
        { count: 1, ...kinds.works },
      ]),
      ['lock-pile-up'],
    ],
    [
      'a deliberate limit',
      measured([{ count: 5, ...kinds.works }], {
        ownLimits: [{ kind: 'role', name: 'app', allowed: 5 }],
        refused: refused('FATAL:  too many connections for role "app"', 4),
      }),
      ['deliberate-limit'],
    ],
    [
      'no problem with a limit that refuses no session',
      measured([{ count: 5, ...kinds.works }], { ownLimits: [{ kind: 'database', name: 'shop', allowed: 5 }] }),
      [],
    ],
    [
      'no problem with a limit that was removed since',
      measured([{ count: 5, ...kinds.works }], { refused: refused('too many connections for role "app"', 4) }),
      [],
    ],
    [
      'pools that are too large',
      measured([
        { count: 80, ...kinds.unused },
        { count: 17, ...kinds.works },
      ]),
      ['oversized-pools'],
    ],
    [
      'sessions that are opened one by one and forgotten',
      measured(
        Array.from({ length: 97 }, (_, index) => ({
          count: 1,
          ...kinds.unused,
          stateMs: 100_000 + index * 9_000,
          sessionMs: 100_100 + index * 9_000,
        })),
      ),
      ['idle-leak'],
    ],
    ['load', measured([{ count: 90, ...kinds.computes }], { refused: refused(reserved) }), ['load']],
    ['too few slots', measured([{ count: 97, ...kinds.works }]), ['undersized']],
    ['too few slots for sessions used in turns', measured([{ count: 97, ...kinds.usedNow }]), ['undersized']],
    [
      'too few slots from refused sessions',
      measured([{ count: 90, ...kinds.works }], { refused: refused(reserved, 20) }),
      ['undersized'],
    ],
    ['nothing certain, while a few slots are free', measured([{ count: 90, ...kinds.works }]), ['undetermined']],
    [
      'a session for every request',
      measured([{ count: 20, ...kinds.works }], { refused: refused(reserved, 5), perSecond: 60 }),
      ['no-pooling'],
    ],
  ])('recognizes %s', ([, seen, expected]) => {
    expect(diagnose(seen, settings).map(({ kind }) => kind)).toEqual(expected);
  });

  it('asks for the sum of current sessions and sessions refused within the last minute', () => {
    const seen = measured([{ count: 97, ...kinds.works }], { refused: refused(reserved, 33) });
    expect(diagnose(seen, settings)).toEqual([{ kind: 'undersized', demand: 130 }]);
  });

  it('finds the root of a chain of waiting sessions', () => {
    const chain = sessions([{ count: 20, ...kinds.waits }]).map((session) => ({
      ...session,
      pid: session.pid + 100,
      blockedBy: [session.pid === 1 ? 50 : session.pid + 99],
    }));
    const sample: Sample = { afterMs: 0, sessions: chain, opened: null };
    const seen = { ...measured([]), samples: [sample] } satisfies Observation;
    expect(diagnose(seen, settings)).toEqual([{ kind: 'lock-pile-up', root: 50, waiters: 20 }]);
  });

  it('ends if sessions wait for each other', () => {
    const ring = sessions([{ count: 12, ...kinds.waits }]).map((session) => ({
      ...session,
      blockedBy: [(session.pid % 12) + 1],
    }));
    const seen = { ...measured([]), samples: [{ afterMs: 0, sessions: ring, opened: null }] } satisfies Observation;
    expect(diagnose(seen, settings).length).toBeLessThanOrEqual(1);
  });
});

const anySession = fc.record({
  state: fc.constantFrom('active', 'idle', 'idle in transaction', 'idle in transaction (aborted)'),
  stateMs: fc.constantFrom(10, 3_000, 20_000, 400_000),
  waitType: fc.constantFrom('', 'IO', 'Client', 'Timeout', 'Lock'),
  blockedBy: fc.constantFrom([], [1], [2], [0], [999]),
  sessionMs: fc.constantFrom(500, 30_000, 900_000),
  role: fc.constantFrom('app', 'other'),
  count: fc.integer({ min: 0, max: 60 }),
});

const anyMeasured = fc
  .record({
    groups: fc.array(anySession, { maxLength: 6 }),
    words: fc.array(
      fc.constantFrom(reserved, 'sorry, too many clients already', 'too many connections for role "app"'),
      { maxLength: 8 },
    ),
    fenced: fc.boolean(),
    cpus: fc.constantFrom(0.5, 2, 16),
    perSecond: fc.integer({ min: 0, max: 100 }),
  })
  .map(({ groups, words, fenced, cpus, perSecond }) =>
    measured(groups, {
      cpus,
      perSecond,
      refused: words.flatMap((text) => refused(text)),
      ownLimits: fenced ? [{ kind: 'role', name: 'app', allowed: 10 }] : [],
    }),
  );

describe('the diagnosis `undersized`', () => {
  it('requires all slots taken or refused, hardly any lock waits, no stuck sessions and no deliberate limit', () => {
    fc.assert(
      fc.property(anyMeasured, (seen) => {
        const found = diagnose(seen, settings);
        if (!found.some(({ kind }) => kind === 'undersized')) return;
        expect(found.map(({ kind }) => kind)).toEqual(['undersized']);
        const [{ sessions: all }] = seen.samples;
        expect(all.length).toBeGreaterThanOrEqual(97 * settings.pressure);
        expect(all.filter(({ waitType }) => waitType === 'Lock').length).toBeLessThanOrEqual(all.length * 0.1);
        expect(all.filter(({ state }) => state.startsWith('idle in')).length).toBeLessThanOrEqual(all.length * 0.1);
      }),
    );
  });

  it('excludes other diagnoses except limits, and is the same each time', () => {
    fc.assert(
      fc.property(anyMeasured, (seen) => {
        const found = diagnose(seen, settings);
        expect(found.filter(({ kind }) => kind !== 'deliberate-limit').length).toBeLessThanOrEqual(1);
        expect(diagnose(structuredClone(seen), settings)).toEqual(found);
      }),
    );
  });
});
