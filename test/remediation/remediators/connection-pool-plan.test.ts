import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scramVerifier } from '../../../src/remediation/actions/pooler-create.ts';
import { poolerConfig, poolerEntry } from '../../../src/remediation/actions/pooler.ts';
import {
  wantedConnections,
  withMaxConnections,
} from '../../../src/remediation/remediators/connection-pool/plan-max-connections.ts';
import { poolSizes } from '../../../src/remediation/remediators/connection-pool/plan-pooler.ts';
import { mayBeEnded, secondsOf } from '../../../src/remediation/remediators/connection-pool/plan-leak.ts';
import { poolSettings, type Session } from '../../../src/remediation/remediators/connection-pool/types.ts';
import { session } from './pool-session.ts';

const base: Session = { ...session, state: 'idle in transaction', stateMs: 1, transactionMs: 1, sessionMs: 1 };

describe('max_connections on a command line', () => {
  it.for([
    [
      ['postgres', '-c', 'max_connections=20'],
      ['postgres', '-c', 'max_connections=50'],
    ],
    [
      ['postgres', '-cmax_connections=20'],
      ['postgres', '-cmax_connections=50'],
    ],
    [
      ['postgres', '--max-connections=20'],
      ['postgres', '--max-connections=50'],
    ],
    [
      ['postgres', '-N', '20', '-B', '20'],
      ['postgres', '-N', '50', '-B', '20'],
    ],
    [
      ['postgres', '-N20'],
      ['postgres', '-N50'],
    ],
    [
      ['postgres', '-c', 'max_connections=20', '-c', 'work_mem=20MB'],
      ['postgres', '-c', 'max_connections=50', '-c', 'work_mem=20MB'],
    ],
    [['postgres', '-c', 'work_mem=20MB'], undefined],
    [['sh', '-c', 'exec postgres -c max_connections=20'], undefined],
    [['postgres', '-c', 'superuser_reserved_connections=20'], undefined],
  ] as const)('%j', ([command, expected]) => {
    expect(withMaxConnections(command, 50)).toEqual(expected);
  });
});

describe('a plan to raise max_connections', () => {
  it('allows a quarter more than the demand, rounded to tens', () => {
    expect(wantedConnections(97, 3, 500)).toBe(130);
  });

  it('uses what memory allows if that is less, and is empty if even the demand does not fit', () => {
    expect(wantedConnections(97, 3, 110)).toBe(110);
    expect(wantedConnections(97, 3, 104)).toBeUndefined();
    expect(wantedConnections(17, 3, 0)).toBeUndefined();
  });

  it('never exceeds the ceiling, and always covers the demand plus five', () => {
    const whole = fc.integer({ min: 0, max: 6_000 });
    fc.assert(
      fc.property(whole, fc.integer({ min: 0, max: 20 }), whole, (demand, reserved, ceiling) => {
        const wanted = wantedConnections(demand, reserved, ceiling);
        if (wanted === undefined) return;
        expect(wanted).toBeLessThanOrEqual(Math.min(ceiling, 5_000));
        expect(wanted - reserved).toBeGreaterThanOrEqual(demand + 5);
      }),
    );
  });
});

describe('the sizes of a pool', () => {
  const limits = {
    maxConnections: 100,
    reserved: 3,
    standby: false,
    prepared: 0,
    replicas: 0,
    abandoned: 0,
    major: 17,
  };

  it('is twice the number of CPUs plus one for each role and database, between five and twenty-five', () => {
    const wanted = { pairs: 2, databases: 1, demand: 150, mode: 'transaction' } as const;
    expect(poolSizes(limits, 4, wanted)).toEqual({ poolSize: 9, perDatabase: 92, maxClients: 1_000 });
    expect(poolSizes(limits, 0.5, wanted)?.poolSize).toBe(5);
    expect(poolSizes(limits, 64, wanted)?.poolSize).toBe(25);
  });

  it('uses all slots in session mode, and is undefined if there is less than one slot for each', () => {
    expect(poolSizes(limits, 4, { pairs: 2, databases: 1, demand: 150, mode: 'session' })?.poolSize).toBe(46);
    const few = { ...limits, maxConnections: 12 };
    expect(poolSizes(few, 4, { pairs: 5, databases: 1, demand: 5, mode: 'session' })).toBeUndefined();
  });

  it('never exceeds the ordinary slots minus five', () => {
    const some = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 900 }),
        some,
        some,
        fc.boolean(),
        (maxConnections, pairs, databases, is) => {
          const sizes = poolSizes({ ...limits, maxConnections }, 8, {
            pairs,
            databases,
            demand: 100,
            mode: is ? 'session' : 'transaction',
          });
          if (sizes === undefined) return;
          expect(sizes.poolSize * pairs).toBeLessThanOrEqual(maxConnections - 3 - 5);
          expect(sizes.perDatabase * databases).toBeLessThanOrEqual(maxConnections - 3 - 5);
        },
      ),
    );
  });
});

describe("a pooler's configuration", () => {
  const text = poolerConfig({
    server: { host: 'vrooli-postgres-shop', port: 5432 },
    databases: ['shop', 'audit'],
    mode: 'transaction',
    poolSize: 9,
    perDatabase: 46,
    maxClients: 1_000,
    ownConnections: 2,
  });

  it('names no user in a database, so that SCRAM is passed through, and contains no secret', () => {
    expect(text).toContain('\nshop = host=vrooli-postgres-shop port=5432 dbname=shop\n');
    expect(text).not.toMatch(/(?:^| )(?:user|password)=/m);
    expect(text).toContain('auth_query = SELECT usename, passwd FROM problems_pooler.lookup($1)');
  });

  it('is written by a script that reads the secret from standard input', () => {
    expect(poolerEntry).toContain('IFS= read -r secret');
    expect(poolerEntry).toContain('umask 077');
  });
});

describe('helpers of the plan', () => {
  it("make a verifier in PostgreSQL's format, with a new salt each time", () => {
    const salt = Buffer.from('AAECAwQFBgcICQoLDA0ODw==', 'base64');
    expect(scramVerifier('secret', salt)).toMatch(
      /^SCRAM-SHA-256\$4096:AAECAwQFBgcICQoLDA0ODw==\$[\w+/]{43}=:[\w+/]{43}=$/,
    );
    expect(scramVerifier('secret', salt)).toBe(scramVerifier('secret', salt));
    expect(scramVerifier('secret')).not.toBe(scramVerifier('secret'));
  });

  it.for([
    ['300s', 300],
    ['5min', 300],
    ['300000', 300],
    ['0', 0],
    ['1d', 86_400],
    ['never', 0],
  ] as const)('a timeout of %s is %d seconds', ([written, seconds]) => {
    expect(secondsOf(written)).toBe(seconds);
  });

  it.for([
    ['another superuser', { privileged: true, client: '172.18.0.3' }],
    ['the superuser of the image over the socket', { privileged: true, role: 'owner' }],
    [
      'the superuser of the image that has written',
      { privileged: true, role: 'owner', client: '172.18.0.3', wrote: true },
    ],
    ['an advisory lock', { advisory: true }],
    ['pg_dump', { application: 'pg_dump' }],
    ['a migration', { application: 'Flyway 10' }],
  ] as const)('a session with %s is never ended', ([, more]) => {
    const session = base;
    expect(mayBeEnded(session, { user: 'owner' })).toBe(true);
    expect(mayBeEnded({ ...session, ...more }, { user: 'owner' })).toBe(false);
  });

  it('a session of the superuser of the image may be ended if it came over the network and has written nothing', () => {
    const own = { privileged: true, advisory: false, application: 'orders', role: 'owner', client: '172.18.0.3' };
    expect(mayBeEnded({ ...base, ...own, wrote: false }, { user: 'owner' })).toBe(true);
  });

  it('name the settings that do not fit', () => {
    expect(() => poolSettings({ settings: { 'connection-pool': { samples: 0 } } })).toThrow(
      /remediation\.settings\.connection-pool/,
    );
  });
});
