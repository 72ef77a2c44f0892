import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bin, run, spawned, temporaryFolder } from './run.ts';

describe('a failure with JSON output', () => {
  it.each([[['detect', '--json']], [['detect', '--json', '--instance', 'orders']]])(
    'is one object on stdout and a sentence on stderr: problems %j',
    async (args) => {
      await using folder = temporaryFolder();
      const { code, stdout, stderr } = await run(args, { cwd: folder.path });
      expect(code).toBe(2);
      expect(JSON.parse(stdout)).toEqual({
        error: {
          code: 'engine-unreachable',
          message: expect.stringContaining('cannot be reached'),
          hint: expect.stringContaining('docker info'),
        },
      });
      expect(stderr).toContain('cannot be reached');
    },
  );

  it('is printed for a file that does not exist and for a wrong option value', async () => {
    await using folder = temporaryFolder();
    for (const args of [
      ['validate', '--format', 'json', 'no-such-file.md'],
      ['show', 'x', '--json'],
    ]) {
      const { code, stdout } = await run(args, { cwd: folder.path });
      expect(code, args.join(' ')).toBe(2);
      expect(stdout, args.join(' ')).not.toBe('');
      expect(() => void JSON.parse(stdout), args.join(' ')).not.toThrow();
    }
  });

  it('leaves stdout empty without --json', async () => {
    await using folder = temporaryFolder();
    expect(await run(['show', 'x'], { cwd: folder.path })).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('a working folder that was removed', () => {
  it('is reported on one line', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'problems-gone-'));
    const { code, stderr } = await spawned(
      '/bin/sh',
      ['-c', `rmdir "$PWD"; exec "$0" "$@"`, process.execPath, bin, 'scan'],
      { cwd: folder },
    );
    expect(code).toBe(2);
    expect(stderr).toBe('problems: the working folder no longer exists: change to one that does\n');
    expect(() => rmdirSync(folder)).toThrow('ENOENT');
  });
});
