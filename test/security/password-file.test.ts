import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Mount } from '../../src/host/docker/types.ts';
import { readFiles } from '../../src/host/files/files.ts';
import { openCredentials } from '../../src/host/postgres/credentials.ts';
import { createTestHost } from '../../src/testing/index.ts';

/** A project whose `.env` the container must not see, and a folder that is mounted at /run/secrets. */
async function project(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'problems-password-file-'));
  await mkdir(join(folder, 'secrets', 'nested'), { recursive: true });
  await mkdir(join(folder, 'secrets-of-others'));
  await writeFile(join(folder, '.env'), 'of-the-project\n');
  await writeFile(join(folder, 'secrets-of-others', 'password'), 'of-others\n');
  await writeFile(join(folder, 'secrets', 'password'), 'of-orders\n');
  await writeFile(join(folder, 'secrets', 'nested', 'password'), 'nested\n');
  await writeFile(join(folder, 'secrets', 'large'), 'x'.repeat(5_000));
  await symlink('password', join(folder, 'secrets', 'link'));
  await symlink('../.env', join(folder, 'secrets', 'leaves'));
  await symlink('../secrets-of-others', join(folder, 'secrets', 'leaves-by-folder'));
  await symlink('/run/secrets/password', join(folder, 'secrets', 'absolute'));
  execFileSync('mkfifo', [join(folder, 'secrets', 'pipe')]);
  return folder;
}

function bind(source: string, destination: string): Mount {
  return { type: 'bind', name: '', source, destination, writable: true, anonymous: false };
}

async function passwordsOf(
  folder: string,
  path: string,
  more: { readonly mounts?: readonly Mount[]; readonly local?: boolean } = {},
): Promise<readonly (string | undefined)[]> {
  const { mounts = [bind(join(folder, 'secrets'), '/run/secrets')], local = true } = more;
  const { reader } = createTestHost({
    instances: [{ name: 'orders', container: { env: { POSTGRES_PASSWORD_FILE: path }, mounts } }],
  });
  const credentials = openCredentials({
    files: readFiles([folder]),
    engine: { local, hostname: 'localhost' },
    passfile: '/nonexistent',
  });
  const instance = await reader.instance('orders');
  if (instance === undefined) throw new Error('not found');
  return credentials.passwords(instance);
}

describe('POSTGRES_PASSWORD_FILE', () => {
  it.each([
    ['/run/secrets/password', 'of-orders'],
    ['/run//secrets/./password', 'of-orders'],
    ['/run/secrets/link', 'of-orders'],
    ['/run/secrets/nested/password', 'nested'],
  ])('is read in the mount of the container: %s', async (path, password) => {
    expect(await passwordsOf(await project(), path)).toEqual([password, undefined]);
  });

  it('is read if the file itself is mounted, as Compose mounts secrets', async () => {
    const folder = await project();
    const mounts = [bind(join(folder, 'secrets', 'password'), '/run/secrets/db')];
    expect(await passwordsOf(folder, '/run/secrets/db', { mounts })).toEqual(['of-orders', undefined]);
  });

  it.each([
    '/run/secrets/../.env',
    '/run/secrets/nested/../../.env',
    '/run/secrets/nested/../password',
    '/run/secrets/leaves',
    '/run/secrets/leaves-by-folder/password',
    '/run/secrets/absolute',
    '/run/secrets-of-others/password',
    '/run/secrets/pipe',
    '/run/secrets/nested',
    '/run/secrets',
    '/run/secrets/large',
    '/run/secrets/missing',
    'run/secrets/password',
    '',
  ])('leads to nothing else on this machine: %s', async (path) => {
    expect(await passwordsOf(await project(), path)).toEqual([undefined]);
  });

  it('is not read if another mount covers it in the container', async () => {
    const folder = await project();
    const volume: Mount = {
      ...bind('/var/lib/docker/volumes/v/_data', '/run/secrets/nested'),
      type: 'volume',
      name: 'v',
    };
    const mounts = [bind(join(folder, 'secrets'), '/run/secrets'), volume];
    expect(await passwordsOf(folder, '/run/secrets/nested/password', { mounts })).toEqual([undefined]);
  });

  it('is not read from this machine if the engine runs on another', async () => {
    expect(await passwordsOf(await project(), '/run/secrets/password', { local: false })).toEqual([undefined]);
  });
});
