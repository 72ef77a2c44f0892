import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseDiskUse } from '../../../src/host/probes/disk-use.ts';
import type { DiskUse } from '../../../src/host/probes/types.ts';
import type { Container, Image, LogLine } from '../../../src/host/docker/types.ts';
import { withImage } from '../../../src/remediation/actions/container-change-image.ts';
import { signOfLine } from '../../../src/remediation/remediators/backup-repair/observe.ts';
import { createProject, path } from '../compose-project.ts';
import { imageOfMajor } from '../../../src/remediation/remediators/availability/plan-image.ts';
import { availability } from '../../../src/remediation/remediators/availability/index.ts';
import type { Plan, Refusal } from '../../../src/remediation/contract.ts';
import { createTestHost } from '../../../src/testing/index.ts';

const data = '/var/lib/postgresql/data';
const at = '2026-05-01 10:00:01.2 UTC [1]';
const down = {
  status: 'exited',
  running: false,
  exitCode: 1,
  error: '',
  oomKilled: false,
  startedAt: '2026-05-01T10:00:00Z',
  finishedAt: '2026-05-01T10:00:02Z',
  health: '',
};
const volume = {
  type: 'volume',
  name: 'orders-data',
  source: '/var/lib/docker/volumes/orders-data/_data',
  destination: data,
  writable: true,
  anonymous: false,
};

const image: Image = {
  id: `sha256:${'1'.repeat(64)}`,
  tags: [],
  labels: {},
  env: {},
  user: '',
  volumes: [],
  inspect: {},
};

interface World {
  /** A line, with its time if it is of an earlier run. */
  readonly log: readonly (string | LogLine)[];
  readonly files?: Readonly<Record<string, string>>;
  readonly container?: Partial<Container>;
  /** What the server's program prints when it reads its config files; undefined: it reads them. */
  readonly prints?: string;
  /** The images on the machine, by name. */
  readonly images?: Readonly<Record<string, Pick<Image, 'env'>>>;
  readonly disk?: DiskUse | undefined;
  readonly others?: readonly (Partial<Container> & { readonly name: string })[];
}

async function planned({
  log,
  files = {},
  container = {},
  prints,
  images = {},
  others = [],
  disk,
}: World): Promise<Plan | Refusal> {
  const { reader } = createTestHost({
    instances: [{ name: 'orders', container: { state: down, mounts: [volume], ...container }, sql: {} }],
    containers: others,
    docker: {
      events: async () => [],
      logs: async () =>
        log.map((one) => (typeof one === 'string' ? { at: '2026-05-01T10:00:01Z', stream: 'stderr', text: one } : one)),
      changes: async () => [],
      image: async (name) => (images[name] === undefined ? undefined : { ...image, ...images[name] }),
      file: async (_, path) => (files[path] === undefined ? undefined : new TextEncoder().encode(files[path])),
    },
    probes: {
      diskUse: async () => disk,
      fileSettings: async () =>
        prints === undefined ? { ok: true, values: { max_connections: '100' } } : { ok: false, message: prints },
    },
  });
  const [finding] = (await availability.detect(reader)).findings;
  if (finding === undefined) throw new Error('nothing was found');
  return availability.plan(finding, reader);
}

function actionsOf(made: Plan | Refusal): unknown {
  return made.type === 'plan' ? made.steps.map(({ action }) => action) : made;
}

const empty = `${at} FATAL:  lock file "postmaster.pid" is empty`;

describe('a lock file that a power loss has left', () => {
  it.for<readonly [string, string, string]>([
    ['empty', empty, ''],
    ['of zeros', `${at} FATAL:  bogus data in lock file "postmaster.pid": ""`, '\0\0\0\0'],
    ['of garbage', `${at} FATAL:  bogus data in lock file "postmaster.pid": "abc"`, 'abc\n'],
  ])('%s is renamed, and the server started', async ([, line, text]) => {
    const made = await planned({ log: [line], files: { [`${data}/postmaster.pid`]: text } });
    const sha256 = createHash('sha256').update(text).digest('hex');
    expect(made).toMatchObject({
      type: 'plan',
      steps: [
        {
          action: 'lock-file.set-aside',
          params: { instance: 'orders', name: 'postmaster.pid.pgops-old-1', sha256 },
          expects: [{ check: 'container', running: false }, { check: 'volume-unused' }],
        },
        { action: 'container.start' },
      ],
    });
  });

  it('gets another name if an earlier one is still there', async () => {
    const files = { [`${data}/postmaster.pid`]: '', [`${data}/postmaster.pid.pgops-old-1`]: '' };
    expect(await planned({ log: [empty], files })).toMatchObject({
      steps: [{ params: { name: 'postmaster.pid.pgops-old-2' } }, {}],
    });
  });

  it('is renamed between a stop and a start if the engine restarts the server again and again', async () => {
    const container = { state: { ...down, status: 'restarting', running: true } };
    const files = { [`${data}/postmaster.pid`]: '' };
    expect(actionsOf(await planned({ log: [empty], files, container }))).toEqual([
      'container.stop',
      'lock-file.set-aside',
      'container.start',
    ]);
  });

  it.for<readonly [string, Omit<World, 'log'>, string]>([
    ['names a process', { files: { [`${data}/postmaster.pid`]: '7\n/data\n' } }, 'is not as the log says'],
    ['is gone', {}, 'is not as the log says'],
    [
      'is in the container itself',
      { files: { [`${data}/postmaster.pid`]: '' }, container: { mounts: [] } },
      'in the container itself',
    ],
    [
      'may be that of another container',
      { files: { [`${data}/postmaster.pid`]: '' }, others: [{ name: 'other', mounts: [volume] }] },
      'other is running on the data',
    ],
  ])('is left alone if it %s', async ([, world, reason]) => {
    expect(await planned({ log: [empty], ...world })).toMatchObject({
      type: 'refusal',
      reason: expect.stringContaining(reason),
    });
  });

  it.for([empty, `${at} FATAL:  bogus data in lock file "postmaster.pid": "x"`])(
    'is no sign of damaged data: %s',
    (line) => {
      expect(signOfLine(line)).toBeUndefined();
    },
  );
});

describe('a lock file whose process another program has now', () => {
  // What PostgreSQL 17 prints, and the file that it finds: seconds since 1970 are in its third line.
  const exists = `${at} FATAL:  lock file "postmaster.pid" already exists`;
  const started = Date.parse('2026-05-01T09:00:00Z') / 1_000;
  const files = { [`${data}/postmaster.pid`]: `7\n${data}\n${started}\n5432\n/var/run/postgresql\n*\n` };
  const written = {
    at: '2026-05-01T09:00:01Z',
    stream: 'stderr',
    text: '2026-05-01 09:00:01 UTC [7] LOG:  starting',
  } as const;

  it('is renamed if the container itself has written it in an earlier run', async () => {
    expect(await planned({ log: [written, exists], files })).toMatchObject({
      type: 'plan',
      summary: expect.stringContaining('Rename the old postmaster.pid'),
      steps: [
        { action: 'lock-file.set-aside', params: { writtenIn: expect.any(String) } },
        { action: 'container.start' },
      ],
    });
  });

  it.for<readonly [string, World]>([
    ['no log shows it', { log: [exists] }],
    ['the log shows another process', { log: [{ ...written, text: written.text.replace('[7]', '[8]') }, exists] }],
    ['the log shows another time', { log: [{ ...written, at: '2026-05-01T09:30:00Z' }, exists] }],
    [
      'it is of this run',
      { log: [written, exists], container: { state: { ...down, startedAt: '2026-05-01T08:59:59Z' } } },
    ],
    [
      'the container sees the processes of the machine',
      { log: [written, exists], container: { inspect: { HostConfig: { PidMode: 'host' } } } },
    ],
  ])('is left alone if %s; how to find a server is told', async ([, world]) => {
    expect(await planned({ files, ...world })).toMatchObject({
      type: 'refusal',
      reason: expect.stringContaining('names process 7, started 2026-05-01T09:00:00.000Z'),
      advice: expect.stringContaining('ps -eo pid,lstart,comm'),
    });
  });
});

describe('a disk that is full', () => {
  const full = `${at} FATAL:  could not write lock file "postmaster.pid": No space left on device`;
  // What the helper printed on a tmpfs of 64 MiB, with a slot and a failing archive.
  const printed = [
    'tmpfs                65536 65536         0     100% /surveyed',
    '22464\tbase',
    '32768\tpg_wal',
    '1956\tlog',
    '0\tpg_replslot',
    'ready 2',
    'slot reader',
    '',
  ].join('\n');

  it('is told with what fills it and keeps WAL, and nothing is deleted', async () => {
    const made = await planned({ log: [full], disk: parseDiskUse(printed) });
    expect(made).toMatchObject({
      type: 'refusal',
      reason: expect.stringContaining('Of its disk, 0 kiB of 64 MiB are free.'),
      advice: expect.stringMatching(
        /WAL \(pg_wal\): 32 MiB, databases \(base\): 21.9 MiB, .*never delete files in pg_wal.*Old files in log.*replication slot reader.*2 WAL files wait.*docker start/,
      ),
    });
  });

  it('is told without figures if the disk could not be read', async () => {
    expect(parseDiskUse('df: no\n')).toBeUndefined();
    expect(await planned({ log: [full] })).toMatchObject({
      type: 'refusal',
      advice: expect.stringContaining('never delete files in pg_wal'),
    });
  });
});

const conf = `${data}/postgresql.conf`;
const auto = `${data}/postgresql.auto.conf`;

function errors(file: string): string {
  return `${at} FATAL:  configuration file "${file}" contains errors`;
}

describe('a setting that the server refuses', () => {
  const text = "max_connections = 100\ntimezone = 'UTC'\nTimeZone = 'US/Nowhere'\nshared_bufers = 128MB\n";
  it.for<readonly [string, readonly string[], Readonly<Record<string, string>>, string, readonly number[]]>([
    [
      'a name that it does not know',
      [`${at} LOG:  unrecognized configuration parameter "shared_bufers" in file "${conf}" line 4`, errors(conf)],
      { [conf]: text, [auto]: '' },
      'postgresql.conf',
      [4],
    ],
    [
      'a value that it does not know, in the line that wins',
      [`${at} LOG:  invalid value for parameter "TimeZone": "US/Nowhere"`, errors(conf)],
      { [conf]: text, [auto]: '' },
      'postgresql.conf',
      [3],
    ],
    [
      'a value out of range, set by ALTER SYSTEM',
      [`${at} LOG:  1 kB is outside the valid range for parameter "work_mem" (64 kB .. 2147483647 kB)`, errors(auto)],
      { [conf]: 'work_mem = 4MB\n', [auto]: "# head\nwork_mem = '1'\n" },
      'postgresql.auto.conf',
      [2],
    ],
    [
      'a line that is not a setting',
      [`${at} LOG:  syntax error in file "${conf}" line 2, near token "="`, errors(conf)],
      { [conf]: 'a.b = 1\nwork_mem == 4MB\n', [auto]: '' },
      'postgresql.conf',
      [2],
    ],
    [
      'two of them',
      [
        `${at} LOG:  unrecognized configuration parameter "a" in file "${conf}" line 1`,
        `${at} LOG:  invalid value for parameter "wal_level": "high"`,
        `${at} HINT:  Available values: minimal, replica, logical.`,
        errors(conf),
      ],
      { [conf]: 'a = 1\nwal_level high\n', [auto]: '' },
      'postgresql.conf',
      [1, 2],
    ],
  ])('is commented out, with approval: %s', async ([, log, files, file, lines]) => {
    const made = await planned({ log, files, prints: log.join('\n') });
    const sha256 = createHash('sha256')
      .update(files[`${data}/${file}`] ?? '')
      .digest('hex');
    expect(made).toMatchObject({
      type: 'plan',
      approval: expect.any(String),
      steps: [
        { action: 'setting.comment-out', params: { instance: 'orders', file, lines, sha256 } },
        { action: 'container.start' },
      ],
    });
  });

  it('is named with its place in the finding', async () => {
    const log = [`${at} LOG:  invalid value for parameter "TimeZone": "US/Nowhere"`, errors(conf)];
    const { reader } = createTestHost({
      instances: [{ name: 'orders', container: { state: down }, sql: {} }],
      docker: {
        events: async () => [],
        logs: async () => log.map((line) => ({ at: '2026-05-01T10:00:01Z', stream: 'stderr', text: line })),
      },
    });
    expect((await availability.detect(reader)).findings).toMatchObject([
      { summary: expect.stringMatching(/TimeZone.*US\/Nowhere.*postgresql\.conf/) },
    ]);
  });

  it.for<readonly [string, Omit<World, 'log'> & { readonly log: readonly string[] }, string]>([
    [
      'a file that is mounted from elsewhere',
      {
        log: [
          `${at} LOG:  unrecognized configuration parameter "a" in file "/etc/postgresql/postgresql.conf" line 7`,
          errors('/etc/postgresql/postgresql.conf'),
        ],
        container: {
          command: ['postgres', '-c', 'config_file=/etc/postgresql/postgresql.conf'],
          mounts: [
            volume,
            { ...volume, type: 'bind', name: '', source: '/srv/orders/config', destination: '/etc/postgresql' },
          ],
        },
      },
      'Put # at the start of line 7 of /srv/orders/config/postgresql.conf',
    ],
    [
      'a file that is mounted into the data directory',
      {
        log: [`${at} LOG:  unrecognized configuration parameter "a" in file "${conf}" line 1`, errors(conf)],
        files: { [conf]: 'a = 1\n' },
        container: {
          mounts: [volume, { ...volume, type: 'bind', name: '', source: '/srv/my.conf', destination: conf }],
        },
      },
      'line 1 of /srv/my.conf',
    ],
    [
      'an option of the command',
      {
        log: [`${at} FATAL:  0 is outside the valid range for parameter "max_connections" (1 .. 262143)`],
        files: { [conf]: 'max_connections = 100\n', [auto]: '' },
        container: { command: ['postgres', '-c', 'max_connections=0'] },
      },
      'without `max_connections=0` in its command',
    ],
    [
      'a file that another one includes',
      {
        log: [
          `${at} LOG:  unrecognized configuration parameter "b" in file "${data}/conf.d/a.conf" line 1`,
          errors(`${data}/conf.d/a.conf`),
        ],
        files: { [conf]: 'b = 1\n', [auto]: '' },
      },
      `line 1 of ${data}/conf.d/a.conf in the volume orders-data`,
    ],
  ])('is left to you, with the exact edit, in %s', async ([, world, advice]) => {
    const made = await planned({ ...world, prints: world.log.join('\n') });
    expect(made).toMatchObject({ type: 'refusal', advice: expect.stringContaining(advice) });
  });

  it('is left alone if only the log says so', async () => {
    const log = [`${at} LOG:  unrecognized configuration parameter "a" in file "${conf}" line 1`, errors(conf)];
    expect(await planned({ log, files: { [conf]: 'a = 1\n' } })).toMatchObject({
      type: 'refusal',
      reason: expect.stringContaining('reads its config files without an error now'),
    });
  });
});

describe('data of another major version', () => {
  const log = [
    `${at} FATAL:  database files are incompatible with server`,
    `${at} DETAIL:  The data directory was initialized by PostgreSQL version 15, which is not compatible with this version 17.2.`,
  ];
  const files = { [`${data}/PG_VERSION`]: '15\n' };
  const fifteen = { env: { PG_MAJOR: '15', PGDATA: data } };

  it('gets the image of that version if it is on the machine', async () => {
    const made = await planned({ log, files, images: { 'postgres:15': fifteen } });
    expect(made).toMatchObject({
      type: 'plan',
      summary: 'Run orders with postgres:15, which fits its data, instead of postgres:17.',
      expected: { image: image.id },
    });
    expect(
      made.type === 'plan' ? made.steps.find(({ action }) => action === 'container.change-image') : made,
    ).toMatchObject({ params: { name: 'vrooli-postgres-orders', image: 'postgres:15', imageId: image.id } });
    expect(actionsOf(made)).toContain('container.start');
    expect(made.type === 'plan' ? made.finding.summary : '').toMatch(/version 17\.2\.$/);
  });

  it.for<readonly [string, Omit<World, 'log' | 'files'>, string]>([
    ['is not on the machine', {}, 'docker pull postgres:15'],
    [
      'is of another version in spite of its name',
      { images: { 'postgres:15': { env: { PG_MAJOR: '16', PGDATA: data } } } },
      'an image of PostgreSQL 15',
    ],
    [
      'keeps its data in another folder',
      { images: { 'postgres:15': { env: { PG_MAJOR: '15', PGDATA: '/elsewhere' } } } },
      `PGDATA=${data}`,
    ],
    [
      'must be named in a Compose file',
      {
        images: { 'postgres:15': fifteen },
        container: {
          labels: {
            'com.docker.compose.project': 'shop',
            'com.docker.compose.project.config_files': '/srv/shop/compose.yaml',
          },
        },
      },
      'Set `image: postgres:15` for it in /srv/shop/compose.yaml',
    ],
  ])('is left to you, with the command, if the image %s', async ([, world, advice]) => {
    const made = await planned({ log, files, ...world });
    expect(made).toMatchObject({
      type: 'refusal',
      reason: expect.stringContaining('is of PostgreSQL 15'),
      advice: expect.stringContaining(advice),
    });
  });

  it('is told by the data, not by the log', async () => {
    const made = await planned({ log, files: { [`${data}/PG_VERSION`]: '17\n' }, images: { 'postgres:15': fifteen } });
    expect(made).toMatchObject({ type: 'refusal' });
  });

  it.for([
    ['postgres', 'postgres:15'],
    ['postgres:latest', 'postgres:15'],
    ['postgres:17.2', 'postgres:15'],
    ['postgres:alpine', 'postgres:15-alpine'],
    ['postgres:17.2-alpine3.20', 'postgres:15-alpine'],
    ['registry.example:5000/db/postgres:17-bookworm', 'registry.example:5000/db/postgres:15-bookworm'],
    ['postgres@sha256:abc', undefined],
    ['sha256:0123456789abcdef', undefined],
    ['postgres:pg17-v1.2', undefined],
  ] as const)('%s becomes %s', ([name, wanted]) => {
    expect(imageOfMajor(name, '15')).toBe(wanted);
  });

  it('is named in the Compose file of its project, which creates the container from it', async () => {
    const project = await createProject({
      container: { state: down, mounts: [volume], env: { PG_MAJOR: '17' }, image: 'sha256:17' },
      docker: {
        events: async () => [],
        changes: async () => [],
        logs: async () =>
          log.map((one) =>
            typeof one === 'string' ? { at: '2026-05-01T10:00:01Z', stream: 'stderr', text: one } : one,
          ),
        image: async (name) => ({ ...image, ...(name === 'postgres:15' ? fifteen : { id: 'sha256:17' }) }),
        file: async (_, file) => new TextEncoder().encode(file === `${data}/PG_VERSION` ? '15\n' : ''),
      },
    });
    const [finding] = (await availability.detect(project.reader)).findings;
    const made = finding === undefined ? undefined : await availability.plan(finding, project.reader);
    expect(made).toMatchObject({
      type: 'plan',
      summary: expect.stringContaining('in the files of its Compose project'),
      steps: [{ action: 'compose.change', params: { path, edits: [{ before: 'postgres:17', after: 'postgres:15' }] } }],
      leftovers: [],
      expected: { image: image.id },
    });
  });

  it('leaves to the new image what the old one declared, and keeps what the container adds', () => {
    const old = {
      ...image,
      inspect: { Config: { Env: ['PATH=/17', 'PG_MAJOR=17'], Cmd: ['postgres'], Labels: { a: '1' } } },
    };
    const next = { ...image, inspect: { Config: { Env: ['PATH=/15', 'PG_MAJOR=15'] } } };
    const config = {
      Image: 'old',
      Env: ['PATH=/17', 'PG_MAJOR=17', 'POSTGRES_DB=app'],
      Cmd: ['postgres'],
      User: '999',
      Labels: { a: '1', b: '2' },
    };
    expect(withImage({ name: 'orders', config }, 'postgres:15', old, next)).toEqual({
      name: 'orders',
      config: {
        Image: 'postgres:15',
        Env: ['PATH=/15', 'PG_MAJOR=15', 'POSTGRES_DB=app'],
        User: '999',
        Labels: { b: '2' },
      },
    });
  });
});
