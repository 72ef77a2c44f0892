import { readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { checkPaths } from '../../../src/app/scan.ts';
import { loadConfig } from '../../../src/config/config.ts';
import {
  bindCall,
  detect,
  knownProblems,
  plan,
  remediate,
  type Remediation,
  rollback,
} from '../../../src/app/remediation.ts';
import { soak } from '../../soak.ts';
import { execIn } from '../exec.ts';
import { findInstance, type LabInstance, query, startInstance, waitReady } from '../instance.ts';
import { copyRegistry, writeBackupMetadata } from '../project.ts';
import { addOrders } from '../rows.ts';
import type { Run } from '../run.ts';
import { scenarioNamed } from '../scenarios/index.ts';
import { snapshotEngine } from '../snapshot.ts';
import { createRun, labRuns, majors } from '../support.ts';
import { openBackups } from './open-remediator.ts';

const lab = await labRuns();
const backups = join('.vrooli', 'backups', 'postgres', 'archive');
const bad = ['20250728_031000', '20250729_031000', '20250730_031000', '20250731_031000'];

describe.skipIf(!lab)('backups that cannot be restored', { concurrent: true, timeout: 600_000 }, () => {
  // The pass that test/lab/smoke.test.ts makes, in detail.
  it.runIf(soak).for(majors(17))(
    'of PostgreSQL %i are quarantined with their causes, and a new one is taken and verified, although the registry escalates damage',
    async (postgres, test) => {
      const run = await createRun(test, { postgres });
      await scenarioNamed('backup-corruption').up(run, () => undefined);
      await copyRegistry(run);
      const config = await loadConfig(run.folder, { lookup: false });
      const { registries } = await checkPaths(['.'], { cwd: run.folder, config });
      const problems = await knownProblems(registries, config);
      const before = await snapshotEngine(run);

      const looking = bindCall(await openBackups(run, {}, { onlyLooking: true }), { problems });
      test.onTestFinished(() => looking.close());
      const { proposals } = await plan(looking);
      expect(proposals).toMatchObject([
        {
          finding: {
            id: 'backup-repair/archive/bad-backup/20250731_031000',
            problem: 'postgres/instance-data-corruption-during-backup',
            risk: 'safe',
          },
          decision: { automation: 'approve', source: 'registry' },
        },
      ]);
      expect(proposals[0]?.decision?.reasons[0]).toContain('Auto-Escalation of the registry names');
      expect(await snapshotEngine(run)).toEqual(before);

      const remediation = bindCall(await openBackups(run), { problems });
      test.onTestFinished(() => remediation.close());
      const { runs: unasked } = await remediate(remediation);
      expect(unasked).toMatchObject([{ outcome: 'awaiting-approval' }]);
      const { runs: reports } = await remediate(remediation, { yes: true });
      expect(reports).toMatchObject([{ outcome: 'fixed', failure: null, downtimeMs: 0 }]);

      const all = await remediation.session.reader.backups.list('archive');
      const shown = all.backups.map(({ name, state, quarantine }) => [name, state, quarantine?.reason.split(':')[0]]);
      expect(shown.slice(0, 5)).toEqual([
        ['20250727_031000', 'complete', undefined],
        ['20250728_031000', 'quarantined', 'truncated'],
        ['20250729_031000', 'quarantined', 'truncated'],
        ['20250730_031000', 'quarantined', 'terminal'],
        ['20250731_031000', 'quarantined', 'copied-data-directory'],
      ]);
      expect(all.backups).toHaveLength(6);
      expect(all.backups[5]).toMatchObject({
        state: 'complete',
        verdict: 'good',
        reached: expect.stringMatching(/^L[45]$/),
      });
      expect((await stat(all.backups[1]?.folder ?? '')).mode & 0o222).toBe(0);
      const after = await snapshotEngine(run);
      expect(after.data).toEqual(before.data);
      expect(after.containers).toEqual(before.containers);
      expect(await detect(remediation)).toMatchObject({ findings: [], notLookedAt: [], interruptedRuns: [] });

      expect(await rollback(remediation, reports[0]?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
      expect(backupFiles(await snapshotEngine(run))).toEqual(backupFiles(before));
      expect((await detect(remediation)).findings.map(({ kind }) => kind)).toEqual(['bad-backup']);
    },
  );

  it('stay in place while their source is stopped or damaged', async (test) => {
    const run = await createRun(test);
    await scenarioNamed('backup-corruption').up(run, () => undefined);
    const container = run.docker.getContainer(`${run.prefix}vrooli-postgres-archive`);
    const before = backupFiles(await snapshotEngine(run));
    await container.stop();
    const remediation = await open(test, run);
    const { runs: down } = await remediate(remediation, { yes: true });
    expect(down).toMatchObject([{ outcome: 'failed', failure: { class: 'unsafe' } }]);
    expect(down[0]?.failure?.message).toContain('is not running');
    await container.start();
    const archive = await findInstance(run, 'archive');
    await waitReady(archive);
    await query(
      archive,
      `do $$ begin raise warning 'page verification failed, calculated checksum 1 but expected 2'; end $$`,
    );
    const { runs: damaged } = await remediate(remediation, { yes: true });
    expect(damaged).toMatchObject([{ finding: 'backup-repair/archive/source-damaged', outcome: 'failed' }]);
    expect(await readFile(damaged[0]?.dossier ?? '', 'utf8')).toContain('4 of its backups are bad too');
    expect(backupFiles(await snapshotEngine(run))).toEqual(before);
    expect(await remediation.session.store.suspensions.get('archive')).toBeDefined();
  });
});

describe.skipIf(!lab)('a new backup', { concurrent: true, timeout: 600_000 }, () => {
  // The smoke test takes and verifies one.
  it.runIf(soak)('is taken and verified if the newest good one is older than the config allows', async (test) => {
    const run = await createRun(test);
    const instance = await startInstance(run, { name: 'orders', storage: 'volume' });
    await addOrders(instance);
    const remediation = await open(test, run, { rpoHours: 24 });
    // With `rpoHours`, the config expects backups.
    expect((await detect(remediation)).findings).toMatchObject([{ id: 'backup-repair/orders/no-good-backup' }]);
    const unset = await open(test, run);
    expect((await detect(unset)).findings).toEqual([]);
    await writeDump(instance, '20260101_000000');
    const { findings } = await detect(remediation);
    expect(findings).toMatchObject([{ id: 'backup-repair/orders/no-good-backup', risk: 'safe' }]);
    expect((await remediate(remediation)).runs).toMatchObject([{ outcome: 'fixed', automation: 'auto' }]);
    expect(await detect(remediation)).toMatchObject({ findings: [], notLookedAt: [], interruptedRuns: [] });
    const { backups: all } = await remediation.session.reader.backups.list('orders');
    expect(all.map(({ state, verdict }) => [state, verdict])).toEqual([
      ['complete', 'unproven'],
      ['complete', 'good'],
    ]);
  });

  it('reveals damage of the database that no other check can see, which is left to an operator', async (test) => {
    const run = await createRun(test, { postgres: 15 });
    const instance = await startInstance(run, { name: 'lying', storage: 'volume' });
    await addOrders(instance);
    // Every row can be read, there are no checksums, and no amcheck in this database: only a restored copy shows it.
    await query(
      instance,
      `create function mirrored(integer) returns integer language sql immutable as 'select $1';
       create index lying on orders (mirrored(id));
       create or replace function mirrored(integer) returns integer language sql immutable as 'select -$1';`,
    );
    const dump = await writeDump(instance, '20260101_000000');
    await truncate(dump, 2_000);
    const remediation = await open(test, run);
    const { runs: reports } = await remediate(remediation, { yes: true });
    expect(reports).toMatchObject([{ outcome: 'rolled-back' }]);
    expect(reports[0]?.failure?.message).toContain('lacks matching index tuple');
    const { findings } = await detect(remediation);
    expect(findings).toMatchObject([{ id: 'backup-repair/lying/source-damaged', corruption: true }]);
    expect(await remediation.session.store.suspensions.get('lying')).toBeDefined();
    expect(await query(instance, "select count(*) from pg_extension where extname = 'amcheck'")).toEqual(['0']);
  });
});

/** A plain dump in the managed layout. Returns the file. */
async function writeDump(instance: LabInstance, name: string): Promise<string> {
  const [, year, month, day] = /^(\d{4})(\d\d)(\d\d)/.exec(name) ?? [];
  const at = `${year}-${month}-${day}T00:00:00Z`;
  const folder = await writeBackupMetadata(instance.run, {
    instance: instance.name,
    backup_name: name,
    type: 'full',
    status: 'completed',
    created: at,
    completed: at,
    postgres_version: String(instance.run.postgres),
    instance_config: { port: 5432, template: 'development' },
  });
  const dumped = await execIn(instance.container, ['pg_dump', '-U', instance.user, instance.database]);
  await writeFile(join(folder, 'full.sql'), dumped.stdout);
  return join(folder, 'full.sql');
}

function backupFiles({ files }: { readonly files: Readonly<Record<string, string>> }): readonly string[] {
  return Object.entries(files)
    .filter(([path]) => bad.some((name) => path.startsWith(join(backups, name))))
    .map(([path, state]) => `${path} ${state}`);
}

async function open(
  test: Pick<TestContext, 'onTestFinished'>,
  run: Run,
  settings: { readonly rpoHours?: number } = {},
): Promise<Remediation> {
  const remediation = await openBackups(run, settings);
  test.onTestFinished(() => remediation.close());
  return remediation;
}
