import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownIdentity } from '../../src/host/process-identity.ts';
import { openSigner } from '../../src/host/user-key.ts';
import { countsOf } from '../../src/remediation/store/sqlite/anchor.ts';
import { openDatabase } from '../../src/remediation/store/sqlite/database.ts';
import { heldSeals } from '../../src/remediation/store/sqlite/held.ts';
import { openSqliteStore } from '../../src/remediation/store/sqlite/store.ts';
import type { Store } from '../../src/remediation/store/store.ts';
import { openSqliteSwarm } from '../../src/swarm/sqlite/store.ts';

let folder = '';
let file = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'problems-held-'));
  file = join(folder, '.problems', 'state.db');
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

const at = '2026-01-01T00:00:00.000Z';
function now(): Date {
  return new Date(at);
}

/** Opens the state file, does something, and closes it. */
async function using<Result>(work: (store: Store) => Promise<Result>): Promise<Result> {
  const store = await openSqliteStore(file, now);
  try {
    return await work(store);
  } finally {
    store.close();
  }
}

/** What someone else does who can write the file. */
function forge(sql: string): void {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
}

const owner = JSON.stringify({ pid: 1, began: '', machine: 'other' });
const refused = { code: 'state-untrusted', hint: expect.stringContaining('problems runs --verify') };

describe('a suspension', () => {
  it.each([
    ['removed', "DELETE FROM suspensions WHERE instance = 'orders'"],
    ['renamed', "UPDATE suspensions SET instance = 'nobody'"],
    ['removed with its signature', "DELETE FROM suspensions; DELETE FROM held_seals WHERE held = 'suspensions'"],
  ])('that someone has %s still holds, and so does one of every instance', async (_, sql) => {
    await using((store) => store.suspensions.add('orders', 'damaged', at));
    forge(sql);
    await using(async (store) => {
      for (const instance of ['orders', 'mail'])
        expect(await store.suspensions.get(instance)).toMatchObject({
          reason: expect.stringContaining('suspensions in'),
        });
      await expect(store.suspensions.lift('orders', at)).rejects.toMatchObject(refused);
      expect(await store.held.changed()).toEqual(['suspensions']);
    });
  });

  it('cannot be ended by putting back the table as it was before', async () => {
    await using((store) => store.suspensions.lift('nobody', at));
    const before = new DatabaseSync(file);
    const [old] = before.prepare("SELECT signature FROM held_seals WHERE held = 'suspensions'").all();
    before.close();
    await using((store) => store.suspensions.add('orders', 'damaged', at));
    forge(
      `DELETE FROM suspensions; UPDATE held_seals SET signature = '${String(old?.['signature'])}' WHERE held = 'suspensions'`,
    );
    await using(async (store) => expect(await store.suspensions.get('orders')).toBeDefined());
  });

  it('that someone has added is told, and can be looked at and accepted', async () => {
    await using(async () => {});
    forge(`INSERT INTO suspensions VALUES ('orders', 'because', '${at}')`);
    await using(async (store) => {
      expect(await store.held.changed()).toEqual(['suspensions']);
      await store.held.accept(at);
      expect(await store.held.changed()).toEqual([]);
      expect(await store.suspensions.get('orders')).toEqual({ reason: 'because', at });
      expect(await store.suspensions.get('mail')).toBeUndefined();
    });
  });

  it('that the program adds while the table is not believed does not make it believed', async () => {
    await using(async () => {});
    forge(`INSERT INTO suspensions VALUES ('mail', 'because', '${at}')`);
    await using(async (store) => {
      await store.suspensions.add('orders', 'damaged', at);
      expect(await store.held.changed()).toEqual(['suspensions']);
    });
  });
});

describe('a lock', () => {
  it('that someone has added holds no run up silently: it is refused', async () => {
    await using(async () => {});
    forge(`INSERT INTO locks VALUES ('volume', 'r9', 1, '${owner}', '${at}')`);
    const self = await ownIdentity();
    await using((store) => expect(store.locks.take('r1', ['volume'], self, at)).rejects.toMatchObject(refused));
  });

  it.each([
    ['removed', 'DELETE FROM locks'],
    ['given to another run', "UPDATE locks SET run = 'r2'"],
    ['given to another process', `UPDATE locks SET owner = '${owner}'`],
    ['made older', "UPDATE locks SET heartbeat_at = '2020-01-01T00:00:00.000Z'"],
  ])('that someone has %s stops what relies on it', async (_, sql) => {
    const self = await ownIdentity();
    const token = await using(async (store) => {
      const taken = await store.locks.take('r1', ['volume'], self, at);
      return taken.ok ? taken.token : 0;
    });
    forge(sql);
    await using(async (store) => {
      await expect(store.locks.take('r2', ['volume'], self, at)).rejects.toMatchObject(refused);
      await expect(store.locks.holds('r1', token)).rejects.toMatchObject(refused);
      await expect(store.locks.heartbeat('r1', token, at)).rejects.toMatchObject(refused);
      expect(await store.held.changed()).toEqual(['locks']);
    });
  });
});

describe('a table that another process signs while it is read', () => {
  it('is not taken for one that someone has put back', async () => {
    await using(async () => undefined);
    const [own, other] = [await openDatabase(file), await openDatabase(file)];
    const signer = await openSigner();
    const counts = countsOf(file);
    const theirs = heldSeals(other, file, signer, counts);
    const mine = heldSeals(own, file, signer, {
      ...counts,
      of(name) {
        other.writing(() => theirs.seal('leases'));
        counts.note();
        counts.raise(() => ({
          leases: Number(other.one("SELECT count FROM held_seals WHERE held = 'leases'")?.['count']),
        }));
        return counts.of(name);
      },
    });
    expect(own.reading(() => mine.isWhole('leases'))).toBe(true);
    own.close();
    other.close();
  });
});

describe('a port lease', () => {
  const want = { instance: 'orders', ports: [5433, 5434], ttlMs: 60_000 };

  it.each([
    ['added', "INSERT INTO leases VALUES ('engine', 5433, 'theirs', 'bound', 'x', 1, NULL)"],
    ['changed', "UPDATE leases SET port = 5434 WHERE instance = 'mail'"],
    ['removed', "DELETE FROM leases WHERE instance = 'mail'"],
  ])('that someone has %s is refused', async (_, sql) => {
    await using((store) => store.leases('engine').take({ instance: 'mail', ports: [5440], ttlMs: 60_000 }));
    forge(sql);
    await using(async (store) => {
      const leases = store.leases('engine');
      await expect(leases.take(want)).rejects.toMatchObject(refused);
      await expect(leases.list()).rejects.toMatchObject(refused);
      await expect(leases.release(5440, 'mail')).rejects.toMatchObject(refused);
    });
  });
});

describe('a table that was signed earlier', () => {
  /** What someone keeps who can read the file, to put it back later. */
  function copyOf(table: string, held: string): () => void {
    const database = new DatabaseSync(file);
    const rows = database.prepare(`SELECT * FROM ${table}`).all();
    const [seal] = database.prepare('SELECT * FROM held_seals WHERE held = ?').all(held);
    database.close();
    return () => {
      const now = new DatabaseSync(file);
      now.exec(`DELETE FROM ${table}`);
      for (const row of [...rows.map((one) => [table, one] as const), ['held_seals', seal ?? {}] as const])
        insert(now, ...row);
      now.close();
    };
  }

  function insert(database: DatabaseSync, table: string, row: object): void {
    const values = Object.values(row);
    database.prepare(`INSERT OR REPLACE INTO ${table} VALUES (${values.map(() => '?').join(', ')})`).run(...values);
  }

  it('is not believed when it is put back: leases of ports', async () => {
    const leases = (store: Store) => store.leases('engine');
    await using((store) => leases(store).take({ instance: 'mail', ports: [5440], ttlMs: 60_000 }));
    const putBack = copyOf('leases', 'leases');
    await using((store) => leases(store).take({ instance: 'orders', ports: [5433], ttlMs: 60_000 }));
    putBack();
    await using(async (store) => {
      await expect(leases(store).list()).rejects.toMatchObject(refused);
      expect(await store.held.changed()).toEqual(['leases']);
      await store.held.accept(at);
      expect(await leases(store).list()).toMatchObject([{ instance: 'mail' }]);
    });
  });

  it('is not believed when it is put back: locks', async () => {
    const self = await ownIdentity();
    await using((store) => store.locks.release('r0', 0));
    const putBack = copyOf('locks', 'locks');
    await using((store) => store.locks.take('r1', ['volume'], self, at));
    putBack();
    await using((store) => expect(store.locks.take('r2', ['volume'], self, at)).rejects.toMatchObject(refused));
  });

  it('is not believed when it is emptied together with its signature', async () => {
    await using((store) => store.leases('engine').take({ instance: 'mail', ports: [5440], ttlMs: 60_000 }));
    await using((store) => store.suspensions.lift('nobody', at));
    forge("DELETE FROM leases; DELETE FROM held_seals WHERE held = 'leases'");
    await using((store) => expect(store.leases('engine').list()).rejects.toMatchObject(refused));
  });

  it('is not believed when the whole file is put back', async () => {
    await using((store) => store.suspensions.lift('nobody', at));
    await copyFile(file, join(folder, 'old.db'));
    await using((store) => store.suspensions.add('orders', 'damaged', at));
    await copyFile(join(folder, 'old.db'), file);
    await using(async (store) => expect(await store.suspensions.get('mail')).toBeDefined());
  });
});

describe('the lease of an engine', () => {
  it.each([
    ['added', "INSERT INTO engine_host VALUES ('other', 'theirs', '2030-01-01T00:00:00.000Z')"],
    ['given to another host', "UPDATE engine_host SET host = 'theirs'"],
    ['ended', "UPDATE engine_host SET lease_until = '2020-01-01T00:00:00.000Z'"],
    ['removed', 'DELETE FROM engine_host'],
  ])('that someone has %s is refused', async (_, sql) => {
    const open = () => openSqliteSwarm(file, { project: '/srv/app', now });
    const first = await open();
    expect(await first.holdEngine('engine', 'here', 60)).toMatchObject({ held: true });
    expect(await first.holdEngine('engine', 'there', 60)).toMatchObject({ held: false, by: 'here' });
    first.close();
    forge(sql);
    const second = await open();
    await expect(second.holdEngine('engine', 'here', 60)).rejects.toMatchObject(refused);
    second.close();
    await using(async (store) => expect(await store.held.changed()).toEqual(['engine leases']));
  });
});

describe('a state file', () => {
  it('of another user, with their signatures, is not believed', async () => {
    const mine = process.env['XDG_STATE_HOME'];
    process.env['XDG_STATE_HOME'] = join(folder, 'theirs');
    try {
      await using((store) => store.suspensions.add('orders', 'damaged', at));
    } finally {
      if (mine === undefined) delete process.env['XDG_STATE_HOME'];
      else process.env['XDG_STATE_HOME'] = mine;
    }
    await using(async (store) =>
      expect(await store.held.changed()).toEqual(['locks', 'leases', 'suspensions', 'engine leases']),
    );
  });

  it('that is a copy of an older one ends no suspension unseen: the audit log is shorter than it was', async () => {
    await using((store) => store.suspensions.lift('nobody', at));
    await copyFile(file, join(folder, 'old.db'));
    await using((store) => store.suspensions.add('orders', 'damaged', at));
    await copyFile(join(folder, 'old.db'), file);
    await using(async (store) => expect(await store.audit.verify()).toMatchObject({ reason: /missing/ }));
  });
});
