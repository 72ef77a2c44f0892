import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run as runProblems } from '../../cli/run.ts';
import { findInstance, query } from '../instance.ts';
import { scenarioNamed } from '../scenarios/index.ts';
import { createRun, labRuns } from '../support.ts';

describe.skipIf(!(await labRuns()))('two servers on one volume', { timeout: 300_000 }, () => {
  it('are found before anything else, and the one that started later is stopped with approval', async (test) => {
    const run = await createRun(test);
    await scenarioNamed('two-servers').up(run, () => undefined);
    const shared = await findInstance(run, 'shared');
    const second = await findInstance(run, 'second');
    const config = { remediation: { containers: `^${run.prefix}vrooli-postgres-(.+)$` } };
    await writeFile(join(run.folder, 'problems.config.json'), JSON.stringify(config));
    const problems = (...args: readonly string[]) => runProblems(args, { cwd: run.folder });

    const detected = await problems('detect', '--json');
    expect(detected.code).toBe(1);
    expect(JSON.parse(detected.stdout).findings.map(({ id }: { readonly id: string }) => id)).toEqual(
      expect.arrayContaining(['shared-data/second/two-servers', 'shared-data/shared/two-servers']),
    );

    const { stdout } = await problems('remediate', '--remediator', 'shared-data', '--json');
    const waiting = JSON.parse(stdout).runs.find(
      ({ finding }: { readonly finding: string }) => finding === 'shared-data/second/two-servers',
    );
    expect(waiting).toMatchObject({ outcome: 'planned' });
    expect((await second.container.inspect()).State.Running).toBe(true);

    expect(await problems('approve', waiting.id, '--despite-damage')).toMatchObject({ code: 0 });
    const { State, HostConfig } = await second.container.inspect();
    expect(State.Running).toBe(false);
    expect(HostConfig.RestartPolicy).toMatchObject({ Name: 'no' });
    expect(await query(shared, 'select 1')).toEqual(['1']);
    const after = await problems('detect', '--json');
    expect(
      JSON.parse(after.stdout).findings.map(({ remediator }: { readonly remediator: string }) => remediator),
    ).not.toContain('shared-data');
  });
});
