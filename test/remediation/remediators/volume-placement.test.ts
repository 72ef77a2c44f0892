import { describe, expect, it } from 'vitest';
import type { Container, Mount, Volume } from '../../../src/host/docker/types.ts';
import type { SurveyEntry } from '../../../src/host/probes/types.ts';
import type { Finding, Plan, Refusal } from '../../../src/remediation/contract.ts';
import { volumePermissions } from '../../../src/remediation/remediators/volume-permissions/index.ts';
import { lostVolumes, placementOf } from '../../../src/remediation/remediators/volume-permissions/placement.ts';
import type { VolumeDetails } from '../../../src/remediation/remediators/volume-permissions/types.ts';
import { createTestHost, type TestHost } from '../../../src/testing/index.ts';
import { containerOf } from '../../../src/testing/test-containers.ts';

const official = '/var/lib/postgresql/data';

const hash = 'c0ffee'.padEnd(64, '0');

const otherHash = 'beef'.padEnd(64, '0');

function volume(name: string, destination: string, anonymous = false): Mount {
  return { type: 'volume', name, source: `/volumes/${name}/_data`, destination, writable: true, anonymous };
}

function folder(source: string, destination: string): Mount {
  return { type: 'bind', name: '', source, destination, writable: true, anonymous: false };
}

function withMounts(mounts: readonly Mount[], more: Partial<Container> = {}): Container {
  return containerOf({ name: 'orders', mounts, ...more });
}

const compose = { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': 'db' };

describe('the place of the data', () => {
  it.for<readonly [string, Container, string, string]>([
    ['a named volume', withMounts([volume('orders-data', official)]), official, 'kept'],
    ['a folder', withMounts([folder('/srv/pg', official)]), official, 'kept'],
    ['a folder above', withMounts([folder('/srv/pg', '/var/lib/postgresql')]), `${official}/pg`, 'kept'],
    ['the volume of the image', withMounts([volume(hash, official, true)]), official, 'anonymous-volume'],
    [
      'the volume of the image within a named one',
      withMounts([volume('orders-data', '/var/lib/postgresql'), volume(hash, official, true)]),
      official,
      'anonymous-volume',
    ],
    [
      'the layout of PostgreSQL 18, with a volume where older images had it',
      withMounts([volume(hash, '/var/lib/postgresql', true), volume('orders-data', official)]),
      '/var/lib/postgresql/18/docker',
      'anonymous-volume',
    ],
    [
      'the layout of PostgreSQL 18, as it should be',
      withMounts([volume('orders-data', '/var/lib/postgresql')]),
      '/var/lib/postgresql/18/docker',
      'kept',
    ],
    [
      'a name that the engine made up, which Compose has bound again',
      withMounts([volume(hash, official)], { labels: compose }),
      official,
      'anonymous-volume',
    ],
    ['such a name that someone has bound', withMounts([volume(hash, official)]), official, 'kept'],
    ['no mount', withMounts([folder('/srv/conf', '/etc/postgresql')]), official, 'in-container'],
    ['a mount of a name that begins alike', withMounts([volume('x', '/var/lib/post')]), official, 'in-container'],
    ['memory', withMounts([{ ...folder('', official), type: 'tmpfs' }]), official, 'memory'],
    [
      'memory over the volume of the image',
      withMounts([volume(hash, official, true)], { inspect: { HostConfig: { Tmpfs: { [official]: 'rw' } } } }),
      official,
      'memory',
    ],
  ])('is told: %s', ([, container, directory, kind]) => {
    expect(placementOf(container, directory).kind).toBe(kind);
  });

  it('tells which volume was meant for the data', () => {
    const mounts = [
      folder('/srv/orders.conf', '/etc/postgresql/postgresql.conf'),
      volume('backups', '/var/lib/postgresql-backups'),
      volume('orders-data', '/var/lib/postgresql'),
      volume(hash, official, true),
    ];
    expect(placementOf(withMounts(mounts), official)).toMatchObject({ misplaced: [{ name: 'orders-data' }] });
  });
});

describe('the volumes that may hold what an empty cluster replaced', () => {
  const all: readonly Volume[] = [
    named('orders-data-old'),
    named('ordersmith-data'),
    named('shop_pgdata', { 'com.docker.compose.project': 'shop', 'com.docker.compose.volume': 'pgdata' }),
    named('store_pgdata', { 'com.docker.compose.project': 'store', 'com.docker.compose.volume': 'pgdata' }),
    named('store_cache', { 'com.docker.compose.project': 'store', 'com.docker.compose.volume': 'cache' }),
    named(otherHash),
  ];

  it.for<readonly [string, Container, Mount, readonly string[]]>([
    ['named after the container', withMounts([]), volume('orders-data', official), ['orders-data-old']],
    [
      'of the same project, or of the same volume in another one',
      withMounts([], { name: 'db-1', labels: compose }),
      volume('shop_pgdata', official),
      ['shop_pgdata', 'store_pgdata'],
    ],
    [
      'without a name, like its own',
      withMounts([], { name: 'db-1', labels: { ...compose, 'com.docker.compose.project': 'other' } }),
      volume(hash, official, true),
      [otherHash],
    ],
    ['none', withMounts([], { name: 'unlike' }), volume('unlike-data', official), []],
  ])('are: %s', ([, container, own, names]) => {
    expect(lostVolumes(container, own, all, []).map(({ name }) => name)).toEqual(names);
  });

  it('never include one that a container has, even a stopped one', () => {
    const user = withMounts([volume('orders-data-old', '/old')], { name: 'reader' });
    expect(lostVolumes(withMounts([]), volume('orders-data', official), all, [user])).toEqual([]);
  });
});

describe('an instance', () => {
  it('whose data are in an anonymous volume is found, with the directory that its server names', async () => {
    const pgdata = '/var/lib/postgresql/18/docker';
    const host = hostOf([volume(hash, '/var/lib/postgresql', true)], { directory: pgdata });
    const { findings } = await volumePermissions.detect(host.reader);
    expect(findings).toMatchObject([
      {
        id: 'volume-permissions/orders/anonymous-volume',
        risk: 'data',
        summary: expect.stringContaining(`${pgdata}, as its server says`),
      },
    ]);
    const planned = await planFor(findings, host);
    expect(planned.type === 'plan' && planned.steps.find(({ action }) => action === 'volume.copy')?.params).toEqual({
      source: hash,
      volume: 'vrooli-postgres-orders-data',
      image: expect.any(String),
      folder: '18/docker',
    });
    expect(planned).toMatchObject({
      risk: 'data',
      expected: { mount: { type: 'volume', source: 'vrooli-postgres-orders-data' } },
      leftovers: [{ object: expect.stringContaining('pgops-old') }, { command: `docker volume rm ${hash}` }],
    });
  });

  it('of Compose is told the exact edit, with the copy before it', async () => {
    const host = hostOf([volume(hash, official, true)], {
      labels: { ...compose, 'com.docker.compose.project.config_files': '/srv/shop/compose.yaml' },
    });
    const refused = await planFor((await volumePermissions.detect(host.reader)).findings, host);
    if (refused.type !== 'refusal') throw new Error('planned');
    const { advice } = refused;
    for (const part of [
      'docker compose stop db',
      `${hash}:/from:ro`,
      `- db-data:${official}`,
      '/srv/shop/compose.yaml',
    ])
      expect(advice).toContain(part);
    expect(advice.indexOf('cp ')).toBeLessThan(advice.indexOf('up -d'));
  });

  it('whose cluster was made in its container is found, and one whose image brings it is not', async () => {
    const inside = { path: `${official}/PG_VERSION`, kind: 'added' } as const;
    const made = hostOf([], { changes: [inside] });
    const { findings } = await volumePermissions.detect(made.reader);
    expect(findings).toMatchObject([{ kind: 'in-container' }]);
    expect(await planFor(findings, made)).toMatchObject({
      type: 'refusal',
      advice: expect.stringContaining('problems backups take orders'),
    });
    const hostile = hostOf([], {
      directory: '/d; touch /x',
      changes: [{ ...inside, path: '/d; touch /x/PG_VERSION' }],
    });
    const refused = await planFor((await volumePermissions.detect(hostile.reader)).findings, hostile);
    expect(refused).toMatchObject({ advice: expect.stringContaining("'vrooli-postgres-orders-data:/d; touch /x'") });
    const brought = hostOf([], { changes: [{ ...inside, kind: 'changed' }] });
    expect((await volumePermissions.detect(brought.reader)).findings).toEqual([]);
  });

  it.for<readonly [string, Partial<Setting>, readonly string[]]>([
    ['an older volume with more files', { volumes: { 'vrooli-postgres-orders-old': 60 } }, ['empty-cluster']],
    ['an older volume with as little', { volumes: { 'vrooli-postgres-orders-old': 10 } }, []],
    ['a volume without a cluster', { volumes: { 'vrooli-postgres-orders-old': 0 } }, []],
    ['tables', { volumes: { 'vrooli-postgres-orders-old': 60 }, empty: 'f' }, []],
  ])('that is empty, and %s', async ([, setting, kinds]) => {
    const host = hostOf([volume('orders-data', official)], { empty: 't', ...setting });
    const { findings } = await volumePermissions.detect(host.reader);
    expect(findings.map(({ kind }) => kind)).toEqual(kinds);
    if (findings.length > 0)
      expect(await planFor(findings, host)).toMatchObject({
        type: 'refusal',
        advice: expect.stringContaining('vrooli-postgres-orders-old'),
      });
  });
});

function named(name: string, labels: Readonly<Record<string, string>> = {}): Volume {
  return { name, driver: 'local', mountpoint: `/volumes/${name}/_data`, labels };
}

interface Setting {
  readonly directory: string;
  readonly empty: 't' | 'f';
  readonly labels: Readonly<Record<string, string>>;
  readonly changes: readonly { readonly path: string; readonly kind: 'added' | 'changed' }[];
  /** Unattached volumes, and how many files of a cluster each has. */
  readonly volumes: Readonly<Record<string, number>>;
}

/** The running instance `orders` with a healthy cluster of a dozen files. */
function hostOf(mounts: readonly Mount[], setting: Partial<Setting>): TestHost {
  const { directory = official, empty = 'f', labels = {}, changes = [], volumes = {} } = setting;
  const [own] = mounts;
  const within = own === undefined ? '' : directory.slice(own.destination.length).replace(/^\//, '');
  return createTestHost({
    instances: [
      {
        name: 'orders',
        container: { mounts, labels, env: { PGDATA: directory, PG_MAJOR: '18' } },
        sql: (statement) =>
          statement.includes('data_directory')
            ? [{ directory, empty }]
            : statement.includes('pg_database_size')
              ? [{ bytes: '8000000' }]
              : [],
      },
    ],
    docker: {
      logs: async () => [],
      changes: async () => changes,
      volumes: async () =>
        [...mounts, ...Object.keys(volumes).map((name) => named(name))].map(({ name }) => named(name)),
      networks: async () => [],
      file: async (_, path) => (path.endsWith('pg_control') ? controlFile() : undefined),
    },
    probes: {
      imageUser: async () => ({ uid: 999, gid: 999 }),
      survey: async ({ name }) => {
        const files = volumes[name];
        return {
          entries: files === undefined ? cluster(within, 12) : files === 0 ? [] : cluster('', files),
          truncated: false,
        };
      },
    },
  });
}

function cluster(within: string, files: number): readonly SurveyEntry[] {
  const at = (path: string): string => (within === '' ? path : `${within}/${path}`);
  const entry = { type: 'f', uid: 999, gid: 999, mode: '600', links: 1, linkTarget: '' };
  const top = { ...entry, type: 'd', mode: '700' };
  return [
    { ...top, path: within === '' ? '.' : within },
    { ...entry, path: at('PG_VERSION') },
    { ...top, path: at('global') },
    { ...entry, path: at('global/pg_control') },
    ...Array.from({ length: files }, (_, index) => ({ ...entry, path: at(`global/${index}`) })),
  ];
}

function controlFile(): Uint8Array {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, 7_000_000_000_000_000_000n, true);
  view.setUint32(8, 1_300, true);
  view.setUint32(16, 1, true);
  return bytes;
}

async function planFor(findings: readonly Finding<VolumeDetails>[], { reader }: TestHost): Promise<Plan | Refusal> {
  const [finding] = findings;
  if (finding === undefined) throw new Error('nothing was found');
  return volumePermissions.plan(finding, reader);
}
