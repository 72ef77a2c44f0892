import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { jsonSchemaOf } from '../../src/schema/index.ts';
import { run, temporaryFolder } from './run.ts';

const fixtures = join(import.meta.dirname, '../../fixtures');
const postgres = join(fixtures, 'resources');

async function scanned(...args: readonly string[]) {
  const { code, stdout } = await run(['scan', '--json', ...args], { cwd: fixtures });
  return { code, ...JSON.parse(stdout) };
}

describe('problems scan', () => {
  it('prints only a table of tasks to stdout, most urgent first; the rest goes to stderr', async () => {
    const { code, stdout, stderr } = await run(['scan', 'resources'], { cwd: fixtures });
    expect(code).toBe(0);
    const [head, ...rows] = stdout.trimEnd().split('\n');
    expect(head?.trim()).toMatch(/^SCORE +BAND +TASK +AUTOMATION +PROBLEM +TITLE$/);
    const scores = rows.map((row) => Number(row.trim().split(' ')[0]));
    expect(scores.length).toBeGreaterThan(10);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    expect(stderr).toContain('[estimate-contradiction]');
    expect(stderr).toMatch(/^\d+ tasks \(.*\) from 10 records of 1 registry; no errors, \d warnings$/m);
  });

  it('says how many PROBLEMS.md hold no record, and that other problem files can be imported too', async () => {
    const filled = readFileSync(join(postgres, 'postgres/PROBLEMS.md'), 'utf8');
    await using folder = temporaryFolder({ 'a/PROBLEMS.md': '# Problems\n', 'b/PROBLEMS.md': '' });
    const said = async () => (await run(['scan'], { cwd: folder.path })).stderr;
    const counted = async () => JSON.parse((await run(['scan', '--json'], { cwd: folder.path })).stdout).summary;
    expect(await said()).toBe(
      'No PROBLEMS.md with records found here. 2 PROBLEMS.md hold no record: `problems import` proposes some, also from KNOWN_ISSUES.md and the like.\n',
    );
    expect(await counted()).toEqual({ withoutRecords: 2 });
    folder.write('c/PROBLEMS.md', filled);
    expect(await said()).toMatch(
      / from 10 records of 1 registry; no errors, \d warnings; 2 PROBLEMS.md hold no record: `problems import` proposes some, also from KNOWN_ISSUES.md and the like$/m,
    );
    folder.write('a/PROBLEMS.md', filled);
    expect(await said()).toMatch(
      /; 1 PROBLEMS.md holds no record: `problems import` proposes some, also from KNOWN_ISSUES.md and the like$/m,
    );
    folder.write('b/PROBLEMS.md', filled);
    expect(await said()).not.toContain('hold');
    expect(await counted()).toEqual({ withoutRecords: 0 });
  });

  it('prints one JSON object that its schema accepts, for every fixture', async () => {
    const valid = new Ajv2020({ strictTypes: false }).compile(jsonSchemaOf('scan'));
    const all = readdirSync(join(fixtures, 'diagnostics')).map((name) => `diagnostics/${name}`);
    const { code, ...output } = await scanned('.', ...all);
    expect(code).toBe(1);
    expect(valid(output), JSON.stringify(valid.errors)).toBe(true);
    expect(output.records.length).toBeGreaterThan(20);
    expect(output.diagnostics.length).toBeGreaterThan(20);
  });

  it('counts records by kind and shows estimates as plain values next to their provenance', async () => {
    const output = await scanned('resources');
    expect(output.schemaVersion).toBe(1);
    expect(output.registries).toEqual([
      {
        path: 'resources/postgres/PROBLEMS.md',
        component: 'postgres',
        records: { active: 3, intermittent: 2, resolved: 2, pattern: 2, analysis: 0, integration: 1 },
      },
    ]);
    const task = output.tasks.find(
      (one: { readonly problem: string; readonly kind: string }) =>
        one.problem === 'postgres/port-allocation-conflicts' && one.kind === 'resolution',
    );
    expect(task).toMatchObject({
      estimates: { impact: 8, urgency: 'high', successProb: 0.9, resourceCost: 'moderate' },
      provenance: { impact: 'stated', urgency: 'stated', successProb: 'stated', resourceCost: 'stated' },
      priority: { score: 10.368, band: 'high' },
    });
  });

  it('keeps blocks of unknown kinds as text with their place', async () => {
    const valid = new Ajv2020({ strictTypes: false }).compile(jsonSchemaOf('scan'));
    const text = '# P\n<!-- EMBED:WISH:START -->\n### More disks\n**Status:** [open]\n<!-- EMBED:WISH:END -->\n';
    await using folder = temporaryFolder({ 'PROBLEMS.md': text });
    const output = JSON.parse((await run(['scan', '--json'], { cwd: folder.path })).stdout);
    expect(valid(output), JSON.stringify(valid.errors)).toBe(true);
    const [{ unknown }] = output.registries;
    expect(unknown).toEqual([
      {
        marker: 'WISH',
        text: '\n### More disks\n**Status:** [open]\n',
        place: { line: 2, column: 1, offset: 4, endLine: 5, endColumn: 24, endOffset: 87 },
      },
    ]);
    expect(text.slice(4, 87)).toMatch(/^<!-- EMBED:WISH:START -->[^]*<!-- EMBED:WISH:END -->$/);
  });

  it('prints the same bytes in every run, with and without a cache', async () => {
    await using folder = temporaryFolder();
    cpSync(postgres, folder.path, { recursive: true });
    const env = { XDG_CACHE_HOME: join(folder.path, '.cache') };
    const runs = [
      await run(['scan', '--json'], { cwd: folder.path, env }),
      await run(['scan', '--json'], { cwd: folder.path, env }),
      await run(['scan', '--json', '--no-cache'], { cwd: folder.path, env }),
    ];
    expect(new Set(runs.map(({ stdout }) => stdout)).size).toBe(1);
  });

  it('says that it found nothing, and succeeds', async () => {
    await using folder = temporaryFolder({ 'README.md': 'nothing' });
    expect(await run(['scan'], { cwd: folder.path })).toEqual({
      code: 0,
      stdout: '',
      stderr: 'No PROBLEMS.md with records found here.\n',
    });
    const { stdout } = await run(['scan', '--json', '.', 'README.md'], { cwd: folder.path });
    const empty = { registries: [], records: [], tasks: [], diagnostics: [] };
    expect(JSON.parse(stdout)).toEqual({ schemaVersion: 1, ...empty, summary: { withoutRecords: 1 } });
  });

  it('fails for an error in a registry, and with --strict for a warning', async () => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': '<!-- EMBED:ACTIVEPROBLEM:START -->\n### Open\n' });
    expect((await run(['scan'], { cwd: folder.path })).code).toBe(1);
    expect((await run(['scan', 'resources'], { cwd: fixtures })).code).toBe(0);
    expect((await run(['scan', 'resources', '--strict'], { cwd: fixtures })).code).toBe(1);
  });

  it('reports a folder that does not exist', async () => {
    const { code, stderr } = await run(['scan', 'no/such/folder'], { cwd: fixtures });
    expect(code).toBe(2);
    expect(stderr).toContain('no/such/folder:1:1: error');
  });
});

describe('the filters of problems scan', () => {
  type Tasks = readonly {
    readonly kind: string;
    readonly problem: string;
    readonly priority: { readonly score: number };
  }[];

  it('accept kinds of task and kinds of record with --kind', async () => {
    const resolutions = await scanned('.', '--kind', 'resolution');
    expect(new Set((resolutions.tasks as Tasks).map(({ kind }) => kind))).toEqual(new Set(['resolution']));
    expect(resolutions.records.length).toBeGreaterThan(resolutions.tasks.length);
    const patterns = await scanned('.', '--kind', 'pattern');
    expect(new Set(patterns.records.map(({ kind }: { readonly kind: string }) => kind))).toEqual(new Set(['pattern']));
    const both = await scanned('.', '--kind', 'pattern,monitoring');
    const ids = new Set(patterns.records.map(({ id }: { readonly id: string }) => id));
    expect((both.tasks as Tasks).every(({ kind, problem }) => kind === 'monitoring' && ids.has(problem))).toBe(true);
    expect(both.tasks.length).toBeGreaterThan(0);
  });

  it('restrict everything with --component, and suggest a name for a typo', async () => {
    const output = await scanned('.', '--component', 'postgres');
    expect(output.registries.map(({ component }: { readonly component: string }) => component)).toEqual(['postgres']);
    expect((output.tasks as Tasks).every(({ problem }) => problem.startsWith('postgres/'))).toBe(true);
    const { code, stderr } = await run(['scan', '--component', 'postgre'], { cwd: fixtures });
    expect(code).toBe(0);
    expect(stderr).toContain('No registry has the component postgre. Did you mean postgres?');
  });

  it('match records that state the value with --severity and --status', async () => {
    const { records } = await scanned('.', '--severity', 'critical', '--status', 'active,investigating');
    expect(records.length).toBeGreaterThan(0);
    for (const record of records) expect(record).toMatchObject({ kind: 'active', severity: 'critical' });
  });

  it('keep the most urgent tasks with --min-score and --top', async () => {
    const { tasks } = await scanned('.', '--min-score', '5');
    expect((tasks as Tasks).every(({ priority }) => priority.score >= 5)).toBe(true);
    expect((await scanned('.', '--min-score', '5', '--top', '2')).tasks).toEqual(tasks.slice(0, 2));
    expect((await scanned('.', '--top', '0')).tasks).toEqual([]);
  });
});

describe('problems scan --write-tasks', () => {
  it('writes each task once', async () => {
    await using folder = temporaryFolder();
    cpSync(postgres, join(folder.path, 'resources'), { recursive: true });
    mkdirSync(join(folder.path, 'tasks'));
    const first = await run(['scan', 'resources', '--write-tasks', 'tasks', '--top', '3'], { cwd: folder.path });
    expect(first.code).toBe(0);
    expect(first.stderr).toContain('Task files: 3 new\n');
    const generated = join(folder.path, 'tasks/backlog/generated');
    const files = readdirSync(generated);
    expect(files).toHaveLength(3);
    expect(readFileSync(join(generated, files[0] ?? ''), 'utf8')).toMatch(/^id: /m);
    const second = await run(['scan', 'resources', '--write-tasks', 'tasks', '--top', '3'], { cwd: folder.path });
    expect(second.stderr).toContain('Task files: 3 unchanged\n');
  });

  it('says in its JSON what became of each task', async () => {
    await using folder = temporaryFolder({ 'tasks/backlog/generated/broken.yaml': 'title: "unclosed\n' });
    cpSync(postgres, join(folder.path, 'resources'), { recursive: true });
    const args = ['scan', 'resources', '--write-tasks', 'tasks', '--top', '2', '--json'];
    const valid = new Ajv2020({ strictTypes: false }).compile(jsonSchemaOf('scan'));
    for (const change of ['new', 'unchanged']) {
      const output = JSON.parse((await run(args, { cwd: folder.path })).stdout);
      expect(valid(output), JSON.stringify(valid.errors)).toBe(true);
      expect(output.taskFiles.changes).toEqual(
        output.tasks.map(({ id }: { readonly id: string }) => ({ id, change, path: `backlog/generated/${id}.yaml` })),
      );
      expect(output.taskFiles.notes).toEqual([
        { path: 'backlog/generated/broken.yaml', message: expect.stringContaining('cannot be parsed') },
      ]);
    }
    const without = JSON.parse((await run(['scan', 'resources', '--json'], { cwd: folder.path })).stdout);
    expect(without).not.toHaveProperty('taskFiles');
  });

  it.each(['file', 'file/tasks', 'tasks'])(
    'reports that %s is not a tasks folder, and writes nothing',
    async (tasks) => {
      await using folder = temporaryFolder({ file: 'text', 'tasks/backlog': 'text' });
      const { code, stdout, stderr } = await run(['scan', postgres, '--write-tasks', tasks], { cwd: folder.path });
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain('cannot be a folder of tasks: a part of its path is a file.');
      expect(stderr).not.toContain('defect');
      expect(readFileSync(join(folder.path, 'file'), 'utf8')).toBe('text');
      expect(readdirSync(folder.path).toSorted()).toEqual(['file', 'tasks']);
    },
  );
});
