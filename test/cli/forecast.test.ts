import { describe, expect, it } from 'vitest';
import { run, temporaryFolder } from './run.ts';

describe('problems forecast and stats with a wrong command line', () => {
  it.for([
    [['forecast', '--batch', 'size=0'], 'Invalid batch "size=0"'],
    [['forecast', '--batch', 'size=2.5'], 'Invalid batch'],
    [['forecast', '--batch', 'size=2,explicit=1.5'], 'explicit is at most 1'],
    [['forecast', '--batch', 'constructor=1'], 'Invalid batch'],
    [['stats', '--since', 'yesterday'], 'Invalid date "yesterday"'],
    [['stats', '--since', '2026-13-01'], 'Invalid date'],
  ] as const)('problems %s is refused before any request to the engine', async ([args, message]) => {
    await using folder = temporaryFolder();
    const { code, stdout, stderr } = await run(args, { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it.for([['forecast'], ['stats'], ['fleet', '--recommend']])(
    'without an engine problems %s is exit code 2',
    async (args) => {
      await using folder = temporaryFolder();
      const { code, stdout, stderr } = await run(args, { cwd: folder.path });
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain('unix:///nonexistent/docker.sock');
    },
  );
});
