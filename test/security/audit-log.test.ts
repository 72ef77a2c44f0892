import { createHash } from 'node:crypto';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../src/remediation/store/sqlite/store.ts';
import { run as problems } from '../cli/run.ts';
import { brokenFolder, openFolder, removeFolder } from '../remediation/broken-files.ts';

let folder = '';
let file = '';
beforeEach(async () => {
  folder = await brokenFolder();
  file = join(folder, '.problems', 'state.db');
});
afterEach(async () => removeFolder(folder));

const at = '2026-01-01T00:00:00.000Z';

async function append(count: number): Promise<void> {
  const store = await openSqliteStore(file);
  for (let body = 1; body <= count; body += 1) await store.audit.append({ at, run: null, event: 'test', body });
  store.close();
}

/** Someone changes the log with their own tools, and puts the triggers that forbid it back. */
function edit(sql: string): void {
  const database = new DatabaseSync(file);
  const triggers = database.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all();
  for (const { name } of triggers) database.exec(`DROP TRIGGER ${String(name)}`);
  database.exec(sql);
  for (const { sql: made } of triggers) database.exec(String(made));
  database.close();
}

/** The whole chain once more, so that each entry follows from the one before it. */
function rewrite(): void {
  const database = new DatabaseSync(file);
  let before = '0'.repeat(64);
  const updates: string[] = [];
  for (const { sequence, at: time, run, event, body } of database.prepare('SELECT * FROM audit').all()) {
    before = createHash('sha256')
      .update(JSON.stringify([before, sequence, time, run, event, body]))
      .digest('hex');
    updates.push(`UPDATE audit SET hash = '${before}' WHERE sequence = ${String(sequence)};`);
  }
  database.close();
  edit(updates.join(''));
}

async function brokenAtOpening(): Promise<unknown> {
  const remediation = await openFolder(folder);
  remediation.close();
  return remediation.brokenLog;
}

describe('the audit log', { timeout: 60_000 }, () => {
  it.each([
    ['an entry changed', "UPDATE audit SET body = '9' WHERE sequence = 3", 3],
    ['an entry removed', 'DELETE FROM audit WHERE sequence = 3', 3],
    ['its beginning removed', 'DELETE FROM audit WHERE sequence < 3', 1],
    ['its end removed', 'DELETE FROM audit WHERE sequence > 3', 4],
    ['all removed', 'DELETE FROM audit', 1],
    ['an entry added', "INSERT INTO audit VALUES (6, 'now', NULL, 'test', '6', 'x')", 6],
  ])('is told to be broken when the state file is opened, with the place: %s', async (_, sql, sequence) => {
    await append(5);
    expect(await brokenAtOpening()).toBeUndefined();
    edit(sql);
    expect(await brokenAtOpening()).toMatchObject({ sequence });
  });

  it('is told to be broken if it was written again as a whole, since its last hash is kept outside', async () => {
    await append(5);
    edit("UPDATE audit SET body = '9' WHERE sequence = 3");
    rewrite();
    expect(await brokenAtOpening()).toMatchObject({ sequence: 5 });
    // What is appended later does not hide it.
    await append(3);
    expect(await brokenAtOpening()).toMatchObject({ sequence: 5 });
  });

  it('is told to be broken if the state file is an older copy', async () => {
    await append(3);
    await copyFile(file, `${file}.old`);
    await append(3);
    await rm(file);
    await copyFile(`${file}.old`, file);
    expect(await brokenAtOpening()).toMatchObject({ sequence: 4, reason: expect.stringContaining('missing') });
  });

  it('is checked at its end whenever it is opened, and as a whole by `problems runs --verify`', async () => {
    await append(1_200);
    edit("UPDATE audit SET body = '9' WHERE sequence = 2");
    expect(await brokenAtOpening()).toBeUndefined();
    const { code, stdout } = await problems(['runs', '--verify'], { cwd: folder });
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout: 'Entry 2: it was changed after it was written, or the one before it.\n',
    });
  });

  it('is taken as it is once an operator says so, and checked from there on', async () => {
    await append(5);
    expect(await problems(['runs', '--verify'], { cwd: folder })).toMatchObject({
      code: 0,
      stdout: 'The audit log is as it was written. Locks, leases and suspensions are as you left them.\n',
    });
    edit('DELETE FROM audit WHERE sequence > 3');
    const told = await problems(['runs'], { cwd: folder });
    expect(told).toMatchObject({ code: 0, stderr: expect.stringContaining('problems runs --verify') });
    expect((await problems(['runs', '--verify', '--yes'], { cwd: folder })).code).toBe(0);
    expect(await brokenAtOpening()).toBeUndefined();
    await append(2);
    expect(await brokenAtOpening()).toBeUndefined();
    edit("UPDATE audit SET body = '9' WHERE sequence = 5");
    expect(JSON.parse((await problems(['runs', '--verify', '--json'], { cwd: folder })).stdout)).toMatchObject({
      broken: { sequence: 5 },
      accepted: false,
    });
  });
});
