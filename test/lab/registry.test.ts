import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, describe, it } from 'vitest';
import { readRegistry } from '../../src/index.ts';
import { run as runProblems } from '../cli/run.ts';
import { askGui, findGui } from './gui.ts';
import { findInstance, query } from './instance.ts';
import { copyRegistry } from './project.ts';
import { all } from './scenarios/all.ts';
import { createRun, labRuns } from './support.ts';

interface Finding {
  readonly id: string;
  readonly remediator: string;
  readonly instance: string;
  readonly problem: string | null;
}

interface Run {
  readonly remediator: string;
  readonly instance: string;
  readonly problem: string | null;
  readonly outcome: string;
  readonly dossier?: string | null;
  readonly verification?: { readonly result: string } | null;
  readonly failure?: unknown;
}

const registry = 'resources/postgres/PROBLEMS.md';

describe.skipIf(!(await labRuns()))('all problems of the registry', () => {
  it('are caused, detected, repaired, verified and recorded; a second detection finds only those left to operators', async (test) => {
    const run = await createRun(test);
    await all.up(run, () => undefined);
    await copyRegistry(run);
    const { first, last } = run.ports.instances;
    await writeFile(
      join(run.folder, 'problems.config.yaml'),
      `remediation:
  containers: '^${run.prefix}vrooli-postgres-(.+)$'
  settings:
    port-reassignment: { range: '${first}-${last}' }
    migration-lock: { roles: { ledger: vrooli } }
`,
    );
    const problems = (...args: readonly string[]) => runProblems(args, { cwd: run.folder });
    const text = (): Promise<string> => readFile(join(run.folder, registry), 'utf8');

    const before = await text();
    const detected = await problems('detect', '--record', '--json');
    expect(detected.code, detected.stderr).toBe(1);
    const found: readonly Finding[] = JSON.parse(detected.stdout).findings;
    // Every record of the registry that befalls an instance is found, by the remediator that is made for it.
    const { notLookedAt } = JSON.parse(detected.stdout);
    expect(notLookedAt).toEqual([]);
    expect(new Set(found.map(({ problem, remediator }) => `${problem ?? 'none'} ${remediator}`))).toEqual(
      new Set([
        'postgres/database-connection-pool-exhaustion connection-pool',
        'postgres/docker-volume-permission-issues volume-permissions',
        'postgres/instance-data-corruption-during-backup backup-repair',
        // The records of these two are resolved, so their return creates new records.
        'none memory',
        'none network-reconnect',
        'postgres/port-allocation-conflicts port-reassignment',
        'postgres/schema-migration-race-conditions migration-lock',
      ]),
    );
    expect(found.some(({ instance }) => instance === 'steady')).toBe(false);
    const recorded = await text();
    expect(recorded).not.toBe(before);

    const remediated = await problems('remediate', '--all', '--yes', '--json');
    const runs: readonly Run[] = JSON.parse(remediated.stdout).runs;
    const left = runs.filter(({ outcome }) => outcome !== 'fixed');
    for (const one of runs)
      if (one.outcome === 'fixed')
        expect(one, JSON.stringify(one)).toMatchObject({ verification: { result: 'verified' } });
      else expect(existsSync(one.dossier ?? ''), JSON.stringify(one)).toBe(true);
    expect(left, JSON.stringify(left)).toEqual([]);
    expect(remediated.code, remediated.stderr).toBe(0);

    const again = await problems('detect', '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ findings: [] });
    expect(again.code).toBe(0);

    // From the side of those who use the instances.
    expect(await query(await findInstance(run, 'alpha'), 'select count(*) from orders')).not.toEqual(['0']);
    expect((await askGui(await findGui(run, 'reports'))).status).toBe(200);
    expect((await askGui(await findGui(run, 'sales'))).status).toBe(200);
    expect(await query(await findInstance(run, 'main'), 'select count(*) from orders')).not.toEqual(['0']);
    expect(
      await query(
        await findInstance(run, 'ledger'),
        "select indisvalid from pg_index where indexrelid = 'customers_email'::regclass",
      ),
    ).toEqual(['t']);

    const after = await text();
    const { records, diagnostics } = readRegistry(after, { path: registry, component: 'postgres' });
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(records.length).toBeGreaterThan(10);
    const status = new Map(records.map((record) => [record.id, 'status' in record ? record.status : undefined]));
    for (const problem of new Set(runs.map((one) => one.problem)))
      if (problem !== null && status.get(problem) !== undefined)
        expect([problem, status.get(problem)]).toEqual([problem, 'resolved']);
  }, 900_000);
});
