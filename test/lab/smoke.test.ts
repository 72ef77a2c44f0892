import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { readRegistry } from '../../src/index.ts';
import { remediators } from '../../src/remediation/remediators/index.ts';
import { type Ran, run as runProblems } from '../cli/run.ts';
import { askGui, findGui } from './gui.ts';
import { seededCredentials } from './images/recipe.ts';
import { findInstance, query } from './instance.ts';
import { copyRegistry } from './project.ts';
import { stateFile } from './remediators/open-ports.ts';
import type { Run } from './run.ts';
import { all } from './scenarios/all.ts';
import { snapshotEngine } from './snapshot.ts';
import { createRun, labRuns } from './support.ts';
import { eventually } from './waiting.ts';

interface Finding {
  readonly id: string;
  readonly remediator: string;
  readonly instance: string;
  readonly problem: string | null;
}

interface Report {
  readonly id: string | null;
  readonly problem: string | null;
  readonly outcome: string;
  readonly dossier?: string | null;
}

/** Every finding, as `remediator problem`. Records of two of them are resolved, so their return makes new records. */
const expected = [
  'backup-repair postgres/instance-data-corruption-during-backup',
  'connection-pool postgres/database-connection-pool-exhaustion',
  'memory none',
  'migration-lock postgres/schema-migration-race-conditions',
  'network-reconnect none',
  'port-reassignment postgres/port-allocation-conflicts',
  'volume-permissions postgres/docker-volume-permission-issues',
];

/** Their own tests make the pass: a killed server is not a scenario, a stop of one of two servers is never undone, and limits are left to you. */
const others = ['availability', 'collation-versions', 'server-limits', 'shared-data'];

const registry = 'resources/postgres/PROBLEMS.md';

it('has a problem for every remediator that repairs', () => {
  expect(new Set([...expected.map((line) => line.split(' ')[0]), ...others])).toEqual(
    new Set(remediators.map(({ name }) => name)),
  );
});

describe.skipIf(!(await labRuns()))('all problems of the registry at once', () => {
  it('are detected, planned without a change, repaired, verified, recorded, and rolled back', async (test) => {
    const run = await createRun(test);
    // Outside the project, so that the snapshots do not see it.
    vi.stubEnv('PROBLEMS_STATE', await stateFile(test));
    test.onTestFinished(() => void vi.unstubAllEnvs());
    await all.up(run, () => undefined);
    await writeProject(run);
    const problems = (...args: readonly string[]) => runProblems([...args, '--json'], { cwd: run.folder });
    const text = (): Promise<string> => readFile(join(run.folder, registry), 'utf8');

    // A session that waits is a leak only after a while.
    await eventually(180_000, async () =>
      JSON.parse((await problems('detect', '--remediator', 'connection-pool')).stdout).findings.some(
        ({ id }: Finding) => id.endsWith('/leak'),
      ),
    );
    const before = await text();
    const detected = await problems('detect', '--record');
    expect(detected.code, detected.stderr).toBe(1);
    expect(JSON.parse(detected.stdout)).toMatchObject({ notLookedAt: [] });
    expect(findings(detected)).toEqual(new Set(expected));
    expect(detected.stdout).not.toContain('"instance":"steady"');
    expect(await text()).not.toBe(before);

    const state = await snapshotEngine(run);
    const planned = await problems('plan');
    const plans: readonly { readonly plan: { readonly type: string } }[] = JSON.parse(planned.stdout).plans;
    expect(plans.filter(({ plan }) => plan.type !== 'plan')).toEqual([]);
    expect(await snapshotEngine(run)).toEqual(state);

    const remediated = await problems('remediate', '--all', '--yes');
    const reports: readonly Report[] = JSON.parse(remediated.stdout).runs;
    for (const one of reports) {
      if (one.outcome === 'fixed') expect(one).toMatchObject({ verification: { result: 'verified' } });
      else expect(existsSync(one.dossier ?? ''), JSON.stringify(one)).toBe(true);
    }
    expect(reports.filter(({ outcome }) => outcome !== 'fixed')).toEqual([]);
    expect(remediated.code, remediated.stderr).toBe(0);

    const again = await problems('detect');
    expect(JSON.parse(again.stdout)).toMatchObject({ findings: [], notLookedAt: [] });
    expect(again.code).toBe(0);
    await expectService(run);
    expectResolved(await text(), reports);

    for (const { id } of reports.toReversed()) {
      const back = await problems('rollback', id ?? '');
      expect(JSON.parse(back.stdout)).toMatchObject({ runs: [{ id, outcome: 'rolled-back' }] });
    }
  }, 900_000);
});

async function writeProject(run: Run): Promise<void> {
  await copyRegistry(run);
  const { first, last } = run.ports.instances;
  await writeFile(
    join(run.folder, 'problems.config.yaml'),
    `remediation:
  containers: '^${run.prefix}vrooli-postgres-(.+)$'
  settings:
    memory: { loadSeconds: 0 }
    port-reassignment: { range: '${first}-${last}' }
    migration-lock: { roles: { ledger: ${seededCredentials.user} } }
`,
  );
}

function findings({ stdout }: Ran): ReadonlySet<string> {
  const found: readonly Finding[] = JSON.parse(stdout).findings;
  return new Set(found.map(({ problem, remediator }) => `${remediator} ${problem ?? 'none'}`));
}

/** From the side of those who use the instances. */
async function expectService(run: Run): Promise<void> {
  for (const name of ['alpha', 'main'])
    expect(await query(await findInstance(run, name), 'select count(*) from orders')).not.toEqual(['0']);
  for (const name of ['reports', 'sales']) expect((await askGui(await findGui(run, name))).status).toBe(200);
  const isValid = "select indisvalid from pg_index where indexrelid = 'customers_email'::regclass";
  expect(await query(await findInstance(run, 'ledger'), isValid)).toEqual(['t']);
}

function expectResolved(text: string, reports: readonly Report[]): void {
  const { records, diagnostics } = readRegistry(text, { path: registry, component: 'postgres' });
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(records.length).toBeGreaterThan(10);
  const status = new Map(records.map((record) => [record.id, 'status' in record ? record.status : undefined]));
  for (const problem of new Set(reports.map((one) => one.problem)))
    if (problem !== null && status.get(problem) !== undefined)
      expect([problem, status.get(problem)]).toEqual([problem, 'resolved']);
}
