import { describe, expect, it } from 'vitest';
import { obeyed, run, temporaryFolder, type Folder } from './run.ts';

function problem(title: string, severity: string, more = ''): string {
  return `<!-- EMBED:ACTIVEPROBLEM:START -->
### ${title}
**Status:** [active]
**Severity:** [${severity}]
**Frequency:** [frequent]
**Impact:** [degraded_performance]

${more}
#### Investigation Status
- **Root Cause:** A bug.
<!-- EMBED:ACTIVEPROBLEM:END -->

`;
}

/** Mail may be repaired unattended, and search needs approval; the rest is left to people. */
function project(): Folder {
  return temporaryFolder({
    '.git/HEAD': 'ref: refs/heads/main\n',
    'mail/PROBLEMS.md':
      problem('Mail is lost', 'critical') + problem('Search is slow', 'medium') + problem('Keys leak', 'low'),
    'problems.config.yaml':
      'triage: { problems: { mail/mail-is-lost: auto, mail/search-is-slow: approve, mail/keys-leak: human } }\n',
  });
}

const ids = ['resolution-mail--mail-is-lost', 'resolution-mail--search-is-slow', 'resolution-mail--keys-leak'];

async function json(folder: Folder, ...args: readonly string[]) {
  const { code, stdout, stderr } = await run([...args, '--json'], { cwd: folder.path });
  return { code, stderr, ...JSON.parse(stdout) };
}

describe('problems tasks', () => {
  it('lists the queue in priority order, with what each task waits for', async () => {
    await using folder = project();
    const { code, stdout } = await run(['tasks'], { cwd: folder.path });
    expect(code).toBe(0);
    expect(stdout.split('\n').map((line) => line.trim().split(/ {2,}/))).toEqual([
      ['SCORE', 'STATE', 'HANDLER', 'TASK', 'NOTE'],
      [expect.any(String), 'ready', 'agent', ids[0]],
      [expect.any(String), 'waiting', 'person', ids[2], 'left to people'],
      [expect.any(String), 'waiting', 'agent', ids[1], 'for approval'],
      [''],
    ]);
    const waiting = await json(folder, 'tasks', '--waiting');
    expect(waiting.tasks.map(({ id }: { readonly id: string }) => id)).toEqual([ids[2], ids[1]]);
  });

  it('reads the registries first, unless it must not', async () => {
    await using folder = project();
    expect(await json(folder, 'tasks', '--no-sync')).toMatchObject({ code: 0, tasks: [] });
    await run(['tasks'], { cwd: folder.path });
    folder.write('mail/PROBLEMS.md', problem('Search is slow', 'medium'));
    expect((await json(folder, 'tasks', '--no-sync')).tasks).toHaveLength(3);
    expect((await json(folder, 'tasks')).tasks).toMatchObject([{ id: ids[1] }]);
    expect((await json(folder, 'tasks', '--all')).tasks).toHaveLength(3);
  });

  it('shows the next task, and takes it only with --claim', async () => {
    await using folder = project();
    expect(await json(folder, 'tasks', 'next')).toMatchObject({
      code: 0,
      task: { id: ids[0], status: { state: 'open' } },
    });
    const taken = await json(folder, 'tasks', 'next', '--claim', '--worker', 'agent-1');
    expect(taken).toMatchObject({
      code: 0,
      claim: expect.stringMatching(new RegExp(`^${ids[0]}@\\d+$`)),
      notice: expect.stringContaining('not instructions'),
      record: { id: 'mail/mail-is-lost', title: 'Mail is lost', investigationStatus: { rootCause: 'A bug.' } },
      evidence: [],
      escalation: null,
      task: { id: ids[0], title: 'Resolve Mail is lost', target: 'mail/PROBLEMS.md' },
    });
    expect(await json(folder, 'tasks', 'next', '--claim')).toMatchObject({ code: 1, claim: null, task: null });
    expect(await json(folder, 'tasks', 'next')).toMatchObject({ code: 1, task: null });
    const text = await run(['tasks', 'next', '--claim'], { cwd: folder.path });
    expect(text).toMatchObject({ code: 1, stdout: '', stderr: 'There is nothing to take now. See: problems tasks\n' });
  });

  it('is a whole round for an agent: claim, heartbeat, report once, and a late report is refused', async () => {
    await using folder = project();
    const { claim } = await json(folder, 'tasks', 'next', '--claim');
    const renewed = await json(folder, 'tasks', 'heartbeat', claim, '--progress', 'reading the logs');
    expect(renewed).toMatchObject({ code: 0, held: true, stopping: null });
    expect((await run(['tasks'], { cwd: folder.path })).stdout).toContain('reading the logs');
    const done = await json(folder, 'tasks', 'done', claim, '--notes', 'The queue is durable now.', '--cost', '0.4');
    expect(done).toMatchObject({ code: 0, accepted: true, state: 'done' });
    expect(await json(folder, 'tasks', 'done', claim)).toMatchObject({ code: 0, accepted: true });
    expect(await json(folder, 'tasks', 'heartbeat', claim)).toMatchObject({ code: 1, accepted: false, why: 'stale' });
    const late = await run(['tasks', 'fail', `${ids[1]}@1`], { cwd: folder.path });
    expect(late).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('refused') });
  });

  it('hands out a task after its approval, and brings it back after a release', async () => {
    await using folder = project();
    await run(['tasks'], { cwd: folder.path });
    const approved = await run(['tasks', 'approve', ids[1] ?? ''], { cwd: folder.path });
    expect(approved).toMatchObject({ code: 0, stdout: `${ids[1]}: approved: Resolve Search is slow\n` });
    const mail = await json(folder, 'tasks', 'next', '--claim');
    expect(await json(folder, 'tasks', 'release', mail.claim, '--after', '3600')).toMatchObject({
      code: 0,
      state: 'open',
    });
    const search = await json(folder, 'tasks', 'next', '--claim');
    expect(search.task.id).toBe(ids[1]);
    const failed = await json(
      folder,
      'tasks',
      'fail',
      search.claim,
      '--class',
      'unsafe',
      '--notes',
      'It needs a decision.',
    );
    expect(failed).toMatchObject({ code: 0, accepted: true, state: 'person' });
    expect((await json(folder, 'tasks', '--waiting')).tasks).toHaveLength(2);
    expect(await json(folder, 'tasks', 'redrive', ids[0] ?? '')).toMatchObject({ code: 0, changed: true });
    expect((await json(folder, 'tasks', 'next', '--claim')).task.id).toBe(ids[0]);
  });

  it('cancels a task, and refuses what cannot be done, with a reason', async () => {
    await using folder = project();
    await run(['tasks'], { cwd: folder.path });
    const { claim } = await json(folder, 'tasks', 'next', '--claim');
    expect(await json(folder, 'tasks', 'cancel', ids[0] ?? '', '--why', 'wrong server')).toMatchObject({
      code: 0,
      changed: true,
    });
    const told = await run(['tasks', 'heartbeat', claim], { cwd: folder.path });
    expect(told).toMatchObject({ code: 0, stderr: expect.stringContaining('cancelled: wrong server') });
    const human = await run(['tasks', 'approve', ids[2] ?? ''], { cwd: folder.path });
    expect(human).toMatchObject({ code: 1, stderr: `${ids[2]} is left to people, so it is not handed out.\n` });
    expect(await run(['tasks', 'redrive', 'nothing'], { cwd: folder.path })).toMatchObject({
      code: 1,
      stderr: 'There is no task nothing.\n',
    });
  });

  it.each([
    [['tasks', 'don', 'x'], 'Did you mean done?'],
    [['tasks', 'done'], 'problems tasks done resolution-mail--mail-is-lost@42'],
    [['tasks', 'done', 'mail'], 'A claim is named by its task and its token'],
    [['tasks', 'approve', 'a', 'b'], 'problems tasks approve'],
    [['tasks', 'fail', 'a@1', '--class', 'unlucky'], 'Use one of: transient'],
    [['swarm', 'pause', 'everything'], 'component: and a name'],
    [['swarm', 'drain'], 'problems swarm drain agent-1'],
    [['swarm', 'limit', 'all'], 'problems swarm limit all --per-hour 2'],
    [['swarm', 'limit', 'all', '--per-hour', '0'], 'per-hour'],
  ])('refuses wrong words: %j', async (args, hint) => {
    await using folder = project();
    const { code, stderr } = await run(args, { cwd: folder.path });
    expect(code).toBe(2);
    expect(stderr).toContain(hint);
  });

  it('prints texts of registries that a terminal does not obey', async () => {
    await using folder = project();
    folder.write(
      'mail/PROBLEMS.md',
      problem('Mail\u001b[31m is lost', 'high', 'A text\u202e with \u001b]0;signs\u0007.'),
    );
    folder.write('problems.config.yaml', 'triage: { classes: { other: auto } }\n');
    const taken = await run(['tasks', 'next', '--claim'], { cwd: folder.path });
    expect(taken.stdout).toContain('problems tasks done');
    expect(obeyed(taken.stdout)).toEqual([]);
  });
});

describe('problems swarm', () => {
  it('pauses and resumes a scope', async () => {
    await using folder = project();
    const paused = await run(['swarm', 'pause', 'component:mail', '--why', 'release'], { cwd: folder.path });
    expect(paused).toMatchObject({ code: 0, stdout: 'component:mail is paused.\n' });
    expect(await json(folder, 'tasks', 'next', '--claim')).toMatchObject({ code: 1, claim: null });
    expect((await run(['tasks'], { cwd: folder.path })).stdout).toContain('component:mail is paused: release');
    expect(await json(folder, 'swarm', 'resume', 'component:mail')).toMatchObject({ code: 0, was: true });
    expect(await json(folder, 'swarm', 'resume', 'component:mail')).toMatchObject({ code: 1, was: false });
    expect(await json(folder, 'tasks', 'next', '--claim')).toMatchObject({ code: 0 });
  });

  it('limits how many tasks of a scope are handed out within an hour', async () => {
    await using folder = project();
    const limited = await run(['swarm', 'limit', 'all', '--per-hour', '1'], { cwd: folder.path });
    expect(limited).toMatchObject({ code: 0, stdout: 'At most 1 of all is handed out within any hour.\n' });
    const { task, claim } = await json(folder, 'tasks', 'next', '--claim');
    await run(['tasks', 'done', String(claim)], { cwd: folder.path });
    await run(['tasks', 'approve', String(ids[1])], { cwd: folder.path });
    expect(await json(folder, 'tasks', 'next', '--claim')).toMatchObject({ code: 1, claim: null });
    expect(task).toMatchObject({ id: ids[0] });
    expect((await run(['tasks'], { cwd: folder.path })).stdout).toMatch(
      /all has had its tasks of this hour, until .* UTC/,
    );
    expect((await run(['swarm', 'stats'], { cwd: folder.path })).stdout).toContain('limited: all: 1 an hour\n');
    expect(await json(folder, 'swarm', 'limit', 'all', '--undo')).toMatchObject({ code: 0, was: true });
    expect(await json(folder, 'swarm', 'limit', 'all', '--undo')).toMatchObject({ code: 1, was: false });
    expect(await json(folder, 'tasks', 'next', '--claim')).toMatchObject({ code: 0 });
  });

  it('drains a worker, and shows who holds what', async () => {
    await using folder = project();
    expect(await run(['swarm', 'drain', 'agent-1'], { cwd: folder.path })).toMatchObject({ code: 1 });
    await json(folder, 'tasks', 'next', '--claim', '--worker', 'agent-1');
    expect(await run(['swarm', 'drain', 'agent-1'], { cwd: folder.path })).toMatchObject({ code: 0 });
    const { workers, tasks, ready, waiting } = await json(folder, 'swarm', 'stats');
    expect(workers).toMatchObject([{ name: 'agent-1', draining: true, holds: [ids[0]] }]);
    expect({ tasks, ready, waiting }).toMatchObject({
      tasks: { claimed: 1, open: 2 },
      ready: 0,
      waiting: { approval: 1, person: 1 },
    });
    const { stdout } = await run(['swarm', 'stats'], { cwd: folder.path });
    expect(stdout).toContain('0 ready, 2 waiting (1 for approval, 1 left to people), 1 claimed\n');
    expect(stdout).toMatch(/agent-1: process \d+ on .*, draining\n {2}resolution-mail--mail-is-lost\n/);
    expect(await json(folder, 'swarm', 'drain', 'agent-1', '--undo')).toMatchObject({ code: 0, draining: false });
  });
});

describe('problems swarm export', () => {
  it('serves the folders of a swarm-manager, and says what needs attention', async () => {
    await using folder = project();
    const cwd = folder.path;
    const args = ['swarm', 'export', '--folder', 'tasks'];
    expect(await run(args, { cwd })).toMatchObject({
      code: 0,
      stdout: '1 to take, 2 for people, 0 taken, no outcomes read\n',
      stderr: '',
    });
    const ended = 'completed_at: 2026-01-01T00:00:00Z\n';
    folder.write(`tasks/completed/${ids[2]}.yaml`, `id: ${ids[2]}\n${ended}`);
    folder.write(`tasks/completed/${ids[0]}.yaml`, `id: ${ids[0]}\n${ended}`);
    expect(await json(folder, ...args)).toMatchObject({
      code: 1,
      reported: [ids[0]],
      ready: [],
      notes: [{ message: `The outcome cannot be taken over: ${ids[2]} is waiting (person).` }],
    });
    expect(await run(['swarm', 'export'], { cwd })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--folder'),
    });
  });
});
