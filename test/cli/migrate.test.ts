import { describe, expect, it } from 'vitest';
import { run, temporaryFolder } from './run.ts';

const env = { DOCKER_HOST: 'unix:///nowhere.sock' };

describe('problems migrate, called wrongly', () => {
  it.for([
    [['migrate'], 'an instance and a folder are needed'],
    [['migrate', 'orders'], 'an instance and a folder are needed'],
    [['migrate', '--all', 'orders', 'migrations'], 'with --all, the folder alone is named'],
    [['migrate', 'orders', '.', '--databases', 'a'], 'are made from a --template'],
    [['migrate', 'orders', '.', '--template', 'a', '--dry-run'], 'goes with neither'],
    [['migrate', 'orders', '.', '--template', 'a"; drop'], 'is no name of a database'],
    [['migrate', 'orders', '.', '--address', 'localhost'], 'is no address'],
    [['migrate', 'orders', '.', '--address', 'localhost:99999'], 'is no address'],
    [['migrate', 'orders', 'no-such-folder'], 'cannot be read'],
  ] as const)('problems %s is refused before the engine is asked', async ([args, message]) => {
    await using folder = temporaryFolder();
    const { code, stdout, stderr } = await run(args, { cwd: folder.path, env });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it('is exit code 2 without an engine', async () => {
    await using folder = temporaryFolder();
    const { code, stdout, stderr } = await run(['migrate', 'orders', '.'], { cwd: folder.path, env });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('unix:///nowhere.sock');
  });
});
