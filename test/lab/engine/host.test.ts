import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHost } from '../../../src/app/open-host.ts';
import type { Instance } from '../../../src/host/instance.ts';
import { asideMarker } from '../../../src/host/instances.ts';
import { startContainer } from '../container.ts';
import { createInstance, type LabInstance, startInstance } from '../instance.ts';
import type { Run } from '../run.ts';
import { closeTestRun, labRuns, openTestRun } from '../support.ts';
import { openLab } from './host.ts';

describe.skipIf(!(await labRuns()))('the host', () => {
  let run: Run;
  let lab: LabInstance;
  let instance: Instance;
  const host = () =>
    openHost({
      roots: [run.folder],
      pattern: new RegExp(`^${run.prefix}vrooli-postgres-(.+)$`),
      instanceFolders: [`${run.folder}/resources/postgres/instances`],
    });
  beforeAll(async () => {
    run = await openTestRun();
    lab = await startInstance(run, { name: 'orders', storage: 'bind' });
    const found = await host().reader.instance('orders');
    if (found === undefined) throw new Error('not found');
    instance = found;
  });
  afterAll(async () => closeTestRun(run));

  it('reads an instance, the location of its data, and its declared values except the password', () => {
    expect(instance).toMatchObject({
      name: 'orders',
      user: lab.user,
      database: lab.database,
      port: 5432,
      dataMount: { type: 'bind', source: lab.data },
    });
    expect(instance.volumeKey).toMatch(new RegExp(`^bind:.+${lab.data}$`));
    expect(instance.declared['port']).toBe(String(lab.port));
    expect(instance.declared['password']).toBeUndefined();
  });

  it('excludes old containers that a recreate has kept', async () => {
    await createInstance(run, { name: `orders${asideMarker}1`, storage: 'seeded', port: false });
    expect(
      (await host().reader.instances())
        .filter(({ container }) => container.name.startsWith(run.prefix))
        .map(({ name }) => name),
    ).toEqual(['orders']);
  });

  it('gets the same rows through a published port, the container’s address and psql, including nulls and line ends', async () => {
    const { sql } = host().reader;
    const question = "select 1 as one, null as nothing, '' as empty, E'a\\tb,\"c\"' || $1 as text";
    const plain = "select 1 as one, null as nothing, '' as empty, chr(10) || $1 as text";
    const answers = await Promise.all(
      (['published', 'network', 'exec'] as const).map(async (via) =>
        sql.query(instance, plain, { via, values: ["it's"] }),
      ),
    );
    for (const answer of answers)
      expect(answer).toMatchObject({ ok: true, rows: [{ one: '1', nothing: null, empty: '', text: "\nit's" }] });
    // A backslash is a command to psql, so it is not sent that way.
    expect(await sql.query(instance, question, { via: 'exec', values: ['x'] })).toMatchObject({ ok: false });
  });

  it.each(['published', 'network', 'exec'] as const)(
    'changes nothing by a query (%s), whatever the statement says',
    async (via) => {
      const { sql } = host().reader;
      for (const text of ['create table t (a int)', 'with w as (delete from pg_class returning 1) select 1']) {
        expect(await sql.query(instance, text, { via })).toMatchObject({ ok: false });
      }
      await expect(sql.query(instance, 'select 1; create table t (a int)', { via })).rejects.toMatchObject({
        code: 'bad-usage',
      });
      expect(await sql.query(instance, 'select * from nowhere', { via })).toMatchObject({
        ok: false,
        sqlstate: '42P01',
      });
    },
  );

  it('keeps passwords and SQL out of the engine’s events', async () => {
    const since = new Date().toISOString();
    const { sql } = host().reader;
    await sql.query(instance, "select 'a-secret-question'", { via: 'exec' });
    const docker = run.docker;
    const until = Math.ceil(Date.now() / 1000) + 1;
    const stream: AsyncIterable<unknown> = Readable.from(
      await docker.getEvents({
        since: Date.parse(since) / 1000,
        until,
        filters: JSON.stringify({ container: [lab.container.id] }),
      }),
    );
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    expect(text).toContain('exec_create');
    expect(text).not.toContain('a-secret-question');
    expect(text).not.toContain(lab.password);
  });

  it('returns the message of a server that is down', async () => {
    expect(
      await host().reader.sql.query(
        { ...instance, container: { ...instance.container, state: { ...instance.container.state, running: false } } },
        'select 1',
      ),
    ).toMatchObject({ ok: false });
  });

  it('reaches a server from a client’s network', async () => {
    const client = await host().reader.docker.container(lab.container.id);
    if (client === undefined) throw new Error('gone');
    const reached = await host().reader.probes.reach(client, { host: lab.containerName, port: 5432, instance });
    expect(reached).toMatchObject({ addresses: [expect.any(String)], sql: { ok: true, database: lab.database } });
    const missed = await host().reader.probes.reach(client, { host: 'nobody', port: 5432, instance });
    expect(missed).toMatchObject({
      addresses: [],
      sql: { ok: false, message: expect.stringContaining('could not translate host name') },
    });
  });

  it('reads the newest lines of a container with a large log, each with its time', async () => {
    const talker = await startContainer(run, {
      image: `problems-lab/postgres-seeded:${run.postgres}`,
      entrypoint: ['bash', '-c'],
      command: ['line=$(printf "%3000s" x); for ((i = 0; i < 2500; i++)); do echo "$i $line" >&2; done'],
    });
    await talker.wait();
    const lines = await host().reader.docker.logs(talker.id, { tail: 5_000 });
    expect(lines.length).toBeGreaterThan(1_000);
    expect(lines.length).toBeLessThan(2_500);
    expect(lines.at(-1)?.text).toMatch(/^2499 +x$/);
    expect(lines.filter(({ at, stream }) => Number.isNaN(Date.parse(at)) || stream !== 'stderr')).toEqual([]);
  });

  it('finds free ports by binding and listening', async () => {
    const [taken, free] = await host().reader.probes.portsFree([
      { hostIp: '', port: lab.port ?? 0 },
      { hostIp: '', port: await run.takePort() },
    ]);
    expect([taken?.free, free?.free]).toEqual([false, true]);
  });

  it('redacts known secrets from everything it plans', async () => {
    const remediation = await openLab(run);
    await remediation.session.reader.instances();
    expect(remediation.session.redact.text(`the password is ${lab.password}.`)).toBe('the password is [redacted].');
    remediation.close();
  });
});
