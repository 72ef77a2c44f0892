import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type BackupKeys, openEncrypted, type Opened } from '../../src/backups/decrypt.ts';
import { readBackup } from '../../src/backups/inventory.ts';
import { filesLevel } from '../../src/backups/levels/files.ts';
import { systemProgram } from '../../src/host/system-program.ts';

/** With the real programs; where one is not installed, its tests are skipped. */
const [gpg, age] = [systemProgram('gpg'), systemProgram('age')];
const plain = '--\n-- PostgreSQL database dump\n--\n\n--\n-- PostgreSQL database dump complete\n--\n\n';
const secret = 'correct horse battery staple';
/** `plain`, by `gpg --symmetric` with that passphrase. */
const message = Buffer.from(
  'jA0ECQMCLLMGy31V8UT/0mQBOJ3vf/6lmjMn42y91GLP4HrChNY69UypS5qL2CNAm/RaZ6wjWOU5HVnMv0GqdgZgiQckltpa2eqszn7QHppPwLgHSKi20lWTzSXjJ+iKtpFHk2J8VA4wf0WxLtdBVq/fLhC3',
  'base64',
);
const limits = { signal: new AbortController().signal, timeoutMs: 30_000 };

/** Of the user of the tests. */
let home = '';
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'problems-gpg-'));
});
afterAll(async () => {
  if (gpg !== undefined) spawnSync('gpgconf', ['--kill', 'gpg-agent'], { env: { ...process.env, GNUPGHOME: home } });
  await rm(home, { recursive: true, force: true });
});

let folder = '';
let backup = '';
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'problems-decrypt-')));
  backup = join(folder, 'shop', 'monday');
  await mkdir(backup, { recursive: true });
  vi.stubEnv('GNUPGHOME', home);
  await writeFile(join(folder, 'key'), secret, { mode: 0o600 });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

async function opened(keys: BackupKeys = { gpg: join(folder, 'key') }): Promise<Opened | undefined> {
  return openEncrypted(await readBackup(backup, 'shop', 'monday', 'lies'), keys, limits);
}

async function says(keys?: BackupKeys): Promise<string> {
  const found = await opened(keys);
  if (found?.type !== 'closed') throw new Error('it was opened');
  expect(await readdir(join(folder, 'shop')), 'nothing in plain text is left').toEqual(['monday']);
  return found.observations.map(({ result, cause, says: text }) => `${result} ${cause}: ${text}`).join('\n');
}

describe.runIf(gpg !== undefined)('a backup encrypted with gpg', () => {
  it('is read in a private copy beside it, which is gone afterwards; the stored files are what is recorded', async () => {
    await writeFile(join(backup, 'shop.sql.gpg'), message);
    await writeFile(join(backup, 'globals.sql'), plain);
    const found = await opened();
    if (found?.type !== 'copy') throw new Error(JSON.stringify(found));
    expect(found.backup.parts.map(({ path, kind }) => `${path} ${kind}`)).toEqual([
      'globals.sql plain',
      'shop.sql plain',
    ]);
    expect(await readFile(join(found.backup.folder, 'shop.sql'), 'utf8')).toBe(plain);
    expect((await stat(join(found.backup.folder, '..'))).mode & 0o777).toBe(0o700);
    const original = await readBackup(backup, 'shop', 'monday', 'lies');
    const level = await filesLevel(found.backup, undefined, limits.signal, original);
    expect(level.files.find(({ path }) => path === 'shop.sql.gpg')).toMatchObject({ bytes: message.length });
    expect(level.observations.filter(({ cause }) => cause === 'encrypted')).toEqual([]);
    await found.remove();
    expect(await readdir(join(folder, 'shop'))).toEqual(['monday']);
  });

  it('is neither good nor bad if the key does not fit, and the key is not told', async () => {
    await writeFile(join(backup, 'shop.sql.gpg'), message);
    await writeFile(join(folder, 'key'), 'another');
    const told = await says();
    expect(told).toMatch(
      /^impossible encrypted: Not proven: shop\.sql\.gpg: it cannot be decrypted with the configured key: /,
    );
    expect(told).not.toContain('another');
  });

  it('is damaged if the key fits and the content is cut off or changed', async () => {
    await writeFile(join(backup, 'shop.sql.gpg'), message.subarray(0, -30));
    expect(await says()).toMatch(/^failed damaged: shop\.sql\.gpg: it cannot be decrypted to its end: /);
  });

  it.runIf(process.platform !== 'win32')('is not opened with a key that others may read', async () => {
    await writeFile(join(backup, 'shop.sql.gpg'), message);
    await chmod(join(folder, 'key'), 0o644);
    expect(await says()).toContain('others than its owner may read or write it');
  });

  it('stays closed without a key', async () => {
    await writeFile(join(backup, 'shop.sql.gpg'), message);
    expect(await opened({})).toBeUndefined();
  });

  it('is rid of the copy of a killed process before it is read again', async () => {
    await writeFile(join(backup, 'shop.sql.gpg'), message);
    const left = join(folder, 'shop', '.monday.open-1');
    await mkdir(left);
    await writeFile(join(left, 'owner.json'), JSON.stringify({ pid: 1, began: '', machine: 'before the power loss' }));
    const old = new Date(Date.now() - 600_000);
    await utimes(left, old, old);
    expect(await says({ gpg: join(folder, 'none') })).toContain('its key cannot be read');
  });
});

describe.runIf(age !== undefined)('a backup encrypted with age', () => {
  it('is opened with an identity, and not with another one', async () => {
    const identity = spawnSync('age-keygen', []).stdout.toString();
    const recipient = /public key: (\S+)/.exec(identity)?.[1] ?? '';
    const { stdout } = spawnSync(age ?? '', ['--encrypt', '--recipient', recipient], { input: plain });
    await writeFile(join(backup, 'shop.sql.age'), stdout);
    await writeFile(join(folder, 'key'), identity);
    const found = await opened({ age: join(folder, 'key') });
    expect(found).toMatchObject({ type: 'copy', backup: { parts: [{ path: 'shop.sql', kind: 'plain' }] } });
    if (found?.type === 'copy') await found.remove();
    await writeFile(join(folder, 'key'), spawnSync('age-keygen', []).stdout);
    expect(await says({ age: join(folder, 'key') })).toMatch(/^impossible encrypted: .*no identity matched/);
    await writeFile(join(folder, 'key'), 'mistyped-SECRET-KEY-1QQQQ\n');
    expect(await says({ age: join(folder, 'key') })).not.toContain('SECRET-KEY-1QQQQ');
    await writeFile(join(folder, 'key'), identity);
    await writeFile(join(backup, 'shop.sql.age'), stdout.subarray(0, -20));
    expect(await says({ age: join(folder, 'key') })).toMatch(/^failed damaged: /);
  });
});
