import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { describe, expect, it } from 'vitest';

import { scenarios } from './scenarios/index.ts';

const nowhere = { DOCKER_HOST: 'unix:///nonexistent/docker.sock', CI: '', PROBLEMS_LAB: '' };

describe('npm run lab', () => {
  it('lists every scenario with what it breaks', async () => {
    const { code, stdout } = await lab(['list'], nowhere);
    expect(code).toBe(0);
    for (const { name, description } of scenarios) expect(stdout).toMatch(new RegExp(`^${name} +${description}`, 'm'));
  });

  it('prints its usage without a command or with an unknown one', async () => {
    expect(await lab([], nowhere)).toMatchObject({ code: 2, stdout: expect.stringContaining('up <scenario>') });
    expect(await lab(['up', '--bogus'], nowhere)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--bogus'),
    });
  });

  it('says in one line that the tests did not run, and how to get an engine', async () => {
    const { code, stdout, stderr } = await lab(['test'], nowhere);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^The lab did not run: no Docker Engine answers: .*engine\.sh.*\n$/);
  });

  it.for([{ CI: 'true' }, { PROBLEMS_LAB: 'required' }])('fails without an engine if %o is set', async (variables) => {
    const { code, stderr } = await lab(['test'], { ...nowhere, ...variables });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^lab: the lab is required here, and no Docker Engine answers/);
  });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function lab(argv: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'cli.ts'), ...argv], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  await closed;
  return { code: child.exitCode, stdout, stderr };
}
