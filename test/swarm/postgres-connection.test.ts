import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openSwarm } from '../../src/app/swarm.ts';
import { loadConfig } from '../../src/config/config.ts';
import { hasPassword, readPlace } from '../../src/swarm/postgres/connection.ts';
import { openPostgresSwarm } from '../../src/swarm/postgres/store.ts';
import type { TaskEntry } from '../../src/swarm/types.ts';
import { hasPooler, startPooler } from './pooler.ts';
import { entry, everything } from './entries.ts';
import { hasPostgres, password, type PostgresServer, startPostgres } from './postgres-server.ts';

const project = '/srv/app';

function sslOf(url: string): readonly unknown[] {
  return readPlace(url).ways.map(({ ssl }) => ssl);
}

function passwordOf(url: string): unknown {
  const password = readPlace(url).ways[0]?.password;
  return typeof password === 'function' ? password() : password;
}

describe('the URL of a queue', () => {
  it('means what libpq reads in it', () => {
    const [way] = readPlace('postgresql://a%40b:p%2Fw@db.example.org:6543/tasks?sslmode=disable').ways;
    expect(way).toMatchObject({ host: 'db.example.org', port: 6543, user: 'a@b', database: 'tasks' });
    expect(passwordOf('postgresql://a%40b:p%2Fw@db.example.org:6543/tasks?sslmode=disable')).toBe('p/w');
    expect(readPlace('postgres://u@/q?host=/run/postgresql').ways).toMatchObject([
      { host: '/run/postgresql', user: 'u', database: 'q', ssl: false },
    ]);
    expect(readPlace('postgres://[::1]/q').name).toBe('::1:5432/q');
  });

  it('asks for TLS as sslmode does for libpq', () => {
    const url = 'postgres://u@db/q?sslmode=';
    expect(sslOf(`${url}disable`)).toEqual([false]);
    expect(sslOf(`${url}allow`)).toMatchObject([false, { rejectUnauthorized: false }]);
    expect(sslOf(`${url}prefer`)).toMatchObject([{ rejectUnauthorized: false }, false]);
    expect(sslOf(`${url}require`)).toMatchObject([{ rejectUnauthorized: false }]);
    expect(sslOf(`${url}verify-full&sslrootcert=system`)).toEqual([{ host: 'db' }]);
    const root = import.meta.filename;
    expect(sslOf(`${url}verify-full&sslrootcert=${root}`)).toEqual([{ host: 'db', ca: expect.any(String) }]);
    for (const mode of ['require', 'verify-ca'])
      expect(sslOf(`${url}${mode}&sslrootcert=${root}`)).toEqual([
        { host: 'db', ca: expect.any(String), checkServerIdentity: expect.any(Function) },
      ]);
    expect(() => sslOf(`${url}verify-ca&sslrootcert=system`)).toThrow('without a root certificate');
    expect(() => sslOf(`${url}on`)).toThrow('unknown sslmode');
  });

  it.each([
    'postgres://u:secret@db:port/q',
    'postgres://u:secret@db:99999/q',
    'postgres://u:%zz-secret@db/q',
    'postgres://u:secret@db/q?sslmod=disable',
    'postgres://u:secret@db/q?sslmode=secret',
    'https://u:secret@db/q',
  ])('is refused without being repeated: %s', (url) => {
    expect(() => readPlace(url)).toThrow(expect.objectContaining({ code: 'bad-usage' }));
    expect(() => readPlace(url)).toThrow(expect.not.objectContaining({ message: expect.stringContaining('secret') }));
  });

  it('shows whether it contains a password', () => {
    for (const url of ['postgres://u:p@db/q', 'postgres://u:p@/q', 'postgres://db/q?password=p'])
      expect(hasPassword(url), url).toBe(true);
    for (const url of ['postgres://u@db/q', 'postgres:///q', 'postgres://u@/q?host=/run'])
      expect(hasPassword(url)).toBe(false);
  });
});

/** A server that speaks enough of the protocol to ask for a password, and keeps what it hears. */
async function askingServer(question: readonly number[]) {
  const heard: Buffer[] = [];
  const server = createServer((socket: Socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      heard.push(chunk);
      // The request for TLS is refused; everything else is answered with the question.
      socket.write(chunk.readInt32BE(4) === 80_877_103 ? 'N' : Buffer.from(question));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    heard: () => Buffer.concat(heard).toString('latin1'),
    [Symbol.dispose]: () => server.close(),
  };
}

describe('a server whose certificate was not checked', () => {
  it.each([
    { title: 'in clear text', question: [0x52, 0, 0, 0, 8, 0, 0, 0, 3] },
    { title: 'as an MD5 hash', question: [0x52, 0, 0, 0, 12, 0, 0, 0, 5, 1, 2, 3, 4] },
  ])('does not get the password $title', async ({ question }) => {
    using server = await askingServer(question);
    const opening = openPostgresSwarm(`postgres://u:geheim@127.0.0.1:${server.port}/q`, { project });
    await expect(opening).rejects.toMatchObject({
      code: 'store-unreachable',
      message: expect.stringContaining('so it was not sent'),
    });
    expect(server.heard()).toContain('user');
    expect(server.heard()).not.toMatch(/geheim|md5/);
  });
});

describe.runIf(hasPostgres)('a queue on a server', () => {
  let server: PostgresServer;
  let folder = '';
  beforeAll(async () => {
    server = await startPostgres();
    folder = mkdtempSync(join(tmpdir(), 'problems-queue-'));
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await server[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is made once, by however many processes open it first', async () => {
    const queues = await Promise.all(Array.from({ length: 6 }, () => openPostgresSwarm(server.url, { project })));
    await queues[0]?.sync([entry('a'), entry('b'), entry('c')], everything);
    const claims = await Promise.all(queues.map((queue, index) => queue.claim({ worker: `w${index}` })));
    expect(claims.flatMap((claim) => claim?.task ?? []).toSorted()).toEqual(['a', 'b', 'c']);
    expect(await server.admin('SELECT number FROM problem_registry.version')).toEqual([{ number: 1 }, { number: 2 }]);
    for (const queue of queues) queue.close();
  });

  it('keeps outcomes from everyone but superusers', async () => {
    const queue = await openPostgresSwarm(server.url, { project: 'outcomes' });
    await queue.sync([entry('a')], everything);
    const claim = await queue.claim({ worker: 'w' });
    await queue.settle(claim!, { result: 'done', notes: 'Kept.' });
    for (const sql of ["UPDATE %s SET notes = ''", 'DELETE FROM %s', 'TRUNCATE %s'])
      await expect(server.admin(`SET ROLE swarm; ${sql.replace('%s', 'problem_registry.outcome')}`)).rejects.toThrow(
        'outcomes are append-only',
      );
    expect(await queue.outcomes()).toMatchObject([{ notes: 'Kept.' }]);
    queue.close();
  });

  it('compares unchanged tasks in one statement, which sends no text of them and returns no row', async () => {
    const queue = await openPostgresSwarm(server.url, { project: 'unchanged' });
    const tasks = Array.from({ length: 500 }, (_, index) => entry(`t${index}`));
    await queue.sync(tasks, everything);
    await queue.settle((await queue.claim({ worker: 'w' }))!, { result: 'done' });
    const sent = vi.spyOn(pg.Client.prototype, 'query');
    async function costOf(entries: readonly TaskEntry[]) {
      sent.mockClear();
      const { unchanged } = await queue.sync(entries, everything);
      const answers: readonly { readonly rows: readonly unknown[] }[] = await Promise.all(
        sent.mock.results.map(({ value }) => value),
      );
      const texts = JSON.stringify(sent.mock.calls);
      return {
        unchanged,
        statements: answers.length,
        rows: answers.flatMap(({ rows }) => rows).length,
        texts: texts.split('Problem: it fails.').length - 1,
      };
    }
    // Begins, waits for other syncs, compares and commits.
    expect(await costOf(tasks)).toEqual({ unchanged: 500, statements: 4, rows: 1, texts: 0 });
    const changed = await costOf([...tasks.slice(1), entry('t0', { title: 'Other' })]);
    expect(changed).toMatchObject({ unchanged: 499, texts: 1 });
    expect(changed.rows).toBeLessThan(5);
    sent.mockRestore();
    queue.close();
  });

  it('has one job of pg-boss for each claim, which ends with it', async () => {
    const queue = await openPostgresSwarm(server.url, { project: 'jobs' });
    await queue.sync([entry('done'), entry('failed', { impact: 4 }), entry('released', { impact: 3 })], everything);
    const [done, failed, released] = [
      await queue.claim({ worker: 'w' }),
      await queue.claim({ worker: 'w' }),
      await queue.claim({ worker: 'w' }),
    ];
    const jobs = () =>
      server.admin(
        `SELECT data->>'task' AS task, state::text, priority FROM problem_registry_jobs.job
         WHERE data->>'project' = 'jobs' ORDER BY 1`,
      );
    expect((await jobs()).map(({ state }) => state)).toEqual(['active', 'active', 'active']);
    await queue.settle(done!, { result: 'done' });
    await queue.settle(failed!, { result: 'failed' });
    await queue.release(released!, 0);
    expect(await jobs()).toEqual([
      { task: 'done', state: 'completed', priority: Math.round(done!.entry.task.priority.score * 1_000) },
      expect.objectContaining({ task: 'failed', state: 'failed' }),
      expect.objectContaining({ task: 'released', state: 'cancelled' }),
    ]);
    // A late report ends no job but its own, which has ended.
    const again = await queue.claim({ worker: 'w' });
    expect(again?.task).toBe('released');
    expect(await queue.settle(released!, { result: 'done' })).toMatchObject({ accepted: false });
    expect((await jobs()).map(({ state }) => String(state)).toSorted()).toEqual([
      'active',
      'cancelled',
      'completed',
      'failed',
    ]);
    queue.close();
  });

  it('reads no other job to end one, even if the plan was made while there were few', async () => {
    const read = async () => {
      const [row] = await server.admin(
        `SELECT sum(seq_tup_read)::int AS seq FROM pg_stat_all_tables
         WHERE schemaname = 'problem_registry_jobs' AND relname LIKE 'job%'`,
      );
      return Number(row!['seq']);
    };
    const tasks = 40;
    const queue = await openPostgresSwarm(`${server.url}?application_name=counted`, { project: 'many jobs' });
    await server.admin('VACUUM ANALYZE problem_registry_jobs.job');
    await queue.sync(
      Array.from({ length: tasks }, (_, index) => entry(`task-${index}`, { component: `part-${index}` })),
      everything,
    );
    const before = await read();
    for (let index = 0; index < tasks; index++)
      await queue.settle((await queue.claim({ worker: 'w' }))!, { result: 'done' });
    queue.close();
    // A connection reports what it has read when it ends.
    await expect
      .poll(() => server.admin(`SELECT FROM pg_stat_activity WHERE application_name = 'counted'`), { timeout: 5_000 })
      .toEqual([]);
    expect((await read()) - before).toBeLessThan(tasks);
  });

  it.runIf(hasPooler).each([
    { does: 'refuses settings of a connection', settings: [] },
    {
      does: 'ignores settings of a connection',
      settings: [
        'ignore_startup_parameters = options,statement_timeout,lock_timeout,idle_in_transaction_session_timeout',
      ],
    },
  ])('works behind a pooler in transaction mode that $does', async ({ does, settings }) => {
    await using pooler = await startPooler(server, settings);
    // More than the pooler has connections.
    const queues = await Promise.all([1, 2, 3].map(() => openPostgresSwarm(pooler.url, { project: does })));
    const tasks = Array.from({ length: 6 }, (_, index) => entry(`t${index}`));
    await queues[0]?.sync(tasks, everything);
    await queues[0]?.limit('all', 100);
    const sent = vi.spyOn(pg.Client.prototype, 'query');
    await Promise.all(
      queues.map(async (queue, index) => {
        for (;;) {
          const claim = await queue.claim({ worker: `w${index}` });
          if (claim === undefined) return;
          await queue.heartbeat(claim, 60, 'working');
          await queue.settle(claim, claim.task === 't5' ? { result: 'failed', class: 'unsafe' } : { result: 'done' });
        }
      }),
    );
    const begun = JSON.stringify(sent.mock.calls).match(/"BEGIN[^"]*"/g) ?? [];
    sent.mockRestore();
    expect(begun.length).toBeGreaterThan(tasks.length);
    for (const text of begun) expect(text).toContain('SET LOCAL statement_timeout = 30000');
    expect(await queues[0]?.sync(tasks, everything)).toMatchObject({ unchanged: 6 });
    expect((await queues[1]?.outcomes())?.map(({ task }) => task).toSorted()).toEqual(tasks.map(({ task }) => task.id));
    for (const queue of queues) queue.close();
  });

  it('takes the password from the environment or a file, and says nothing of it when it is wrong', async () => {
    const url = server.url.replace(/:[^:@/]*@/, '@');
    vi.stubEnv('PGPASSWORD', password);
    (await openPostgresSwarm(url, { project })).close();
    vi.stubEnv('PGPASSWORD', 'not-this-one');
    const refused = await openPostgresSwarm(url, { project }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'store-unreachable' });
    expect(JSON.stringify(refused, Object.getOwnPropertyNames(refused))).not.toContain('not-this-one');
    vi.stubEnv('PGPASSWORD', undefined);
    const file = join(folder, 'pgpass');
    const lines = [
      '#127.0.0.1:*:*:swarm:no',
      '127.0.0.1:1:*:*:no',
      `127.0.0.1:*:*:swarm:${password.replace(':', '\\:')}`,
    ];
    writeFileSync(file, lines.join('\n'));
    chmodSync(file, 0o600);
    vi.stubEnv('PGPASSFILE', file);
    (await openPostgresSwarm(url, { project })).close();
  });

  it('refuses a queue of a newer version', async () => {
    await server.admin('INSERT INTO problem_registry.version VALUES (99)');
    await expect(openPostgresSwarm(server.url, { project })).rejects.toMatchObject({ code: 'state-damaged' });
    await server.admin('DELETE FROM problem_registry.version WHERE number = 99');
  });

  it('is what a config names, for checkouts in any folder, and refuses a password in it', async () => {
    const config = (lines: string) => {
      const own = mkdtempSync(join(folder, 'checkout-'));
      writeFileSync(join(own, 'problems.config.yaml'), `swarm:\n${lines}`);
      return own;
    };
    const store = `  store: ${server.socketUrl}\n`;
    const [one, two] = [config(`${store}  project: shop\n`), config(`${store}  project: shop\n  engine: E1\n`)];
    const swarms = await Promise.all([one, two].map(async (cwd) => openSwarm({ cwd, config: await loadConfig(cwd) })));
    await swarms[0]!.pause('all', 'moving');
    expect(await swarms[1]!.gates()).toMatchObject([{ scope: 'all', why: 'moving' }]);
    expect(swarms[1]).toMatchObject({ engine: 'E1', stateFile: undefined });
    for (const swarm of swarms) swarm.close();

    for (const lines of [`  store: ${server.url}\n  project: shop\n`, store, '  store: queue.db\n']) {
      const cwd = config(lines);
      const opening = loadConfig(cwd).then((read) => openSwarm({ cwd, config: read }));
      await expect(opening).rejects.toMatchObject({ code: 'bad-config' });
    }
  });

  it('says how to install pg-boss if it is missing', async () => {
    const withoutBoss = `import { registerHooks } from 'node:module';
      registerHooks({ resolve(name, context, next) {
        if (name === 'pg-boss') throw Object.assign(new Error('missing'), { code: 'ERR_MODULE_NOT_FOUND' });
        return next(name, context);
      } });
      const { openPostgresSwarm } = await import(${JSON.stringify(join(import.meta.dirname, '../../src/swarm/postgres/store.ts'))});
      await openPostgresSwarm(${JSON.stringify(server.url)}, { project: 'p' }).catch((e) => console.log(e.code, e.hint));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', withoutBoss]);
    expect(stdout.trim()).toBe('not-found Install it: npm install pg-boss@12');
  });
});
