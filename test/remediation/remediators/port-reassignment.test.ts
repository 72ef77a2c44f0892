import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Container, PortBinding } from '../../../src/host/docker/types.ts';
import { asideMarker } from '../../../src/host/instances.ts';
import {
  claimsOf,
  collides,
  hasBetterRight,
  isAside,
  type PortHolder,
  type PortSurvey,
  startFailure,
} from '../../../src/remediation/remediators/port-reassignment/observe.ts';
import { candidates } from '../../../src/remediation/remediators/port-reassignment/plan.ts';
import {
  addressesOverlap,
  isWithin,
  parsePorts,
  portSettings,
  portsOf,
  reservedFor,
} from '../../../src/remediation/remediators/port-reassignment/types.ts';
import { lostOnRecreate } from '../../../src/remediation/shared/recreate.ts';
import { cpuTimeOf } from '../../cpu-time.ts';

const port = fc.integer({ min: 1, max: 65_535 });

describe('a declared port', () => {
  it('is a port or a range, and nothing else', () => {
    expect(parsePorts('5434')).toEqual({ first: 5434, last: 5434 });
    expect(parsePorts('5460-5462')).toEqual({ first: 5460, last: 5462 });
    for (const text of ['', '0', '65536', '5462-5460', '-1', '54 34', '5434/tcp', '0x10', '١٢', '1-2-3']) {
      expect(parsePorts(text), text).toBeUndefined();
    }
  });

  it('is written and read back for every range', () => {
    fc.assert(
      fc.property(port, port, (a, b) => {
        const [first, last] = [Math.min(a, b), Math.min(Math.max(a, b), Math.min(a, b) + 50)];
        const range = parsePorts(`${first}-${last}`);
        expect(range).toEqual({ first, last });
        expect(portsOf({ first, last })).toHaveLength(last - first + 1);
        expect(portsOf({ first, last }).every((one) => isWithin(one, { first, last }))).toBe(true);
      }),
    );
  });

  it('never throws, whatever a container declares', () => {
    fc.assert(fc.property(fc.string(), (text) => void parsePorts(text)));
  });
});

describe('two addresses of the same port', () => {
  const address = fc.oneof(
    fc.constantFrom('', '0.0.0.0', '::', '127.0.0.1', '::1', '192.0.2.7', '[::1]', '0:0:0:0:0:0:0:1'),
    fc.ipV4(),
    fc.ipV6(),
  );

  it.for([
    ['', '::1', true],
    ['', '127.0.0.1', true],
    ['0.0.0.0', '127.0.0.1', true],
    ['::', '::1', true],
    ['0.0.0.0', '::', false],
    ['0.0.0.0', '::1', false],
    ['127.0.0.1', '127.0.0.2', false],
    ['::1', '[0:0:0:0:0:0:0:1]', true],
    ['::ffff:127.0.0.1', '127.0.0.1', true],
    ['::ffff:127.0.0.1', '0.0.0.0', true],
  ] as const)('%j and %j: %j', ([a, b, collide]) => expect(addressesOverlap(a, b)).toBe(collide));

  it('collide in either order, and each collides with itself and with the wildcard', () => {
    fc.assert(
      fc.property(address, address, (a, b) => {
        expect(addressesOverlap(a, b)).toBe(addressesOverlap(b, a));
        expect(addressesOverlap(a, a)).toBe(true);
        expect(addressesOverlap(a, '')).toBe(true);
      }),
    );
  });
});

describe('the ports that a container claims', () => {
  const binding = (hostPort: string, hostIp = ''): PortBinding => ({
    containerPort: 5432,
    protocol: 'tcp',
    hostIp,
    hostPort,
  });

  it('are those it declares while it is stopped, ranges included', () => {
    const [claim] = claimsOf(container({ portBindings: [binding('5460-5462')] }));
    expect(claim).toMatchObject({ ports: { first: 5460, last: 5462 }, bound: false });
    expect(collides(claim!, binding('5461'), 5461)).toBe(true);
    expect(collides(claim!, { ...binding('5461'), protocol: 'udp' }, 5461)).toBe(false);
  });

  it('are only the one it has of a range while it runs', () => {
    const claims = claimsOf(
      container({ portBindings: [binding('5460-5462')], publishedPorts: [binding('5461', '0.0.0.0')] }),
    );
    expect(claims.map(({ ports, bound }) => [ports.first, ports.last, bound])).toEqual([[5461, 5461, true]]);
  });

  it('are none if the engine chooses the port', () => {
    expect(claimsOf(container({ portBindings: [binding('')] }))).toEqual([]);
  });

  it('are none for an old container that is kept after a recreate', () => {
    expect(isAside(container({ name: `vrooli-postgres-orders${asideMarker}0123456789ab` }))).toBe(true);
    expect(isAside(container({ labels: { 'problems.aside': '1' } }))).toBe(true);
    expect(isAside(container({ name: 'vrooli-postgres-orders' }))).toBe(false);
  });
});

describe('the choice of the instance that moves', () => {
  const created = fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
  const some = fc.record({ id: fc.stringMatching(/^[0-9a-f]{64}$/), created }).map(container);

  it('is always exactly one of two stopped instances', () => {
    fc.assert(
      fc.property(some, some, (a, b) => {
        fc.pre(a.id !== b.id);
        expect(hasBetterRight(a, b, false)).toBe(!hasBetterRight(b, a, false));
      }),
    );
  });

  it('is the younger one, unless a lease says otherwise', () => {
    const [older, younger] = [
      container({ created: '2026-01-01T00:00:00Z' }),
      container({ created: '2026-02-01T00:00:00Z' }),
    ];
    expect(hasBetterRight(older, younger, false)).toBe(true);
    expect(hasBetterRight(older, younger, true)).toBe(false);
  });
});

describe('the ports that an instance may be given', () => {
  const holder = fc.record<PortHolder>({
    type: fc.constantFrom('container', 'lease', 'declaration', 'reservation', 'ephemeral'),
    name: fc.string(),
    state: fc.constantFrom('running', 'stopped', 'kept aside'),
    instance: fc.constantFrom('orders', 'billing', null),
  });
  const held = fc.dictionary(
    fc.integer({ min: 5433, max: 5460 }).map(String),
    fc.array(holder, { minLength: 1, maxLength: 3 }),
  );

  it('are in the range and held by no other instance, its own first', () => {
    fc.assert(
      fc.property(held, fc.integer({ min: 5433, max: 5460 }), (holders, without) => {
        const survey = surveyWith(holders);
        const settings = portSettings({ settings: { 'port-reassignment': { range: '5440-5455' } } });
        const ports = candidates(survey, settings, 'orders', without);
        for (const one of ports) {
          expect(isWithin(one, settings.range)).toBe(true);
          expect(one).not.toBe(without);
          expect(survey.holders(one).filter(({ instance }) => instance !== 'orders')).toEqual([]);
        }
        const firstFree = ports.findIndex((one) => survey.holders(one).length === 0);
        const own = firstFree === -1 ? ports : ports.slice(0, firstFree);
        expect(ports.slice(own.length).every((one) => survey.holders(one).length === 0)).toBe(true);
        const left = portsOf(settings.range).filter(
          (one) => one !== without && survey.holders(one).every(({ instance }) => instance === 'orders'),
        );
        expect(new Set(ports)).toEqual(new Set(left));
        expect(ports).toHaveLength(left.length);
      }),
    );
  });

  function surveyWith(holders: Readonly<Record<string, readonly PortHolder[]>>): PortSurvey {
    return {
      engine: 'e',
      instances: [],
      leases: [],
      declared: new Set(),
      holders: (one) => holders[String(one)] ?? [],
    };
  }
});

describe('the settings', () => {
  it('default to the range of the managed instances and no reservation', () => {
    expect(portSettings({ settings: {} })).toEqual({ range: { first: 5433, last: 5499 }, reserved: [], files: [] });
  });

  it('reserve ports and ranges for others', () => {
    const settings = portSettings({
      settings: { 'port-reassignment': { reserved: { '5434': 'postgis', '5450-5452': 'open-data-cube' } } },
    });
    expect([5434, 5449, 5451].map((one) => reservedFor(one, settings))).toEqual([
      'postgis',
      undefined,
      'open-data-cube',
    ]);
  });

  it.for([{ range: '5499-5433' }, { range: 'all' }, { reserved: { x: 'y' } }, { rang: '1-2' }])(
    'refuse %j',
    (settings) =>
      expect(() => portSettings({ settings: { 'port-reassignment': settings } })).toThrow(
        'remediation.settings.port-reassignment',
      ),
  );
});

const prefix = 'driver failed programming external connectivity on endpoint orders (0a1b2c): ';

describe('a start that failed', () => {
  it.for([
    [`${prefix}Bind for 0.0.0.0:5434 failed: port is already allocated`, 'allocated', 5434],
    [`${prefix}Bind for :::5434 failed: port is already allocated`, 'allocated', 5434],
    [`${prefix}Error starting userland proxy: listen tcp4 0.0.0.0:5440: bind: address already in use`, 'in-use', 5440],
    [`${prefix}Error starting userland proxy: listen tcp6 [::]:5440: bind: address already in use`, 'in-use', 5440],
    [
      `failed to set up container networking: ${prefix}failed to bind host port for 0.0.0.0:7148:172.18.0.2:7148/tcp: address already in use`,
      'in-use',
      7148,
    ],
    [
      `failed to set up container networking: ${prefix}failed to bind host port 0.0.0.0:7148/tcp: address already in use`,
      'in-use',
      7148,
    ],
    [
      `${prefix}Error starting userland proxy: listen tcp4 192.0.2.7:5606: bind: cannot assign requested address`,
      'address-missing',
      5606,
    ],
  ] as const)('%s: %s', ([error, reason, stated]) => {
    expect(startFailure(error)).toMatchObject({ reason, port: stated });
  });

  it.for([
    '',
    'Address already in use',
    'OCI runtime create failed: exec: "postgres": executable file not found in $PATH: unknown',
    'Cannot link to a non running container: /old AS /client/database',
    'network vrooli-network not found',
  ])('for another reason is ignored: %j', (error) => expect(startFailure(error)).toBeUndefined());

  it('is parsed quickly, whatever it says', () => {
    fc.assert(fc.property(fc.string(), (text) => void startFailure(text)));
    const text = `bind ${':'.repeat(100_000)} address already in use listen ${'1'.repeat(100_000)}`;
    expect(cpuTimeOf(() => void startFailure(text))).toBeLessThan(500);
  });
});

describe('the changes that a recreate would lose', () => {
  const added = (...paths: readonly string[]) => paths.map((path) => ({ path, kind: 'added' as const }));
  const data = {
    type: 'volume',
    name: 'v',
    source: '',
    destination: '/var/lib/postgresql/data',
    writable: true,
    anonymous: true,
  };

  it('exclude files that the server creates while it runs', () => {
    const traces = ['/var', '/var/run', '/var/run/postgresql', '/var/run/postgresql/.s.PGSQL.5432', '/tmp', '/tmp/x'];
    const history = [
      '/root',
      '/root/.psql_history',
      '/var/lib',
      '/var/lib/postgresql',
      '/var/lib/postgresql/.bash_history',
    ];
    expect(
      lostOnRecreate(
        added('/usr/sbin/docker-init', '/sbin/docker-init', ...traces, ...history, '/var/lib/postgresql/data'),
        [data],
      ),
    ).toEqual([]);
  });

  it('include files that were installed or written outside the volumes', () => {
    const paths = [
      '/usr',
      '/usr/lib',
      '/usr/lib/postgresql',
      '/usr/lib/postgresql/pgvector.so',
      '/etc',
      '/etc/cron.d/backup',
    ];
    expect(lostOnRecreate(added(...paths), [data])).toEqual(['/usr/lib/postgresql/pgvector.so', '/etc/cron.d/backup']);
  });
});

function container(given: Partial<Container>): Container {
  return {
    id: '0'.repeat(64),
    name: 'vrooli-postgres-orders',
    image: '',
    imageName: '',
    created: '',
    labels: {},
    state: {
      status: 'exited',
      running: false,
      exitCode: 0,
      error: '',
      oomKilled: false,
      startedAt: '',
      finishedAt: '',
      health: '',
    },
    restartPolicy: { name: 'no', maximumRetryCount: 0 },
    autoRemove: false,
    env: {},
    user: '',
    entrypoint: [],
    command: [],
    networkMode: 'default',
    portBindings: [],
    publishedPorts: [],
    mounts: [],
    endpoints: [],
    memory: 0,
    shmSize: 0,
    cpus: 0,
    inspect: {},
    ...given,
  };
}
