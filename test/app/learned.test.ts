import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { explainTask } from '../../src/app/find-record.ts';
import { exportLearning, forecastTasks, importLearning, resetLearning, showLearning } from '../../src/app/learn.ts';
import { scanProblems } from '../../src/app/scan.ts';
import { openSwarm } from '../../src/app/swarm.ts';
import { loadConfig } from '../../src/config/config.ts';
import type { Report } from '../../src/swarm/types.ts';
import { run, temporaryFolder } from '../cli/run.ts';

function record(title: string, severity: string): string {
  return `<!-- EMBED:ACTIVEPROBLEM:START -->
### ${title}
**Status:** [active]
**Severity:** [${severity}]
**Frequency:** [frequent]
**Impact:** [degraded_performance]

#### Investigation Status
- **Root Cause:** A bug.

#### Priority Estimates
\`\`\`yaml
impact: 6
urgency: high
success_prob: 0.9
resource_cost: moderate
\`\`\`
<!-- EMBED:ACTIVEPROBLEM:END -->
`;
}

const titles = ['Mail is lost', 'Search is slow', 'Login fails', 'Report is empty'];

function project(profile: string, more = ''): Record<string, string> {
  return {
    'PROBLEMS.md': titles.map((title, index) => record(title, index % 2 === 0 ? 'high' : 'medium')).join('\n'),
    'problems.config.yaml': `priority: { profile: ${profile} }
triage: { classes: { other: auto, performance: auto } }
remediation: { state: .problems/state.db }
${more}`,
  };
}

/** Claims and reports tasks by their problem, a minute for each. */
async function attempt(cwd: string, reports: Readonly<Record<string, Report>>, start: string): Promise<void> {
  let at = Date.parse(start);
  const now = () => new Date(at);
  const swarm = await openSwarm({ cwd, config: await loadConfig(cwd), now });
  await swarm.syncProject();
  for (const [title, report] of Object.entries(reports)) {
    const [found] = (await swarm.tasks()).filter(({ task }) => task.title === `Resolve ${title}`);
    const claim = await swarm.claim({ worker: 'agent-1', tasks: [found?.id ?? ''] });
    at += 60_000;
    expect(await claim?.report(report)).toMatchObject({ accepted: true });
    await swarm.redrive(found?.id ?? '');
  }
  swarm.close();
}

const done = { result: 'done' } as const;
const failed = { result: 'failed' } as const;

async function environment(cwd: string) {
  return { cwd, config: await loadConfig(cwd), now: () => new Date('2026-03-01T06:00:00Z') };
}

describe('the profile `learned`', () => {
  it('scans to the byte like `published` where nothing was attempted, with and without a state file', async () => {
    await using plain = temporaryFolder(project('published'));
    await using learning = temporaryFolder(project('learned'));
    const before = await Promise.all([plain, learning].map(({ path }) => run(['scan', '--json'], { cwd: path })));
    expect(before[1]?.stdout).toBe(before[0]?.stdout);
    expect(before[0]?.stdout).toContain('"score"');
    await attempt(learning.path, {}, '2026-03-01T00:00:00Z');
    expect((await run(['scan', '--json'], { cwd: learning.path })).stdout).toBe(before[0]?.stdout);
  });

  it('moves down what has failed, and explains every factor and the score without it', async () => {
    await using folder = temporaryFolder(project('learned'));
    const cwd = folder.path;
    const first = (await scanProblems(['.'], await environment(cwd))).tasks[0];
    await attempt(cwd, { [first?.title.replace('Resolve ', '') ?? '']: failed }, '2026-03-01T00:00:00Z');
    const { tasks } = await scanProblems(['.'], await environment(cwd));
    expect(tasks[0]?.id).not.toBe(first?.id);
    expect(tasks.at(-1)?.id).toBe(first?.id);
    const { task, learned } = await explainTask(first?.id ?? '', await environment(cwd));
    expect(learned).toMatchObject({ published: { score: first?.priority.score, rank: 1 } });
    expect(learned?.trust).toBeCloseTo(0.5 / 35.5, 6);
    const { score, factors } = task.priority;
    const value = (name: string) => factors.find((factor) => factor.name === name)?.weighted ?? Number.NaN;
    expect(score).toBeCloseTo(
      (value('impact') * value('urgency') * value('success') * value('lasts')) / (value('cost') * value('cooldown')),
      4,
    );
    const reason = factors.find(({ name }) => name === 'success')?.reason;
    expect(reason).toMatch(
      /^0\.\d+, between .* 0 of 0\.5 resolved by agent.*; stated 0\.9 means .* and counts as .* attempts\.$/,
    );
    const text = (await run(['explain', first?.id ?? ''], { cwd })).stdout;
    expect(text).toContain('Learned from attempts that count as 0.');
    expect(text).toMatch(/Without them it is .*, place 1 of/);
    expect(text).toMatch(/^person +/m);
  });

  it('is switched off by the config', async () => {
    await using folder = temporaryFolder(project('learned', 'learning: { enabled: false }'));
    const cwd = folder.path;
    const before = (await run(['scan', '--json'], { cwd })).stdout;
    await attempt(cwd, { 'Mail is lost': failed }, '2026-03-01T00:00:00Z');
    expect((await run(['scan', '--json'], { cwd })).stdout).toBe(before);
  });

  it('ranks the queue in the same way, and a second sync changes nothing', async () => {
    await using folder = temporaryFolder(project('learned'));
    const cwd = folder.path;
    await attempt(cwd, { 'Mail is lost': done, 'Search is slow': failed }, '2026-03-01T00:00:00Z');
    const swarm = await openSwarm({ cwd, config: await loadConfig(cwd) });
    await swarm.syncProject();
    const result = await swarm.syncProject();
    expect(result).toMatchObject({ added: [], changed: [], rescored: [], returned: [], withdrawn: [] });
    const scores = new Map((await swarm.tasks()).map(({ task }) => [task.title, task.priority.score]));
    expect(scores.get('Resolve Search is slow')).toBeLessThan(scores.get('Resolve Login fails') ?? 0);
    swarm.close();
  });
});

describe('problems learn', () => {
  it('shows what was learned by handler and topic, and how forecasts have done', async () => {
    await using folder = temporaryFolder(project('published'));
    const cwd = folder.path;
    await attempt(cwd, { 'Mail is lost': done, 'Login fails': failed }, '2026-03-01T00:00:00Z');
    const found = await showLearning(await environment(cwd));
    expect(found).toMatchObject({
      isUsed: false,
      reported: 0.5,
      patterns: [{ handler: 'agent', attempts: 2, fixed: 1, verified: 0, weight: 1 }],
      record: { success: { forecasts: 2, rate: 0.5 }, minutes: { compared: 2 } },
    });
    const { stdout } = await run(['learn'], { cwd });
    expect(stdout).toContain('1 of 2');
    expect(stdout).toContain('do not use this');
  });

  it('resets without deleting anything, and takes it back', async () => {
    await using folder = temporaryFolder(project('learned'));
    const cwd = folder.path;
    const before = (await run(['scan', '--json'], { cwd })).stdout;
    await attempt(cwd, { 'Mail is lost': failed }, '2026-03-01T00:00:00Z');
    const learned = (await scanProblems(['.'], await environment(cwd))).tasks;
    expect(await resetLearning(await environment(cwd))).toBe('2026-03-01T06:00:00.000Z');
    expect((await run(['scan', '--json'], { cwd })).stdout).toBe(before);
    expect(await exportLearning(await environment(cwd))).toEqual([]);
    await resetLearning(await environment(cwd), true);
    expect((await scanProblems(['.'], await environment(cwd))).tasks).toEqual(learned);
  });

  it('exports lines that another machine imports once, as reported', async () => {
    await using folder = temporaryFolder(project('learned'));
    await using other = temporaryFolder(project('learned'));
    await attempt(folder.path, { 'Mail is lost': done, 'Login fails': failed }, '2026-03-01T00:00:00Z');
    await attempt(other.path, {}, '2026-03-01T00:00:00Z');
    const lines = await exportLearning(await environment(folder.path));
    expect(lines).toHaveLength(2);
    const text = lines.map((line) => `${line.replace('"verified":false', '"verified":true')}\n`).join('');
    const there = await environment(other.path);
    expect(await importLearning(text, 'attempts.jsonl', there)).toEqual({ added: 2, known: 0 });
    expect(await importLearning(text, 'attempts.jsonl', there)).toEqual({ added: 0, known: 2 });
    expect(await exportLearning(there)).toEqual(lines);
    expect((await showLearning(there)).patterns).toMatchObject([{ attempts: 2, verified: 0, weight: 1 }]);
  });

  it.each([
    ['{', 'line 1'],
    ['{"type":"attempt"}', 'startedAt'],
    [`{"type":"attempt","x":"${'x'.repeat(70_000)}"}`, 'too long'],
  ])('imports nothing of a file with a line that cannot be used: %#', async (line, message) => {
    await using folder = temporaryFolder(project('learned'));
    await attempt(folder.path, { 'Mail is lost': done }, '2026-03-01T00:00:00Z');
    const here = await environment(folder.path);
    await expect(importLearning(line, 'attempts.jsonl', here)).rejects.toThrow(message);
    expect(readdirSync(join(folder.path, '.problems')).filter((name) => name.startsWith('learning-'))).toEqual([]);
  });

  it('counts attempts of the tasks folder, of which only the result is known', async () => {
    await using folder = temporaryFolder(project('learned', 'tasks: { dir: tasks }'));
    const cwd = folder.path;
    await attempt(cwd, {}, '2026-03-01T00:00:00Z');
    await run(['scan', '--write-tasks', 'tasks'], { cwd });
    const path = join(cwd, 'tasks', 'backlog', 'generated');
    const [name = ''] = readdirSync(path).filter((file) => file.includes('mail'));
    const text = readFileSync(join(path, name), 'utf8');
    await using more = temporaryFolder({
      ...project('learned', 'tasks: { dir: tasks }'),
      [`tasks/backlog/generated/${name}`]: text.replace(
        /^attempts: \[\]$/m,
        'attempts:\n  - timestamp: 2026-03-01T00:00:00Z\n    error: It came back\n',
      ),
    });
    const found = await showLearning(await environment(more.path));
    expect(found.patterns).toMatchObject([{ attempts: 1, fixed: 0, weight: 0.5 }]);
    expect(found.record?.minutes).toBeNull();
  });
});

describe('the forecast of open tasks', () => {
  it('says how likely and how long the next attempt is, and how such forecasts have done', async () => {
    await using folder = temporaryFolder(project('published'));
    const cwd = folder.path;
    const before = await forecastTasks(await environment(cwd));
    expect(before).toMatchObject({ attempts: 0, record: null });
    expect(before.tasks[0]).toMatchObject({ success: { value: 0.9 }, handler: 'agent' });
    await attempt(cwd, { 'Mail is lost': failed, 'Login fails': failed }, '2026-03-01T00:00:00Z');
    const after = await forecastTasks(await environment(cwd));
    expect(after.attempts).toBe(2);
    expect(after.record?.success.forecasts).toBe(2);
    expect(after.tasks[0]?.success.value).toBeLessThan(0.9);
    expect(after.tasks[0]?.minutes.value).toBeLessThan(before.tasks[0]?.minutes.value ?? 0);
  });

  it('is noted when it is given, and compared with the first attempt that begins after it', async () => {
    await using folder = temporaryFolder(project('published'));
    const cwd = folder.path;
    await attempt(cwd, {}, '2026-02-28T00:00:00Z');
    const at = async (time: string) => ({ ...(await environment(cwd)), now: () => new Date(time) });
    const said = await forecastTasks(await at('2026-02-28T12:00:00Z'), true);
    expect(said).toMatchObject({ record: null, given: null, notNoted: null });
    await forecastTasks(await at('2026-02-28T13:00:00Z'), true);
    const state = join(cwd, '.problems');
    const log = join(state, readdirSync(state).find((name) => name.startsWith('forecasts-')) ?? '');
    // The second one said the same.
    expect(readFileSync(log, 'utf8').trimEnd().split('\n')).toHaveLength(said.tasks.length);
    await attempt(cwd, { 'Mail is lost': failed, 'Login fails': done }, '2026-03-01T00:00:00Z');
    await attempt(cwd, { 'Mail is lost': done }, '2026-03-02T00:00:00Z');
    const later = await forecastTasks(await at('2026-03-02T12:00:00Z'), true);
    expect(later.record?.success.forecasts).toBe(3);
    expect(later.given?.success).toMatchObject({ forecasts: 2, rate: 0.5 });
    expect(later.given?.success.brier).toBeCloseTo((0.9 ** 2 + 0.1 ** 2) / 2, 6);
  });
});
