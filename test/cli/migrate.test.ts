import { describe, expect, it } from 'vitest';
import { run, temporaryFolder } from './run.ts';

describe('problems migrate with a wrong command line', () => {
  it.for([
    [['migrate'], 'Missing instance or folder'],
    [['migrate', 'orders'], 'Missing instance or folder'],
    [['migrate', '--all', 'orders', 'migrations'], 'With --all, name only the folder'],
    [['migrate', 'orders', '.', '--databases', 'a'], '--databases requires --template'],
    [['migrate', 'orders', '.', '--template', 'a', '--dry-run'], '--template cannot be combined with'],
    [['migrate', 'orders', '.', '--template', 'a"; drop'], 'Invalid database name'],
    [['migrate', 'orders', '.', '--address', 'localhost'], 'Invalid address'],
    [['migrate', 'orders', '.', '--address', 'localhost:99999'], 'Invalid address'],
    [['migrate', 'orders', 'no-such-folder'], 'cannot be read'],
  ] as const)('problems %s is refused before any request to the engine', async ([args, message]) => {
    await using folder = temporaryFolder();
    const { code, stdout, stderr } = await run(args, { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it('exits with 2 if no engine answers', async () => {
    await using folder = temporaryFolder();
    const { code, stdout, stderr } = await run(['migrate', 'orders', '.'], { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('unix:///nonexistent/docker.sock');
  });
});
