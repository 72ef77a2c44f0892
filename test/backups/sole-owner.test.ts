import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { soleOwner } from '../../src/backups/sole-owner.ts';

let folder = '';
const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'problems-owner-'));
  await writeFile(join(folder, 'shop.dump'), 'a dump', { mode: 0o600 });
  await mkdir(join(folder, 'base', 'global'), { recursive: true, mode: 0o700 });
  await writeFile(join(folder, 'base', 'global', 'pg_control'), '', { mode: 0o600 });
});
afterEach(async () => {
  await chmod(folder, 0o700);
  await rm(folder, { recursive: true, force: true });
});

describe('the user who can read a part of a backup without a capability', () => {
  it('is the owner of its file, or of all files in its folder', async () => {
    for (const path of ['shop.dump', 'base', '.']) expect(await soleOwner(folder, path)).toBe(`${uid}:${gid}`);
  });

  it('is nobody if its owner may not read it', async () => {
    await chmod(join(folder, 'shop.dump'), 0o200);
    expect(await soleOwner(folder, 'shop.dump')).toBeUndefined();
    expect(await soleOwner(folder, '.')).toBeUndefined();
  });

  describe.runIf(uid === 0)('with files of another user', () => {
    it('is that user if all files are theirs and the folder lets them in', async () => {
      await chown(join(folder, 'shop.dump'), 999, 998);
      expect(await soleOwner(folder, 'shop.dump')).toBeUndefined();
      await chmod(folder, 0o711);
      expect(await soleOwner(folder, 'shop.dump')).toBe('999:998');
      await chown(folder, 0, 998);
      await chmod(folder, 0o701);
      expect(await soleOwner(folder, 'shop.dump')).toBeUndefined();
    });

    it('is nobody if the files have several owners', async () => {
      await chown(join(folder, 'base', 'global', 'pg_control'), 999, 999);
      expect(await soleOwner(folder, 'base')).toBeUndefined();
    });
  });
});
