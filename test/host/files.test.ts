import { hash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changeFiles, readFiles } from '../../src/host/files/files.ts';

let folder = '';
let root = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'problems-files-'));
  root = join(folder, 'project');
  await mkdir(root);
  await writeFile(join(root, 'inside.conf'), 'port=1');
  await writeFile(join(folder, 'outside.conf'), 'port=1');
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

describe('files of the host', () => {
  it('must be under the roots: neither .., nor a symbolic link, nor a relative path leads out', async () => {
    const files = readFiles([root]);
    await symlink(join(folder, 'outside.conf'), join(root, 'link.conf'));
    await symlink(folder, join(root, 'up'));
    for (const path of [
      join(root, '..', 'outside.conf'),
      join(root, 'link.conf'),
      join(root, 'up', 'outside.conf'),
      'inside.conf',
    ]) {
      await expect(files.read(path), path).rejects.toMatchObject({ code: 'outside-root' });
      await expect(
        changeFiles([root], files).replace(path, 'x', { sha256: hash('sha256', 'port=1') }),
        path,
      ).rejects.toMatchObject({ code: 'outside-root' });
    }
    expect(await readFile(join(folder, 'outside.conf'), 'utf8')).toBe('port=1');
    expect((await files.read(join(root, 'inside.conf')))?.text).toBe('port=1');
    expect(await files.read(join(root, 'none.conf'))).toBeUndefined();
  });

  it('are refused without waiting if they are pipes or folders', async () => {
    execFileSync('mkfifo', [join(root, 'pipe')]);
    expect(await readFiles([root]).read(join(root, 'pipe'))).toBeUndefined();
    expect(await readFiles([root]).read(root)).toBeUndefined();
  });

  it('are replaced atomically, and only if they are unchanged', async () => {
    const files = readFiles([root]);
    const path = join(root, 'inside.conf');
    await expect(
      changeFiles([root], files).replace(path, 'port=2', { sha256: hash('sha256', 'port=9') }),
    ).rejects.toMatchObject({ code: 'step-refused' });
    await changeFiles([root], files).replace(path, 'port=2', { sha256: hash('sha256', 'port=1') });
    expect(await readFile(path, 'utf8')).toBe('port=2');
    expect(await readdir(root)).toEqual(['inside.conf']);
  });
});
