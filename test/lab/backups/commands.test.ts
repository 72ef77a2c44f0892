import { cp, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { writeVerification } from '../../../src/backups/sidecar-files.ts';
import { type Ran, run as runProblems } from '../../cli/run.ts';
import { soak } from '../../soak.ts';
import { startInstance } from '../instance.ts';
import { backupFolder } from '../project.ts';
import type { Run } from '../run.ts';
import { scenarioNamed } from '../scenarios/index.ts';
import { createRun, labRuns } from '../support.ts';

describe.skipIf(!(await labRuns()))('problems backups', () => {
  it('lists the good backup and the four bad ones of the scenario, with their causes', async (test) => {
    const { run, problems } = await project(test);
    await scenarioNamed('backup-corruption').up(run, () => undefined);

    const unasked = await problems('backups', 'archive');
    // Old, and never restored.
    expect(unasked).toMatchObject({ code: 1, stderr: '' });
    expect(unasked.stdout).toContain('\narchive: too old: the newest, archive/20250731_031000, is ');
    expect(unasked.stdout.split('\n')[0]).toMatch(/^BACKUP +KIND +AGE +SIZE +LEVEL +VERIFIED +STATE$/);

    const verified = await problems('backups', 'verify', 'archive');
    expect(verified.code).toBe(1);
    expect(verified.stderr).toContain('archive/20250727_031000: L4, restoring it in a temporary container');
    expect(verified.stdout).toContain('archive/20250727_031000: good\n  L0 passed\n');

    const shown = await problems('backups', 'archive');
    expect(shown.code).toBe(1);
    expect(shown.stdout.split('\n').map((line) => /^(\S+) .*?(bad: L\d \S+|L5) +20\d\d-/.exec(line)?.slice(1))).toEqual(
      [
        undefined,
        ['archive/20250727_031000', 'L5'],
        ['archive/20250728_031000', 'bad: L0 truncated'],
        ['archive/20250729_031000', 'bad: L2 truncated'],
        ['archive/20250730_031000', 'bad: L0 terminal'],
        ['archive/20250731_031000', 'bad: L1 copied-data-directory'],
        undefined,
        undefined,
      ],
    );
    const { schemaVersion, backups } = JSON.parse((await problems('backups', '--json')).stdout);
    expect(schemaVersion).toBe(1);
    expect(backups[0]).toMatchObject({ ref: 'archive/20250727_031000', verdict: 'good', reached: 'L5' });

    const one = await problems('backups', 'verify', 'archive/20250727_031000', '--level', 'L0', '--json');
    expect(one.code).toBe(0);
    expect(JSON.parse(one.stdout).backups[0].checks[0].says[0]).toMatch(/^All 1 files are unchanged since/);

    const kept = await problems('backups', 'expire', 'archive');
    expect(kept).toMatchObject({ code: 0, stderr: 'Nothing would be removed.\n' });
    expect(kept.stdout).toContain('good backups: 1; at least 2 must be kept');
  });

  // test/lab/backups/request-crash.test.ts takes and removes backups on request.
  it.runIf(soak)('takes and verifies a backup, and removes the oldest of three only on request', async (test) => {
    const { run, problems } = await project(test);
    await startInstance(run, { name: 'orders', storage: 'seeded' });
    const taken = await problems('backups', 'take', 'orders', '--json');
    expect(taken.code).toBe(0);
    const { runs } = JSON.parse(taken.stdout);
    expect(runs[0]).toMatchObject({ remediator: 'backup-request', outcome: 'fixed', downtimeMs: 0 });
    await age(run, 'orders', '20250101_000000', '2025-01-01T00:00:00Z');
    for (const copy of ['20250201_000000', '20250301_000000']) await copyOf(run, 'orders', '20250101_000000', copy);

    const told = await problems('backups', 'expire', 'orders');
    expect(told).toMatchObject({ code: 0, stderr: '--yes removes orders/20250101_000000.\n' });
    expect(await standing(run)).toHaveLength(3);
    const done = await problems('backups', 'expire', 'orders', '--yes');
    expect(done.code).toBe(0);
    expect(await standing(run)).toEqual(['20250201_000000', '20250301_000000']);
    expect((await problems('backups', 'expire', 'orders', '--yes')).stderr).toBe('Nothing would be removed.\n');
  });

  it('explains invalid requests', async (test) => {
    const { problems } = await project(test);
    expect(await problems('backups')).toMatchObject({ code: 1, stdout: '' });
    expect(await problems('backups', 'verify', 'no/such')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('There is no backup no/such.'),
    });
    expect(await problems('backups', 'take')).toMatchObject({ code: 2 });
    expect(await problems('backups', 'verfy', 'x')).toMatchObject({ code: 2 });
  });
});

async function project(
  test: TestContext,
): Promise<{ readonly run: Run; readonly problems: (...args: readonly string[]) => Promise<Ran> }> {
  const run = await createRun(test);
  await writeFile(
    join(run.folder, 'problems.config.yaml'),
    `remediation:\n  containers: "^${run.prefix}vrooli-postgres-(.+)$"\n`,
  );
  return { run, problems: (...args) => runProblems(args, { cwd: run.folder }) };
}

async function standing(run: Run): Promise<readonly string[]> {
  const names = await readdir(dirname(backupFolder(run, 'orders', 'x')));
  return names.filter((name) => !name.startsWith('.')).sort();
}

/** The backup that was taken, with another name and date. */
async function age(run: Run, instance: string, name: string, created: string): Promise<void> {
  const [taken = ''] = await standing(run);
  await rename(backupFolder(run, instance, taken), backupFolder(run, instance, name));
  await writeFile(
    join(backupFolder(run, instance, name), 'metadata.json'),
    JSON.stringify({ created, status: 'completed' }),
  );
  await sign(backupFolder(run, instance, name), `${instance}/${name}`);
}

async function copyOf(run: Run, instance: string, name: string, copy: string): Promise<void> {
  await cp(backupFolder(run, instance, name), backupFolder(run, instance, copy), { recursive: true });
  await writeFile(join(backupFolder(run, instance, copy), 'metadata.json'), JSON.stringify({ status: 'completed' }));
  await sign(backupFolder(run, instance, copy), `${instance}/${copy}`);
}

/** A proof is of one name. */
async function sign(folder: string, ref: string): Promise<void> {
  const { signature: _, ...proof } = JSON.parse(await readFile(join(folder, 'verification.json'), 'utf8'));
  await writeVerification(folder, ref, proof);
}
