import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { approve, remediate, resume, rollback, runs } from '../../src/app/remediation.ts';
import { outsideFile } from '../../src/remediation/store/sqlite/anchor.ts';
import { run as problems } from '../cli/run.ts';
import { answers, brokenFolder, openFolder, removeFolder } from '../remediation/broken-files.ts';
import { run } from '../remediation/engine/processes.ts';

let folder = '';
beforeEach(async () => {
  folder = await brokenFolder();
});
afterEach(async () => removeFolder(folder));

function stateOf(place: string): string {
  return join(place, '.problems', 'state.db');
}

/** Someone edits the state file with their own tools. */
function edit(sql: string, place = folder): void {
  const database = new DatabaseSync(stateOf(place));
  database.exec(sql);
  database.close();
}

/** How often its tables were signed is kept outside the state file, and older versions did not count. */
function forgetCounts(file: string): void {
  outsideFile(file, '.signed').write('');
}

/** The id of a run whose process is killed after its second step. */
async function interrupt(folder: string): Promise<string> {
  const { signal } = await run(folder, 'remediate', 'step 1 is applied');
  if (signal !== 'SIGKILL') throw new Error('The process was not killed.');
  const remediation = await openFolder(folder);
  const [open] = await runs(remediation);
  remediation.close();
  return open?.id ?? '';
}

const untrusted = { code: 'state-untrusted', hint: expect.stringContaining('problems runs sign') };

describe('a run that was interrupted, and that someone changed in the state file', { timeout: 120_000 }, () => {
  let id = '';
  let interrupted = '';
  beforeAll(async () => {
    interrupted = await brokenFolder();
    id = await interrupt(interrupted);
    await copyFile(stateOf(interrupted), `${stateOf(interrupted)}.interrupted`);
  });
  beforeEach(async () => {
    await copyFile(`${stateOf(interrupted)}.interrupted`, stateOf(interrupted));
    forgetCounts(stateOf(interrupted));
  });
  afterAll(() => removeFolder(interrupted));

  it.each([
    ['its plan', "UPDATE runs SET plan = json_set(plan, '$.steps[2].params.path', '/etc/passwd')"],
    ['the decision of the policy', "UPDATE runs SET decision = json_set(decision, '$.automation', 'human')"],
    ['its phase', "UPDATE runs SET phase = 'cleaning'"],
    ['the state of a step', "UPDATE steps SET state = 'pending'"],
    [
      'a step more',
      "INSERT INTO steps (run, number, part, action, state) SELECT id, 9, 'steps', 'x', 'done' FROM runs",
    ],
    ['its signature', "UPDATE seals SET signature = 'hmac-sha256:00'"],
    ['no signature', 'DELETE FROM seals'],
  ])('is not resumed or rolled back: %s', async (_, sql) => {
    edit(sql, interrupted);
    const remediation = await openFolder(interrupted);
    await expect(resume(remediation, id)).rejects.toMatchObject(untrusted);
    await expect(rollback(remediation, id)).rejects.toMatchObject(untrusted);
    expect(await resume(remediation)).toMatchObject([{ id, failure: { class: 'unsafe' } }]);
    expect(await answers(interrupted)).toEqual(['right', 'right', 'wrong']);
    remediation.close();
  });

  it('is not undone with a state that the run did not save', async () => {
    edit("UPDATE secrets SET before = replace(before, 'wrong', 'theirs')", interrupted);
    const remediation = await openFolder(interrupted);
    await expect(rollback(remediation, id)).rejects.toMatchObject(untrusted);
    expect(await answers(interrupted)).toEqual(['right', 'right', 'wrong']);
    remediation.close();
  });

  it('is resumed if no one has changed it', async () => {
    const remediation = await openFolder(interrupted);
    expect(await resume(remediation, id)).toMatchObject([{ outcome: 'fixed' }]);
    remediation.close();
  });
});

describe('a run that someone changed in the state file', { timeout: 120_000 }, () => {
  it('is not approved', async () => {
    const remediation = await openFolder(folder);
    const { runs: reports } = await remediate(remediation, { automation: 'approve' });
    edit("UPDATE runs SET plan = json_set(plan, '$.steps[2].params.path', '/etc/passwd')");
    await expect(approve(remediation, reports[0]?.id ?? '', 'me')).rejects.toMatchObject(untrusted);
    expect(await answers(folder)).toEqual(['wrong', 'wrong', 'wrong']);
    remediation.close();
  });

  it('stops before its next step, and nothing signs what was changed', async () => {
    const remediation = await openFolder(folder, {
      atPoint(name) {
        if (name === 'step 1 begins') edit("UPDATE runs SET plan = json_set(plan, '$.summary', 'theirs')");
      },
    });
    expect((await remediate(remediation)).runs).toMatchObject([{ failure: { class: 'unsafe' } }]);
    expect(await answers(folder)).toEqual(['right', 'wrong', 'wrong']);
    const [record] = await runs(remediation);
    expect(await remediation.session.store.runs.isSigned(record?.id ?? '')).toBe(false);
    remediation.close();
  });
});

describe('a state file of someone else', { timeout: 120_000 }, () => {
  it('is shown, and nothing of it is carried out', async () => {
    const id = await interrupt(folder);
    const { XDG_STATE_HOME: mine } = process.env;
    // Another user has another key.
    const theirs = await mkdtemp(join(tmpdir(), 'problems-theirs-'));
    process.env['XDG_STATE_HOME'] = theirs;
    try {
      const remediation = await openFolder(folder);
      expect(await runs(remediation)).toMatchObject([{ id, phase: 'running' }]);
      await expect(resume(remediation, id)).rejects.toMatchObject(untrusted);
      expect(await answers(folder)).toEqual(['right', 'right', 'wrong']);
      remediation.close();
    } finally {
      process.env['XDG_STATE_HOME'] = mine;
      await rm(theirs, { recursive: true });
    }
  });
});

describe('a state file of the version before signatures', { timeout: 120_000 }, () => {
  it('opens, and its runs go on once their owner has signed them', async () => {
    const id = await interrupt(folder);
    edit(
      `DROP TABLE task; DROP TABLE task_after; DROP TABLE outcome; DROP TABLE event; DROP TABLE worker; DROP TABLE gate;
       DROP INDEX runs_pending; DROP INDEX runs_in_order; DROP TABLE engine_host; DROP TABLE sample; DROP TABLE creation; DROP TABLE hour_limit; DROP TABLE held_seals; DROP INDEX audit_of_suspensions; DROP TABLE seals; DROP TABLE seen_instances; ALTER TABLE runs DROP COLUMN project;
       CREATE TABLE instances (instance TEXT PRIMARY KEY, seen_at TEXT NOT NULL) STRICT; PRAGMA user_version = 2`,
    );
    forgetCounts(stateOf(folder));
    const resumed = await problems(['resume', id], { cwd: folder });
    expect(resumed.code).toBe(2);
    expect(resumed.stderr).toContain(`problems runs sign ${id}`);
    const shown = await problems(['runs', 'sign', id], { cwd: folder });
    expect(shown).toMatchObject({ code: 1, stderr: expect.stringContaining(`problems runs sign ${id} --yes`) });
    expect(await problems(['runs', 'sign', id, '--yes', '--json'], { cwd: folder })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('"signed": true'),
    });
    // Neither did it sign locks.
    expect(await problems(['runs', '--verify'], { cwd: folder })).toMatchObject({
      code: 1,
      stdout: 'The locks were changed by someone else or by an older version, or are not the newest.\n',
    });
    expect((await problems(['runs', '--verify', '--yes'], { cwd: folder })).code).toBe(0);
    const remediation = await openFolder(folder);
    expect(await resume(remediation, id)).toMatchObject([{ outcome: 'fixed' }]);
    expect((await remediation.session.store.audit.list(id)).map(({ event }) => event)).toContain('signed');
    remediation.close();
  });
});
