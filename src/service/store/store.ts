import type { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import { isAlive } from '../../host/process-identity.ts';
import { type Database, openDatabase, type Row, type StateKind } from '../../remediation/store/sqlite/database.ts';
import { parseJson } from '../../util/json.ts';
import type { ServiceStore } from '../contract.ts';
import type { EngineView } from '../types.ts';
import {
  alertShape,
  deliveryShape,
  engineShape,
  findingShape,
  instanceShape,
  jobShape,
  ownerShape,
  proofShape,
  roundShape,
  sampleShape,
  type ServiceOwner,
  tokenShape,
} from './shapes.ts';
import { serviceTables } from './tables.ts';

const kind: StateKind = {
  tables: serviceTables,
  synchronous: 'NORMAL',
  whenDamaged:
    'It holds the history of the service and nothing else. Move the file and its -wal away; `problems serve` makes a new one.',
  whenUnwritable: 'Free disk space and make the file writable, then start `problems serve` again.',
};

/** The most rows of each table. The oldest are removed first; open findings and alerts are kept. */
const kept = { rounds: 2_000, findings: 5_000, proofs: 50_000, alerts: 2_000, deliveries: 1_000, tokens: 100 } as const;

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const quarterMs = hourMs / 4;

/** The store with what only the service and `problems status` need. */
export interface ServiceFile extends ServiceStore {
  readonly engines: { note(engine: EngineView): void; list(): readonly EngineView[] };
  /** The one process that writes. */
  readonly lock: {
    /** @throws ProblemsError `lock-held`: another process that is alive has it. */
    take(owner: ServiceOwner, now: Date): Promise<void>;
    heartbeat(owner: ServiceOwner, now: Date): void;
    release(owner: ServiceOwner): void;
    /** The service that runs; undefined if none does. */
    holder(now: Date): Promise<(ServiceOwner & { readonly heartbeatAt: string }) | undefined>;
  };
}

/**
 * Opens or creates service.db: 0600, WAL. Refuses, and leaves as it is, a file of another user or with other tables.
 * @param path Absolute, or `:memory:`.
 * @throws ProblemsError `state-damaged`, `state-locked`, `state-untrusted`, `state-unwritable`.
 */
export async function openServiceStore(path: string): Promise<ServiceFile> {
  const database = await openDatabase(path, kind);

  function put(table: string, columns: readonly (string | null)[], body: object): void {
    const marks = [...columns, body].map(() => '?').join(', ');
    database.run(`INSERT OR REPLACE INTO ${table} VALUES (${marks})`, ...columns, JSON.stringify(body));
  }

  /** Removes the oldest rows, now and then. */
  function bound(table: string, most: number, order: string, where = 'true'): void {
    const { rows } = database.one(`SELECT count(*) AS rows FROM ${table} WHERE ${where}`) ?? {};
    const over = Number(rows) - most;
    if (over <= most / 20) return;
    const last = database.one(
      `SELECT ${order} AS last FROM ${table} WHERE ${where} ORDER BY ${order} LIMIT 1 OFFSET ?`,
      over - 1,
    );
    database.run(`DELETE FROM ${table} WHERE ${where} AND ${order} <= ?`, last?.['last'] ?? null);
  }

  return {
    rounds: {
      note(round) {
        put('round', [round.id, round.startedAt], round);
        bound('round', kept.rounds, 'started_at');
      },
      list: (limit) =>
        read(database.all('SELECT body FROM round ORDER BY started_at DESC, id LIMIT ?', limit), roundShape),
    },
    instances: {
      note: (view) => put('instance', [view.engine, view.instance], view),
      list: () => read(database.all('SELECT body FROM instance ORDER BY engine, instance'), instanceShape),
      forget(engine, instance) {
        database.writing(() => {
          for (const table of ['instance', 'sample', 'finding'])
            database.run(`DELETE FROM ${table} WHERE engine = ? AND instance = ?`, engine, instance);
        });
      },
    },
    engines: {
      note: (engine) => put('engine', [engine.name], engine),
      list: () => read(database.all('SELECT body FROM engine ORDER BY name'), engineShape),
    },
    findings: {
      note(tracked) {
        const { engine, finding, lastSeen, goneAt } = tracked;
        put('finding', [engine, finding.id, finding.instance, lastSeen, goneAt], tracked);
        bound('finding', kept.findings, 'last_seen', 'gone_at IS NOT NULL');
      },
      list({ state, instance, limit }) {
        const conditions = [
          ...(state === undefined ? [] : [`gone_at IS ${state === 'open' ? '' : 'NOT '}NULL`]),
          ...(instance === undefined ? [] : ['instance = ?']),
        ];
        const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
        const rows = database.all(
          `SELECT body FROM finding ${where} ORDER BY last_seen DESC, engine, id LIMIT ?`,
          ...(instance === undefined ? [] : [instance]),
          limit,
        );
        return read(rows, findingShape);
      },
    },
    samples: {
      note: (engine, instance, sample) => put('sample', [engine, instance, sample.at], sample),
      since: (engine, instance, at) =>
        read(
          database.all(
            'SELECT body FROM sample WHERE engine = ? AND instance = ? AND at >= ? ORDER BY at',
            engine,
            instance,
            at,
          ),
          sampleShape,
        ),
      thin: (now) => thinSamples(database, Date.parse(now)),
    },
    proofs: {
      note(proof) {
        database.run('INSERT INTO proof (at, body) VALUES (?, ?)', proof.at, JSON.stringify(proof));
        bound('proof', kept.proofs, 'seq');
      },
      since: (at) => read(database.all('SELECT body FROM proof WHERE at >= ? ORDER BY at, seq', at), proofShape),
    },
    alerts: {
      note(alert) {
        put('alert', [alert.fingerprint, alert.startsAt, alert.state], alert);
        bound('alert', kept.alerts, 'starts_at', "state = 'resolved'");
      },
      open: () =>
        read(database.all("SELECT body FROM alert WHERE state <> 'resolved' ORDER BY starts_at DESC"), alertShape),
      list: (limit) => read(database.all('SELECT body FROM alert ORDER BY starts_at DESC LIMIT ?', limit), alertShape),
    },
    deliveries: {
      note(delivery) {
        database.run('INSERT INTO delivery (body) VALUES (?)', JSON.stringify(delivery));
        bound('delivery', kept.deliveries, 'seq');
      },
      list: (limit) => read(database.all('SELECT body FROM delivery ORDER BY seq DESC LIMIT ?', limit), deliveryShape),
    },
    jobs: {
      note: (job) => put('job', [job.name], job),
      list: () => read(database.all('SELECT body FROM job ORDER BY name'), jobShape),
    },
    tokens: {
      add(token) {
        const { tokens = 0 } = database.one('SELECT count(*) AS tokens FROM token WHERE name <> ?', token.name) ?? {};
        if (Number(tokens) >= kept.tokens)
          throw new ProblemsError('bad-usage', `There are ${kept.tokens} tokens already.`, {
            hint: 'Remove those that are not used.',
          });
        put('token', [token.name], token);
      },
      list: () => read(database.all('SELECT body FROM token ORDER BY name'), tokenShape),
      remove: (name) => void database.run('DELETE FROM token WHERE name = ?', name),
    },
    counters: {
      add: (name, by) =>
        void database.run(
          'INSERT INTO counter VALUES (?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value',
          name,
          by,
        ),
      get: (name) => Number(database.one('SELECT value FROM counter WHERE name = ?', name)?.['value'] ?? 0),
      list: () =>
        Object.fromEntries(
          database
            .all('SELECT name, value FROM counter ORDER BY name')
            .map(({ name, value }) => [String(name), Number(value)]),
        ),
    },
    lock: lockOf(database),
    close: () => database.close(),
  };
}

function read<Shape extends z.ZodType>(rows: readonly Row[], shape: Shape): z.output<Shape>[] {
  return rows.flatMap(({ body }) => {
    const checked = shape.safeParse(parseJson(String(body)));
    return checked.success ? [checked.data] : [];
  });
}

/** Of each quarter of an hour that is older than 48 h, the first sample stays. */
function thinSamples(database: Database, now: number): void {
  database.writing(() => {
    database.run('DELETE FROM sample WHERE at < ?', new Date(now - 90 * dayMs).toISOString());
    const until = new Date(Math.floor((now - 2 * dayMs) / quarterMs) * quarterMs).toISOString();
    database.run(
      `DELETE FROM sample WHERE at < ?1 AND (engine, instance, at) NOT IN (
        SELECT engine, instance, min(at) FROM sample WHERE at < ?1
        GROUP BY engine, instance, CAST(strftime('%s', at) AS INTEGER) / ${quarterMs / 1_000})`,
      until,
    );
  });
}

function lockOf(database: Database): ServiceFile['lock'] {
  function current(): (ServiceOwner & { readonly heartbeatAt: string }) | undefined {
    const row = database.one('SELECT * FROM owner');
    const checked = ownerShape.safeParse(parseJson(String(row?.['body'])));
    return checked.success ? { ...checked.data, heartbeatAt: String(row?.['heartbeat_at']) } : undefined;
  }

  function write(owner: ServiceOwner, now: Date): void {
    database.run('INSERT OR REPLACE INTO owner VALUES (1, ?, ?)', now.toISOString(), JSON.stringify(owner));
  }

  async function holder(now: Date): ReturnType<ServiceFile['lock']['holder']> {
    const found = current();
    return found !== undefined && (await isAlive(found, found.heartbeatAt, now)) ? found : undefined;
  }

  return {
    holder,
    async take(owner, now) {
      const before = current();
      const alive = await holder(now);
      // Whether the owner is alive is asked outside the transaction; inside, it must still be that owner.
      const taken = database.writing(() => {
        if (alive !== undefined || JSON.stringify(current()) !== JSON.stringify(before)) return false;
        write(owner, now);
        return true;
      });
      if (taken) return;
      const other = alive ?? current();
      throw new ProblemsError('lock-held', `Another service runs already: process ${other?.pid ?? 'unknown'}.`, {
        hint: `It was started at ${other?.startedAt ?? 'an unknown time'}. Stop it first; \`problems status\` shows what it sees.`,
      });
    },
    heartbeat(owner, now) {
      write(owner, now);
    },
    release(owner) {
      const found = current();
      if (found?.pid === owner.pid && found.began === owner.began) database.run('DELETE FROM owner');
    },
  };
}
