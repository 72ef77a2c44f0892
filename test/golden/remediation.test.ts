import { userInfo } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ListedEngine, openListedEngine } from '../remediation/listed-engine.ts';
import { golden, listing, noon, openProject, type Project } from './project.ts';

/*
 * What the engine prints, writes and keeps: through the command line, with the real journal, and a remediator of files
 * that needs no container.
 */

const registry = `# Problems of files

<!-- EMBED:ACTIVEPROBLEM:START -->
### Configuration files say wrong
**Status:** [active]
**Severity:** [high]
**Frequency:** [intermittent]
**Impact:** [degraded_performance]
**Discovered:** [2025-08-01]
**Discovered By:** [operators]
**Last Occurrence:** [2025-08-02]

#### Description
The files of an instance say wrong, and clients believe them.
<!-- EMBED:ACTIVEPROBLEM:END -->
`;

const problem = 'root/configuration-files-say-wrong';
const only = ['--remediator', 'broken-files', '--json'];

let project: Project;
let engine: ListedEngine;

beforeEach(async () => {
  project = openProject({ 'PROBLEMS.md': registry });
  for (const name of ['a', 'b', 'c']) project.write(`${name}.conf`, `# ${name}\nanswer = wrong\n`);
  engine = await openListedEngine(project.path, {}, []);
});
afterEach(async () => {
  engine.close();
  await project[Symbol.asyncDispose]();
});

/** Registers the remediator, with some of its functions replaced. */
function plugIn(name: string, changes = ''): void {
  const source = join(import.meta.dirname, '../remediation/broken-files.ts');
  project.write(
    `.plugins/${name}.mjs`,
    `import { brokenFiles } from '${source}';\nexport default { apiVersion: 1, remediators: [{ ...brokenFiles, ${changes} }] };\n`,
  );
  project.write(
    'problems.config.yaml',
    `plugins: [./.plugins/${name}.mjs]\nremediation:\n  automation: { broken-files: approve }\n`,
  );
}

/** Runs commands, one a minute; `<run>` is the latest run. What they change in the folder follows their output. */
async function story(...commands: readonly (readonly string[])[]): Promise<string> {
  let told = '';
  let before = project.filesIn('.');
  let run = '';
  for (const [index, words] of commands.entries()) {
    const { text, stdout } = await project.run(
      words.map((word) => (word === '<run>' ? run : word)),
      { now: new Date(noon.getTime() + index * 60_000) },
    );
    run = /\br[0-9a-f]{10}\b/.exec(stdout)?.[0] ?? run;
    const after = project.filesIn('.');
    const changed = [...after].filter(([path, bytes]) => !path.startsWith('.') && before.get(path) !== bytes);
    told += `${text}${listing(new Map(changed))}\n`;
    before = after;
  }
  return steady(told);
}

/** Numbers run ids, and leaves out what tells processes and users apart. */
function steady(text: string): string {
  const ids: string[] = [];
  return text
    .replaceAll(/\br[0-9a-f]{10}\b/g, (id) => {
      if (!ids.includes(id)) ids.push(id);
      return `<run ${ids.indexOf(id) + 1}>`;
    })
    .replaceAll(/"pid": ?\d+/g, '"pid":0')
    .replaceAll(/"(began|machine)": ?"[^"]*"/g, '"$1":""')
    .replaceAll(`"${userInfo().username}"`, '"<user>"')
    .replaceAll(project.path, '<project>');
}

describe('a round of repairs', () => {
  it('has the same output, files and records when a run is approved and rolled back', async () => {
    plugIn('usual');
    const told = await story(
      ['detect', '--record', ...only],
      ['plan', ...only],
      ['remediate', ...only],
      ['approve', '<run>', '--json'],
      ['detect', ...only],
      ['rollback', '<run>', '--json'],
      ['remediate', problem, '--yes', ...only],
      ['runs', '<run>', '--json'],
      ['resume', '--json'],
    );
    await expect(told).toMatchFileSnapshot(golden('remediation/approved.txt'));
  });

  it('has the same output, files and records when the repair does not help', async () => {
    plugIn(
      'unhelpful',
      "verify: async () => ({ result: 'not-verified', checks: [{ name: 'a', ok: false, seen: 'still wrong' }] })",
    );
    const told = await story(
      ['remediate', problem, '--yes', ...only],
      ['remediate', problem, '--yes', ...only],
      ['remediate', problem, '--yes', ...only],
      ['runs', '--json'],
    );
    await expect(told).toMatchFileSnapshot(golden('remediation/unhelpful.txt'));
  });

  it('has the same output when no plan can be made, and when data may be damaged', async () => {
    plugIn('refusing', "plan: async () => ({ type: 'refusal', reason: 'it is not safe', advice: 'call somebody' })");
    const refused = await story(['plan', ...only], ['remediate', '--yes', ...only]);
    plugIn(
      'damaged',
      'async detect(host) { const found = await brokenFiles.detect(host); return { ...found, findings: found.findings.map((one) => ({ ...one, corruption: true })) }; }',
    );
    const damaged = await story(
      ['remediate', '--yes', ...only],
      ['runs', 'lift', 'orders', '--json'],
      ['runs', 'lift', 'orders', '--yes', '--json'],
      ['runs', 'lift', 'orders', '--json'],
    );
    await expect(refused + damaged).toMatchFileSnapshot(golden('remediation/refused.txt'));
  });
});

describe('the state file', () => {
  it('has the same tables, triggers and version, and the same entries of the same run', async () => {
    plugIn('usual');
    await story(['remediate', ...only], ['approve', '<run>', '--json'], ['rollback', '<run>', '--json']);
    using database = new DatabaseSync(join(project.path, '.problems/state.db'), { readOnly: true });
    const tables = database
      .prepare('SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name')
      .all();
    const { user_version: version } = database.prepare('PRAGMA user_version').get() ?? {};
    const schema = tables.map(({ type, name, sql }) => `-- ${String(type)} ${String(name)}\n${String(sql)};\n`);
    await expect(`PRAGMA user_version = ${String(version)};\n${schema.join('')}`).toMatchFileSnapshot(
      golden('remediation/state.sql'),
    );
    const rows = tables
      .filter(({ type }) => type === 'table')
      .map(({ name }) => {
        const found = database.prepare(`SELECT * FROM ${String(name)} ORDER BY 1, 2`).all();
        return `${String(name)}\n${found.map((row) => `  ${JSON.stringify(withoutHash(row))}\n`).join('')}`;
      });
    const text = rows.join('').replaceAll('\\"', '"');
    await expect(steady(text)).toMatchFileSnapshot(golden('remediation/state-rows.txt'));
  });
});

/** Hashes and signatures depend on the folder's path and on a key; they have separate tests. */
function withoutHash({ hash: _, signature: __, ...row }: Readonly<Record<string, unknown>>): unknown {
  return row;
}
