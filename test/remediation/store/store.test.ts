import { execFileSync } from 'node:child_process';
import { mkdtemp, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { remediate } from '../../../src/app/remediation.ts';
import { openSqliteStore } from '../../../src/remediation/store/sqlite/store.ts';
import { ownIdentity } from '../../../src/host/process-identity.ts';
import { answers, brokenFolder, openFolder, removeFolder } from '../broken-files.ts';

let folder = '';
let file = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'problems-store-'));
  file = join(folder, '.problems', 'state.db');
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

const at = '2026-01-01T00:00:00.000Z';

describe('the state file', () => {
  it('is readable only by its owner, like its companions, and ignored by git', async () => {
    const store = await openSqliteStore(file);
    await store.audit.append({ at, run: null, event: 'test', body: 1 });
    for (const name of [file, `${file}-wal`, `${file}-shm`]) expect((await stat(name)).mode & 0o777, name).toBe(0o600);
    expect((await stat(join(folder, '.problems'))).mode & 0o777).toBe(0o700);
    expect(await readFile(join(folder, '.problems', '.gitignore'), 'utf8')).toBe('*\n');
    store.close();
  });

  it('is ignored by git even if its folder was created earlier for the file `paused`', async () => {
    await mkdir(join(folder, '.problems'));
    await writeFile(join(folder, '.problems', 'paused'), '');
    execFileSync('git', ['init', '--quiet'], { cwd: folder });
    (await openSqliteStore(file)).close();
    expect(execFileSync('git', ['status', '--porcelain'], { cwd: folder, encoding: 'utf8' })).toBe('');
    await rm(join(folder, '.problems', '.gitignore'));
    (await openSqliteStore(file)).close();
    expect(await readFile(join(folder, '.problems', '.gitignore'), 'utf8')).toBe('*\n');
  });

  it('is ignored by git in a folder with other files, which are not', async () => {
    await writeFile(join(folder, 'theirs.txt'), '');
    execFileSync('git', ['init', '--quiet'], { cwd: folder });
    const store = await openSqliteStore(join(folder, 'runs.db'));
    await mkdir(join(folder, 'dossiers'));
    await writeFile(join(folder, 'dossiers', 'r1.md'), '');
    await store.audit.append({ at, run: null, event: 'test', body: 1 });
    const listed = execFileSync('git', ['status', '--porcelain'], { cwd: folder, encoding: 'utf8' });
    expect(listed.trim().split('\n')).toEqual(['?? .gitignore', '?? theirs.txt']);
    store.close();
  });

  it('does not change an existing .gitignore, and follows no link', async () => {
    await mkdir(join(folder, '.problems'));
    await symlink(join(folder, 'elsewhere'), join(folder, '.problems', '.gitignore'));
    (await openSqliteStore(file)).close();
    await expect(stat(join(folder, 'elsewhere'))).rejects.toThrow('ENOENT');
    await rm(join(folder, '.problems', '.gitignore'));
    await writeFile(join(folder, '.problems', '.gitignore'), 'state.db*\n');
    (await openSqliteStore(file)).close();
    expect(await readFile(join(folder, '.problems', '.gitignore'), 'utf8')).toBe('state.db*\n');
  });

  it('never overwrites a damaged one', async () => {
    await mkdir(join(folder, '.problems'));
    await writeFile(file, 'this was a database once\n'.repeat(200));
    await expect(openSqliteStore(file)).rejects.toMatchObject({ code: 'state-damaged' });
    expect(await readFile(file, 'utf8')).toContain('this was a database once');
  });

  it('is reported as damaged if pages are torn', async () => {
    const store = await openSqliteStore(file);
    for (let entry = 0; entry < 200; entry += 1)
      await store.audit.append({ at, run: null, event: 'test', body: 'x'.repeat(500) });
    store.close();
    const bytes = await readFile(file);
    bytes.fill(0xff, 8 * 4096, 12 * 4096);
    await writeFile(file, bytes);
    await expect(openSqliteStore(file)).rejects.toMatchObject({ code: 'state-damaged' });
  });

  it('is left unchanged if it is from a newer version', async () => {
    (await openSqliteStore(file)).close();
    const database = new DatabaseSync(file);
    database.exec('PRAGMA user_version = 99');
    database.close();
    await expect(openSqliteStore(file)).rejects.toMatchObject({ code: 'state-damaged' });
  });

  it('is reported as locked after a wait if another program holds it', { timeout: 30_000 }, async () => {
    (await openSqliteStore(file)).close();
    const other = new DatabaseSync(file);
    other.exec('BEGIN EXCLUSIVE');
    await expect(openSqliteStore(file)).rejects.toMatchObject({
      code: 'state-locked',
      hint: expect.stringContaining('Wait'),
    });
    other.exec('ROLLBACK');
    other.close();
  });
});

const mayMount = process.getuid?.() === 0 && canMount();

describe.runIf(mayMount)('a full disk under the state file in the middle of a run', () => {
  it('causes a rollback, which the next resume confirms', async () => {
    const target = await brokenFolder();
    const disk = join(target, '.problems');
    await mkdir(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=640k', 'tmpfs', disk]);
    try {
      const full = await openFolder(target, {
        atPoint: async (name) => {
          if (name === 'step 1 is journalled')
            await writeFile(join(disk, 'ballast'), Buffer.alloc(2 ** 20)).catch(() => undefined);
        },
      });
      const { runs } = await remediate(full);
      expect(runs).toMatchObject([
        {
          outcome: 'rolled-back',
          failure: { class: 'transient', message: expect.stringContaining('cannot be written') },
        },
      ]);
      expect(await answers(target)).toEqual(['wrong', 'wrong', 'wrong']);
      full.close();
      await rm(join(disk, 'ballast'));
      const { resume } = await import('../../../src/app/remediation.ts');
      const again = await openFolder(target);
      expect(await resume(again)).toMatchObject([{ outcome: 'rolled-back' }]);
      expect(await answers(target)).toEqual(['wrong', 'wrong', 'wrong']);
      again.close();
    } finally {
      execFileSync('umount', ['-l', disk]);
      await removeFolder(target);
    }
  });
});

describe('the audit log', () => {
  it('shows where it was tampered with', async () => {
    const store = await openSqliteStore(file);
    for (const body of ['one', 'two', 'three']) await store.audit.append({ at, run: null, event: 'test', body });
    expect(await store.audit.verify()).toBeUndefined();
    store.close();

    const database = new DatabaseSync(file);
    expect(() => database.exec('UPDATE audit SET body = \'"2"\' WHERE sequence = 2')).toThrow('append-only');
    const trigger = database.prepare("SELECT sql FROM sqlite_schema WHERE name = 'audit_is_not_changed'").get();
    database.exec('DROP TRIGGER audit_is_not_changed; UPDATE audit SET body = \'"2"\' WHERE sequence = 2');
    database.exec(String(trigger?.['sql']));
    database.close();
    const again = await openSqliteStore(file);
    expect(await again.audit.verify()).toMatchObject({ sequence: 2 });
    again.close();
  });
});

describe('port leases', () => {
  it('are one port for one instance, and one instance for one port', async () => {
    const store = await openSqliteStore(file);
    const leases = store.leases('engine');
    const ports = [5433, 5434, 5435];
    const first = await leases.take({ instance: 'a', ports, ttlMs: 60_000 });
    expect(first?.port).toBe(5433);
    expect((await leases.take({ instance: 'a', ports, ttlMs: 60_000 }))?.port).toBe(5433);
    expect((await leases.take({ instance: 'b', ports, ttlMs: 60_000 }))?.port).toBe(5434);
    expect((await leases.take({ instance: 'c', ports: [5433, 5434], ttlMs: 60_000 }))?.port).toBeUndefined();
    expect((await store.leases('another engine').take({ instance: 'c', ports, ttlMs: 60_000 }))?.port).toBe(5433);
    store.close();
  });

  it('expire while they are reserved, and never once they are bound', async () => {
    let now = new Date(at);
    const store = await openSqliteStore(file, () => now);
    const leases = store.leases('engine');
    await leases.take({ instance: 'gone', ports: [5433], ttlMs: 1_000 });
    await leases.take({ instance: 'kept', ports: [5434], ttlMs: 1_000 });
    await leases.bind(5434, 'kept');
    now = new Date(now.getTime() + 3_600_000);
    expect((await leases.list()).map(({ instance }) => instance)).toEqual(['kept']);
    expect((await leases.take({ instance: 'new', ports: [5434, 5433], ttlMs: 1_000 }))?.port).toBe(5433);
    store.close();
  });

  it('are restored unless another instance has the port now', async () => {
    const store = await openSqliteStore(file);
    const leases = store.leases('engine');
    const old = await leases.take({ instance: 'a', ports: [5433], ttlMs: 60_000 });
    await leases.take({ instance: 'a', ports: [5440], ttlMs: 60_000 });
    await leases.take({ instance: 'b', ports: [5433], ttlMs: 60_000 });
    await expect(leases.put('a', old ?? null)).rejects.toMatchObject({ code: 'step-refused' });
    await leases.release(5433, 'b');
    await leases.put('a', old ?? null);
    expect((await leases.list()).map(({ port, instance }) => [port, instance])).toEqual([[5433, 'a']]);
    store.close();
  });
});

describe('a port lease', () => {
  it('is extended to the full time by a new request, and never shortened', async () => {
    let now = new Date(at);
    const store = await openSqliteStore(file, () => now);
    const leases = store.leases('engine');
    const first = await leases.take({ instance: 'a', ports: [5433], ttlMs: 60_000 });
    now = new Date(now.getTime() + 50_000);
    const again = await leases.take({ instance: 'a', ports: [5433], ttlMs: 60_000 });
    expect(again).toEqual({ ...first, expiresAt: '2026-01-01T00:01:50.000Z' });
    expect((await leases.take({ instance: 'a', ports: [5433], ttlMs: 1_000 }))?.expiresAt).toBe(again?.expiresAt);
    now = new Date(now.getTime() + 59_000);
    expect((await leases.list()).map(({ port }) => port)).toEqual([5433]);
    await leases.bind(5433, 'a');
    expect(await leases.take({ instance: 'a', ports: [5433], ttlMs: 1_000 })).toMatchObject({
      state: 'bound',
      expiresAt: null,
    });
    store.close();
  });

  it('is not restored after it has expired', async () => {
    let now = new Date(at);
    const store = await openSqliteStore(file, () => now);
    const leases = store.leases('engine');
    const old = await leases.take({ instance: 'a', ports: [5433], ttlMs: 1_000 });
    await leases.take({ instance: 'a', ports: [5440], ttlMs: 3_600_000 });
    now = new Date(now.getTime() + 60_000);
    await leases.put('a', old ?? null);
    expect(await leases.list()).toEqual([]);
    const rows = new DatabaseSync(file).prepare('SELECT * FROM leases').all();
    expect(rows).toEqual([]);
    store.close();
  });
});

describe('locks', () => {
  it('are not granted to an owner that has lost them', async () => {
    const store = await openSqliteStore(file);
    const owner = await ownIdentity();
    const dead = { ...owner, pid: 2 ** 22 + 1 };
    const first = await store.locks.take('run', ['volume'], dead, at);
    const second = await store.locks.take('run', ['volume'], owner, at);
    if (!first.ok || !second.ok) throw new Error('not taken');
    expect(second.token).toBeGreaterThan(first.token);
    expect(await store.locks.holds('run', first.token)).toBe(false);
    expect(await store.locks.holds('run', second.token)).toBe(true);
    store.close();
  });

  it('are all acquired, or none', async () => {
    const store = await openSqliteStore(file);
    const owner = await ownIdentity();
    expect((await store.locks.take('one', ['b'], owner, at)).ok).toBe(true);
    expect(await store.locks.take('two', ['a', 'b'], owner, at)).toMatchObject({
      ok: false,
      holder: { run: 'one', volume: 'b' },
    });
    expect((await store.locks.take('three', ['a'], owner, at)).ok).toBe(true);
    store.close();
  });
});

function canMount(): boolean {
  try {
    execFileSync('sh', ['-c', 'd=$(mktemp -d) && mount -t tmpfs -o size=64k tmpfs "$d" && umount "$d" && rmdir "$d"'], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}
