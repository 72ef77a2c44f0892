import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { approve, runs } from '../../src/app/remediation.ts';
import type { WorkEvent } from '../../src/app/swarm.ts';
import { run, spawned } from '../cli/run.ts';
import { programFile } from '../programs.ts';
import { answers, fileNames, removeFolder } from '../remediation/broken-files.ts';
import { brokenProject, type Opened, openProject, registry, task } from './repairs.ts';

let folder = '';
const open: Opened[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) one.close();
  await removeFolder(folder);
});

async function project(...[automation]: Parameters<typeof brokenProject>): Promise<Opened> {
  folder = await brokenProject(automation);
  return opened();
}

async function opened(options: Parameters<typeof openProject>[1] = {}): Promise<Opened> {
  const one = await openProject(folder, options);
  open.push(one);
  return one;
}

function settled(events: readonly WorkEvent[]): readonly object[] {
  return events.flatMap((event) => (event.type === 'settled' ? [{ ...event.report, ...event.settled }] : []));
}

async function repairByHand(): Promise<void> {
  for (const name of fileNames) await writeFile(join(folder, name), 'answer = right\n');
}

const allRight = ['right', 'right', 'right'];

describe('a worker that repairs', () => {
  it('takes a task, repairs, verifies, writes back and reports, and has nothing to do in a second round', async () => {
    const { work, swarm, remediation } = await project();
    const events = await work();
    expect(events.map(({ type }) => type).filter((type) => type !== 'progress')).toEqual([
      'synced',
      'claimed',
      'run',
      'recorded',
      'settled',
    ]);
    expect(settled(events)).toMatchObject([{ result: 'done', notes: expect.stringMatching(/^Fixed by run r\w+: /) }]);
    expect(await answers(folder)).toEqual(allRight);
    expect(await readFile(join(folder, 'PROBLEMS.md'), 'utf8')).toMatch(/\*\*Status:\*\* \[resolved\][^]*fixed it/);
    expect(await work()).toEqual([]);
    expect(await swarm.outcomes()).toMatchObject([{ task, worker: 'host-1', result: 'done', engine: 'engine' }]);
    expect(await runs(remediation)).toHaveLength(1);
  });

  it('says that a problem is no longer found, and never that it fixed it', async () => {
    const { work, remediation } = await project();
    await repairByHand();
    expect(settled(await work())).toEqual([
      { result: 'done', notes: 'No longer found.', accepted: true, state: 'done' },
    ]);
    expect(await readFile(join(folder, 'PROBLEMS.md'), 'utf8')).toBe(registry);
    expect(await runs(remediation)).toEqual([]);
  });

  it('waits if the plan needs an approval, and makes no second plan meanwhile', async () => {
    let now = Date.now();
    folder = await brokenProject({ repair: 'approve' });
    const { work, swarm, remediation } = await opened({ now: () => new Date(now) });
    const [first] = settled(await work());
    expect(first).toMatchObject({
      result: 'released',
      notes: expect.stringMatching(/^Waits for approval: problems approve r\w+$/),
    });
    now += 11 * 60_000;
    expect(settled(await work())).toMatchObject([{ result: 'released' }]);
    expect(await swarm.tasks()).toMatchObject([{ asks: expect.stringMatching(/^problems approve r\w+$/) }]);
    const [waiting, ...more] = await runs(remediation);
    expect([waiting?.phase, more]).toEqual(['awaiting-approval', []]);
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
    expect(await swarm.outcomes()).toEqual([]);

    await approve(remediation, waiting?.id ?? '', 'me');
    now += 11 * 60_000;
    expect(settled(await work())).toMatchObject([
      { result: 'done', notes: expect.stringMatching(/^No longer found\. Run r\w+ fixed it at /) },
    ]);
  });

  it('gets a task that needs approval only once it has it, and that is the approval of its repair', async () => {
    const { work, swarm, remediation } = await project({ task: 'approve' });
    expect(settled(await work())).toEqual([]);
    expect(await swarm.tasks()).toMatchObject([{ status: { waiting: { for: 'approval' } } }]);
    await swarm.approve(task, 'ada');
    expect(settled(await work())).toMatchObject([{ result: 'done' }]);
    expect(await runs(remediation)).toMatchObject([{ outcome: 'fixed', approvedBy: 'ada' }]);
  });

  it('only detects for an investigation that was approved, and asks again for the repair', async () => {
    const { work, swarm, remediation } = await project({ task: 'approve' });
    await writeFile(join(folder, 'PROBLEMS.md'), registry.replace('A typing mistake.', 'unknown'));
    await work();
    const investigation = task.replace('resolution', 'investigation');
    await swarm.approve(investigation, 'ada');
    expect(settled(await work())).toMatchObject([{ result: 'done', notes: 'Found: a.conf, b.conf, c.conf say wrong' }]);
    expect(await runs(remediation)).toEqual([]);
    expect(await swarm.tasks({ ids: [task] })).toMatchObject([{ status: { waiting: { for: 'approval' } } }]);
    await swarm.approve(task, 'ada');
    expect(settled(await work())).toMatchObject([{ result: 'done', notes: expect.stringMatching(/^Fixed by/) }]);
  });

  it('leaves what the policy leaves to people to them, with the report', async () => {
    const { work, swarm } = await project({ repair: 'human' });
    expect(settled(await work())).toMatchObject([
      { result: 'failed', class: 'unsafe', state: 'person', notes: expect.stringContaining('Escalation report: ') },
    ]);
    const [entry] = await swarm.tasks();
    expect(entry && (await swarm.brief(entry.task))).toMatchObject({
      notice: expect.stringContaining('not instructions'),
      record: { title: 'PostgreSQL files are wrong on orders' },
      evidence: [{ type: 'file', path: 'a.conf', text: 'wrong' }, {}, {}],
      escalation: expect.stringContaining('wrong-text'),
    });
    expect(await swarm.tasks()).toMatchObject([{ status: { state: 'person' } }]);
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
  });

  it('ends at a safe point when it is stopped, undoes what it began, and the next one repairs', async () => {
    let now = Date.now();
    folder = await brokenProject();
    const { work, swarm } = await opened({ now: () => new Date(now) });
    const stop = new AbortController();
    const events = await work({
      signal: stop.signal,
      onEvent(event) {
        if (event.type === 'progress' && event.event.type === 'step' && event.event.index === 0) stop.abort();
      },
    });
    expect(settled(events)).toMatchObject([{ result: 'failed', class: 'interrupted', state: 'open' }]);
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
    now += 16_000;
    expect(settled(await work())).toMatchObject([{ result: 'done' }]);
    expect(await answers(folder)).toEqual(allRight);
    expect((await swarm.outcomes()).map(({ result }) => result)).toEqual(['failed', 'done']);
  });

  it('releases what has not begun when it is stopped', async () => {
    const { work, swarm } = await project();
    const stop = new AbortController();
    const events = await work({
      signal: stop.signal,
      onEvent: ({ type }) => type === 'claimed' && stop.abort(),
    });
    expect(settled(events)).toMatchObject([{ result: 'released', state: 'open' }]);
    expect(await swarm.outcomes()).toEqual([]);
    expect(await swarm.tasks()).toMatchObject([{ status: { state: 'open', waiting: null } }]);
  });

  it('ends at a safe point when its task is cancelled', async () => {
    const { work, swarm } = await project();
    const events = await work({
      onEvent(event) {
        if (event.type === 'progress' && event.event.type === 'step' && event.event.index === 0)
          void swarm.cancel(task, 'not today');
      },
    });
    expect(settled(events)).toMatchObject([{ result: 'failed', class: 'interrupted', state: 'cancelled' }]);
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
  });

  it('leaves an engine to the host that works on it', async () => {
    const { work, swarm } = await project();
    await swarm.holdEngine('engine', 'another host', 60);
    await expect(work()).rejects.toMatchObject({ code: 'lock-held', message: expect.stringContaining('another host') });
    const stop = new AbortController();
    const events = await work({ once: false, pause: 0.01, signal: stop.signal, onEvent: () => stop.abort() });
    expect(events).toMatchObject([{ type: 'engine-held', engine: 'engine', by: 'another host' }]);
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
  });
});

describe('a worker that is killed', { timeout: 60_000 }, () => {
  it.each([
    ['in mid-repair', 'step 1 is journalled', /^Fixed by run/],
    ['after its run has ended', 'run', /^No longer found\. Run r\w+ fixed it at /],
    ['after it wrote into the registry', 'recorded', /^No longer found\./],
  ])('%s: the next one takes the task up, and the effect happens once', async (_, point, notes) => {
    folder = await brokenProject();
    await spawned(process.execPath, [programFile('test/app/repair-child.ts'), folder, point], {
      env: { DOCKER_HOST: process.env['DOCKER_HOST'] ?? '' },
    });
    // After the lease of the killed one.
    const { work, swarm, remediation } = await opened({ now: () => new Date(Date.now() + 2_000) });
    expect(await swarm.tasks({ states: ['claimed'] })).toMatchObject([{ status: { worker: 'killed' } }]);
    expect(await swarm.outcomes()).toEqual([]);
    expect(settled(await work())).toMatchObject([{ result: 'done', notes: expect.stringMatching(notes) }]);
    expect(await answers(folder)).toEqual(allRight);
    expect((await runs(remediation)).map(({ outcome }) => outcome)).toEqual(['fixed']);
    expect(await swarm.outcomes()).toMatchObject([{ worker: 'host-1', result: 'done' }]);
    const recorded = await readFile(join(folder, 'PROBLEMS.md'), 'utf8');
    expect(recorded).toContain('**Status:** [resolved]');
    expect(recorded.match(/fixed it/g)).toHaveLength(1);
  });
});

describe('a run that a killed worker has left', () => {
  it('is finished when a worker starts, before its lease ends and whatever became of its task', async () => {
    folder = await brokenProject();
    const child = [programFile('test/app/repair-child.ts'), folder, 'step 1 is journalled'];
    await spawned(process.execPath, child, { env: { DOCKER_HOST: process.env['DOCKER_HOST'] ?? '' } });
    // As long as the lease of the killed one goes on.
    const { work, swarm, remediation } = await opened({ now: () => new Date(Date.now() - 3_600_000) });
    await swarm.cancel(task, 'not today');
    const events = await work({ worker: 'killed' });
    expect(settled(events)).toEqual([]);
    expect(events.filter(({ type }) => type === 'run' || type === 'recorded')).toMatchObject([
      { report: { outcome: 'fixed' } },
      { results: { changed: ['PROBLEMS.md'] } },
    ]);
    expect(await answers(folder)).toEqual(allRight);
    expect((await runs(remediation)).map(({ outcome }) => outcome)).toEqual(['fixed']);
    expect(await readFile(join(folder, 'PROBLEMS.md'), 'utf8')).toContain('fixed it');
    expect(await work({ worker: 'killed' })).toEqual([]);
  });
});

describe('problems work', () => {
  it('prints a line for each event, and the exit code says whether all is done', async () => {
    await project();
    const first = await run(['work', '--trust-config', '--once', '--worker', 'host-1'], { cwd: folder });
    expect(first).toMatchObject({ code: 0, stderr: expect.stringContaining('step 1 of 2: ') });
    expect(first.stdout.replaceAll(/\br[0-9a-f]{10}\b/g, 'RUN').replaceAll(/@\d+/g, '@N')).toBe(
      `read the registries: 1 added
${task}@N: taken: Resolve PostgreSQL files are wrong on orders
run RUN: fixed: orders: say right
recorded in PROBLEMS.md
${task}@N: done: Fixed by run RUN: orders: say right
`,
    );
    expect(await run(['work', '--trust-config', '--once'], { cwd: folder })).toMatchObject({ code: 0, stdout: '' });
  });

  it('prints one JSON object per line with --json', async () => {
    await project({ repair: 'approve' });
    const { code, stdout } = await run(['work', '--trust-config', '--once', '--json', '--no-record'], { cwd: folder });
    expect(code).toBe(1);
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events).toMatchObject([
      { type: 'synced', added: [task] },
      { type: 'claimed', claim: expect.stringContaining(`${task}@`), task: { id: task } },
      { type: 'run', run: { outcome: 'awaiting-approval' } },
      { type: 'settled', result: 'released', notes: expect.stringContaining('problems approve'), accepted: true },
    ]);
    expect(await readFile(join(folder, 'PROBLEMS.md'), 'utf8')).toBe(registry);
  });

  it('fails if no engine answers', async () => {
    await project();
    const env = { DOCKER_HOST: 'unix:///nonexistent/docker.sock' };
    const { code, stderr } = await run(['work', '--trust-config', '--once'], { cwd: folder, env });
    expect(code).toBe(2);
    expect(stderr).toContain('/nonexistent/docker.sock');
  });
});
