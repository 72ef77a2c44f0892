import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Instance } from '../../../src/host/instance.ts';
import type { OpenHost } from '../../../src/remediation/contract.ts';
import type { BackupAnswer } from '../../../src/backups/types.ts';
import { query, startInstance } from '../instance.ts';
import { backupFolder } from '../project.ts';
import type { Run } from '../run.ts';
import { closeTestRun, labRuns, openTestRun } from '../support.ts';
import { eventually } from '../waiting.ts';
import { instanceNamed, openRunHost } from '../backups/open-backups.ts';

const begin = '--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 15.1\n\n';
const end = '\n--\n-- PostgreSQL database dump complete\n--\n\n';

describe.skipIf(!(await labRuns()))('the drill of a hostile dump', () => {
  let run: Run;
  let host: OpenHost;
  let instance: Instance;
  beforeAll(async () => {
    run = await openTestRun({ postgres: 15 });
    await startInstance(run, { name: 'shop', storage: 'seeded' });
    host = openRunHost(run);
    instance = await instanceNamed(host, 'shop');
  });
  afterAll(async () => closeTestRun(run));

  async function check(name: string, body: string, timeoutMs?: number): Promise<BackupAnswer> {
    const folder = backupFolder(run, 'shop', name);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'full.sql'), `${begin}${body}${end}`);
    const backup = await host.reader.backups.read(`shop/${name}`);
    if (backup === undefined) throw new Error('it is not there');
    return host.reader.backups.check(backup, {
      instance,
      upTo: 'L4',
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
  }

  async function drilled(name: string, body: string, timeoutMs?: number): Promise<string> {
    const { checks } = await check(name, body, timeoutMs);
    const last = checks.at(-1);
    return `${last?.level} ${last?.result} ${last?.cause ?? ''}: ${last?.says.join(' ')}`;
  }

  /** Other files of tests have drills of their own on the same engine. */
  async function drills(): Promise<readonly Docker.ContainerInfo[]> {
    const listed = await run.docker.listContainers({ filters: JSON.stringify({ label: ['problems.helper'] }) });
    return listed.filter(
      ({ Command, Labels }) =>
        Command.startsWith('sleep ') && (Labels['problems.owner'] ?? '').startsWith(`${process.pid} `),
    );
  }

  it('runs no command of psql, and says which line has one', async () => {
    expect(await drilled('shell', 'SELECT 1;\n\\! touch /tmp/was-here\n')).toBe(
      'L0 failed does-not-restore: line 8 of full.sql: \\! touch /tmp/was-here is a command of psql. Such a dump is not restored.',
    );
    expect(await drilled('copied', "\\copy nothing from program 'id'\n")).toContain('is a command of psql');
  });

  it('runs no command of psql that is in the rows of a table which cannot be restored', async () => {
    const said = await drilled(
      'rows',
      'CREATE TABLE here (a int);\nCOPY nowhere (a) FROM stdin;\n\\! id >&2\n1\n\\.\n',
    );
    expect(said).toContain('relation "nowhere" does not exist');
    expect(said).not.toContain('uid=');
  });

  it('gives programs of the server no root, no capability, no network and no way out of the container', async () => {
    const report = [
      'id -u; id -g',
      "sed -n 's/^Cap\\(Eff\\|Prm\\|Bnd\\|Inh\\|Amb\\):[[:space:]]*//p;s/^NoNewPrivs:[[:space:]]*/nnp /p;s/^Seccomp:[[:space:]]*/seccomp /p' /proc/self/status",
      'ls /proc | grep -E "^[0-9]+$" | while read one; do stat -c %u /proc/$one; done 2>/dev/null | sort -u | tr "\\n" " "; echo',
      'echo "interfaces $(grep -c : /proc/net/dev)"',
      'touch /written 2>&1; touch /etc/written 2>&1; touch /var/lib/postgresql/data/written 2>&1; ls /backup 2>&1',
    ].join('; ');
    const said = await drilled(
      'report',
      `CREATE TABLE said (line text);\nCOPY said FROM PROGRAM $$(${report}) | tr '\\t\\\\' '  '$$;\nDO $$ DECLARE all_of text; BEGIN SELECT string_agg(line, '#') INTO all_of FROM said; RAISE EXCEPTION 'SAID %', all_of; END $$;\n`,
    );
    const lines = /SAID (.*)/.exec(said)?.[1]?.split('#') ?? [];
    expect(lines.slice(0, 2)).toEqual(['999', '999']);
    expect(lines.slice(2, 7)).toEqual(Array.from({ length: 5 }, () => '0000000000000000'));
    expect(lines).toContain('nnp 1');
    expect(lines).toContain('seccomp 2');
    expect(lines).toContain('65534 999 ');
    expect(lines).toContain('interfaces 1');
    expect(lines.filter((line) => /Read-only file system|cannot access/.test(line))).toHaveLength(4);
  });

  it('reads the verdict itself: what the server prints or writes elsewhere does not count', async () => {
    const forged = 'printf \'restored\\nover\\nprint ["table","public.t","1","1"]\\n\'';
    const said = await drilled(
      'forged',
      `CREATE TABLE t (a int);\nCOPY t FROM PROGRAM $$(${forged}) >&2; echo 1$$;\nCOPY t TO PROGRAM $$rm -rf /tmp/client; kill -9 -1; cat >/dev/null$$;\n`,
    );
    expect(said).toMatch(/^L4 failed /);
  });

  it('is stopped when it takes more disk than such a backup may, and the disk is free again', async () => {
    const said = await drilled(
      'disk',
      'CREATE TABLE t AS SELECT repeat(md5(n::text), 60) FROM generate_series(1, 20000000) n;\n',
    );
    expect(said).toMatch(/^L4 impossible no-room: The restored copy took more than \d+ MiB of disk/);
    expect(await drills()).toEqual([]);
  });

  it('is stopped when it takes more memory than a drill has', async () => {
    const said = await drilled(
      'memory',
      "DO $$ DECLARE parts text[]; BEGIN FOR n IN 1..8 LOOP parts := parts || repeat('x', 400000000); END LOOP; END $$;\n",
    );
    expect(said).toMatch(/^L4 impossible no-room: The restored copy needed more than 2 GiB of memory/);
  });

  it('is stopped when its time is up', async () => {
    expect(await drilled('time', 'SELECT pg_sleep(600);\n', 12_000)).toBe(
      'L4 impossible time-out: did not finish within 12 s',
    );
    expect(await drills()).toEqual([]);
  });

  it('runs in a container that has what the documentation says, and no more', async () => {
    const running = drilled('slow', 'SELECT pg_sleep(6);\n');
    let found: Docker.ContainerInspectInfo | undefined;
    await eventually(30_000, async () => {
      const [one] = await drills();
      if (one !== undefined) found = await run.docker.getContainer(one.Id).inspect();
      return found !== undefined;
    });
    await running;
    expect(found?.Config.User).toBe('65534:65534');
    expect(found?.HostConfig).toMatchObject({
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: true,
      NetworkMode: 'none',
      Privileged: false,
      Memory: 2 * 2 ** 30,
      MemorySwap: 2 * 2 ** 30,
      CpuPeriod: 100_000,
      CpuQuota: 100_000,
      PidsLimit: 128,
    });
    expect(found?.HostConfig.CapAdd ?? []).toEqual([]);
    expect(found?.HostConfig.Binds ?? []).toEqual([]);
    expect(found?.Mounts.map(({ Type, Destination }) => [Type, Destination])).toEqual([['volume', '/tmp']]);
  });

  it('of a live server whose schema has a hostile owner gives that owner nothing', async () => {
    const live = await startInstance(run, { name: 'live', storage: 'seeded' });
    await query(live, "create role mallory login password 'm'; create schema authorization mallory");
    await query(
      live,
      `set role mallory; create table mallory.t (a int); insert into mallory.t values (1);
       comment on table mallory.t is E'x\\n\\\\! touch /tmp/mallory\\n'`,
    );
    const own = await instanceNamed(host, 'live');
    await host.changer.backups.take({ instance: own, name: 'first', labels: {} });
    const backup = await host.reader.backups.read('live/first');
    if (backup === undefined) throw new Error('it is not there');
    const { checks } = await host.reader.backups.check(backup, { instance: own, upTo: 'L4' });
    expect(checks.map(({ level, result }) => `${level} ${result}`)).toEqual([
      'L0 passed',
      'L1 passed',
      'L2 passed',
      'L3 passed',
      'L4 passed',
    ]);
  });
});
