import { describe, expect, it } from 'vitest';
import { scenarioNamed } from '../scenarios/index.ts';
import { createRun, labRuns } from '../support.ts';
import { instanceNamed, openRunHost } from './open-backups.ts';

describe.skipIf(!(await labRuns()))('the backups of the scenario backup-corruption', () => {
  it('are told apart: one restores, and each of the four others is found with its cause', async (test) => {
    const run = await createRun(test);
    await scenarioNamed('backup-corruption').up(run, () => undefined);
    const host = openRunHost(run);
    const instance = await instanceNamed(host, 'archive');
    const { backups, notLookedAt } = await host.reader.backups.list('archive');
    expect(notLookedAt).toEqual([]);
    expect(backups.map(({ ref, parts }) => [ref, parts.map(({ kind }) => kind).join()])).toEqual([
      ['archive/20250727_031000', 'plain'],
      ['archive/20250728_031000', 'plain'],
      ['archive/20250729_031000', 'custom'],
      ['archive/20250730_031000', 'custom'],
      ['archive/20250731_031000', 'data-directory'],
    ]);
    const found = [];
    for (const backup of backups) {
      const { checks } = await host.reader.backups.check(backup, { instance, upTo: 'L5', withSource: true });
      const last = checks.at(-1);
      found.push([backup.name, last?.level, last?.result, last?.cause]);
    }
    expect(found).toEqual([
      ['20250727_031000', 'L5', 'passed', undefined],
      ['20250728_031000', 'L0', 'failed', 'truncated'],
      ['20250729_031000', 'L2', 'failed', 'truncated'],
      ['20250730_031000', 'L0', 'failed', 'terminal'],
      ['20250731_031000', 'L1', 'failed', 'copied-data-directory'],
    ]);
  });
});
