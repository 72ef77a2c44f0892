import { parseValue } from '../../../src/remediation/standard-schema.ts';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Plan, remediate, type Remediator, runs } from '../../../src/app/remediation.ts';
import { answers, brokenFiles, brokenFolder, openFolder, removeFolder } from '../broken-files.ts';

let folder = '';
beforeEach(async () => {
  folder = await brokenFolder();
});
afterEach(async () => removeFolder(folder));

const fileReplace = join(import.meta.dirname, '../../../src/remediation/actions/file-replace.ts');

/** The real `file.replace` with a `beforeInterrupt`: it records that it ran, and ends as `end` says. */
async function writePlugin(end: string): Promise<string> {
  const text = `
import { appendFile } from 'node:fs/promises';
import { fileReplace } from ${JSON.stringify(fileReplace)};
import { parseValue } from '../../../src/remediation/standard-schema.ts';
export default { apiVersion: 1, actions: [{
  ...fileReplace,
  name: 'file.prepared',
  async beforeInterrupt({ path }) {
    await appendFile(${JSON.stringify(join(folder, 'points'))}, 'ahead of ' + path.slice(-6) + '\\n');
    ${end}
  },
}] };
`;
  await writeFile(join(folder, 'prepared.ts'), text);
  return './prepared.ts';
}

const prepared: Remediator = {
  ...brokenFiles,
  async plan(finding, host) {
    const made = await brokenFiles.plan(
      { ...finding, details: parseValue(brokenFiles.details, finding.details, 'details') },
      host,
    );
    if (made.type === 'refusal') return made;
    return { ...made, steps: made.steps.map((step) => ({ ...step, action: 'file.prepared' })) };
  },
  verify: (plan: Plan, host) =>
    brokenFiles.verify({ ...plan, expected: parseValue(brokenFiles.expected, plan.expected, 'expected') }, host),
};

describe('beforeInterrupt of an action', () => {
  it('runs once before its step is journalled as started, and preconditions are checked again after it', async () => {
    const seen: string[] = [];
    const remediation = await openFolder(folder, {
      remediators: [prepared],
      plugins: [await writePlugin('')],
      async atPoint(name) {
        if (/^step 1 (begins|is journalled)/.test(name)) {
          const [record] = await runs(remediation);
          const lines = await readFile(join(folder, 'points'), 'utf8');
          seen.push(
            `${name}: ${record?.steps[1]?.state}, ${lines.split('\n').filter((line) => line.includes('b.conf')).length} times`,
          );
        }
      },
    });
    const { runs: reports } = await remediate(remediation);
    expect(reports).toMatchObject([{ outcome: 'fixed' }]);
    expect(seen).toEqual(['step 1 begins: pending, 0 times', 'step 1 is journalled: applying, 1 times']);
    expect(await readFile(join(folder, 'points'), 'utf8')).toBe('ahead of a.conf\nahead of b.conf\nahead of c.conf\n');
    remediation.close();
  });

  it('may fail: the failure is recorded, and the step continues', async () => {
    const plugin = await writePlugin(`throw new Error('the server does not answer');`);
    const remediation = await openFolder(folder, { remediators: [prepared], plugins: [plugin] });
    const { runs: reports } = await remediate(remediation);
    expect(reports).toMatchObject([{ outcome: 'fixed' }]);
    expect(await answers(folder)).toEqual(['right', 'right', 'right']);
    const noted = (await remediation.session.store.audit.list(reports[0]?.id ?? '')).filter(
      ({ event }) => event === 'nothing was done ahead',
    );
    expect(noted.map(({ body }) => body)).toEqual(
      [0, 1, 2].map((index) => ({ index, action: 'file.prepared', message: 'the server does not answer' })),
    );
    remediation.close();
  });

  it('is not part of the step: a step that is refused afterwards has changed nothing', async () => {
    const plugin = await writePlugin(
      `if (path.endsWith('b.conf')) await appendFile(path, 'written by somebody meanwhile');`,
    );
    const remediation = await openFolder(folder, { remediators: [prepared], plugins: [plugin] });
    const { runs: reports } = await remediate(remediation);
    expect(reports).toMatchObject([{ outcome: 'rolled-back', failure: { class: 'precondition' } }]);
    expect(reports[0]?.steps.map(({ state }) => state)).toEqual(['undone', 'pending', 'pending']);
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
    remediation.close();
  });
});
