import { describe, expect, it } from 'vitest';
import type { Container, ContainerState, Mount } from '../../../src/host/docker/types.ts';
import { sharedData } from '../../../src/remediation/remediators/shared-data/index.ts';
import { createTestHost, type TestHost } from '../../../src/testing/index.ts';

const data = '/var/lib/postgresql/data';

function volume(name: string, destination = data): Mount {
  return { type: 'volume', name, source: `/volumes/${name}`, destination, writable: true, anonymous: false };
}

function folder(source: string, destination = data): Mount {
  return { type: 'bind', name: '', source, destination, writable: true, anonymous: false };
}

const running: ContainerState = {
  status: 'running',
  running: true,
  exitCode: 0,
  error: '',
  oomKilled: false,
  startedAt: '2026-05-01T10:00:00Z',
  finishedAt: '',
  health: '',
};

/** `orders`, which started at ten, and a second container, which started at eleven. */
function hostWith(mount: Mount, second: Partial<Container>, processes: readonly string[] = []): TestHost {
  return createTestHost({
    instances: [{ name: 'orders', container: { mounts: [mount], state: running } }],
    containers: [
      {
        id: 'second-container',
        name: 'second',
        env: { PG_MAJOR: '17' },
        entrypoint: ['docker-entrypoint.sh'],
        command: ['postgres'],
        state: { ...running, startedAt: '2026-05-01T11:00:00Z' },
        ...second,
      },
    ],
    docker: { processes: async (id) => (id === 'second-container' ? processes : []) },
  });
}

describe('two containers with one data directory', () => {
  it.for<readonly [string, Mount, Partial<Container>, boolean]>([
    ['a volume', volume('data'), { mounts: [volume('data')] }, true],
    ['a folder', folder('/srv/pg'), { mounts: [folder('/srv/pg/')] }, true],
    [
      'a folder, mounted one level higher in one of them',
      folder('/srv/pg/data'),
      { mounts: [folder('/srv/pg', '/var/lib/postgresql')] },
      true,
    ],
    ['different volumes', volume('data'), { mounts: [volume('other')] }, false],
    [
      'different folders of a volume',
      volume('data'),
      { mounts: [volume('data', '/v')], env: { PGDATA: '/v/second' } },
      false,
    ],
    [
      'a volume that the second cannot write',
      volume('data'),
      { mounts: [{ ...volume('data'), writable: false }] },
      false,
    ],
    [
      'a volume, but the second is down',
      volume('data'),
      { mounts: [volume('data')], state: { ...running, running: false } },
      false,
    ],
    [
      'a volume, but the second runs a backup tool',
      volume('data'),
      { mounts: [volume('data')], entrypoint: [], command: ['sh', '-c', 'pgbackrest backup'] },
      false,
    ],
    ['a volume, but the second has another image', volume('data'), { mounts: [volume('data')], env: {} }, false],
  ])('are found, or not: %s', async ([, mount, second, shared]) => {
    const host = hostWith(mount, second);
    const { findings } = await sharedData.detect(host.reader);
    expect(findings.map(({ id }) => id)).toEqual(shared ? ['shared-data/orders/two-servers'] : []);
    if (shared) expect(findings).toMatchObject([{ corruption: true, risk: 'data' }]);
  });

  it.for<readonly [title: string, processes: readonly string[], env: Container['env'], shared: boolean]>([
    ['names its data on its command line', ['/opt/bin/postgres -D /srv/data', 'postgres: walwriter'], {}, true],
    ['uses another folder of the mount', ['/opt/bin/postgres -D /srv/other'], {}, false],
    [
      'names its data in variables',
      ['postgres'],
      { POSTGRESQL_DATA_DIR: '/srv/data', BITNAMI_APP_NAME: 'postgresql' },
      true,
    ],
    ['is no server', ['/bin/sh -c backup', 'pg_dump -h db'], {}, false],
  ])('are found by what runs, if an image of another maker %s', async ([, processes, env, shared]) => {
    const second = { mounts: [volume('data', '/srv')], entrypoint: ['/run.sh'], command: [], env };
    const host = hostWith({ ...volume('data', '/var/lib/postgresql') }, second, processes);
    expect((await sharedData.detect(host.reader)).findings).toHaveLength(shared ? 1 : 0);
  });

  it('are separated by stopping the one that started later, whichever is the instance', async () => {
    const later = hostWith(volume('data'), {
      mounts: [volume('data')],
      restartPolicy: { name: 'always', maximumRetryCount: 0 },
    });
    expect(await stepsOf(later)).toEqual([
      ['container.update-restart-policy', 'second-container'],
      ['container.stop-second', 'second-container'],
    ]);
    const before = { ...running, startedAt: '2026-05-01T09:00:00Z' };
    const earlier = hostWith(volume('data'), { mounts: [volume('data')], state: before });
    const own = (await earlier.reader.instance('orders'))?.container.id;
    expect((await stepsOf(earlier)).at(-1)).toEqual(['container.stop-second', own]);
  });

  it('are left alone if the later one would be removed with its data', async () => {
    const host = hostWith(volume('data'), { mounts: [volume('data')], autoRemove: true });
    const [finding] = (await sharedData.detect(host.reader)).findings;
    expect(finding && (await sharedData.plan(finding, host.reader))).toMatchObject({
      type: 'refusal',
      advice: expect.stringContaining('docker kill second'),
    });
  });
});

async function stepsOf(host: TestHost): Promise<readonly unknown[]> {
  const [finding] = (await sharedData.detect(host.reader)).findings;
  const made = finding === undefined ? undefined : await sharedData.plan(finding, host.reader);
  if (made?.type !== 'plan') throw new Error('no plan');
  expect(made.approval).toBeDefined();
  return made.steps.map(({ action, params }) => [action, Reflect.get(Object(params), 'container')]);
}
