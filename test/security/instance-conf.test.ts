import { mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Mount } from '../../src/host/docker/types.ts';
import { readFiles } from '../../src/host/files/files.ts';
import { findInstances } from '../../src/host/instances.ts';
import type { Instance } from '../../src/host/instance.ts';
import { openCredentials } from '../../src/host/postgres/credentials.ts';
import { createTestHost } from '../../src/testing/index.ts';

/** `orders` has an instance.conf and a password in the configuration; the container claims to be `orders`. */
interface Claimant {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly baked?: Readonly<Record<string, string>>;
  /** A bind mount of this path of the project, at PGDATA or elsewhere. */
  readonly bind?: { readonly path: string; readonly destination: string };
  readonly pattern?: RegExp;
}

const pgdata = '/var/lib/postgresql/data';
const ownFolder = 'instances/orders/data';
const label = { 'problems.instance': 'orders' };

async function project(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'problems-conf-'));
  await mkdir(join(folder, 'instances', 'orders', 'config'), { recursive: true });
  await mkdir(join(folder, ownFolder));
  await mkdir(join(folder, 'instances', 'orders-2'));
  await writeFile(join(folder, 'instances/orders/config/instance.conf'), 'user="app"\npassword="of-the-conf"\n');
  return folder;
}

async function passwordsFor(claimant: Claimant): Promise<{
  readonly instance: Instance | undefined;
  readonly passwords: readonly (string | undefined)[];
  readonly withheld: string | undefined;
}> {
  const folder = await project();
  const files = readFiles([folder]);
  const { name, labels = {}, baked = {}, bind, pattern } = claimant;
  const mounts: Mount[] =
    bind === undefined
      ? []
      : [
          {
            type: 'bind',
            name: '',
            source: join(folder, bind.path),
            destination: bind.destination,
            writable: true,
            anonymous: false,
          },
        ];
  const { reader } = createTestHost({
    containers: [{ name, labels: { ...baked, ...labels }, mounts }],
    docker: {
      image: async (id) => ({ id, tags: [], labels: baked, env: {}, user: '', volumes: [], inspect: {} }),
    },
  });
  const [instance] = await findInstances({
    docker: reader.docker,
    files,
    folders: [join(folder, 'instances')],
    ...(pattern === undefined ? {} : { pattern }),
  });
  const credentials = openCredentials({
    files,
    engine: { local: true, hostname: 'localhost' },
    passfile: join(folder, 'none'),
    configured: { orders: 'of-the-config' },
  });
  if (instance === undefined) return { instance, passwords: [], withheld: undefined };
  expect(instance.name).toBe('orders');
  return {
    instance,
    passwords: await credentials.passwords(instance),
    withheld: await credentials.withheld(instance),
  };
}

describe('the passwords of an instance', () => {
  it.each<readonly [string, Claimant]>([
    ['only its label says so', { name: 'db', labels: label }],
    [
      'its label says so, and it mounts a folder of the instance that is not its data',
      { name: 'db', labels: label, bind: { path: ownFolder, destination: '/mnt' } },
    ],
    [
      'its data is in the folder of another instance whose name begins the same',
      { name: 'db', labels: label, bind: { path: 'instances/orders-2', destination: pgdata } },
    ],
    [
      'its data is in the folder that holds all instances',
      { name: 'db', labels: label, bind: { path: 'instances', destination: pgdata } },
    ],
    ['its label says so, and its name is that of another', { name: 'vrooli-postgres-billing', labels: label }],
    [
      'its label says so, and the pattern of the config gives another name',
      { name: 'acme-billing', labels: label, pattern: /^acme-(.+)$/ },
    ],
  ])('are not sent to a container if %s', async (_, claimant) => {
    const { instance, passwords, withheld } = await passwordsFor(claimant);
    expect(passwords).toEqual([undefined]);
    expect(instance).toMatchObject({ folder: undefined, declared: {} });
    expect(withheld).toMatch(/^No password of orders was used, since only a label says that /);
  });

  it('of its instance.conf are not sent to a container that only has its name', async () => {
    for (const claimant of [
      { name: 'vrooli-postgres-orders' },
      { name: 'vrooli-postgres-orders', baked: label },
      { name: 'acme-orders', pattern: /^acme-(.+)$/ },
      { name: 'vrooli-postgres-orders', bind: { path: 'instances/orders-2', destination: pgdata } },
    ]) {
      const { instance, passwords, withheld } = await passwordsFor(claimant);
      expect(passwords).toEqual(['of-the-config', undefined]);
      expect(instance?.declared).toEqual({ user: 'app' });
      expect(withheld).toContain('Give the container the label `problems.instance=orders`');
    }
  });

  it.each<readonly [string, Claimant]>([
    ['has its name and its label', { name: 'vrooli-postgres-orders', labels: label }],
    [
      'has its name by the pattern of the config, and its label',
      { name: 'acme-orders', labels: label, pattern: /^acme-(.+)$/ },
    ],
    [
      'has its name, and mounts a folder of it',
      { name: 'vrooli-postgres-orders', bind: { path: 'instances/orders/config', destination: '/etc/postgresql' } },
    ],
    [
      'has its label, and keeps its data in its folder',
      { name: 'shop-db-1', labels: label, bind: { path: ownFolder, destination: pgdata } },
    ],
  ])('are sent to a container that %s', async (_, claimant) => {
    const { instance, passwords, withheld } = await passwordsFor(claimant);
    expect(passwords).toEqual(['of-the-config', 'of-the-conf', undefined]);
    expect(instance).toMatchObject({ identity: 'confirmed', declared: { user: 'app' } });
    expect(withheld).toBeUndefined();
  });

  it('are found when the project is reached through a link', async () => {
    const folder = await project();
    const link = `${folder}-link`;
    await symlink(folder, link);
    const { reader } = createTestHost({
      containers: [
        {
          name: 'shop-db-1',
          labels: label,
          mounts: [
            {
              type: 'bind',
              name: '',
              source: join(folder, ownFolder),
              destination: pgdata,
              writable: true,
              anonymous: false,
            },
          ],
        },
      ],
      docker: {
        image: async (id) => ({ id, tags: [], labels: {}, env: {}, user: '', volumes: [], inspect: {} }),
      },
    });
    const sources = { docker: reader.docker, files: readFiles([link]), folders: [join(link, 'instances')] };
    expect(await findInstances(sources)).toMatchObject([{ name: 'orders', identity: 'confirmed' }]);
  });

  it('are none for a name that every object has', async () => {
    const credentials = openCredentials({
      files: readFiles([]),
      engine: { local: true, hostname: 'localhost' },
      passfile: '/nonexistent',
      configured: {},
    });
    const { reader } = createTestHost({ instances: [{ name: 'constructor' }] });
    const [instance] = await reader.instances();
    if (instance === undefined) throw new Error('not found');
    expect(await credentials.passwords(instance)).toEqual([undefined]);
  });
});
