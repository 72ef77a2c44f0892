import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { obeyed, run, temporaryFolder } from './run.ts';

const cwd = join(import.meta.dirname, '../../fixtures');

describe('problems show', () => {
  it('prints the content of a record, its tasks and its diagnostics', async () => {
    const { code, stdout, stderr } = await run(['show', 'postgres/port-allocation-conflicts'], { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Port Allocation Conflicts\nresources\/postgres\/PROBLEMS\.md:\d+\n/);
    expect(stdout).toContain('severity: high\n');
    expect(stdout).toContain('  successProb: 0.9\n');
    expect(stdout).toMatch(/resolution +auto/);
    expect(stdout).toContain('[estimate-contradiction]');
  });

  it('accepts the last part of an id, and the id of a task', async () => {
    const whole = await run(['show', 'postgres/port-allocation-conflicts'], { cwd });
    expect(await run(['show', 'port-allocation-conflicts'], { cwd })).toEqual(whole);
    const { stdout } = await run(['show', '--json', 'port-allocation-conflicts'], { cwd });
    const { record, tasks } = JSON.parse(stdout);
    const byTask = JSON.parse((await run(['show', '--json', tasks[0].id], { cwd })).stdout);
    expect(byTask.record).toEqual(record);
    expect(byTask.tasks).toEqual([tasks[0]]);
  });

  it.each([
    ['postgres/port-alocation-conflicts', 'Did you mean postgres/port-allocation-conflicts?'],
    ['port-allocation', 'Did you mean postgres/port-allocation-conflicts?'],
    ['zzzzzzzzzzzzzzzzzzzz', 'lists all ids'],
  ])('suggests the nearest id for %s', async (id, hint) => {
    const { code, stdout, stderr } = await run(['show', id], { cwd });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(hint);
  });

  it('escapes control characters in hostile text', async () => {
    const text =
      '<!-- EMBED:ACTIVEPROBLEM:START -->\n### Evil\u001b[2J\n**Discovered By:** \u009b31m\u202ex\n\n#### Description\nOne\u0007\nTwo\n<!-- EMBED:ACTIVEPROBLEM:END -->\n';
    await using folder = temporaryFolder({ 'PROBLEMS.md': text });
    const { stdout } = await run(['show', 'root/evil-2j'], { cwd: folder.path });
    expect(stdout).toContain('Evil\\u{1b}[2J');
    expect(stdout).toContain('  Two\n');
    expect(obeyed(stdout)).toEqual([]);
    const { stdout: json } = await run(['show', '--json', 'root/evil-2j'], { cwd: folder.path });
    expect(obeyed(json)).toEqual([]);
    expect(JSON.parse(json).record.title).toBe('Evil\u001b[2J');
  });
});

describe('problems explain', () => {
  it('prints every factor with its source, the triage, and the changes that would move the task up', async () => {
    const { code, stdout, stderr } = await run(['explain', 'port-allocation-conflicts'], { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/score 10\.368 \(high\), place \d+ of \d+/);
    for (const factor of ['impact', 'urgency', 'success', 'cost', 'cooldown']) {
      expect(stdout).toMatch(new RegExp(`^${factor} .*(stated|attempts)`, 'm'));
    }
    expect(stdout).toMatch(/^automation +auto +Auto-Resolution/m);
    expect(stdout).toMatch(/^ {2}impact 8 → 8\.\d+: the score is /m);
  });

  it('gives the same content as JSON', async () => {
    const { stdout } = await run(['explain', '--json', 'port-allocation-conflicts'], { cwd });
    const { task, rank, of, changes } = JSON.parse(stdout);
    expect(task.priority.score).toBe(10.368);
    expect(rank).toBeLessThan(of);
    expect(changes).toHaveLength(4);
  });

  it('says that a record without a task has no priority', async () => {
    const { stdout } = await run(['scan', '--json', '--kind', 'integration'], { cwd });
    const [{ id }] = JSON.parse(stdout).records;
    const { code, stderr } = await run(['explain', id], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain('has no task');
  });
});
