import { chown, mkdir, readdir, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, type TestContext } from 'vitest';
import {
  planRestore,
  submit,
  type Remediation,
  resume,
  rollback,
  type RunReport,
  verifyBackup,
} from '../../../src/app/remediation.ts';
import { archiveCommand } from '../../../src/remediation/remediators/backup-repair/plan-archiving.ts';
import { run as runProblems } from '../../cli/run.ts';
import { execIn } from '../exec.ts';
import { findInstance, type LabInstance, psql, query, startInstance, waitReady } from '../instance.ts';
import { backupFolder, writeBackupMetadata } from '../project.ts';
import { addOrders } from '../rows.ts';
import type { Run } from '../run.ts';
import { snapshotEngine } from '../snapshot.ts';
import { createRun, labRuns, majors } from '../support.ts';
import { eventually } from '../waiting.ts';
import { soak } from '../../soak.ts';
import { inProcess } from './crash.ts';
import { openBackups } from './open-remediator.ts';

const lab = await labRuns();
const name = '20260101_000000';
const rows = ['1000|625625.00'];

describe.skipIf(!lab)('a restore', { concurrent: true, timeout: 300_000 }, () => {
  it.for(majors(15))(
    'to a point in time of the archive on PostgreSQL %i restores what was dropped later, into a new instance',
    async (postgres, test) => {
      const run = await createRun(test, { postgres });
      const source = await startArchiving(run);
      await baseBackup(source);
      await query(source, "create table late as select 'before' as word");
      await sleep(1_100);
      const [moment = ''] = await query(
        source,
        `select to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
      );
      await sleep(1_100);
      await query(source, "drop table orders; insert into late values ('after')");
      await archiveNow(source);
      const before = await snapshotEngine(run);

      const { report, remediation } = await restore(test, run, { into: 'found', to: moment });
      expect(report).toMatchObject({ outcome: 'fixed', failure: null });
      const { answer } = await verifyBackup(remediation, { backup: `orders/${name}`, upTo: 'L6' });
      expect(answer.checks.map(({ level, result }) => `${level} ${result}`)).toEqual(
        ['L0', 'L1', 'L3', 'L4', 'L5', 'L6'].map((level) => `${level} passed`),
      );
      expect(answer.checks.at(-1)?.says[0]).toMatch(/recovery stopping after WAL location .* 3 databases answered/);
      const copy = await findInstance(run, 'found');
      expect(await query(copy, 'select count(*), sum(amount) from orders')).toEqual(rows);
      expect(await query(copy, 'select word from late')).toEqual(['before']);
      expect((await psql(copy, 'insert into orders values (0, $$new$$, 1)')).code).toBe(0);
      const { HostConfig, NetworkSettings, Mounts } = await copy.container.inspect();
      expect(HostConfig.PortBindings).toEqual({ '5432/tcp': [{ HostIp: '127.0.0.1', HostPort: expect.any(String) }] });
      expect(Object.keys(NetworkSettings.Networks)).toEqual(['bridge']);
      expect(Mounts.filter(({ RW }) => RW).map(({ Destination }) => Destination)).toEqual(['/var/lib/postgresql/data']);

      expect(await rollback(remediation, report?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
      const { containers } = await snapshotEngine(run);
      expect(containers).toEqual(before.containers);
    },
  );

  it('to a point in time after the archive names the last one available, and leaves nothing behind', async (test) => {
    const run = await createRun(test);
    const source = await startArchiving(run);
    await baseBackup(source);
    await query(source, 'create table late (word text)');
    await archiveNow(source);
    const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
    const { report } = await restore(test, run, { into: 'never', to: inAnHour });
    expect(report).toMatchObject({ outcome: 'rolled-back', failure: { class: 'precondition' } });
    expect(report?.failure?.message).toMatch(/^The archive does not reach .*: its last transaction is from \d{4}-/);
    await expect(findInstance(run, 'never')).rejects.toThrow();
    const early = await restore(test, run, { into: 'never', to: '2026-01-01T00:00:00Z' });
    expect(early.report).toMatchObject({ outcome: 'failed', failure: { class: 'unsafe' } });
    expect(early.report?.failure?.message).toContain('is before');

    // A gap in the archive: later WAL cannot be reached.
    for (const word of ['one', 'two']) {
      await query(source, `insert into late values ('${word}')`);
      await archiveNow(source);
    }
    const archive = join(run.folder, 'wal');
    const files = (await readdir(archive)).filter((file) => /^[0-9A-F]{24}$/.test(file)).sort();
    await unlink(join(archive, files.at(-2) ?? ''));
    const { answer } = await verifyBackup(early.remediation, { backup: `orders/${name}`, upTo: 'L6' });
    expect(answer.checks.at(-1)).toMatchObject({ level: 'L6', result: 'failed', cause: 'missing-wal' });
  });

  it('of dumps creates a new cluster with the roles, and refuses a truncated dump', async (test) => {
    const run = await createRun(test, { postgres: 15 });
    const source = await startInstance(run, { name: 'orders', storage: 'bind' });
    await addOrders(source);
    await query(
      source,
      'create role clerk login; alter table orders owner to clerk; create sequence numbers; select setval($$numbers$$, 42)',
    );
    const folder = await note(source);
    const plain = (await execIn(source.container, ['pg_dump', '-U', source.user, source.database])).stdout;
    // One transaction with more locks than a server has room for by default.
    const locks =
      'begin;select lo_create(n) from generate_series(1,40000) n;select lo_unlink(n) from generate_series(1,40000) n;commit;\n';
    await writeFile(join(folder, 'full.sql'), plain.replace('-- PostgreSQL database dump complete', `${locks}$&`));
    const globals = (await execIn(source.container, ['pg_dumpall', '-U', source.user, '--globals-only'])).stdout;
    await writeFile(join(folder, 'globals.sql'), globals);

    const { report } = await restore(test, run, { into: 'again' });
    expect(report).toMatchObject({ outcome: 'fixed', failure: null });
    const copy = await findInstance(run, 'again');
    await waitReady({ ...copy, port: undefined });
    expect(await query(copy, 'select count(*), sum(amount) from orders')).toEqual(rows);
    expect(await query(copy, "select tableowner from pg_tables where tablename = 'orders'")).toEqual(['clerk']);
    expect(await query(copy, 'select last_value from numbers')).toEqual(['42']);

    const config = `remediation:\n  containers: ^${run.prefix}vrooli-postgres-(.+)$\n`;
    const ports = `  settings: { port-reassignment: { range: ${run.ports.instances.first}-${run.ports.instances.last} } }\n`;
    await writeFile(join(run.folder, 'problems.config.yaml'), `${config}${ports}`);
    async function problems(...args: readonly string[]): ReturnType<typeof runProblems> {
      return runProblems(['backups', 'restore', `orders/${name}`, ...args], { cwd: run.folder });
    }
    expect(await problems('--into', 'orders')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Instance orders already exists; a restore never overwrites one.'),
    });
    expect(await problems('--into', 'typed', '--to', 'noon')).toMatchObject({ code: 2 });
    const typed = await problems('--into', 'typed');
    expect(typed).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/typed accepts connections at 127\.0\.0\.1:\d+/),
    });
    expect(await query(await findInstance(run, 'typed'), 'select count(*), sum(amount) from orders')).toEqual(rows);

    await writeFile(join(folder, 'full.sql'), plain.slice(0, plain.indexOf('\n', plain.length / 2) + 1));
    const cut = await restore(test, run, { into: 'cut' });
    expect(cut.report).toMatchObject({ outcome: 'failed', failure: { class: 'unsafe' } });
    expect(cut.report?.failure?.message).toContain('fails at L0');
    // Nothing came of it, so no port is kept for it; of what came to be, the port lasts.
    expect(await problems('--into', 'refused')).toMatchObject({ code: 1 });
    const { reader } = cut.remediation.session;
    expect((await reader.leases.list()).map(({ instance, state }) => [instance, state])).toEqual(
      expect.arrayContaining([['typed', 'bound']]),
    );
    expect((await reader.leases.list()).map(({ instance }) => instance)).not.toContain('refused');
  });
});

describe.skipIf(!lab)('a restore whose process is killed', { timeout: 600_000 }, () => {
  const points = ['step 1 is journalled+900', 'step 1 is applied', 'step 2 is applied', 'step 3 is journalled'];
  it.for(soak ? points : points.slice(0, 1))(
    'at %s is ended by resume, with one server on the volume, and can be rolled back',
    async (point, test) => {
      const run = await createRun(test, { postgres: 15 });
      const source = await startInstance(run, { name: 'orders', storage: 'volume' });
      await addOrders(source);
      const folder = await note(source);
      const dumped = await execIn(source.container, ['pg_dump', '-C', '-U', source.user, source.database]);
      await writeFile(join(folder, 'full.sql'), dumped.stdout);
      const restore = { backup: `orders/${name}`, into: 'copy', port: await run.takePort() };
      const { signal } = await inProcess({ remediator: 'backup-repair', run, restore, killAt: point });
      expect(signal).toBe('SIGKILL');

      // Another process, that knows nothing of what was asked for on the command line.
      const remediation = await openBackups(run);
      test.onTestFinished(() => remediation.close());
      // A restore may take a day, and its port stays reserved until it is over.
      const [lease] = await remediation.session.reader.leases.list();
      expect(Date.parse(lease?.expiresAt ?? '') - Date.now()).toBeGreaterThan(24 * 3_600_000);
      const [report] = await resume(remediation);
      expect(report).toMatchObject({ outcome: 'fixed', failure: null });
      const copy = await findInstance(run, 'copy');
      expect(await query(copy, 'select count(*), sum(amount) from orders')).toEqual(rows);
      expect(
        (await run.docker.listVolumes()).Volumes.filter(({ Name }) => Name.startsWith(copy.containerName)),
      ).toHaveLength(1);
      expect(await rollback(remediation, report?.id ?? '')).toMatchObject({
        outcome: 'rolled-back',
        leftovers: [{ object: `volume ${copy.data}` }],
      });
      await expect(findInstance(run, 'copy')).rejects.toThrow();
      expect(await query(source, 'select count(*), sum(amount) from orders')).toEqual(rows);
    },
  );
});

async function startArchiving(run: Run): Promise<LabInstance> {
  const archive = join(run.folder, 'wal');
  const backups = backupFolder(run, 'orders', name);
  for (const folder of [archive, backups]) {
    await mkdir(folder, { recursive: true });
    await chown(folder, 999, 999);
  }
  const instance = await startInstance(run, {
    name: 'orders',
    storage: 'anonymous',
    settings: {
      archive_mode: 'on',
      archive_command: archiveCommand('/var/lib/postgresql/archive'),
    },
    host: { Binds: [`${archive}:/var/lib/postgresql/archive`, `${backups}:/backups`] },
  });
  await addOrders(instance);
  return instance;
}

async function note({ run }: LabInstance): Promise<string> {
  const at = new Date().toISOString();
  return writeBackupMetadata(run, {
    instance: 'orders',
    backup_name: name,
    type: 'full',
    status: 'completed',
    created: at,
    completed: at,
    postgres_version: String(run.postgres),
    instance_config: { port: 5432, template: 'development' },
  });
}

async function baseBackup(instance: LabInstance): Promise<void> {
  await note(instance);
  const command = ['pg_basebackup', '-U', instance.user, '-D', '/backups/base', '-X', 'stream', '-c', 'fast'];
  const taken = await execIn(instance.container, [...command, '--manifest-checksums=SHA256'], { user: '999:999' });
  if (taken.code !== 0) throw new Error(taken.stderr);
}

async function archiveNow(instance: LabInstance): Promise<void> {
  const [file = ''] = await query(instance, 'select pg_walfile_name(pg_switch_wal())');
  await eventually(60_000, async () =>
    (await query(instance, `select last_archived_wal >= '${file}' from pg_stat_archiver`)).includes('t'),
  );
}

async function restore(
  test: Pick<TestContext, 'onTestFinished'>,
  run: Run,
  wanted: { readonly into: string; readonly to?: string },
): Promise<{ readonly report: RunReport | undefined; readonly remediation: Remediation }> {
  const port = await run.takePort();
  const remediation = await openBackups(run);
  test.onTestFinished(() => remediation.close());
  const work = await planRestore({ backup: `orders/${name}`, port, ...wanted }, remediation.session.reader);
  return { report: await submit(remediation, work, { automation: 'auto' }), remediation };
}
