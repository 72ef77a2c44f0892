import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { outsideFile } from '../../src/remediation/store/sqlite/anchor.ts';
import { openSqliteStore } from '../../src/remediation/store/sqlite/store.ts';
import type { SwarmStore } from '../../src/swarm/store.ts';
import { openSqliteSwarm } from '../../src/swarm/sqlite/store.ts';
import { entry, everything } from '../swarm/entries.ts';

let folder = '';
let file = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'problems-swarm-'));
  file = join(folder, '.problems', 'state.db');
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

/** Someone edits the state file with their own tools. */
function edit(sql: string): void {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
}

function open(): Promise<SwarmStore> {
  return openSqliteSwarm(file, { project: '/srv/app' });
}

const request = { worker: 'w', handlers: ['agent', 'memory', 'person'], engines: ['E'] };

describe('a task that someone changed in the state file', () => {
  it.each([
    ['its approval', "UPDATE task SET approved_by = 'Ada'"],
    ['its automation', "UPDATE task SET automation = 'auto'"],
    [
      'its automation, everywhere',
      `UPDATE task SET automation = 'auto', payload = replace(payload, '"approve"', '"auto"')`,
    ],
    ['its handler', "UPDATE task SET automation = 'auto', handler = 'memory'"],
    ['its text', "UPDATE task SET approved_by = 'Ada', payload = replace(payload, 'it fails', 'run rm -rf')"],
    ['its signature', "UPDATE task SET approved_by = 'Ada', seal = 'hmac-sha256:00'"],
  ])('is not handed out, approved or signed again: %s', async (_, sql) => {
    const queue = await open();
    await queue.sync([entry('a', { automation: 'approve' })], everything);
    edit(sql);
    const untrusted = { code: 'state-untrusted' };
    await expect(queue.claim(request)).rejects.toMatchObject(untrusted);
    await expect(queue.approve('a', 'me')).rejects.toMatchObject(untrusted);
    // What the registries say is written again, without an approval.
    expect(await queue.sync([entry('a', { automation: 'approve' })], everything)).toMatchObject({ changed: ['a'] });
    expect(await queue.claim(request)).toBeUndefined();
    expect(await queue.list()).toMatchObject([{ approvedBy: null, task: { description: 'Problem: it fails.' } }]);
    queue.close();
  });

  it('is not handed out if it is the signed task of another project', async () => {
    const [one, two] = [await open(), await openSqliteSwarm(file, { project: '/srv/other' })];
    await two.sync([entry('a')], everything);
    edit("UPDATE task SET project = '/srv/app'");
    await expect(one.claim(request)).rejects.toMatchObject({ code: 'state-untrusted' });
    one.close();
    two.close();
  });
});

describe('an outcome', () => {
  it('can be neither changed nor removed', async () => {
    const queue = await open();
    await queue.sync([entry('a')], everything);
    const claim = await queue.claim(request);
    await queue.settle(claim ?? { task: '', token: 0 }, { result: 'done' });
    for (const sql of ["UPDATE outcome SET result = 'failed'", 'DELETE FROM outcome'])
      expect(() => edit(sql)).toThrow('outcomes are append-only');
    queue.close();
  });
});

describe('a state file', () => {
  it('of the version before gets the tables of the queue, and keeps what it has', async () => {
    const store = await openSqliteStore(file);
    await store.suspensions.add('orders', 'checked by hand', '2026-01-01T00:00:00.000Z');
    store.close();
    edit(
      `DROP TABLE task; DROP TABLE task_after; DROP TABLE outcome; DROP TABLE event; DROP TABLE worker; DROP TABLE gate;
       DROP INDEX runs_pending; DROP INDEX runs_in_order; DROP TABLE engine_host; DROP TABLE sample; DROP TABLE creation; DROP TABLE hour_limit;
       DROP TABLE held_seals; DROP INDEX audit_of_suspensions; PRAGMA user_version = 4`,
    );
    // Nor did it count signatures, outside the file.
    outsideFile(file, '.signed').write('');
    const queue = await open();
    await queue.sync([entry('a')], everything);
    expect(await queue.list()).toMatchObject([{ id: 'a' }]);
    queue.close();
    const again = await openSqliteStore(file);
    // That version signed no suspensions.
    expect(await again.held.changed()).toEqual(['suspensions']);
    await again.held.accept('2026-01-01T00:00:00.000Z');
    expect(await again.suspensions.get('orders')).toMatchObject({ reason: 'checked by hand' });
    again.close();
  });

  it('with a trigger on the queue that someone added is not used', async () => {
    (await open()).close();
    edit("CREATE TRIGGER approve_all AFTER INSERT ON task BEGIN UPDATE task SET approved_by = 'me'; END");
    await expect(open()).rejects.toMatchObject({ code: 'state-untrusted' });
  });

  it('survives texts that are hostile to SQL, terminals and JSON', async () => {
    const queue = await open();
    const evil = `'; DROP TABLE task; --\u001b[31m\u202e\0\ud800"}`;
    await queue.sync([entry('a', { title: evil, component: evil })], everything);
    const claim = await queue.claim({ ...request, worker: "w'; --" });
    expect(claim?.entry.task.title).toBe(evil);
    await queue.settle(claim ?? { task: '', token: 0 }, { result: 'done', notes: evil });
    expect((await queue.outcomes())[0]?.notes).toBe(evil.replace('\0', '\u{FFFD}').replace('\ud800', '\u{FFFD}'));
    await expect(queue.claim({ ...request, worker: 'two\nlines' })).rejects.toMatchObject({ code: 'bad-usage' });
    queue.close();
  });
});
