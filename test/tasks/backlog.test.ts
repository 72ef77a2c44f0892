import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { dump, load } from 'js-yaml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backlogFolders, generateTasks, readBacklog, type Task, writeBacklog } from '../../src/tasks/index.ts';
import { record as anyRecord } from '../priority/arbitrary.ts';
import { active, stating } from '../priority/records.ts';
import { runsOf } from '../soak.ts';

const now = new Date('2025-09-01T12:00:00Z');
const id = 'resolution-postgres--port-conflicts';
const generated = `backlog/generated/${id}.yaml`;

let tasksDir = '';
beforeEach(async () => {
  tasksDir = join(await mkdtemp(join(tmpdir(), 'problems-backlog-')), 'tasks');
});
afterEach(() => rm(dirname(tasksDir), { recursive: true }));

function tasksFrom(impact = 8, lastOccurrence = '2025-08-14T09:42'): readonly Task[] {
  const record = active({
    title: 'Port Conflicts',
    path: 'resources/postgres/PROBLEMS.md',
    lastOccurrence,
    description: 'Two containers want one port.\nIt is "taken": so says Docker.',
    investigationStatus: { rootCause: 'A refusal is taken for a free port' },
    ...stating(impact, 'high', 0.9, 'moderate'),
  });
  return generateTasks([{ path: record.path, component: 'postgres', records: [record] }]).tasks;
}

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(tasksDir, path)), { recursive: true });
  await writeFile(join(tasksDir, path), text);
}

function textOf(path: string): Promise<string> {
  return readFile(join(tasksDir, path), 'utf8');
}

async function valuesOf(path: string): Promise<Record<string, unknown>> {
  return load(await textOf(path)) as Record<string, unknown>;
}

async function changeOf(tasks = tasksFrom(), at = now): Promise<string | undefined> {
  const { changes } = await writeBacklog(tasksDir, tasks, { now: at });
  return changes[0]?.change;
}

describe('a new task', () => {
  it('is written to backlog/generated in the format of the swarm-manager', async () => {
    const { changes, notes } = await writeBacklog(tasksDir, tasksFrom(), { now });
    expect([changes, notes]).toEqual([[{ id, change: 'new', path: generated }], []]);
    const values = await valuesOf(generated);
    expect(Object.keys(values)).toEqual(
      'id title description type target assigned_agent priority_estimates priority_score dependencies blockers created_at created_by analyzed_at started_at completed_at attempts notes'.split(
        ' ',
      ),
    );
    expect(values).toMatchObject({
      id,
      title: 'Resolve Port Conflicts',
      description: expect.stringContaining('Two containers want one port.\nIt is "taken": so says Docker.'),
      type: 'problem-resolution',
      target: 'resources/postgres/PROBLEMS.md',
      priority_estimates: { impact: 8, urgency: 'high', success_prob: 0.9, resource_cost: 'moderate' },
      priority_score: 10.368,
      created_at: '2025-09-01T12:00:00.000Z',
      created_by: 'problem-scanner',
      attempts: [],
      notes: 'Auto-generated from problem: postgres/port-conflicts',
    });
  });

  it('can be read with grep: id, title, type and score are at column 0, the title in double quotes', async () => {
    await changeOf();
    const lines = (await textOf(generated)).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        `id: ${id}`,
        'title: "Resolve Port Conflicts"',
        'type: problem-resolution',
        'priority_score: 10.368',
        'created_at: 2025-09-01T12:00:00.000Z',
      ]),
    );
  });

  it('keeps a long title with quotes and backslashes on one line', async () => {
    const tasks = tasksFrom().map((task) => ({ ...task, title: `A "quoted" \\ title: ${'long '.repeat(38)}` }));
    await changeOf(tasks);
    expect((await valuesOf(generated))['title']).toBe(tasks[0]?.title);
    expect(await textOf(generated)).toMatch(/^title: "A \\"quoted\\" .*"$/m);
  });

  it('leaves no temporary file behind', async () => {
    await changeOf();
    expect(await readdir(join(tasksDir, 'backlog/generated'))).toEqual([`${id}.yaml`]);
  });

  it('is refused if its id is not a safe file name', async () => {
    const tasks = tasksFrom().map((task) => ({ ...task, id: '../../escape' }));
    await expect(changeOf(tasks)).rejects.toMatchObject({ code: 'bad-usage' });
    await expect(stat(tasksDir)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('an existing task', () => {
  it('is not changed by a second scan, however much later', async () => {
    await changeOf();
    const [before, { mtimeMs, ino }] = [await textOf(generated), await stat(join(tasksDir, generated))];
    expect(await changeOf(tasksFrom(), new Date('2026-01-01T00:00:00Z'))).toBe('unchanged');
    expect(await textOf(generated)).toBe(before);
    expect(await stat(join(tasksDir, generated))).toMatchObject({ mtimeMs, ino });
  });

  it('is not changed by a second scan, whatever the records contain', async () => {
    const inputs = fc.array(anyRecord, { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(inputs, async (records) => {
        const tasks = generateTasks([{ path: 'p', component: 'postgres', records }]).tasks;
        await rm(tasksDir, { recursive: true, force: true });
        await writeBacklog(tasksDir, tasks, { now });
        const { changes, notes } = await writeBacklog(tasksDir, tasks, { now: new Date('2025-10-01T00:00:00Z') });
        expect(changes.map(({ change }) => change)).toEqual(tasks.map(() => 'unchanged'));
        expect(notes).toEqual([]);
      }),
      { numRuns: runsOf(30) },
    );
  });

  it.each(['active', 'backlog/manual', 'staged'])('in %s is not written again', async (folder) => {
    await put(`${folder}/${id}.yaml`, `id: ${id}\n`);
    const { changes } = await writeBacklog(tasksDir, tasksFrom(), { now });
    expect(changes).toEqual([{ id, change: 'standing', path: `${folder}/${id}.yaml` }]);
    expect(await readdir(join(tasksDir, 'backlog/generated'))).toEqual([]);
  });

  it.each([
    ['with the other extension', `active/${id}.yml`, `id: ${id}\n`],
    ['under another file name', 'active/renamed.yaml', `id: ${id}\n`],
    ['under its name with another id', `active/${id}.yaml`, 'id: other\n'],
    ['in YAML that cannot be read', `active/${id}.yaml`, 'title: "unclosed\n'],
    ['in YAML that cannot be read, with its id', 'active/other.yaml', `id: ${id}\ntitle: "unclosed\n`],
    ['renamed in backlog/generated', 'backlog/generated/renamed.yaml', `id: ${id}\n`],
  ])('is found %s', async (_, path, text) => {
    await put(path, text);
    expect(await changeOf()).toBe('standing');
    expect(await textOf(path)).toBe(text);
  });

  it('is updated from its registry if its generated file differs, and keeps keys of other programs', async () => {
    await changeOf();
    const before = (await textOf(generated)).replace(
      'attempts: []',
      'attempts: []\nrecommended_scenario: "yes"\nlater: 2025-01-02',
    );
    await put(
      generated,
      before.replace('Auto-generated', 'Look twice. Auto-generated').replace('impact: 8', 'impact: 8\n  confidence: 3'),
    );
    expect(await changeOf(tasksFrom(9))).toBe('updated');
    const values = await valuesOf(generated);
    expect(values).toMatchObject({
      recommended_scenario: 'yes',
      later: '2025-01-02',
      notes: 'Look twice. Auto-generated from problem: postgres/port-conflicts',
      priority_estimates: { impact: 9, confidence: 3 },
      priority_score: 11.664,
      created_at: '2025-09-01T12:00:00.000Z',
    });
    expect(Object.keys(values).indexOf('recommended_scenario')).toBe(Object.keys(values).indexOf('notes') - 2);
    expect(await changeOf(tasksFrom(9))).toBe('unchanged');
  });

  it('keeps keys of other programs as they are written', async () => {
    await changeOf();
    const before = await textOf(generated);
    await fc.assert(
      fc.asyncProperty(othersIn(before), async ({ text, others }) => {
        await put(generated, text);
        const held = await valuesOf(generated);
        const tasks = tasksFrom(9).map((task) => ({ ...task, title: 'Another', dependencies: ['one', 'two'] }));
        const { changes, notes } = await writeBacklog(tasksDir, tasks, { now });
        expect([changes, notes]).toEqual([[{ id, change: 'updated', path: generated }], []]);
        const after = await textOf(generated);
        for (const other of others) expect(after).toContain(other);
        expect(await valuesOf(generated)).toEqual({
          ...held,
          title: 'Another',
          dependencies: ['one', 'two'],
          priority_estimates: { ...(held['priority_estimates'] as object), impact: 9 },
          priority_score: 11.664,
        });
        expect(after).toMatch(/^priority_score: 11.664\r?$/m);
        expect(await changeOf(tasks)).toBe('unchanged');
      }),
      { numRuns: runsOf(30) },
    );
  });

  it('keeps every unchanged line, comments included', async () => {
    await changeOf();
    const before = (await textOf(generated))
      .replace('type: problem-resolution', '# whose turn it is\ntype: problem-resolution # set by hand')
      .replace('impact: 8', 'impact: 8 # a guess\n  confidence: 1.0 # so so')
      .replace('priority_score: 10.368', 'priority_score: 10.368 # raw')
      .replace('dependencies: []', 'dependencies: [] # none so far\n\n# what stops it');
    await put(generated, before);
    expect(await changeOf(tasksFrom(9))).toBe('updated');
    expect(await textOf(generated)).toBe(before.replace('impact: 8 #', 'impact: 9 #').replace('10.368 #', '11.664 #'));
  });

  it('gets missing keys in their usual place or at the end', async () => {
    await put(generated, `# by hand\nid: ${id}\npriority_estimates: {confidence: 1.0}\nmine: 0x10`);
    expect(await changeOf()).toBe('updated');
    const text = await textOf(generated);
    expect(text).toMatch(
      /^# by hand\nid: \S+\npriority_estimates: \{impact: 8, urgency: high, success_prob: 0.9, resource_cost: moderate, confidence: 1.0\}\nmine: 0x10\ntitle: "Resolve Port Conflicts"\n/,
    );
    expect(await changeOf()).toBe('unchanged');
  });

  it.each([
    ['in braces', `{id: ${id}, big: 12345678901234567890}\n`],
    ['indented', `  id: ${id}\n  big: 12345678901234567890\n`],
  ])('is left unchanged, with a note, if its file holds it %s', async (_, text) => {
    await put(generated, text);
    const { changes, notes } = await writeBacklog(tasksDir, tasksFrom(), { now });
    expect(changes).toMatchObject([{ change: 'standing' }]);
    expect(notes).toMatchObject([{ path: generated, message: expect.stringContaining('left unchanged') }]);
    expect(await textOf(generated)).toBe(text);
  });

  it('keeps the estimates of an analysed task, unless its score is not a number', async () => {
    await changeOf();
    const analysed = (await textOf(generated)).replace('analyzed_at: null', 'analyzed_at: 2025-09-01T13:00:00Z');
    await put(generated, analysed.replace('priority_score: 10.368', 'priority_score: 2.5'));
    expect(await changeOf(tasksFrom(9))).toBe('unchanged');
    await put(generated, analysed.replace('priority_score: 10.368', 'priority_score: .nan'));
    expect(await changeOf(tasksFrom(9))).toBe('updated');
    expect((await valuesOf(generated))['priority_score']).toBe(11.664);
  });
});

/** Forms of YAML whose values a reader and a writer between them would change, or whose end is hard to tell. */
const forms = [
  'big: 12345678901234567890\n',
  'version: 1.0\n',
  'mask: 0xFF\n',
  'mode: 0o755\nold_mode: 0755\n',
  'precise: 0.1000000000000000055511151231257827\n',
  'huge: 1e400\nsmall: -0.0\nnan: .NaN\nendless: .inf\n',
  'seen: 2025-01-02\nat: 2025-01-02T03:04:05.123456789+02:00\n',
  'nothing: ~\nempty:\nanswer: yes\n',
  'zeros: "007"\nbare_zeros: 007\n',
  "single: 'it''s'\ntab: \"a\\tb \\u00e9\"\n",
  'kept: |+\n  one\n\n  two # no comment\n\n',
  'clipped: |\n    deep\n  ',
  'folded: >-\n  a\n  b\n',
  'plain: one\n  two\n',
  'quoted: "one\n  two"\n',
  'flow: {a: 1.0, b: [0x1, 2]}\n',
  'lines: [\n  1.0,\n  2 ]\n',
  'list:\n- 1.50\n-   two\n# between\n- three\n',
  'nested:\n    deep:\n        - {x: .5}\n        - id: other\n          title: Other\n',
  '"a key": 1e3\n? long\n: 1.0\n',
  'anchored: &a 1.0\n',
  'priority_score_before: 3.50 # 3.50\n',
  '# a comment\n',
  '\n# another, after an empty line\n',
];

const generatedForms = fc
  .tuple(fc.dictionary(fc.stringMatching(/^x_[a-z]{1,8}$/), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 3 }), fc.nat(3))
  .filter(([values]) => Object.keys(values).length > 0)
  .map(([values, flowLevel]) => dump(values, { flowLevel: flowLevel === 0 ? -1 : flowLevel, noRefs: true }));

/** A task file between whose keys others have written theirs, with either kind of line end. */
function othersIn(file: string): fc.Arbitrary<{ readonly text: string; readonly others: readonly string[] }> {
  const entries = file.split(/^(?=[a-z_]+:)/m);
  const places = fc.array(fc.nat(entries.length), { minLength: forms.length + 1, maxLength: forms.length + 1 });
  return fc
    .tuple(fc.shuffledSubarray(forms), generatedForms, places, fc.boolean(), fc.boolean(), fc.boolean())
    .map(([some, made, at, nested, windows, mark]) => {
      const others = [...some.map((form) => (form.endsWith('\n') ? form : `${form}\n`)), made];
      const parts = [...entries, ''].flatMap((entry, index) => [
        ...others.filter((_, other) => at[other] === index),
        nested ? entry.replace('  impact', '  confidence: 12345678901234567890 # sure\n  impact') : entry,
      ]);
      const written = (text: string): string => (windows ? text.replaceAll('\n', '\r\n') : text);
      return {
        text: (mark ? '\uFEFF' : '') + written(parts.join('')),
        others: others.map((text) => written(text.trimEnd())),
      };
    });
}

describe('a finished task', () => {
  it.each([
    ['completed', 'completed_at: 2025-08-20T00:00:00Z'],
    ['failed', 'failed_at: "2025-08-20T00:00:00.123456789-02:00"'],
    ['failed', 'attempts:\n  - timestamp: 2025-08-20 00:00:00Z\n    error: no luck'],
  ])('in %s returns only if its problem has occurred since (%s)', async (folder, lines) => {
    await put(`${folder}/${id}.yaml`, `id: ${id}\n${lines}\n`);
    expect(await changeOf(tasksFrom(8, '2025-08-14T09:42'))).toBe('standing');
    expect(await changeOf(tasksFrom(8, '2025-08-20'))).toBe('standing');
    expect(await changeOf(tasksFrom(8, '2025-08-21'))).toBe('returned');
    expect(await valuesOf(generated)).toMatchObject({ id, type: 'problem-resolution' });
    expect(await changeOf(tasksFrom(8, '2025-08-21'))).toBe('unchanged');
  });

  it.each(['id: x', 'completed_at: null', 'completed_at: 0001-01-01T00:00:00Z', 'completed_at: yesterday'])(
    'does not return without a completion time, and a note says so: %s',
    async (line) => {
      await put(`completed/${id}.yaml`, `${line}\n`);
      const { changes, notes } = await writeBacklog(tasksDir, tasksFrom(), { now });
      expect(changes).toMatchObject([{ change: 'standing' }]);
      expect(notes).toEqual([
        {
          path: `completed/${id}.yaml`,
          message: 'It has no completion time, so its task does not return.',
        },
      ]);
    },
  );

  it('returns with its failed attempts and a cooldown: its score rises again as time passes', async () => {
    await put(
      `failed/${id}.yaml`,
      `id: ${id}\nfailed_at: 2025-08-31T12:00:00Z\nattempts:\n- {timestamp: 2025-08-30T10:00:00Z, error: no port}\n- {timestamp: 2025-08-31T12:00:00Z, error: no host}\n`,
    );
    const tasks = tasksFrom(8, '2025-09-01');
    expect(await changeOf(tasks)).toBe('returned');
    // Two failures: 48 hours to wait, 24 of them left, cooldown 2.
    expect(await valuesOf(generated)).toMatchObject({
      priority_score: 5.184,
      attempts: [{ error: 'no port' }, { error: 'no host' }],
    });
    expect(await changeOf(tasks, new Date(now.getTime() + 59 * 60_000))).toBe('unchanged');
    expect(await changeOf(tasks, new Date(now.getTime() + 24 * 3_600_000))).toBe('updated');
    expect((await valuesOf(generated))['priority_score']).toBe(10.368);
  });

  it('keeps its attempts as they are written', async () => {
    const attempts =
      'attempts:\n  - timestamp: 2025-08-20T00:00:00Z\n    error: no luck\n    run: 12345678901234567890 # the first\n';
    await put(`failed/${id}.yaml`, `id: ${id}\n${attempts}# the end\nnotes: failed\n`);
    expect(await changeOf(tasksFrom(8, '2025-08-21'))).toBe('returned');
    expect(await textOf(generated)).toContain(`\ncompleted_at: null\n${attempts}notes: `);
  });

  it('counts one failed attempt if it failed without a list of attempts', async () => {
    await put(`failed/${id}.yaml`, `id: ${id}\nfailed_at: 2025-09-01T11:30:00Z\nerror: killed\n`);
    expect(await changeOf(tasksFrom(8, '2025-09-01T11:40'))).toBe('returned');
    expect(await valuesOf(generated)).toMatchObject({
      priority_score: 5.184,
      attempts: [{ timestamp: '2025-09-01T11:30:00Z', error: 'killed' }],
    });
  });

  it('uses the later end time if it is in both folders', async () => {
    await put(`failed/${id}.yaml`, `id: ${id}\nfailed_at: 2025-08-01T00:00:00Z\n`);
    await put(`completed/${id}.yaml`, `id: ${id}\ncompleted_at: 2025-08-20T00:00:00Z\n`);
    expect(await changeOf(tasksFrom(8, '2025-08-14'))).toBe('standing');
  });
});

describe('a tasks folder', () => {
  it('is an empty backlog if it does not exist yet', async () => {
    expect(await readBacklog(tasksDir)).toEqual({ entries: [], notes: [] });
  });

  it('is read from all six folders', async () => {
    for (const folder of backlogFolders) await put(`${folder}/one.yaml`, `id: in-${folder}\n`);
    const { entries } = await readBacklog(tasksDir);
    expect(entries.map((entry) => [entry.folder, entry.id])).toEqual(
      backlogFolders.map((folder) => [folder, `in-${folder}`]),
    );
  });

  it.each(['backlog', 'backlog/generated', 'completed'])(
    'is refused if its %s is a symbolic link to a folder outside, and nothing is written there',
    async (folder) => {
      const outside = join(dirname(tasksDir), 'outside');
      await mkdir(join(outside, 'generated'), { recursive: true });
      await mkdir(dirname(join(tasksDir, folder)), { recursive: true });
      await symlink(outside, join(tasksDir, folder));
      await expect(changeOf()).rejects.toMatchObject({ code: 'outside-root' });
      expect(await readdir(outside, { recursive: true })).toEqual(['generated']);
    },
  );

  it('reports symbolic links and never follows them', async () => {
    const outside = join(dirname(tasksDir), 'outside.yaml');
    await writeFile(outside, `id: ${id}\n`);
    await mkdir(join(tasksDir, 'backlog/generated'), { recursive: true });
    await symlink(outside, join(tasksDir, generated));
    const { changes, notes } = await writeBacklog(tasksDir, tasksFrom(), { now });
    expect(changes).toMatchObject([{ change: 'standing' }]);
    expect(notes).toMatchObject([{ path: generated, message: expect.stringContaining('not a regular file') }]);
    expect(await readFile(outside, 'utf8')).toBe(`id: ${id}\n`);
  });

  it.each([
    ['broken', 'title: "unclosed\n', 'cannot be parsed'],
    ['empty', '', 'cannot be parsed'],
    ['a list', '- 1\n', 'cannot be parsed'],
    ['full of aliases', 'a: &a [1]\nb: [*a, *a]\n', 'cannot be parsed'],
    ['deep', '['.repeat(5000), 'cannot be parsed'],
    ['huge', `notes: ${'x'.repeat(1_100_000)}\n`, 'larger than 1 MiB'],
  ])('keeps and reports a file that is %s, and keeps its task', async (_, text, message) => {
    await put(generated, text);
    const { changes, notes } = await writeBacklog(tasksDir, tasksFrom(), { now });
    expect(changes).toMatchObject([{ change: 'standing' }]);
    expect(notes).toMatchObject([{ path: generated, message: expect.stringContaining(message) }]);
    expect(await textOf(generated)).toBe(text);
  });

  it("cannot change an object's prototype through a key", async () => {
    await put('active/a.yaml', '__proto__: {polluted: true}\nid: a\n');
    const { entries } = await readBacklog(tasksDir);
    expect(entries).toMatchObject([{ id: 'a' }]);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('gives an error with its path if it cannot be written', async () => {
    await put('backlog/generated', 'a file, not a folder');
    await expect(changeOf()).rejects.toMatchObject({ code: 'file-unreadable' });
  });
});
