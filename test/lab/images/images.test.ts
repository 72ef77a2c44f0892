import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { beforeAll, describe, expect, it } from 'vitest';

import { soak } from '../../soak.ts';
import { connect, refusalOf } from '../client.ts';
import { createContainer, runContainer, startContainer } from '../container.ts';
import { createEngineClient } from '../engine.ts';
import { execIn, logOf } from '../exec.ts';
import { createInstance, query, startInstance, waitReady } from '../instance.ts';
import type { PostgresMajor } from '../run.ts';
import { createRun, labRuns } from '../support.ts';
import { eventually } from '../waiting.ts';
import { ensureImages, officialImage } from './images.ts';
import { builds } from './recipe.ts';

const lab = await labRuns();
const majors: readonly PostgresMajor[] = [15, 17];

describe.skipIf(!lab)('the images', () => {
  beforeAll(() => ensureImages(createEngineClient(), () => undefined));

  it('all exist, each under 160 MB', async () => {
    const docker = createEngineClient();
    for (const { tag } of builds.flatMap((build) => build.images)) {
      expect((await docker.getImage(tag).inspect()).Size).toBeLessThan(160e6);
    }
  });

  it.for(majors)('of PostgreSQL %i declare the same as the official image', async (major) => {
    const image = createEngineClient().getImage(`problems-lab/postgres:${major}`);
    const { Config } = await image.inspect();
    expect(Config.Volumes).toEqual({ '/var/lib/postgresql/data': {} });
    expect(Config).toMatchObject({ StopSignal: 'SIGINT', ExposedPorts: { '5432/tcp': {} }, Cmd: ['postgres'] });
    expect(Config.Env).toEqual(expect.arrayContaining(['PGDATA=/var/lib/postgresql/data', `PG_MAJOR=${major}`]));
  });
});

// All tests of the lab use the images: what they rely on needs no test of its own in every run.
describe.skipIf(!lab || !soak).each(majors)('the entrypoint of PostgreSQL %i', { concurrent: true }, (postgres) => {
  const image = `problems-lab/postgres:${postgres}`;

  it('creates the user, the database and the password of the environment, for any values', async (test) => {
    const run = await createRun(test, { postgres });
    const env = { POSTGRES_USER: 'an owner', POSTGRES_PASSWORD: `it's $HOME "x"`, POSTGRES_DB: 'a db' };
    const made = await createInstance(run, {
      name: 'named',
      storage: 'anonymous',
      env,
      settings: { max_connections: '33' },
    });
    const instance = { ...made, user: 'an owner', password: env.POSTGRES_PASSWORD, database: 'a db' };
    await instance.container.start();
    await waitReady(instance);
    const client = await connect(instance);
    const [row] = await client.query(
      "select current_setting('max_connections') as slots, current_setting('server_encoding') as encoding, datcollate from pg_database where datname = current_database()",
    );
    await client.end();
    expect(row).toEqual({ slots: '33', encoding: 'UTF8', datcollate: 'en_US.UTF-8' });
    expect(await refusalOf(connect({ ...instance, password: 'wrong' }))).toMatchObject({ code: '28P01' });

    expect((await instance.container.inspect()).Mounts).toEqual([
      expect.objectContaining({ Type: 'volume', Destination: '/var/lib/postgresql/data' }),
    ]);
    const owner = await execIn(instance.container, ['stat', '-c', '%u:%a', '/var/lib/postgresql/data']);
    expect(owner.stdout).toBe('999:700\n');
  });

  it('shuts down fast at its stop signal, with clients connected, and exits with 0', async (test) => {
    const run = await createRun(test, { postgres });
    const instance = await startInstance(run, { name: 'stopped', storage: 'anonymous' });
    const client = await connect(instance);
    await instance.container.stop({ t: 30 });
    const { State } = await instance.container.inspect();
    expect(State).toMatchObject({ Status: 'exited', ExitCode: 0 });
    expect(await logOf(instance.container)).toContain('received fast shutdown request');
    await client.end().catch(() => undefined);

    await instance.container.start();
    await waitReady(instance);
    expect(await logOf(instance.container)).toContain('Skipping initialization');
  });

  it('refuses to create a cluster without a password', async (test) => {
    const run = await createRun(test, { postgres });
    const ended = await runContainer(run, { image });
    expect(ended).toMatchObject({ code: 1 });
    expect(ended.stdout).toContain('superuser password is not specified');
    const both = { POSTGRES_PASSWORD: 'x', POSTGRES_PASSWORD_FILE: '/etc/hostname' };
    expect(await runContainer(run, { image, env: both })).toMatchObject({
      code: 1,
      stdout: 'Error: both POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE are set (but are exclusive)\n',
    });
  });

  it('runs the files in docker-entrypoint-initdb.d in order, and reads the password from a file', async (test) => {
    const run = await createRun(test, { postgres });
    const folder = join(run.folder, 'init');
    await mkdir(folder);
    await writeFile(join(folder, '1.sql'), 'create table steps (name text);');
    await writeFile(join(folder, '2.sql.gz'), gzipSync("insert into steps values ('gz');"));
    await writeFile(join(folder, '3.sh'), `psql -U "$POSTGRES_USER" -c "insert into steps values ('sourced')"`);
    await writeFile(join(folder, '4.txt'), 'not SQL');
    await writeFile(join(folder, 'password'), 'from-a-file\n');
    const made = await createInstance(run, {
      name: 'filled',
      storage: 'anonymous',
      env: {
        POSTGRES_PASSWORD: '',
        POSTGRES_PASSWORD_FILE: '/docker-entrypoint-initdb.d/password',
        POSTGRES_INITDB_ARGS: '--data-checksums',
      },
      host: { Binds: [`${folder}:/docker-entrypoint-initdb.d:ro`] },
    });
    const instance = { ...made, password: 'from-a-file' };
    await instance.container.start();
    await waitReady(instance);
    expect(await query(instance, 'table steps; show data_checksums')).toEqual(['gz', 'sourced', 'on']);
    expect(await logOf(instance.container)).toContain('ignoring /docker-entrypoint-initdb.d/4.txt');
  });

  it('runs as another user, even one without a name, on a folder of that user', async (test) => {
    const run = await createRun(test, { postgres });
    const instance = await startInstance(run, {
      name: 'nameless',
      storage: 'anonymous',
      container: { User: '12345:12345' },
      host: { Tmpfs: { '/var/lib/postgresql/data': 'uid=12345,gid=12345,mode=0700' } },
    });
    expect(await query(instance, 'select 1')).toEqual(['1']);
  });

  it('has the extensions and programs that remediators and tests use', async (test) => {
    const run = await createRun(test, { postgres });
    const instance = await startInstance(run, {
      name: 'equipped',
      storage: 'seeded',
      settings: { shared_preload_libraries: 'pg_stat_statements' },
    });
    await query(instance, 'create extension amcheck; create extension pg_prewarm; create extension pg_stat_statements');
    const programs = [
      'pgbench',
      'pg_dump',
      'pg_restore',
      'pg_basebackup',
      'pg_verifybackup',
      'pg_amcheck',
      'pg_receivewal',
      'pg_controldata',
    ];
    for (const program of programs) {
      expect((await execIn(instance.container, [program, '--version'])).stdout).toContain(`(PostgreSQL) ${postgres}.`);
    }
  });
});

describe.skipIf(!lab || !soak)('the other images', { concurrent: true }, () => {
  it('postgres:15-uid70 owns its data as the Alpine image does', async (test) => {
    const run = await createRun(test, { postgres: 15 });
    const instance = await startInstance(run, {
      name: 'alpine',
      storage: 'volume',
      image: 'problems-lab/postgres:15-uid70',
    });
    expect((await execIn(instance.container, ['stat', '-c', '%u:%g', '/var/lib/postgresql/data/base'])).stdout).toBe(
      '70:70\n',
    );
  });

  it.for(majors)('postgres-seeded:%i is ready at once and uses no volume', async (postgres, test) => {
    const run = await createRun(test, { postgres });
    const instance = await startInstance(run, { name: 'quick', storage: 'seeded' });
    const { Mounts } = await instance.container.inspect();
    expect(Mounts).toEqual([]);
    expect(await query(instance, 'select current_user, current_database()')).toEqual(['vrooli|vrooli']);
    expect(await logOf(instance.container)).not.toContain('init process complete');
  });

  it('pgbouncer:1 connects a client to its server, and reports when no server is left', async (test) => {
    const run = await createRun(test);
    const server = await startInstance(run, { name: 'pooled', storage: 'seeded', port: false });
    const container = await startContainer(run, {
      name: 'pgbouncer',
      image: 'problems-lab/pgbouncer:1',
      env: { DB_HOST: server.containerName, DB_USER: server.user, DB_PASSWORD: server.password, MAX_CLIENT_CONN: '1' },
    });
    await eventually(10_000, async () => (await logOf(container)).includes('process up'));
    const address = (await container.inspect()).NetworkSettings.Networks[run.network]?.IPAddress ?? '';
    const url = `postgres://${server.user}:${server.password}@${address}:6432/${server.database}`;
    const ask = ['psql', '-At', '-d', url];
    expect(await execIn(server.container, [...ask, '-c', 'select 6 * 7'])).toMatchObject({ code: 0, stdout: '42\n' });
    const second = await execIn(server.container, [...ask, '-c', String.raw`\! psql -d "${url}" -c "select 1"`]);
    expect(second.stderr).toContain('no more connections allowed (max_client_conn)');
    await container.stop({ t: 10 });
    expect((await container.inspect()).State.ExitCode).toBe(0);
  });

  it('webgui:1 stops on its stop signal', async (test) => {
    const run = await createRun(test);
    const container = await createContainer(run, {
      image: 'problems-lab/webgui:1',
      env: { DATABASE_URL: 'postgres://nobody@nowhere/nothing' },
    });
    await container.start();
    await eventually(10_000, async () => (await logOf(container)).includes('listening'));
    await container.stop({ t: 10 });
    expect((await container.inspect()).State.ExitCode).toBe(0);
  });

  it(`${officialImage} also serves as an instance, if it could be pulled`, async (test) => {
    const docker = createEngineClient();
    const present = await docker
      .getImage(officialImage)
      .inspect()
      .then(
        () => true,
        () => false,
      );
    if (!present) return test.skip('no registry answered');
    const run = await createRun(test);
    const instance = await startInstance(run, { name: 'official', storage: 'bind', image: officialImage });
    expect(await query(instance, 'select 1')).toEqual(['1']);
  });
});
