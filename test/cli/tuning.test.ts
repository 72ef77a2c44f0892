import { describe, expect, it } from 'vitest';
import { run, temporaryFolder } from './run.ts';

describe('problems tune and fleet with a wrong command line', () => {
  it.for([
    [['tune'], 'instance'],
    [['tune', 'orders', '--profile', 'webb'], 'Did you mean web?'],
    [['tune', 'orders', '--disk', 'tape'], 'hdd, ssd, san, nvme'],
    [['tune', 'orders', '--connections', '5'], '10 or more'],
    [['fleet', 'orders'], 'Too many arguments'],
  ] as const)('problems %s is refused before any request to the engine', async ([args, message]) => {
    await using folder = temporaryFolder();
    const { code, stdout, stderr } = await run(args, { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it.for([['tune', 'orders'], ['fleet']])('without an engine problems %s is exit code 2', async (args) => {
    await using folder = temporaryFolder();
    const { code, stdout, stderr } = await run(args, { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('unix:///nonexistent/docker.sock');
  });
});
