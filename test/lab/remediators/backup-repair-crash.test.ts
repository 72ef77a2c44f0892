import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Backup } from '../../../src/backups/types.ts';
import { detect, remediate, type Remediation, resume, runs as journal } from '../../../src/app/remediation.ts';
import { execIn } from '../exec.ts';
import { type LabInstance, query, startInstance } from '../instance.ts';
import { writeBackupMetadata } from '../project.ts';
import { addOrders } from '../rows.ts';
import type { Run } from '../run.ts';
import { createRun, labRuns } from '../support.ts';
import { openBackups } from './open-backups.ts';

const lab = await labRuns();
/** Every point of the journal takes an hour: here those between which something changes, and the middle of what is long. */
const everyPoint = process.env['PROBLEMS_LAB_POINTS'] === 'all';
const bad = ['20260101_000000', '20260102_000000'];

describe.skipIf(!lab)('a process that is killed while it repairs backups', { timeout: 5_400_000 }, () => {
  it('leaves a run that resume ends as fixed or rolled back, no half backup among the whole ones, and the source as it was', async (test) => {
    const run = await createRun(test);
    const instance = await startInstance(run, { name: 'orders', storage: 'seeded' });
    await addOrders(instance);
    const before = await rows(instance);
    await writeBackups(instance);

    let points: readonly string[] = [];
    let back: readonly string[] = [];
    if (everyPoint) {
      points = (await child(run, 'on')).points;
      back = (await child(run, 'back')).points;
      expect(points).toContain('step 3 is recorded');
    }
    const chosen = ['step 0 is applied', 'step 2 is journalled+1500'];
    for (const point of everyPoint ? points : chosen) {
      await forget(run);
      expect((await child(run, 'on', point)).signal, point).toBe('SIGKILL');
      await withRemediation(run, async (remediation) => {
        expect(await ending(remediation), point).toBe('fixed');
        expect((await detect(remediation)).findings, point).toEqual([]);
        const { backups } = await remediation.session.reader.backups.list('orders');
        expect(namesOf(backups, 'quarantined'), point).toEqual(bad);
        expect(backups.find(({ verdict }) => verdict === 'good')?.state, point).toBe('complete');
        expect(namesOf(backups, 'running'), point).toEqual([]);
      });
      expect(await rows(instance), point).toEqual(before);
      const undone = await child(run, 'back', everyPoint ? '' : 'undo 1 is applied');
      await withRemediation(run, async (remediation) => {
        if (undone.signal === 'SIGKILL') expect(await ending(remediation), point).toBe('rolled-back');
        const { backups } = await remediation.session.reader.backups.list('orders');
        expect(namesOf(backups, 'quarantined'), point).toEqual([]);
        expect(
          backups.map(({ name }) => name),
          point,
        ).toEqual(expect.arrayContaining(bad));
      });
    }
    for (const point of back) {
      await forget(run);
      expect((await child(run, 'on')).outcomes, point).toEqual(['fixed']);
      expect((await child(run, 'back', point)).signal, point).toBe('SIGKILL');
      await withRemediation(run, async (remediation) => {
        expect(await ending(remediation), point).toBe('rolled-back');
        const { backups } = await remediation.session.reader.backups.list('orders');
        expect(namesOf(backups, 'quarantined'), point).toEqual([]);
      });
    }
  });
});

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

interface Ended {
  readonly signal: string | null;
  readonly points: readonly string[];
  readonly outcomes: readonly string[];
}

async function child(run: Run, direction: 'on' | 'back', point = ''): Promise<Ended> {
  const script = join(import.meta.dirname, 'backup-repair-child.ts');
  const started = spawn(process.execPath, [script, run.folder, run.prefix, direction, point], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said, [, signal]] = await Promise.all([text(started.stdout), once(started, 'close')]);
  return { points: [], outcomes: [], ...(said === '' ? {} : JSON.parse(said)), signal };
}

/** How the newest run ends, resumed or over already; one that was killed before it was planned is begun again. */
async function ending(remediation: Remediation): Promise<string | null | undefined> {
  const reports = await resume(remediation);
  if (reports.length > 0) return reports.length === 1 ? reports[0]?.outcome : 'several';
  const [newest] = await journal(remediation);
  if (newest?.phase === 'ended') return newest.outcome;
  return (await remediate(remediation, { yes: true })).runs[0]?.outcome;
}

/** Two that were rolled back within an hour would hand the next one to a person; and old backups are not looked at for ever. */
async function forget(run: Run): Promise<void> {
  await rm(join(run.folder, '.problems'), { recursive: true, force: true });
  const folder = join(run.folder, '.vrooli', 'backups', 'postgres', 'orders');
  for (const name of await readdir(folder))
    if (!bad.includes(name)) await rm(join(folder, name), { recursive: true, force: true });
}

async function withRemediation(run: Run, work: (remediation: Remediation) => Promise<void>): Promise<void> {
  const remediation = await openBackups(run);
  try {
    await work(remediation);
  } finally {
    remediation.close();
  }
}

function namesOf(backups: readonly Backup[], state: Backup['state']): readonly string[] {
  return backups.filter((backup) => backup.state === state).map(({ name }) => name);
}

async function rows(instance: LabInstance): Promise<readonly string[]> {
  return query(instance, 'select count(*), sum(hashtextextended(o::text, 0)) from orders o');
}
