import { describe, expect, it } from 'vitest';
import {
  dataDirectoryOf,
  isPostgresImage,
  loginOf,
  needsProcesses,
  portVariable,
} from '../../src/host/image-contract.ts';
import type { Container } from '../../src/host/docker/types.ts';
import { containerOf } from '../../src/testing/test-containers.ts';

type Env = Container['env'];

const bitnami: Env = { BITNAMI_APP_NAME: 'postgresql' };

const sclorg: Env = { POSTGRESQL_VERSION: '16', HOME: '/var/lib/pgsql', PGUSER: 'postgres' };

function withEnv(env: Env, command: readonly string[] = ['postgres']): Container {
  return containerOf({ name: 'orders', env, command });
}

describe('the data directory of a container', () => {
  it.for<readonly [string, Env, readonly string[], readonly string[], string]>([
    ['of the official image', { PGDATA: '/var/lib/postgresql/data' }, [], [], '/var/lib/postgresql/data'],
    ['of PostgreSQL 18', { PGDATA: '/var/lib/postgresql/18/docker' }, [], [], '/var/lib/postgresql/18/docker'],
    ['of SUSE', { PGDATA: '/var/lib/pgsql/data/' }, [], [], '/var/lib/pgsql/data'],
    ['of nothing known', {}, [], [], '/var/lib/postgresql/data'],
    ['of Bitnami, stopped', bitnami, [], [], '/bitnami/postgresql/data'],
    ['of Bitnami with a folder', { ...bitnami, POSTGRESQL_DATA_DIR: '/data/pg' }, [], [], '/data/pg'],
    ['of Bitnami with a volume', { ...bitnami, POSTGRESQL_VOLUME_DIR: '/data' }, [], [], '/data/data'],
    ['of Red Hat, stopped', sclorg, [], [], '/var/lib/pgsql/data/userdata'],
    [
      'as its server runs',
      {},
      [],
      ['/bin/bash /run.sh', '/usr/bin/postgres -D /srv/data --config-file=/conf', 'postgres: walwriter'],
      '/srv/data',
    ],
    [
      'while initdb runs',
      bitnami,
      [],
      ['initdb -D /elsewhere', '/usr/bin/postgres --single -F'],
      '/bitnami/postgresql/data',
    ],
    ['as its command says', { PGDATA: '/a' }, ['postgres', '-D', '/b'], ['postgres -D /c'], '/b'],
    ['as its command sets it', { PGDATA: '/a' }, ['postgres', '-c', 'data_directory=/b'], [], '/b'],
    ['as its command sets it in one word', { PGDATA: '/a' }, ['postgres', '--data-directory=/b'], [], '/b'],
    ['with an empty variable', { ...bitnami, PGDATA: '' }, [], [], '/bitnami/postgresql/data'],
    ['with dots in it', { PGDATA: '/a/../b//c' }, [], [], '/b/c'],
    ['that is not absolute in its command', { PGDATA: '/a' }, ['postgres', '-D', 'b'], [], '/a'],
  ])('%s', ([, env, command, processes, expected]) => {
    expect(dataDirectoryOf(withEnv(env, command), processes)).toBe(expected);
  });

  it('is asked of the processes only if nothing else says it', () => {
    expect(needsProcesses(withEnv({}))).toBe(true);
    expect(needsProcesses(withEnv({ PGDATA: '/a' }))).toBe(false);
    expect(needsProcesses(withEnv({}, ['postgres', '-D', '/a']))).toBe(false);
    const { state } = withEnv({});
    expect(needsProcesses(containerOf({ name: 'down', env: {}, state: { ...state, running: false } }))).toBe(false);
  });
});

describe('the login of a container', () => {
  it.for<readonly [string, Env, string | undefined, string | undefined, string]>([
    ['official', { POSTGRES_USER: 'shop', POSTGRES_DB: 'orders' }, 'shop', 'orders', 'POSTGRES_PASSWORD'],
    ['official, nothing said', { PGDATA: '/a' }, undefined, undefined, 'POSTGRES_PASSWORD'],
    ['Bitnami', { ...bitnami, POSTGRESQL_PASSWORD: 'x' }, 'postgres', 'postgres', 'POSTGRESQL_PASSWORD'],
    [
      'Bitnami with a role',
      { ...bitnami, POSTGRESQL_USERNAME: 'shop', POSTGRESQL_PASSWORD_FILE: '/run/p', POSTGRESQL_DATABASE: 'orders' },
      'shop',
      'orders',
      'POSTGRESQL_PASSWORD',
    ],
    [
      'Bitnami with a role and a superuser',
      { ...bitnami, POSTGRESQL_USERNAME: 'shop', POSTGRESQL_PASSWORD: 'x', POSTGRESQL_POSTGRES_PASSWORD_FILE: '/p' },
      'postgres',
      'postgres',
      'POSTGRESQL_POSTGRES_PASSWORD',
    ],
    [
      'Bitnami with the variables of the official image',
      { ...bitnami, POSTGRES_USER: 'shop', POSTGRES_PASSWORD: 'x' },
      'shop',
      undefined,
      'POSTGRES_PASSWORD',
    ],
    [
      'Red Hat',
      { ...sclorg, POSTGRESQL_USER: 'shop', POSTGRESQL_PASSWORD: 'x', POSTGRESQL_DATABASE: 'orders' },
      'shop',
      'orders',
      'POSTGRESQL_PASSWORD',
    ],
    [
      'Red Hat with a superuser',
      { ...sclorg, POSTGRESQL_USER: 'shop', POSTGRESQL_PASSWORD: 'x', POSTGRESQL_ADMIN_PASSWORD: 'y' },
      'postgres',
      'postgres',
      'POSTGRESQL_ADMIN_PASSWORD',
    ],
  ])('%s', ([, env, user, database, passwordVariable]) => {
    expect(loginOf(env)).toEqual({ user, database, passwordVariable });
  });

  it('has the port that variables name', () => {
    expect(portVariable({ ...bitnami, POSTGRESQL_PORT_NUMBER: '5433' })).toBe('5433');
    expect(portVariable({ PGPORT: '5434' })).toBe('5434');
    expect(portVariable({})).toBeUndefined();
  });
});

it.for<readonly [string, Env, boolean]>([
  ['the official image', { PG_MAJOR: '17' }, true],
  ['Bitnami', bitnami, true],
  ['Red Hat', sclorg, true],
  ['a pooler of Bitnami', { BITNAMI_APP_NAME: 'pgbouncer', POSTGRESQL_HOST: 'db' }, false],
  ['an application', { DATABASE_URL: 'postgres://db' }, false],
])('knows whether an image is one of PostgreSQL: %s', ([, env, expected]) => {
  expect(isPostgresImage(withEnv(env))).toBe(expected);
});
