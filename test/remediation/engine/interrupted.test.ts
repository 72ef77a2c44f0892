import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { detect, plan, remediate, runs } from '../../../src/app/remediation.ts';
import { run as problems } from '../../cli/run.ts';
import { answers, brokenFolder, openFolder, removeFolder } from '../broken-files.ts';
import { begin, run } from './processes.ts';

let folder = '';
beforeEach(async () => {
  folder = await brokenFolder();
});
afterEach(async () => removeFolder(folder));

async function killInMidRun(): Promise<void> {
  const { signal } = await run(folder, 'remediate', 'step 1 is journalled');
  if (signal !== 'SIGKILL') throw new Error('The process was not killed.');
}

describe('a run whose process was killed', { timeout: 60_000 }, () => {
  beforeEach(killInMidRun);

  it('is reported by detect and plan, for its instance alone', async () => {
    const remediation = await openFolder(folder);
    const [record] = await runs(remediation);
    const interruptedRuns = [
      {
        id: record?.id,
        instance: 'orders',
        remediator: 'broken-files',
        phase: 'running',
        startedAt: expect.any(String),
      },
    ];
    expect(await detect(remediation)).toMatchObject({ interruptedRuns });
    expect((await plan(remediation)).detected).toMatchObject({ interruptedRuns });
    remediation.close();
    const same = await openFolder(folder, { instances: ['orders'] });
    expect(await detect(same)).toMatchObject({ interruptedRuns });
    same.close();
  });

  it('is finished by remediate before anything else', async () => {
    const remediation = await openFolder(folder);
    const { runs: reports, detected } = await remediate(remediation);
    expect(reports).toMatchObject([{ outcome: 'fixed', problem: null }]);
    expect(detected).toMatchObject({ findings: [], interruptedRuns: [] });
    expect(await answers(folder)).toEqual(['right', 'right', 'right']);
    remediation.close();
  });

  it('is reported as finished even if the check after it fails', async () => {
    const remediation = await openFolder(folder);
    const reports: string[] = [];
    await expect(
      remediate(remediation, { ids: ['files/no-such-problem'], onReport: ({ outcome }) => reports.push(outcome) }),
    ).rejects.toMatchObject({ code: 'not-found' });
    expect(reports).toEqual(['fixed']);
    remediation.close();
  });

  it('makes the commands exit with 1 and name the command that finishes it', async () => {
    const text = await problems(['detect'], { cwd: folder });
    expect(text).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^orders {2}run r\w+ of broken-files was interrupted\n.*problems resume r\w+\n/),
    });
    expect(text.stderr).toContain('0 of 1 instance healthy');
    const json = await problems(['plan', '--json'], { cwd: folder });
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({ plans: [], interruptedRuns: [{ instance: 'orders' }] });
  });
});

describe('a run that another process is working on', { timeout: 60_000 }, () => {
  it.each(['resume', 'remediate'] as const)('is named by problems %s, which exits with 1', async (command) => {
    const other = begin(folder, 'remediate', 'hang:step 1 is applied');
    try {
      await once(other.process.stdout ?? other.process, 'data');
      const { code, stdout } = await problems([command, '--json'], { cwd: folder });
      const { pid } = other.process;
      expect(JSON.parse(stdout)).toMatchObject({ runs: [], liveRuns: [{ instance: 'orders', phase: 'running', pid }] });
      expect(code).toBe(1);
      const text = await problems([command], { cwd: folder });
      expect(text).toMatchObject({ code: 1, stdout: expect.stringContaining(`process ${pid} is working on run r`) });
      expect(text.stderr).not.toContain('othing to do');
    } finally {
      other.process.kill('SIGKILL');
      await other.ended;
    }
  });

  it.each(['detect', 'plan'] as const)('is named by problems %s, and counts against its instance', async (command) => {
    const other = begin(folder, 'remediate', 'hang:step 1 is applied');
    try {
      await once(other.process.stdout ?? other.process, 'data');
      const { pid } = other.process;
      const json = await problems([command, '--json'], { cwd: folder });
      expect(JSON.parse(json.stdout)).toMatchObject({ interruptedRuns: [], liveRuns: [{ instance: 'orders', pid }] });
      expect(json.code).toBe(1);
      const { code, stdout, stderr } = await problems([command], { cwd: folder });
      expect(code).toBe(1);
      expect(stdout).toContain(`orders: process ${pid} is working on run r`);
      if (command === 'detect') expect(stderr).toMatch(/^0 of 1 instance healthy, .*, 1 run of other processes\.$/m);
    } finally {
      other.process.kill('SIGKILL');
      await other.ended;
    }
  });
});
