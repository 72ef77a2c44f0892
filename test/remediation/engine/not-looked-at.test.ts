import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readRegistry } from '../../../src/registry/parse/read.ts';
import type { KnownProblem } from '../../../src/remediation/engine/record-for.ts';
import { detect } from '../../../src/app/remediation.ts';
import { brokenFiles, brokenFolder, openFolder, removeFolder } from '../broken-files.ts';

let folder = '';
beforeEach(async () => {
  folder = await brokenFolder();
});
afterEach(async () => removeFolder(folder));

/** Neither can check: one of them one instance, the other any instance. */
const blind = [
  { remediator: 'broken-files', instance: 'orders', reason: 'refused' },
  { remediator: 'other-files', instance: null, reason: 'refused', lasting: true },
] as const;
const remediators = blind.map((one) => ({
  ...brokenFiles,
  name: one.remediator,
  claims: { topic: one.remediator, class: 'other', phrases: [one.remediator] } as const,
  detect: () => Promise.resolve({ findings: [], notLookedAt: [one] }),
}));

describe('a check that could not run', () => {
  it.for([
    [undefined, ['broken-files', 'other-files']],
    [['broken-files/orders/wrong-text'], ['broken-files']],
    [['other-files/billing/wrong-text'], ['other-files']],
    [['postgres/broken-files'], ['broken-files']],
    [['postgres/other-files'], ['other-files']],
    [
      ['postgres/broken-files', 'other-files/billing/x'],
      ['broken-files', 'other-files'],
    ],
  ] as const)('is reported for %j if it may hide a finding: %j', async ([ids, told]) => {
    const problems = [...records('broken-files'), ...records('other-files')];
    const remediation = await openFolder(folder, { remediators });
    const { notLookedAt } = await detect(remediation, { problems, ...(ids === undefined ? {} : { ids }) });
    expect(notLookedAt).toEqual(blind.filter(({ remediator }) => told.some((name) => name === remediator)));
    remediation.close();
  });

  it.each(['broken-files/billing/wrong-text', 'broken-files/orders-archive/wrong-text', 'postgres/no-such-problem'])(
    'does not excuse an id that it cannot hide: %s',
    async (id) => {
      const remediation = await openFolder(folder, { remediators });
      await expect(detect(remediation, { ids: [id] })).rejects.toMatchObject({ code: 'not-found' });
      remediation.close();
    },
  );
});

function records(title: string): readonly KnownProblem[] {
  const header = '**Status:** [active]\n**Severity:** [high]\n**Frequency:** [frequent]\n**Impact:** [system_down]';
  const text = `<!-- EMBED:ACTIVEPROBLEM:START -->\n### ${title}\n${header}\n<!-- EMBED:ACTIVEPROBLEM:END -->\n`;
  const read = readRegistry(text, { path: 'resources/postgres/PROBLEMS.md', component: 'postgres' });
  return read.records.map((record) => ({ record }));
}
