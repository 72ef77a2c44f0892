import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCompose } from '../../src/host/compose/client.ts';
import type { ProjectFiles } from '../../src/host/compose/types.ts';
import { engineAddress } from '../../src/host/docker/address.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'problems-compose-test-'));
  await mkdir(join(folder, 'bin'));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

/** A client that writes down how it was called, and then does what the script says. */
async function program(name: string, script: string): Promise<void> {
  const path = join(folder, 'bin', name);
  await writeFile(
    path,
    `#!/bin/sh\nprintf '%s\\n' "$0" "$PWD" "$@" >>'${folder}/calls'\nenv >'${folder}/environment'\n${script}\n`,
  );
  await chmod(path, 0o755);
}

const answering = `case "$*" in
*version*) echo 1.29.2 ;;
*--hash*) echo "db ${'a'.repeat(64)}" ;;
*config*) while [ "$1" != -f ]; do shift; done; cat "$2" ;;
esac`;

function project(): ProjectFiles {
  return { name: 'shop', folder, files: [join(folder, 'c.yml')], environmentFile: null, profiles: ['data'] };
}

function open(
  environment: Readonly<Record<string, string>> = {},
  roots: readonly string[] = ['/elsewhere'],
): ReturnType<typeof openCompose> {
  return openCompose(engineAddress({ DOCKER_HOST: 'unix:///run/other.sock' }), {
    mode: 'edit',
    roots,
    environment: { PATH: `${join(folder, 'bin')}${delimiter}/usr/bin${delimiter}/bin`, HOME: folder, ...environment },
  });
}

describe('the Compose client of the machine', () => {
  it('is the one on PATH that answers; a Docker client without the plugin is none', async () => {
    await program('docker-compose', answering);
    await program('docker', 'echo "docker: unknown command: docker compose" >&2; exit 1');
    expect(await open().reader.clients()).toEqual(['docker-compose']);
    await program('docker', answering);
    expect(await open().reader.clients()).toEqual(['docker compose', 'docker-compose']);
  });

  it('is never a program of a relative folder of PATH', async () => {
    await program('docker-compose', answering);
    expect(await open({ PATH: `bin${delimiter}.${delimiter}` }).reader.clients()).toEqual([]);
  });

  it('is never a program of the project itself', async () => {
    await program('docker-compose', answering);
    const PATH = join(folder, 'bin');
    expect(await open({ PATH }).reader.clients()).toEqual(['docker-compose']);
    expect(await open({ PATH }, [folder]).reader.clients()).toEqual([]);
  });

  it('is told the project, its folder and its files, and gets no variable of the shell', async () => {
    await program('docker-compose', answering);
    await writeFile(join(folder, 'c.yml'), 'services: {db: {ports: [1]}}\n');
    const { reader } = open({ PGPASSWORD: 'geheim', COMPOSE_FILE: '/evil.yml', DOCKER_CERT_PATH: '/certs' });
    expect(await reader.config('docker-compose', project(), 'db')).toEqual({
      ok: true,
      config: { services: { db: { ports: [1] } } },
      hash: 'a'.repeat(64),
    });
    const calls = await readFile(join(folder, 'calls'), 'utf8');
    expect(calls).toContain(
      ['', folder, '--project-name', 'shop', '--project-directory', folder, '-f', join(folder, 'c.yml')].join('\n'),
    );
    expect(calls).toContain(['--profile', 'data', 'config', '--hash', 'db'].join('\n'));
    const environment = await readFile(join(folder, 'environment'), 'utf8');
    expect(environment).toMatch(/^DOCKER_HOST=unix:\/\/\/run\/other\.sock$/m);
    expect(environment).toMatch(/^DOCKER_CERT_PATH=\/certs$/m);
    expect(environment).toMatch(/^COMPOSE_REMOVE_ORPHANS=false$/m);
    expect(environment).not.toMatch(/PGPASSWORD|COMPOSE_FILE/);
  });

  it('reads an edited text from a private file that is gone afterwards', async () => {
    await program('docker-compose', answering);
    await writeFile(join(folder, 'c.yml'), 'a: 1\n');
    const { reader } = open();
    const edited = { path: join(folder, 'c.yml'), text: 'a: 2\n' };
    expect(await reader.config('docker-compose', project(), 'db', edited)).toMatchObject({ config: { a: 2 } });
    expect(await readFile(join(folder, 'c.yml'), 'utf8')).toBe('a: 1\n');
    const path = /^(\/.*problems-compose-[^/]*)\/c\.yml$/m.exec(await readFile(join(folder, 'calls'), 'utf8'))?.[1];
    expect(path).toBeDefined();
    await expect(readdir(path ?? '')).rejects.toThrow('ENOENT');
  });

  it('reads an edited .env in the place of the one in the folder', async () => {
    await program('docker-compose', answering);
    await writeFile(join(folder, 'c.yml'), 'a: 1\n');
    const edited = { path: join(folder, '.env'), text: 'PORT=5437\n' };
    expect(await open().reader.config('docker-compose', project(), 'db', edited)).toMatchObject({ ok: true });
    expect(await readFile(join(folder, 'calls'), 'utf8')).toMatch(/^--env-file\n\/.*problems-compose-.*\/\.env$/m);
  });

  it('says in its own words why it cannot read a project', async () => {
    await program(
      'docker-compose',
      `case "$*" in *version*) echo 1.29.2 ;; *) echo 'services.db: bad' >&2; exit 15 ;; esac`,
    );
    const { reader, changer } = open();
    expect(await reader.config('docker-compose', project(), 'db')).toEqual({ ok: false, message: 'services.db: bad' });
    await expect(changer.up('docker-compose', project(), 'db', { start: true })).rejects.toThrow('services.db: bad');
  });

  it('starts one service without its neighbours, builds and haste', async () => {
    await program('docker-compose', answering);
    const { changer } = open();
    await changer.up('docker-compose', project(), 'db', { start: true });
    await changer.up('docker-compose', project(), 'db', { start: false });
    const calls = await readFile(join(folder, 'calls'), 'utf8');
    expect(calls).toContain(['up', '-d', '--no-deps', '--no-build', '--timeout', '120', 'db'].join('\n'));
    expect(calls).toContain(['up', '--no-start', '--no-deps', '--no-build', '--timeout', '120', 'db'].join('\n'));
  });

  it('is ended if it floods', async () => {
    await program('docker-compose', 'case "$*" in *version*) echo 1.29.2 ;; *) yes ;; esac');
    expect(await open().reader.config('docker-compose', project(), 'db')).toMatchObject({ ok: false });
  });
});
