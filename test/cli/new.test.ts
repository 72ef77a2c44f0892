import { existsSync, readFileSync, statSync, symlinkSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run, temporaryFolder } from './run.ts';

describe('problems new', () => {
  it('prints a blank record with its markers', async () => {
    const { code, stdout, stderr } = await run(['new', 'active']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.startsWith('<!-- EMBED:ACTIVEPROBLEM:START -->\n')).toBe(true);
    expect(stdout.endsWith('<!-- EMBED:ACTIVEPROBLEM:END -->\n')).toBe(true);
  });

  it('adds a record to a registry and leaves every byte before it unchanged', async () => {
    await using folder = temporaryFolder();
    const before = '\uFEFF# Problems\r\n\r\ntrailing blanks  \r\n';
    folder.write('PROBLEMS.md', before);
    chmodSync(join(folder.path, 'PROBLEMS.md'), 0o640);
    const { code, stdout } = await run(['new', 'pattern', '--into', 'PROBLEMS.md'], { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    const after = readFileSync(join(folder.path, 'PROBLEMS.md'), 'utf8');
    expect(after.startsWith(before)).toBe(true);
    expect(after.slice(before.length)).toMatch(/^\r\n<!-- EMBED:PROBLEMPATTERN:START -->\r\n/);
    expect(statSync(join(folder.path, 'PROBLEMS.md')).mode & 0o777).toBe(0o640);
  });

  it('creates the registry if there is none', async () => {
    await using folder = temporaryFolder();
    expect((await run(['new', 'resolved', '--into', 'PROBLEMS.md'], { cwd: folder.path })).code).toBe(0);
    expect(readFileSync(join(folder.path, 'PROBLEMS.md'), 'utf8')).toMatch(/^# Problems\n\n<!-- EMBED:RESOLVEDPROBLEM/);
  });

  it('refuses a file that is not valid UTF-8 and leaves it alone', async () => {
    await using folder = temporaryFolder();
    const bytes = Buffer.from([0x23, 0x20, 0xff, 0x0a]);
    folder.write('PROBLEMS.md', bytes);
    const { code, stderr } = await run(['new', 'active', '--into', 'PROBLEMS.md'], { cwd: folder.path });
    expect(code).toBe(2);
    expect(stderr).toContain('not valid UTF-8');
    expect(readFileSync(join(folder.path, 'PROBLEMS.md'))).toEqual(bytes);
  });

  it('refuses a symbolic link that leaves the working folder', async () => {
    await using outside = temporaryFolder({ 'PROBLEMS.md': '# Problems\n' });
    await using folder = temporaryFolder();
    symlinkSync(join(outside.path, 'PROBLEMS.md'), join(folder.path, 'PROBLEMS.md'));
    const { code, stderr } = await run(['new', 'active', '--into', 'PROBLEMS.md'], { cwd: folder.path });
    expect(code).toBe(2);
    expect(stderr).toContain('(via a symbolic link)');
    expect(readFileSync(join(outside.path, 'PROBLEMS.md'), 'utf8')).toBe('# Problems\n');
  });

  it('suggests the nearest kind', async () => {
    const { code, stdout, stderr } = await run(['new', 'activ']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Did you mean active?');
  });

  it('requires a kind', async () => {
    const { code, stderr } = await run(['new']);
    expect(code).toBe(2);
    expect(stderr).toContain("missing required argument 'kind'");
  });
});

describe('problems init', () => {
  it('writes a registry and a config that are both valid', async () => {
    await using folder = temporaryFolder();
    expect(await run(['init'], { cwd: folder.path })).toEqual({
      code: 0,
      stdout: 'Created problems.config.yaml.\nCreated PROBLEMS.md.\n',
      stderr: '',
    });
    const validated = await run(['validate'], { cwd: folder.path });
    expect(validated).toMatchObject({ code: 0, stdout: '' });
  });

  it('never overwrites', async () => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': 'mine' });
    const { code, stdout } = await run(['init', '.'], { cwd: folder.path });
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'Created problems.config.yaml.\nPROBLEMS.md exists and was not changed.\n',
    });
    expect(readFileSync(join(folder.path, 'PROBLEMS.md'), 'utf8')).toBe('mine');
  });

  it('names a path that it cannot write', async () => {
    await using folder = temporaryFolder();
    const { code, stderr } = await run(['init', 'no/such/folder'], { cwd: folder.path });
    expect(code).toBe(2);
    expect(stderr).toContain('no/such/folder/problems.config.yaml cannot be written');
    expect(existsSync(join(folder.path, 'no'))).toBe(false);
  });
});
