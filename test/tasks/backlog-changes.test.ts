import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { load } from 'js-yaml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig, scanProblems, writeTasks } from '../../src/index.ts';
import { backlogFolders, type BacklogResult, readBacklog } from '../../src/tasks/index.ts';

function now(): Date {
  return new Date('2025-09-01T12:00:00Z');
}

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'problems-tasks-'));
});
afterEach(() => rm(root, { recursive: true }));

function problem(title: string, status = 'active', more = ''): string {
  return `<!-- EMBED:ACTIVEPROBLEM:START -->
### ${title}
**Status:** [${status}]
**Severity:** [high]
**Frequency:** [frequent]
**Impact:** [degraded_performance]
**Discovered:** 2025-01-02
**Last Occurrence:** 2025-08-14
${more}
#### Investigation Status
- **Root Cause:** A full disk

#### Priority Estimates
\`\`\`yaml
impact: 8
urgency: high
success_prob: 0.9
resource_cost: moderate
\`\`\`
<!-- EMBED:ACTIVEPROBLEM:END -->
`;
}

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

async function valuesOf(path: string): Promise<Record<string, unknown>> {
  return load(await readFile(join(root, 'tasks', path), 'utf8')) as Record<string, unknown>;
}

/** What `problems scan <paths> --write-tasks tasks` does. */
async function written(paths: readonly string[] = ['.'], cwd = root): Promise<BacklogResult> {
  const tasksDir = join(root, 'tasks');
  const config = await loadConfig(cwd);
  const report = await scanProblems(paths, { cwd, config, tasksDir, now });
  return writeTasks(report, tasksDir, { cwd, config, now });
}

async function changed(paths?: readonly string[], cwd?: string): Promise<readonly string[]> {
  return (await written(paths, cwd)).changes.map(({ change, path }) => `${change} ${path}`);
}

const id = 'resolution-db--disk-full';
const generated = `backlog/generated/${id}.yaml`;

describe('writing tasks', () => {
  it('makes all six folders of the swarm-manager, even without a task', async () => {
    await written();
    const made = await readdir(join(root, 'tasks'), { recursive: true });
    expect(backlogFolders.filter((folder) => !made.includes(folder))).toEqual([]);
  });

  it('writes a target from the root of the project, whatever the working folder', async () => {
    await put('.git/HEAD', '');
    await put('services/db/PROBLEMS.md', problem('Disk full'));
    for (const [cwd, path] of [
      ['.', '.'],
      ['services', 'db'],
      ['services/db', 'PROBLEMS.md'],
      ['tasks', '../services/db'],
    ] as const) {
      await written([path], join(root, cwd));
      expect(await valuesOf(generated)).toMatchObject({ target: 'services/db/PROBLEMS.md' });
    }
    expect(await changed(['.'], join(root, 'services'))).toEqual([`unchanged ${generated}`]);
  });

  it('writes a target from the folder that contains the tasks folder, outside a project', async () => {
    await put('services/db/PROBLEMS.md', problem('Disk full'));
    for (const [cwd, path] of [
      ['.', '.'],
      ['services', '..'],
      ['.', 'services'],
    ] as const) {
      await written([path], join(root, cwd));
      expect(await valuesOf(generated)).toMatchObject({ target: 'services/db/PROBLEMS.md' });
    }
  });
});

describe('a task that is left to people', () => {
  const config = (automation: string) => `triage:\n  problems:\n    db/disk-full: ${automation}\n`;
  const people = `backlog/people/${id}.yaml`;

  it('is written where the swarm-manager does not look, and names a person', async () => {
    await put('problems.config.yaml', config('human'));
    await put('db/PROBLEMS.md', problem('Disk full') + problem('Disk slow'));
    expect(await changed()).toEqual([`new ${people}`, 'new backlog/generated/resolution-db--disk-slow.yaml']);
    expect(await valuesOf(people)).toMatchObject({ id, assigned_agent: 'person' });
    expect(await valuesOf('backlog/generated/resolution-db--disk-slow.yaml')).toMatchObject({ assigned_agent: null });
    expect(await changed()).toEqual([
      `unchanged ${people}`,
      'unchanged backlog/generated/resolution-db--disk-slow.yaml',
    ]);
  });

  it('moves when the policy changes, and keeps what others wrote into it', async () => {
    await put('problems.config.yaml', config('auto'));
    await put('db/PROBLEMS.md', problem('Disk full'));
    await written();
    const before = await readFile(join(root, 'tasks', generated), 'utf8');
    await put(`tasks/${generated}`, `${before}weather: rain\n`);
    await put('problems.config.yaml', config('human'));
    expect(await changed()).toEqual([`updated ${people}`]);
    expect(await valuesOf(people)).toMatchObject({ weather: 'rain', assigned_agent: 'person' });
    await put('problems.config.yaml', config('auto'));
    expect(await changed()).toEqual([`updated ${generated}`]);
    expect(await readFile(join(root, 'tasks', generated), 'utf8')).toBe(`${before}weather: rain\n`);
    expect((await readBacklog(join(root, 'tasks'))).entries).toHaveLength(1);
  });
});

describe('a task whose problem is resolved', () => {
  const completed = `completed/${id}.yaml`;
  beforeEach(async () => {
    await put('.git/HEAD', '');
    await put('db/PROBLEMS.md', problem('Disk full') + problem('Disk slow'));
    await put('web/PROBLEMS.md', problem('Page slow'));
    await written();
  });

  it.each([
    ['says so', problem('Disk full', 'resolved') + problem('Disk slow')],
    ['is gone', problem('Disk slow')],
  ])('moves to completed if its record %s', async (_, text) => {
    await put('db/PROBLEMS.md', text);
    const { changes, notes } = await written(['db']);
    expect(changes.filter(({ change }) => change !== 'unchanged')).toEqual([
      { id, change: 'withdrawn', path: completed },
    ]);
    expect(notes).toEqual([]);
    expect(await valuesOf(completed)).toMatchObject({
      id,
      completed_at: '2025-09-01T12:00:00.000Z',
      withdrawn_at: '2025-09-01T12:00:00.000Z',
      notes: expect.stringContaining('its problem is resolved'),
    });
    expect(await readdir(join(root, 'tasks/backlog/generated'))).not.toContain(`${id}.yaml`);
    expect((await written()).changes.filter(({ change }) => change !== 'unchanged')).toEqual([]);
  });

  it('returns as soon as its problem is open again', async () => {
    await put('db/PROBLEMS.md', problem('Disk full', 'resolved'));
    await written();
    await put('db/PROBLEMS.md', problem('Disk full'));
    expect(await changed(['db'])).toEqual([`returned ${generated}`]);
    expect(await changed(['db'])).toEqual([`unchanged ${generated}`]);
  });

  it('stays if its registry was not scanned, has an error, or the task belongs to someone else', async () => {
    await put('db/PROBLEMS.md', problem('Disk full', 'resolved'));
    expect(await changed(['web'])).toEqual(['unchanged backlog/generated/resolution-web--page-slow.yaml']);
    await put('db/PROBLEMS.md', problem('Disk full', 'solvd') + problem('Disk slow'));
    expect((await changed(['db'])).filter((one) => one.startsWith('withdrawn'))).toEqual([]);
    await put('db/PROBLEMS.md', problem('Disk full', 'resolved'));
    await rename(join(root, 'tasks', generated), join(root, 'tasks/active', `${id}.yaml`));
    const { changes, notes } = await written(['db']);
    expect(changes).toEqual([expect.objectContaining({ id: 'resolution-db--disk-slow', change: 'withdrawn' })]);
    expect(notes).toEqual([
      { path: `active/${id}.yaml`, message: expect.stringContaining('someone has taken the task') },
    ]);
  });

  it('stays if a program or a person wrote it', async () => {
    await put('tasks/backlog/generated/resolution-db--mine.yaml', 'id: resolution-db--mine\ncreated_by: anna\n');
    await put('tasks/backlog/manual/mine.yaml', 'id: mine\nnotes: "Auto-generated from problem: db/gone"\n');
    expect((await changed()).filter((one) => !one.startsWith('unchanged'))).toEqual([]);
  });

  it('is not withdrawn because a filter leaves it out', async () => {
    const config = await loadConfig(root);
    const report = await scanProblems(['.'], { cwd: root, config, now, filter: { top: 1 } });
    const { changes } = await writeTasks(report, 'tasks', { cwd: root, config, now });
    expect(changes).toHaveLength(1);
    expect(await readdir(join(root, 'tasks/backlog/generated'))).toHaveLength(3);
  });
});

describe('a task that is moved during a scan', () => {
  it('is never written twice', async () => {
    await put('db/PROBLEMS.md', Array.from({ length: 6 }, (_, at) => problem(`Disk ${at}`)).join(''));
    await written();
    const flow = ['backlog/generated', 'staged', 'active'];
    let isOver = false;
    async function moveAll(): Promise<void> {
      for (let turn = 0; !isOver; turn += 1) {
        for (const name of Array.from({ length: 6 }, (_, at) => `resolution-db--disk-${at}.yaml`)) {
          const [from = '', to = ''] = [flow[turn % 2], flow[(turn % 2) + 1]];
          await rename(join(root, 'tasks', from, name), join(root, 'tasks', to, name)).catch(() => {});
          await setTimeout(1);
        }
        if (turn % 2 === 1) {
          for (const name of await readdir(join(root, 'tasks/active')))
            await rename(join(root, 'tasks/active', name), join(root, 'tasks/backlog/generated', name)).catch(() => {});
        }
      }
    }
    const mover = moveAll();
    for (let round = 0; round < 40; round += 1) {
      // Each round changes every task, so that every file is written.
      await put(
        'db/PROBLEMS.md',
        Array.from({ length: 6 }, (_, at) =>
          problem(`Disk ${at}`, 'active', `**Note:** ${round}\n\n#### Description\nRound ${round}.\n`),
        ).join(''),
      );
      await written();
    }
    isOver = true;
    await mover;
    const { entries } = await readBacklog(join(root, 'tasks'));
    expect(entries.map((entry) => entry.id).toSorted()).toEqual(
      [...new Set(entries.map((entry) => entry.id))].toSorted(),
    );
    expect(entries).toHaveLength(6);
  });
});
