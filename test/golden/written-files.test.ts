import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { golden, listing, noon, openProject, type Project } from './project.ts';

/* The bytes of the files that commands write. */

function after(hours: number): Date {
  return new Date(noon.getTime() + hours * 3_600_000);
}

/** Runs a command, and adds its exit code and the files that it changed to the story. */
async function step(project: Project, words: readonly string[], now = noon): Promise<string> {
  const before = project.filesIn('.');
  const { code } = await project.run(words, { now });
  const changed = [...project.filesIn('.')].filter(
    ([path, text]) => !path.startsWith('.cache/') && before.get(path) !== text,
  );
  return `$ problems ${words.join(' ')}\n# exit code ${code}\n${listing(new Map(changed))}\n`;
}

describe('files that commands write', () => {
  it('are the same after validate --fix', async () => {
    await using project = openProject();
    const diagnosed = readdirSync(join(project.path, 'fixtures/diagnostics')).toSorted();
    const names = diagnosed.map((name) => `fixtures/diagnostics/${name}`);
    const story = await step(project, ['validate', ...names, '--fix', '--format', 'json']);
    const again = await step(project, ['validate', ...names, '--fix', '--format', 'json']);
    await expect(story + again).toMatchFileSnapshot(golden('files/validate-fix.txt'));
  });

  it('are the same after new and init', async () => {
    await using project = openProject({ 'fresh/notes.txt': '', 'made/notes.txt': '' });
    let story = '';
    for (const words of [
      ['init', 'fresh'],
      ['init', 'fresh'],
      ['new', 'active', '--into', 'fresh/PROBLEMS.md'],
      ['new', 'pattern', '--into', 'made/PROBLEMS.md'],
      ['new', 'resolved', '--into', 'fixtures/diagnostics/line-ends-crlf.md'],
      ['validate', 'fresh', '--format', 'json'],
    ])
      story += await step(project, words);
    await expect(story).toMatchFileSnapshot(golden('files/new-and-init.txt'));
  });

  it('are the same for the tasks of a swarm-manager, through attempts, completions and cooldowns', async () => {
    await using project = openProject({ 'tasks/backlog/manual/README.txt': 'not a task\n' });
    const scan = ['scan', 'fixtures', '--write-tasks', 'tasks'];
    let story = await step(project, scan);
    expect((await project.run(scan)).code).toBe(0);

    const failed = 'resolution-tree--clocks-drift-apart';
    project.write(
      `tasks/failed/${failed}.yaml`,
      `id: ${failed}\nfailed_at: 2025-07-01T09:00:00Z\nattempts:\n  - {timestamp: 2025-06-30T09:00:00Z, error: no clock}\n  - {timestamp: 2025-07-01T09:00:00Z, error: no host}\n`,
    );
    project.remove(`tasks/backlog/generated/${failed}.yaml`);
    const done = 'documentation-mail--attachments-lost-their-names';
    project.write(`tasks/completed/${done}.yaml`, `id: ${done}\ncompleted_at: 2026-01-14T00:00:00Z\n`);
    project.remove(`tasks/backlog/generated/${done}.yaml`);
    const cooling = 'investigation-tree--clocks-drift-apart';
    project.write(
      `tasks/failed/${cooling}.yaml`,
      `id: ${cooling}\nattempts:\n  - {timestamp: 2026-01-15T10:00:00Z, error: too early}\n`,
    );
    story += await step(project, scan, after(1));
    project.write(
      'fixtures/tree/PROBLEMS.md',
      (project.filesIn('fixtures/tree').get('fixtures/tree/PROBLEMS.md') ?? '').replace('impact: 4', 'impact: 9'),
    );
    story += await step(project, scan, after(2));
    project.write('problems.config.yaml', 'tasks:\n  dir: tasks\n');
    const { text } = await project.run(['scan', 'fixtures/tree', '--json', '--kind', 'resolution,investigation']);
    await expect(story).toMatchFileSnapshot(golden('files/tasks.txt'));
    await expect(text).toMatchFileSnapshot(golden('files/scan-with-attempts.txt'));
  });
});
