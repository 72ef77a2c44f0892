import { createHash } from 'node:crypto';
import type { Container } from '../host/docker/types.ts';
import { namePrefix } from '../host/instances.ts';
import type { SqlOptions, SqlResult, SqlRow } from '../host/postgres/types.ts';

/** Containers of a test host, and what their servers answer. */

/** A container. What is left out is that of a running `postgres:17` without networks, ports and limits. */
export type TestContainer = Partial<Container> & Pick<Container, 'name'>;

/** Rows, or an error of the server. */
export type TestSqlAnswer = readonly SqlRow[] | { readonly message: string; readonly sqlstate?: string };

/** Answers by statement, whose white space does not matter; or a function. `undefined`: not declared. */
export type TestSql =
  Readonly<Record<string, TestSqlAnswer>> | ((statement: string, options: SqlOptions) => TestSqlAnswer | undefined);

/** An instance: its container, and what its server answers. */
export interface TestInstance {
  /** Without prefix: `orders` is the container `vrooli-postgres-orders` on the volume `orders-data`. */
  readonly name: string;
  readonly container?: Partial<Container>;
  readonly sql?: TestSql;
}

export function instanceContainer({ name, container }: TestInstance): Container {
  return containerOf({
    name: `${namePrefix}${name}`,
    mounts: [
      {
        type: 'volume',
        name: `${name}-data`,
        source: `/var/lib/docker/volumes/${name}-data/_data`,
        destination: '/var/lib/postgresql/data',
        writable: true,
        anonymous: false,
      },
    ],
    ...container,
  });
}

export function containerOf(declared: TestContainer): Container {
  const { name } = declared;
  return {
    id: createHash('sha256').update(name).digest('hex'),
    image: `sha256:${createHash('sha256').update('postgres:17').digest('hex')}`,
    imageName: 'postgres:17',
    created: '2026-01-01T00:00:00Z',
    labels: {},
    state: {
      status: 'running',
      running: true,
      exitCode: 0,
      error: '',
      oomKilled: false,
      startedAt: '2026-01-01T00:00:01Z',
      finishedAt: '0001-01-01T00:00:00Z',
      health: '',
    },
    restartPolicy: { name: 'unless-stopped', maximumRetryCount: 0 },
    autoRemove: false,
    env: { PGDATA: '/var/lib/postgresql/data', PG_MAJOR: '17' },
    user: '',
    entrypoint: ['docker-entrypoint.sh'],
    command: ['postgres'],
    networkMode: 'bridge',
    portBindings: [],
    publishedPorts: [],
    mounts: [],
    endpoints: [],
    memory: 0,
    shmSize: 67_108_864,
    cpus: 0,
    inspect: {},
    ...declared,
  };
}

/** What the declared answers say to a statement; undefined if none does. */
export function sqlAnswer(sql: TestSql, statement: string, options: SqlOptions): SqlResult | undefined {
  const answer =
    typeof sql === 'function'
      ? sql(statement, options)
      : Object.entries(sql).find(([declared]) => plain(declared) === plain(statement))?.[1];
  if (answer === undefined) return undefined;
  if ('message' in answer) return { ok: false, message: answer.message, sqlstate: answer.sqlstate, via: 'published' };
  const { maxRows = 1_000 } = options;
  return { ok: true, rows: answer.slice(0, maxRows), truncated: answer.length > maxRows, via: 'published' };
}

/** A statement on one line. */
export function plain(statement: string): string {
  return statement.trim().replaceAll(/\s+/g, ' ');
}
