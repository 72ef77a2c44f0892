import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Container, Endpoint } from '../../../src/host/docker/types.ts';
import type { Instance } from '../../../src/host/instance.ts';
import {
  diagnose,
  type Situation,
  conditions,
} from '../../../src/remediation/remediators/network-reconnect/diagnose.ts';
import { requestOf } from '../../../src/remediation/remediators/network-reconnect/observe.ts';
import {
  clientErrorOf,
  type Client,
  clientsOf,
} from '../../../src/remediation/remediators/network-reconnect/clients.ts';
import { networkPolicy } from '../../../src/remediation/remediators/network-reconnect/plan-recreate.ts';
import { escalation, isCurable } from '../../../src/remediation/remediators/network-reconnect/refusals.ts';
import { networkSettings } from '../../../src/remediation/remediators/network-reconnect/types.ts';
import { runsOf } from '../../soak.ts';

describe('the instance of a client container', () => {
  const orders = instanceOf('orders', { aliases: ['db'] });
  const sales = instanceOf('sales', { network: 'other', aliases: ['db'], ipv4: '172.19.0.2', hostPort: '5440' });

  function whose(client: Partial<Container>, instances: readonly Instance[] = [orders, sales]): readonly string[] {
    const containers = [...instances.map(({ container }) => container), containerOf('client', client)];
    return clientsOf({ instances, containers }).map(
      ({ container, instance }) => `${container.name} → ${instance.name}`,
    );
  }

  it('is found by the container name, an alias on its network, an address or a published port', () => {
    expect(whose({ env: { PGHOST: 'vrooli-postgres-sales' } })).toEqual(['client → sales']);
    expect(whose({ env: { PGHOST: 'db' } })).toEqual(['client → orders']);
    expect(whose({ env: { PGHOST: '172.19.0.2' } })).toEqual(['client → sales']);
    expect(whose({ env: { URL: 'postgres://localhost:5440/x' } })).toEqual(['client → sales']);
  });

  it('is found by the name of a GUI, whatever its address says', () => {
    expect(whose({ name: 'vrooli-pgweb-orders', env: { DATABASE_URL: 'postgres://vrooli-postgres-sales/x' } })).toEqual(
      ['vrooli-pgweb-orders → orders'],
    );
    expect(whose({ name: 'vrooli-pgweb-gone', env: { DATABASE_URL: 'postgres://localhost:5440/x' } })).toEqual([]);
  });

  it('can be two instances with the same name on the network, and none that the client cannot resolve', () => {
    const twin = instanceOf('twin', { aliases: ['db'], ipv4: '172.18.0.3' });
    expect(whose({ env: { PGHOST: 'db' } }, [orders, twin])).toEqual(['client → orders', 'client → twin']);
    expect(whose({ env: { PGHOST: 'db' }, endpoints: [endpointOf('third')] })).toEqual([]);
  });

  it('is the one of its own Compose project, if two have the same name on the network', () => {
    const twin = instanceOf('twin', { aliases: ['db'], ipv4: '172.18.0.3' });
    const labels = { 'com.docker.compose.project': 'shop' };
    const own = { ...twin, container: { ...twin.container, labels } };
    expect(whose({ env: { PGHOST: 'db' }, labels }, [orders, own])).toEqual(['client → twin']);
    const others = { 'com.docker.compose.project': 'blog' };
    expect(whose({ env: { PGHOST: 'db' }, labels: others }, [orders, own])).toEqual([
      'client → orders',
      'client → twin',
    ]);
  });

  it('is undefined for instances, helpers, old containers, stopped containers, and external hosts', () => {
    const env = { PGHOST: 'db' };
    expect(whose({ env, labels: { 'problems.helper': '1' } })).toEqual([]);
    expect(whose({ env, name: 'client.pgops-old-0123456789ab' })).toEqual([]);
    expect(whose({ env, state: stateOf('exited') })).toEqual([]);
    expect(whose({ env: { PGHOST: 'db.example.org' } })).toEqual([]);
    const own = { ...orders, container: { ...orders.container, env } };
    expect(clientsOf({ instances: [own, sales], containers: [own.container] })).toEqual([]);
  });
});

describe('the login of a probe', () => {
  const instance = instanceOf('orders', { aliases: ['db'] });
  const address = {
    source: 'A',
    host: 'db',
    port: 5432,
    user: 'app',
    password: 'theirs',
    database: 'x',
    sslMode: 'require',
  };
  const client: Client = { container: containerOf('client', {}), instance, address, gui: false };
  const world = { instances: [instance], containers: [client.container, instance.container] };
  const twin = containerOf('twin', { endpoints: [endpointOf('n', ['db'])] });

  it("is the client's own, which it already sends to that host", () => {
    const login = { user: 'app', password: 'theirs', database: 'x', sslMode: 'require' };
    expect(requestOf(client, { ...world, containers: [...world.containers, twin] }).login).toEqual(login);
  });

  it("is the instance's only if the client's is unknown and no other server can be meant", () => {
    const silent = { ...client, address: { ...address, password: undefined } };
    expect(requestOf(silent, world).login).toBeUndefined();
    expect(requestOf(silent, { ...world, containers: [...world.containers, twin] }).login).toMatchObject({
      password: '',
    });
    const strange = { ...silent, address: { ...silent.address, host: 'db.example.org' } };
    expect(requestOf(strange, world).login).toMatchObject({ password: '' });
  });
});

describe('the changes for a client', () => {
  it.for([
    [
      'psql: error: could not translate host name "db" to address: Temporary failure in name resolution',
      'no-such-name',
    ],
    ['could not translate host name "db" to address: Name or service not known', 'no-such-name'],
    [
      'connection to server at "db" (172.18.0.2), port 5437 failed: Connection refused\n\tIs the server running',
      'refused',
    ],
    ['connection to server at "172.17.0.1", port 5437 failed: server closed the connection unexpectedly', 'refused'],
    ['connection to server at "172.20.0.2", port 5432 failed: timeout expired', 'no-answer'],
    ['connection to server at "172.18.0.9", port 5432 failed: No route to host', 'no-answer'],
    [
      'failed: FATAL:  no pg_hba.conf entry for host "172.18.0.3", user "u", database "d", no encryption',
      'hba-refused',
    ],
    [
      'failed: FATAL:  pg_hba.conf rejects connection for host "172.18.0.3", user "u", database "d", no encryption',
      'hba-refused',
    ],
    ['failed: FATAL:  password authentication failed for user "u"', 'password-refused'],
    ['failed: fe_sendauth: no password supplied', 'password-refused'],
    ['failed: FATAL:  database "x" does not exist', 'database-missing'],
    ['failed: FATAL:  role "u" does not exist', 'role-missing'],
    ['failed: FATAL:  role "u" is not permitted to log in', 'role-missing'],
    ['failed: server does not support SSL, but SSL was required', 'tls-refused'],
    ['failed: FATAL:  the database system is starting up', 'starting'],
    ['failed: FATAL:  sorry, too many clients already', 'other-refusal'],
    ['connection to server at "db" (172.18.0.2), port 5432 failed: FATALE:  troppi client', 'other-refusal'],
    ['something new', 'unknown'],
    ['', 'unknown'],
  ] as const)('%s: %s', ([text, answer]) => expect(clientErrorOf(text)).toBe(answer));
});

describe('the diagnosis', () => {
  const noName = 'could not translate host name "db" to address: Name or service not known';
  const apart: Partial<Situation> = { common: [], named: [], reach: reachOf(noName, []) };

  it.for<[why: string, seen: Partial<Situation>, found: string | undefined]>([
    ['a working connection', {}, undefined],
    ['a stopped server', { ...apart, server: 'exited' }, 'server-stopped'],
    ['a paused server', { server: 'paused', reach: reachOf('timeout expired') }, 'server-paused'],
    ['a server in a restart loop', { server: 'restarting' }, 'server-restarting'],
    ['no common network', apart, 'no-common-network'],
    ['no common network, for a client that cannot run a probe', { ...apart, reach: undefined }, 'no-common-network'],
    ['nothing wrong with a client that cannot run a probe', { reach: undefined }, undefined],
    ['the default bridge', { ...apart, sharesDefaultBridge: true }, 'default-bridge'],
    ['an unknown name', { ...apart, common: ['n'] }, 'missing-alias'],
    ['a known name that does not resolve', { reach: reachOf(noName, []) }, 'unreachable'],
    ['one of two servers', { others: ['172.18.0.9'], reach: right(['172.18.0.2', '172.18.0.9']) }, 'duplicate-alias'],
    ['another server', { others: ['172.18.0.9'], reach: reachOf('timeout expired', ['172.18.0.9']) }, 'wrong-server'],
    ['other data behind the right address', { systemIdentifier: '8' }, 'wrong-server'],
    [
      'a published port from outside',
      { borrowed: true, host: loopback, named: [], common: [], reach: right(['127.0.0.1']) },
      undefined,
    ],
    ['its own loopback', { host: loopback, reach: reachOf('Connection refused', ['127.0.0.1']) }, 'asks-itself'],
    ['a database of its own', { host: loopback, systemIdentifier: '8', reach: right(['127.0.0.1']) }, undefined],
    ['the host port', { port: 5437, reach: reachOf('Connection refused') }, 'wrong-port'],
    ['listen_addresses = localhost', { listen: 'localhost', reach: reachOf('Connection refused') }, 'listen-address'],
    [
      'listen_addresses with only its own address',
      { listen: '172.18.0.2', reach: reachOf('Connection refused') },
      'unreachable',
    ],
    ['a server that accepts no queries yet', { listen: undefined, reach: reachOf('Connection refused') }, 'starting'],
    [
      'a server that reports that it is starting up',
      { reach: reachOf('FATAL:  the database system is starting up') },
      'starting',
    ],
    ['a wrong password', { reach: reachOf('FATAL:  password authentication failed for user "u"') }, 'password-refused'],
    [
      'a role that does not exist, though the message is that of a wrong password',
      { reach: reachOf('FATAL:  password authentication failed for user "u"'), roleMissing: true },
      'role-missing',
    ],
    ['a full server', { reach: reachOf('FATAL:  sorry, too many clients already') }, undefined],
    [
      'an address that no container has',
      { host: oldAddress, named: [], reach: reachOf('No route to host', ['172.18.0.9']) },
      'stale-address',
    ],
    [
      'an address of another container',
      { host: oldAddress, named: [], others: ['172.18.0.9'], reach: reachOf('Connection refused', ['172.18.0.9']) },
      'stale-address',
    ],
    [
      'an address on another network',
      { host: ownAddress, common: [], named: [], reach: reachOf('timeout expired') },
      'no-common-network',
    ],
  ])('recognizes %s', ([, seen, found]) => expect(diagnose({ ...sound, ...seen })).toBe(found));

  it('covers every observation, and finds nothing only if the server was reached or the network is not the cause', () => {
    const some = fc.constantFrom<readonly string[]>([], ['n']);
    const message = fc.constantFrom(
      noName,
      'Connection refused',
      'timeout expired',
      'FATAL:  database "x" does not exist',
      'odd',
      '',
    );
    const situation = fc.record<Situation>({
      server: fc.constantFrom('running', 'paused', 'exited', 'created', 'restarting', 'dead'),
      host: fc.record({
        kind: fc.constantFrom('loopback', 'address', 'name'),
        ownName: fc.boolean(),
        ownAddress: fc.boolean(),
      }),
      port: fc.constantFrom(5432, 5437),
      serverPort: fc.constant(5432),
      common: some,
      named: some,
      sharesDefaultBridge: fc.boolean(),
      borrowed: fc.boolean(),
      own: fc.constantFrom<readonly string[]>([], ['172.18.0.2']),
      others: fc.constantFrom<readonly string[]>([], ['172.18.0.9']),
      systemIdentifier: fc.constantFrom(undefined, '7', '8'),
      listen: fc.constantFrom(undefined, '*', 'localhost', ''),
      reach: fc.oneof(
        fc.constant(undefined),
        message.map((text) => reachOf(text)),
        fc.constant(right(['172.18.0.2'])),
      ),
    });
    fc.assert(
      fc.property(situation, (seen) => {
        const found = diagnose(seen);
        if (found !== undefined) expect(['starting', ...conditions]).toContain(found);
        else expect(seen.server).toBe('running');
        // No client is connected to a network because a server does not run, or because it answered.
        if (seen.server !== 'running') expect(found).toMatch(/^server-/);
        else if (seen.reach?.sql.ok === true)
          expect(['duplicate-alias', 'wrong-server', 'stale-address', undefined]).toContain(found);
      }),
      { numRuns: runsOf(1_000) },
    );
  });

  it('gives advice if no network change helps, and never suggests open access', () => {
    const client: Client = {
      container: containerOf('client', {}),
      instance: instanceOf('orders', {}),
      address: {
        source: 'URL',
        host: 'db',
        port: 5437,
        user: 'a "b"; \\!',
        password: 'theirs',
        database: 'x y',
        sslMode: undefined,
      },
      gui: false,
    };
    const world = { instances: [client.instance], containers: [client.instance.container, client.container] };
    for (const trouble of conditions) {
      if (isCurable(trouble) || trouble === 'page-silent') continue;
      const { reason, advice } = escalation(trouble, client, world);
      expect(`${reason} ${advice}`, trouble).not.toContain('theirs');
      expect(advice.replace('Never use trust or 0.0.0.0/0.', ''), trouble).not.toMatch(/\btrust\b|0\.0\.0\.0\/0/);
    }
  });
});

describe('a name that two servers share', () => {
  it('is removed from the other server by commands that keep its other names', () => {
    const orders = instanceOf('orders', { aliases: ['db'] });
    const other = containerOf('other', { endpoints: [endpointOf('n', ['db', 'kept'])] });
    const address = {
      source: 'URL',
      host: 'db',
      port: 5432,
      user: 'u',
      password: 'p',
      database: 'd',
      sslMode: undefined,
    };
    const client: Client = { container: containerOf('client', {}), instance: orders, address, gui: false };
    const { advice } = escalation('duplicate-alias', client, {
      instances: [orders],
      containers: [orders.container, other],
    });
    expect(advice).toContain('docker network disconnect n other && docker network connect --alias kept n other.');
  });
});

describe('a network to which a client would be connected', () => {
  const orders = instanceOf('orders', {});
  const client: Client = {
    container: containerOf('gui', { endpoints: [] }),
    instance: orders,
    address: {
      source: 'URL',
      host: 'vrooli-postgres-orders',
      port: 5432,
      user: undefined,
      password: undefined,
      database: undefined,
      sslMode: undefined,
    },
    gui: true,
  };
  const network = { id: '1', name: 'n', driver: 'bridge', internal: false, labels: {} };

  function objection(
    containers: readonly Container[],
    change: Partial<typeof network> = {},
    shared: string[] = [],
    instance = orders,
  ) {
    const world = {
      instances: [instance],
      containers: [instance.container, ...containers],
      networks: [{ ...network, ...change }],
    };
    return networkPolicy('n', { ...client, instance }, world, { sharedNetworks: shared });
  }

  it('may contain the instance, other instances and their GUIs', () => {
    expect(
      objection([containerOf('vrooli-postgres-other', {}), containerOf('vrooli-pgweb-other', {})]),
    ).toBeUndefined();
  });

  it('must contain no other container, unless the instance declares it or the config names it', () => {
    const tenants = [containerOf('n8n', {})];
    expect(objection(tenants)).toContain('n8n');
    expect(objection(tenants, {}, ['n'])).toBeUndefined();
    expect(objection(tenants, {}, [], { ...orders, declared: { networks: 'm, n' } })).toBeUndefined();
  });

  it('must not be internal or an overlay, and no other container may have the name there', () => {
    expect(objection([], { internal: true })).toContain('on purpose');
    expect(objection([], { driver: 'overlay' })).toContain('overlay');
    expect(objection([], { name: 'other' })).toContain('Network n no longer exists');
    expect(objection([containerOf('twin', { endpoints: [endpointOf('n', ['vrooli-postgres-orders'])] })])).toContain(
      'twin also has the name',
    );
  });
});

describe('the settings', () => {
  it('name no network by default, and unknown settings are refused', () => {
    expect(networkSettings({ settings: {} })).toEqual({ sharedNetworks: [], pageSeconds: 45 });
    expect(() => networkSettings({ settings: { 'network-reconnect': { shared: [] } } })).toThrow(
      'remediation.settings.network-reconnect',
    );
  });
});

const loopback: Situation['host'] = { kind: 'loopback', ownName: false, ownAddress: false };

const oldAddress: Situation['host'] = { kind: 'address', ownName: false, ownAddress: false };

const ownAddress: Situation['host'] = { kind: 'address', ownName: false, ownAddress: true };

const sound: Situation = {
  server: 'running',
  host: { kind: 'name', ownName: true, ownAddress: false },
  port: 5432,
  serverPort: 5432,
  common: ['n'],
  named: ['n'],
  sharesDefaultBridge: false,
  borrowed: false,
  own: ['172.18.0.2'],
  others: [],
  systemIdentifier: '7',
  listen: '*',
  reach: right(['172.18.0.2']),
};

function right(addresses: readonly string[]): NonNullable<Situation['reach']> {
  return { addresses, ready: '', sql: { ok: true, systemIdentifier: '7', serverAddress: '172.18.0.2', database: 'x' } };
}

function reachOf(message: string, addresses: readonly string[] = ['172.18.0.2']): NonNullable<Situation['reach']> {
  return { addresses, ready: '', sql: { ok: false, message } };
}

function endpointOf(network: string, aliases: readonly string[] = [], ipv4 = ''): Endpoint {
  return { network, networkId: network, aliases, ipv4, ipv6: '', staticIpv4: '', staticIpv6: '' };
}

function stateOf(status: string): Container['state'] {
  return {
    status,
    running: status === 'running',
    exitCode: 0,
    error: '',
    oomKilled: false,
    startedAt: '',
    finishedAt: '',
    health: '',
  };
}

function containerOf(name: string, change: Partial<Container>): Container {
  return {
    id: `${name}-id`.padEnd(64, '0'),
    name,
    image: '',
    imageName: '',
    created: '',
    labels: {},
    state: stateOf('running'),
    restartPolicy: { name: 'no', maximumRetryCount: 0 },
    autoRemove: false,
    env: {},
    user: '',
    entrypoint: [],
    command: [],
    networkMode: 'n',
    portBindings: [],
    publishedPorts: [],
    mounts: [],
    endpoints: [endpointOf('n')],
    memory: 0,
    shmSize: 0,
    cpus: 0,
    inspect: {},
    ...change,
  };
}

interface InstanceShape {
  readonly network?: string;
  readonly aliases?: readonly string[];
  readonly ipv4?: string;
  readonly hostPort?: string;
}

function instanceOf(
  name: string,
  { network = 'n', aliases = [], ipv4 = '172.18.0.2', hostPort = '5434' }: InstanceShape,
): Instance {
  const portBindings = [{ containerPort: 5432, protocol: 'tcp', hostIp: '', hostPort }];
  return {
    name,
    container: containerOf(`vrooli-postgres-${name}`, {
      endpoints: [endpointOf(network, aliases, ipv4)],
      portBindings,
    }),
    user: 'vrooli',
    database: 'vrooli',
    port: 5432,
    dataDirectory: '/var/lib/postgresql/data',
    dataMount: undefined,
    volumeKey: `volume:e/${name}`,
    folder: undefined,
    declared: {},
  };
}
