import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Backup } from '../../../src/backups/types.ts';
import { detect, type Remediation } from '../../../src/app/remediation.ts';
import { soak } from '../../soak.ts';
import { execIn } from '../exec.ts';
import { type LabInstance, query, startInstance } from '../instance.ts';
import { writeBackupMetadata } from '../project.ts';
import { addOrders } from '../rows.ts';
import type { Run } from '../run.ts';
import { createRun, labRuns } from '../support.ts';
import { crashAtEach, endOf, inProcess, type Opened, withRemediation } from './crash.ts';

const lab = await labRuns();
const bad = ['20260101_000000', '20260102_000000'];

describe.skipIf(!lab)('a repair of backups whose process is killed', { timeout: 5_400_000 }, () => {
  it('quarantines bad backups and takes a complete backup when it is resumed, and rollback can be killed too', async (test) => {
    const run = await createRun(test);
    const instance = await startInstance(run, { name: 'orders', storage: 'seeded' });
    await addOrders(instance);
    const before = await rows(instance);
    await writeBackups(instance);
    const opened: Opened = { remediator: 'backup-repair', run };

    // In the middle of what takes long, too.
    await crashAtEach(['step 2 is journalled+1500'], {
      ...opened,
      breakAgain: () => removeNewBackups(run),
      async check(remediation, outcome, point) {
        expect(outcome, point).toBe('fixed');
        expect((await detect(remediation)).findings, point).toEqual([]);
        const backups = await backupsOf(remediation);
        expect(namesOf(backups, 'quarantined'), point).toEqual(bad);
        expect(backups.find(({ verdict }) => verdict === 'good')?.state, point).toBe('complete');
        expect(namesOf(backups, 'running'), point).toEqual([]);
        expect(await rows(instance), point).toEqual(before);
        await rollBackKilledAt('undo 1 is applied', opened, point);
      },
    });
    if (!soak) return;
    const { points } = await repairAgain(opened, 'rollback');
    for (const point of points) {
      await repairAgain(opened);
      await rollBackKilledAt(point, opened, point);
    }
  });
});

/** Repairs without a disturbance, and then perhaps rolls back. */
async function repairAgain(opened: Opened, then?: 'rollback'): ReturnType<typeof inProcess> {
  await rm(join(opened.run.folder, '.problems'), { recursive: true, force: true });
  await removeNewBackups(opened.run);
  const repaired = await inProcess(opened);
  expect(repaired.outcomes).toEqual(['fixed']);
  return then === undefined ? repaired : inProcess({ ...opened, action: then });
}

/** Rolls back the newest run in a process that is killed, and continues here: every backup is in its old place. */
async function rollBackKilledAt(killAt: string, opened: Opened, point: string): Promise<void> {
  expect((await inProcess({ ...opened, action: 'rollback', killAt })).signal, point).toBe('SIGKILL');
  await withRemediation(opened, async (remediation) => {
    expect(await endOf(remediation), point).toBe('rolled-back');
    const backups = await backupsOf(remediation);
    expect(namesOf(backups, 'quarantined'), point).toEqual([]);
    const names = backups.map(({ name }) => name);
    expect(names, point).toEqual(expect.arrayContaining(bad));
  });
}

async function backupsOf(remediation: Remediation): Promise<readonly Backup[]> {
  return (await remediation.session.reader.backups.list('orders')).backups;
}

/** One that is cut at the end of a line, and one that is the empty output of a dump that failed. */
async function writeBackups(instance: LabInstance): Promise<void> {
  const plain = (await execIn(instance.container, ['pg_dump', '-U', instance.user, instance.database])).stdout;
  const cut = plain.slice(0, plain.indexOf('\n', plain.length / 2) + 1);
  const contents: readonly (readonly [string, string | Uint8Array])[] = [
    ['full.sql', cut],
    ['full.sql.gz', gzipSync('')],
  ];
  for (const [index, backup] of bad.entries()) {
    const folder = await writeBackupMetadata(instance.run, {
      instance: instance.name,
      backup_name: backup,
      type: 'full',
      status: 'completed',
      created: `2026-01-0${index + 1}T00:00:00Z`,
      completed: `2026-01-0${index + 1}T00:00:00Z`,
      postgres_version: String(instance.run.postgres),
      instance_config: { port: 5432, template: 'development' },
    });
    const [file = '', content = ''] = contents[index] ?? [];
    await writeFile(join(folder, file), content);
  }
}

/** Detecting would take longer each time. */
async function removeNewBackups({ folder: project }: Pick<Run, 'folder'>): Promise<void> {
  const folder = join(project, '.vrooli', 'backups', 'postgres', 'orders');
  for (const name of await readdir(folder))
    if (!bad.includes(name)) await rm(join(folder, name), { recursive: true, force: true });
}

function namesOf(backups: readonly Backup[], state: Backup['state']): readonly string[] {
  return backups.filter((backup) => backup.state === state).map(({ name }) => name);
}

async function rows(instance: LabInstance): Promise<readonly string[]> {
  return query(instance, 'select count(*), sum(hashtextextended(o::text, 0)) from orders o');
}
