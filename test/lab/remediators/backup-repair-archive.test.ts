import { describe, expect, it } from 'vitest';
import { detect, plan, remediate, rollback } from '../../../src/app/remediation.ts';
import { archiveCommand } from '../../../src/remediation/remediators/backup-repair/plan-archiving.ts';
import { execIn } from '../exec.ts';
import { findInstance, psql, query, startInstance, waitReady } from '../instance.ts';
import { addOrders } from '../rows.ts';
import { snapshotEngine } from '../snapshot.ts';
import { createRun, labRuns, majors } from '../support.ts';
import { eventually } from '../waiting.ts';
import { openBackups } from './open-remediator.ts';

const lab = await labRuns();
const rows = ['1000|625625.00'];

describe.skipIf(!lab)('continuous archiving', { concurrent: true, timeout: 300_000 }, () => {
  it.for(majors(17))(
    'is set up on PostgreSQL %i with approval on a separate volume, verified, and rolled back',
    async (postgres, test) => {
      const run = await createRun(test, { postgres });
      const first = await startInstance(run, { name: 'orders', storage: postgres === 15 ? 'bind' : 'volume' });
      await addOrders(first);
      const looking = await openBackups(run, { archive: ['orders'] }, { onlyLooking: true });
      test.onTestFinished(() => looking.close());
      const before = await snapshotEngine(run);
      const { proposals } = await plan(looking);
      expect(proposals).toMatchObject([
        { finding: { id: 'backup-repair/orders/archiving-wanted' }, decision: { automation: 'approve' } },
      ]);
      expect(await snapshotEngine(run)).toEqual(before);

      const remediation = await openBackups(run, { archive: ['orders'] });
      test.onTestFinished(() => remediation.close());
      const { runs: reports } = await remediate(remediation, { yes: true });
      expect(reports).toMatchObject([{ outcome: 'fixed', failure: null }]);
      const instance = await findInstance(run, 'orders');
      await waitReady(instance);
      expect(await query(instance, 'select count(*), sum(amount) from orders')).toEqual(rows);
      expect(await query(instance, 'show archive_mode')).toEqual(['on']);
      const stored = await execIn(instance.container, ['ls', '-la', '/var/lib/postgresql/archive']);
      expect(stored.stdout).toMatch(/-rw------- 1 postgres postgres 16777216 .* 0000000100000000000000\d\d\n/);
      expect(await detect(remediation)).toMatchObject({ findings: [], notLookedAt: [], interruptedRuns: [] });

      expect(await rollback(remediation, reports[0]?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
      const back = await findInstance(run, 'orders');
      await waitReady(back);
      expect(await query(back, 'show archive_mode')).toEqual(['off']);
      expect(await query(back, 'select count(*), sum(amount) from orders')).toEqual(rows);
    },
  );

  it('is reported with the log line of its failure, and left to an operator', async (test) => {
    const run = await createRun(test);
    const instance = await startInstance(run, {
      name: 'stuck',
      storage: 'seeded',
      settings: { archive_mode: 'on', archive_command: archiveCommand('/nowhere') },
    });
    await query(instance, "select pg_create_restore_point('a'); select pg_switch_wal()");
    await eventually(60_000, async () =>
      (await query(instance, 'select failed_count >= 1 from pg_stat_archiver')).includes('t'),
    );
    const remediation = await openBackups(run);
    test.onTestFinished(() => remediation.close());
    const { findings } = await detect(remediation);
    expect(findings).toMatchObject([{ id: 'backup-repair/stuck/archiving-failing' }]);
    expect(findings[0]?.summary).toMatch(/has failed \d+ times, last at .* on 0{7}1/);
    expect(findings[0]?.evidence).toContainEqual(
      expect.objectContaining({ type: 'log', text: expect.stringContaining('archive command failed') }),
    );
    const before = await execIn(instance.container, ['sh', '-c', 'ls "$PGDATA/pg_wal"']);
    const { runs: reports } = await remediate(remediation, { yes: true });
    expect(reports).toMatchObject([{ outcome: 'failed', failure: { class: 'unsafe' } }]);
    expect(reports[0]?.failure?.message).toContain('Never delete anything from pg_wal');
    expect((await execIn(instance.container, ['sh', '-c', 'ls "$PGDATA/pg_wal"'])).stdout).toBe(before.stdout);
    // Once the obstacle is removed, archiving continues without a repair.
    await execIn(instance.container, ['install', '-d', '-o', 'postgres', '-m', '700', '/nowhere'], { user: '0:0' });
    await eventually(120_000, async () =>
      (await psql(instance, 'select last_archived_time > last_failed_time from pg_stat_archiver')).stdout.includes('t'),
    );
    expect(await detect(remediation)).toMatchObject({ findings: [], notLookedAt: [], interruptedRuns: [] });
  });
});

describe.skipIf(!lab)('the archive command', { timeout: 120_000 }, () => {
  it('never overwrites, accepts an identical existing file, and leaves no partial file', async (test) => {
    const run = await createRun(test);
    const { container } = await startInstance(run, { name: 'shell', storage: 'seeded' });
    const command = archiveCommand('/tmp/archive')
      .replaceAll('%p', '/tmp/wal')
      .replaceAll('%f', '000000010000000000000001');
    const script = `set -u; mkdir -p /tmp/archive; say() { ( ${command} ); echo "$1 $?"; }
      echo one >/tmp/wal; say new; say again
      echo two >/tmp/wal; say other; cat /tmp/archive/0*1
      rm /tmp/archive/0*; echo half >/tmp/archive/000000010000000000000001.tmp; say after-crash; cat /tmp/archive/0*1
      ls /tmp/archive`;
    const { stdout } = await execIn(container, ['sh', '-c', script], { user: '999:999' });
    expect(stdout.trim().split('\n')).toEqual([
      'new 0',
      'again 0',
      'other 1',
      'one',
      'after-crash 0',
      'two',
      '000000010000000000000001',
    ]);
  });
});
