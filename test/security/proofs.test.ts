import { chmod, mkdir, mkdtemp, readFile, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { listBackups } from '../../src/backups/inventory.ts';
import { recordVerification } from '../../src/backups/quarantine.ts';
import { unsignedProof } from '../../src/backups/sidecar-files.ts';
import type { Backup, BackupCheck, BackupLevel } from '../../src/backups/types.ts';
import { judgeBackups } from '../../src/backups/verdict.ts';
import { isSigned, sign, userStateFolder } from '../../src/host/user-key.ts';

const checks = (['L0', 'L4'] as const).map(passed);

let top = '';
let folder = '';
beforeEach(async () => {
  top = await realpath(await mkdtemp(join(tmpdir(), 'problems-proofs-')));
  folder = join(top, 'backups');
  vi.stubEnv('XDG_STATE_HOME', join(top, 'state'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(top, { recursive: true, force: true });
});

describe('the proof of a backup', () => {
  it('does not count if someone else wrote it, and the inventory and the verdict say so', async () => {
    const path = await lay('forged');
    const record = { schemaVersion: 1, checks, files: [], filesAt: '2026-01-01T00:00:00Z', filesBy: 'completion' };
    for (const signature of [undefined, '', `hmac-sha256:${'0'.repeat(64)}`]) {
      await writeFile(join(path, 'verification.json'), JSON.stringify({ ...record, signature }));
      const forged = await backupNamed('forged');
      expect(forged).toMatchObject({ verdict: 'unproven', reached: null, verification: null, notes: [unsignedProof] });
      const { verdict, reason } = judgeBackups('orders', [forged], { now: new Date(forged.createdAt) });
      expect([verdict, reason]).toEqual([
        'not-proven',
        "the newest, orders/forged, has no proof that is signed with this user's key",
      ]);
    }
  });

  it('cannot make a good backup look bad either', async () => {
    const path = await lay('sound');
    await recordVerification([folder], await backupNamed('sound'), { checks, files: [] });
    const record = JSON.parse(await readFile(join(path, 'verification.json'), 'utf8'));
    expect(await backupNamed('sound')).toMatchObject({ verdict: 'good', notes: [] });
    await writeFile(
      join(path, 'verification.json'),
      JSON.stringify({ ...record, checks: [...checks, { ...passed('L5'), result: 'failed' }] }),
    );
    expect(await backupNamed('sound')).toMatchObject({ verdict: 'unproven', reached: null });
  });

  it('is of one backup: a copy next to another one does not count', async () => {
    const sound = await lay('sound');
    const other = await lay('other');
    await recordVerification([folder], await backupNamed('sound'), { checks, files: [] });
    await writeFile(join(other, 'verification.json'), await readFile(join(sound, 'verification.json')));
    expect((await backupNamed('sound')).verdict).toBe('good');
    expect((await backupNamed('other')).verdict).toBe('unproven');
  });

  it('counts again after a new verification by this user', async () => {
    const path = await lay('old');
    await writeFile(join(path, 'verification.json'), JSON.stringify({ schemaVersion: 1, checks, files: [] }));
    await recordVerification([folder], await backupNamed('old'), { checks, files: [] });
    expect(await backupNamed('old')).toMatchObject({ verdict: 'good', notes: [] });
  });
});

describe('the key of a user', () => {
  it('is made once, by whichever process is first, and only its owner can read it', async () => {
    const signatures = await Promise.all(Array.from({ length: 20 }, async () => sign('a test', 'a text')));
    expect(new Set(signatures).size).toBe(1);
    expect(await isSigned('a test', 'a text', signatures[0] ?? '')).toBe(true);
    expect(await isSigned('another purpose', 'a text', signatures[0] ?? '')).toBe(false);
    expect((await stat(join(userStateFolder(), 'key'))).mode & 0o777).toBe(0o600);
    expect((await stat(userStateFolder())).mode & 0o777).toBe(0o700);
  });

  it('is not used if others can read it, or if it is a link or anything but a key', async () => {
    await sign('a test', 'a text');
    const path = join(userStateFolder(), 'key');
    await chmod(path, 0o640);
    await expect(sign('a test', 'a text')).rejects.toMatchObject({ code: 'file-unreadable' });
    await rm(path);
    await writeFile(join(top, 'known'), Buffer.alloc(32), { mode: 0o600 });
    await symlink(join(top, 'known'), path);
    await expect(isSigned('a test', 'a text', '')).rejects.toMatchObject({ code: 'file-unreadable' });
    await rm(path);
    await writeFile(path, 'short', { mode: 0o600 });
    await expect(isSigned('a test', 'a text', '')).rejects.toMatchObject({ code: 'file-unreadable' });
  });

  it('is in the home folder unless XDG_STATE_HOME is an absolute path', () => {
    vi.stubEnv('HOME', top);
    vi.stubEnv('XDG_STATE_HOME', 'relative');
    expect(userStateFolder()).toBe(join(top, '.local/state/problems'));
  });
});

function passed(level: BackupLevel): BackupCheck {
  return { level, result: 'passed', at: '2026-01-01T00:00:00.000Z', says: [], ms: 1 };
}

async function lay(name: string): Promise<string> {
  const path = join(folder, 'orders', name);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'full.sql'), '-- PostgreSQL database dump\n');
  return path;
}

async function backupNamed(name: string): Promise<Backup> {
  const { backups } = await listBackups([folder], 'orders');
  const found = backups.find((backup) => backup.name === name);
  if (found === undefined) throw new Error(`there is no backup ${name}`);
  return found;
}
