import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { editRegistry, openRegistry, readPolicy, readRegistry, setHeader, triage } from '../../src/index.ts';
import { plan, recordFindings, remediate } from '../../src/app/remediation.ts';
import { answers, brokenFolder, openFolder, removeFolder } from '../remediation/broken-files.ts';

const registry = `<!-- EMBED:ACTIVEPROBLEM:START -->
### PostgreSQL files are wrong on orders
**Status:** [active]
**Severity:** [high]
**Frequency:** [frequent]
**Impact:** [user_impact]
**Last Occurrence:** 2025-08-14
<!-- EMBED:ACTIVEPROBLEM:END -->

<!-- EMBED:PROBLEMINTEGRATION:START -->
### Integration
#### Automation Opportunities
- **Auto-Resolution:** none
- **Auto-Escalation:** wrong files
<!-- EMBED:PROBLEMINTEGRATION:END -->
`;

const id = 'postgres/postgresql-files-are-wrong-on-orders';
let folder = '';

beforeEach(async () => {
  folder = await brokenFolder();
  await writeFile(join(folder, 'PROBLEMS.md'), registry);
});
afterEach(() => removeFolder(folder));

function registries() {
  return [readRegistry(registry, { path: 'PROBLEMS.md', component: 'postgres' })];
}

describe('registries that are handed to the library', () => {
  it('bring their policy along: what they leave to people does not run', async () => {
    const remediation = await openFolder(folder);
    try {
      const { proposals } = await plan(remediation, { registries: registries() });
      expect(proposals.map(({ decision }) => decision)).toMatchObject([{ automation: 'human', source: 'registry' }]);
      await remediate(remediation, { registries: registries() });
      expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
    } finally {
      remediation.close();
    }
  });

  it('obey the triage of the config that the remediation was opened with', async () => {
    const remediation = await openFolder(folder, { triage: { problems: { [id]: 'auto' } } });
    try {
      const { proposals } = await plan(remediation, { registries: registries() });
      expect(proposals.map(({ decision }) => decision)).toMatchObject([{ automation: 'auto' }]);
    } finally {
      remediation.close();
    }
  });

  it('ask before a record is repaired that was handed over without its policy', async () => {
    const problems = registries().flatMap(({ records }) => records.map((record) => ({ record })));
    const remediation = await openFolder(folder);
    try {
      const { proposals } = await plan(remediation, { problems });
      expect(proposals.map(({ decision }) => decision)).toMatchObject([{ automation: 'approve', source: 'registry' }]);
    } finally {
      remediation.close();
    }
  });

  it('are where findings are written back', async () => {
    const remediation = await openFolder(folder);
    try {
      const request = { registries: registries() };
      const { detected } = await plan(remediation, request);
      const options = { cwd: folder, now: new Date('2026-01-15T12:00:00Z') };
      const { changed } = await recordFindings(remediation, { request, detected }, options);
      expect(changed).toEqual(['PROBLEMS.md']);
      expect(await readFile(join(folder, 'PROBLEMS.md'), 'utf8')).toContain('**Last Occurrence:** 2026-01-15');
    } finally {
      remediation.close();
    }
  });

  it('can be triaged without an engine', () => {
    const records = registries().flatMap((one) => one.records);
    const policy = readPolicy(records.find((record) => record.kind === 'integration'));
    const [active] = records.filter((record) => record.kind === 'active');
    if (active === undefined) throw new TypeError('the record was not read');
    expect(triage(active, policy).automation).toBe('human');
    expect(triage(active, readPolicy(undefined)).automation).toBe('approve');
    expect(triage(active, policy, { problems: { [id]: 'auto' } }).automation).toBe('auto');
  });
});

describe('edits of one registry at once', () => {
  const labels = ['Severity', 'Frequency', 'Impact'] as const;
  const values = { Severity: 'low', Frequency: 'rare', Impact: 'cosmetic' } as const;

  it('are all kept', async () => {
    await Promise.all(
      labels.map((label) =>
        editRegistry('PROBLEMS.md', folder, (text) =>
          setHeader(text, id, label, values[label], { component: 'postgres' }),
        ),
      ),
    );
    const text = await readFile(join(folder, 'PROBLEMS.md'), 'utf8');
    for (const label of labels) expect(text).toContain(`**${label}:** [${values[label]}]`);
  });

  it('are all kept when several programs make them', async () => {
    const programs = Array.from({ length: 3 }, (_, at) => {
      const source = `import { editRegistry } from ${JSON.stringify(join(import.meta.dirname, '../../src/index.ts'))};
        for (let line = 0; line < 20; line += 1)
          await editRegistry('PROBLEMS.md', ${JSON.stringify(folder)}, (text) => text + ${JSON.stringify(`${at}`)} + '-' + line + '\\n');`;
      return spawn(process.execPath, ['--input-type=module', '--eval', source], { stdio: 'inherit' });
    });
    expect((await Promise.all(programs.map((program) => once(program, 'close')))).map(([code]) => code)).toEqual([
      0, 0, 0,
    ]);
    const lines = (await readFile(join(folder, 'PROBLEMS.md'), 'utf8')).slice(registry.length).trimEnd().split('\n');
    expect(lines).toHaveLength(60);
  });

  it('are refused with file-changed if the text was read before, and nothing is left behind', async () => {
    const [first, second] = [openRegistry('PROBLEMS.md', folder), openRegistry('PROBLEMS.md', folder)];
    const results = await Promise.allSettled([first.replace('first\n'), second.replace('second\n')]);
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(results.find((result) => result.status === 'rejected')).toMatchObject({ reason: { code: 'file-changed' } });
    expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('wait for no lock that a killed program left behind', async () => {
    const lock = join(folder, '.PROBLEMS.md.lock');
    await writeFile(lock, 'half of a te');
    await utimes(lock, new Date(0), new Date(0));
    expect(await editRegistry('PROBLEMS.md', folder, (text) => `${text}more\n`)).toBe(true);
    expect(await readFile(join(folder, 'PROBLEMS.md'), 'utf8')).toBe(`${registry}more\n`);
    expect(await readdir(folder)).not.toContain('.PROBLEMS.md.lock');
  });
});
