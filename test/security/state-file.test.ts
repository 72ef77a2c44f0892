import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../src/remediation/store/sqlite/store.ts';

let folder = '';
let file = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'problems-untrusted-'));
  file = join(folder, '.problems', 'state.db');
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

const at = '2026-01-01T00:00:00.000Z';
const isRoot = process.getuid?.() === 0;

async function existing(): Promise<void> {
  const store = await openSqliteStore(file);
  await store.audit.append({ at, run: null, event: 'test', body: 1 });
  store.close();
}

async function refusal(): Promise<unknown> {
  return openSqliteStore(file).then(
    (store) => store.close(),
    (error: unknown) => error,
  );
}

describe('the state file is refused', () => {
  it('if it is a link, dangling or not, and nothing is written where it leads', async () => {
    await existing();
    await rename(file, join(folder, 'elsewhere.db'));
    await symlink(join(folder, 'elsewhere.db'), file);
    const before = await readFile(join(folder, 'elsewhere.db'));
    expect(await refusal()).toMatchObject({ code: 'state-untrusted', message: expect.stringContaining('is a link') });
    expect(await readFile(join(folder, 'elsewhere.db'))).toEqual(before);
    await rm(join(folder, 'elsewhere.db'));
    expect(await refusal()).toMatchObject({ code: 'state-untrusted' });
    await expect(stat(join(folder, 'elsewhere.db'))).rejects.toThrow('ENOENT');
  });

  it.each(['-wal', '-shm', '-journal'])('if its companion %s is a link', async (suffix) => {
    await existing();
    await writeFile(join(folder, 'theirs'), 'theirs');
    await symlink(join(folder, 'theirs'), `${file}${suffix}`);
    expect(await refusal()).toMatchObject({ code: 'state-untrusted', message: expect.stringContaining(suffix) });
    expect(await readFile(join(folder, 'theirs'), 'utf8')).toBe('theirs');
  });

  it('if its folder is a link', async () => {
    await existing();
    await rename(join(folder, '.problems'), join(folder, 'other'));
    await chmod(join(folder, 'other'), 0o755);
    await symlink('other', join(folder, '.problems'));
    expect(await refusal()).toMatchObject({ code: 'state-untrusted', message: expect.stringContaining('is a link') });
    expect((await stat(join(folder, 'other'))).mode & 0o777).toBe(0o755);
  });

  it('if it is a named pipe, without waiting for it', { timeout: 10_000 }, async () => {
    await mkdir(join(folder, '.problems'));
    execFileSync('mkfifo', [file]);
    expect(await refusal()).toMatchObject({ code: 'state-untrusted', message: expect.stringContaining('not a file') });
  });

  it.runIf(isRoot)('if another user owns it or its folder, and says which user', async () => {
    await existing();
    await chown(file, 12_345, 0);
    expect(await refusal()).toMatchObject({
      code: 'state-untrusted',
      message: expect.stringContaining('uid 12345'),
      hint: expect.stringContaining('remediation.state'),
    });
    await chown(file, 0, 0);
    await chown(join(folder, '.problems'), 12_345, 0);
    expect(await refusal()).toMatchObject({ code: 'state-untrusted', message: expect.stringContaining('uid 12345') });
  });

  it.each([0o620, 0o602, 0o666])('if others may write it: mode %o', async (mode) => {
    await existing();
    await chmod(file, mode);
    expect(await refusal()).toMatchObject({ code: 'state-untrusted', hint: expect.stringContaining('chmod 600') });
  });

  it('if every user may write its folder', async () => {
    file = join(folder, 'shared', 'runs.db');
    await existing();
    await chmod(join(folder, 'shared'), 0o777);
    expect(await refusal()).toMatchObject({ code: 'state-untrusted', hint: expect.stringContaining('chmod o-w') });
  });
});

describe('the state file that others may read', () => {
  it('is made private, with its folder and its companions', async () => {
    const store = await openSqliteStore(file);
    await store.audit.append({ at, run: null, event: 'test', body: 1 });
    const all = [file, `${file}-wal`, `${file}-shm`];
    for (const name of all) await chmod(name, 0o644);
    await chmod(join(folder, '.problems'), 0o755);
    const again = await openSqliteStore(file);
    for (const name of all) expect((await stat(name)).mode & 0o777, name).toBe(0o600);
    expect((await stat(join(folder, '.problems'))).mode & 0o777).toBe(0o700);
    again.close();
    store.close();
  });
});

describe('a state file whose tables are not ours', () => {
  it.each([
    [
      'a trigger that adds a step to runs',
      "CREATE TRIGGER extra AFTER INSERT ON runs BEGIN UPDATE runs SET plan = '{}'; END",
      'it has the trigger extra',
    ],
    ['a view', 'CREATE VIEW extra AS SELECT * FROM secrets', 'it has the view extra'],
    ['another table', 'CREATE TABLE extra (x)', 'it has the table extra'],
    ['another index', 'CREATE INDEX extra ON runs (plan)', 'it has the index extra'],
    ['a column more', 'ALTER TABLE locks ADD COLUMN extra TEXT', 'its table locks has another definition'],
    ['no append-only audit log', 'DROP TRIGGER audit_is_not_cut', 'its trigger audit_is_not_cut is missing'],
    ['a version that does not match', 'PRAGMA user_version = 1', 'it has the index audit_of_suspensions'],
    ['a negative version', 'PRAGMA user_version = -1', 'it has the index audit_of_suspensions'],
  ])('is refused and left unchanged: %s', async (_, sql, difference) => {
    await existing();
    const database = new DatabaseSync(file);
    database.exec(sql);
    database.close();
    const before = await readFile(file);
    expect(await refusal()).toMatchObject({ code: 'state-untrusted', message: expect.stringContaining(difference) });
    expect(await readFile(file)).toEqual(before);
  });

  it('is refused if it replaces a table by a view with triggers', async () => {
    await mkdir(join(folder, '.problems'), { mode: 0o700 });
    const database = new DatabaseSync(file);
    database.exec('CREATE TABLE t (x); CREATE VIEW runs AS SELECT * FROM t;');
    database.close();
    await chmod(file, 0o600);
    expect(await refusal()).toMatchObject({ code: 'state-untrusted', message: expect.stringContaining('the table t') });
  });
});
