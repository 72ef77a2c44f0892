import type { DatabaseSync } from 'node:sqlite';
import { ProblemsError } from '../../../errors.ts';

/** The state file's tables, one migration per version of `user_version`. Only appended to. */
export const stateTables: readonly string[] = [
  `
  CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    remediator TEXT NOT NULL,
    instance TEXT NOT NULL,
    plan TEXT NOT NULL,
    decision TEXT NOT NULL,
    phase TEXT NOT NULL,
    outcome TEXT,
    failure TEXT,
    verification TEXT,
    token INTEGER,
    owner TEXT,
    heartbeat_at TEXT,
    created_at TEXT NOT NULL,
    started_at TEXT,
    ended_at TEXT,
    approved_by TEXT,
    downtime_ms INTEGER,
    dossier TEXT
  ) STRICT;
  CREATE INDEX runs_by_instance ON runs (instance, remediator, started_at);
  CREATE TABLE steps (
    run TEXT NOT NULL REFERENCES runs (id),
    number INTEGER NOT NULL,
    part TEXT NOT NULL,
    action TEXT NOT NULL,
    state TEXT NOT NULL,
    started_at TEXT,
    ended_at TEXT,
    error TEXT,
    PRIMARY KEY (run, number)
  ) STRICT;
  -- What undoing needs: old texts and environments, passwords among them. Read by nothing but undo.
  CREATE TABLE secrets (
    run TEXT NOT NULL REFERENCES runs (id),
    number INTEGER NOT NULL,
    before TEXT NOT NULL,
    PRIMARY KEY (run, number)
  ) STRICT;
  CREATE TABLE locks (
    volume TEXT PRIMARY KEY,
    run TEXT NOT NULL,
    token INTEGER NOT NULL,
    owner TEXT NOT NULL,
    heartbeat_at TEXT NOT NULL
  ) STRICT;
  CREATE TABLE tokens (only INTEGER PRIMARY KEY CHECK (only = 1), last INTEGER NOT NULL) STRICT;
  INSERT INTO tokens VALUES (1, 0);
  CREATE TABLE leases (
    host TEXT NOT NULL,
    port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
    instance TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('reserved', 'bound')),
    owner TEXT NOT NULL,
    token INTEGER NOT NULL,
    expires_at TEXT,
    PRIMARY KEY (host, port),
    UNIQUE (host, instance)
  ) STRICT;
  CREATE TABLE suspensions (instance TEXT PRIMARY KEY, reason TEXT NOT NULL, at TEXT NOT NULL) STRICT;
  CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    run TEXT,
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
  CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  CREATE TRIGGER audit_is_not_cut BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  `,
  'CREATE TABLE instances (instance TEXT PRIMARY KEY, seen_at TEXT NOT NULL) STRICT;',
  `CREATE TABLE seals (
    run TEXT NOT NULL REFERENCES runs (id),
    what TEXT NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (run, what)
  ) STRICT;`,
  // Of an unknown project, which counts for every one, come from the time when each project had a file of its own.
  `CREATE TABLE seen_instances (
    project TEXT NOT NULL,
    instance TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    PRIMARY KEY (project, instance)
  ) STRICT;
  INSERT INTO seen_instances SELECT '', instance, seen_at FROM instances;
  DROP TABLE instances;
  ALTER TABLE runs ADD COLUMN project TEXT NOT NULL DEFAULT '';`,
  // The queue of src/swarm. Tokens of claims come from the same counter as those of locks.
  `CREATE TABLE task (
    project TEXT NOT NULL,
    id TEXT NOT NULL,
    problem TEXT NOT NULL,
    kind TEXT NOT NULL,
    component TEXT NOT NULL,
    target TEXT NOT NULL,
    handler TEXT NOT NULL,
    automation TEXT NOT NULL CHECK (automation IN ('auto', 'approve', 'human')),
    score REAL NOT NULL,
    tie TEXT NOT NULL,
    engine TEXT,
    serial_key TEXT NOT NULL,
    approved_by TEXT,
    state TEXT NOT NULL CHECK (state IN ('open', 'claimed', 'done', 'withdrawn', 'cancelled', 'person', 'dead')),
    since TEXT NOT NULL,
    not_before TEXT,
    counted INTEGER NOT NULL DEFAULT 0,
    uncounted INTEGER NOT NULL DEFAULT 0,
    token INTEGER,
    worker TEXT,
    lease_until TEXT,
    progress TEXT,
    stopping TEXT,
    seal TEXT NOT NULL,
    -- Last, since reading a column behind it means reading all of it.
    payload TEXT NOT NULL,
    PRIMARY KEY (project, id)
  ) STRICT;
  CREATE INDEX task_in_order ON task (project, score DESC, tie)
    WHERE state = 'open' AND (automation = 'auto' OR approved_by IS NOT NULL);
  CREATE INDEX task_claimed ON task (serial_key) WHERE state = 'claimed';
  CREATE INDEX task_lease ON task (lease_until) WHERE state = 'claimed';
  CREATE TABLE task_after (
    project TEXT NOT NULL,
    id TEXT NOT NULL,
    after TEXT NOT NULL,
    PRIMARY KEY (project, id, after)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE outcome (
    seq INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    task TEXT NOT NULL,
    token INTEGER NOT NULL UNIQUE,
    problem TEXT NOT NULL,
    kind TEXT NOT NULL,
    component TEXT NOT NULL,
    handler TEXT NOT NULL,
    engine TEXT,
    worker TEXT NOT NULL,
    claimed_at TEXT NOT NULL,
    ended_at TEXT NOT NULL,
    result TEXT NOT NULL CHECK (result IN ('done', 'failed')),
    class TEXT,
    notes TEXT NOT NULL,
    cost REAL
  ) STRICT;
  CREATE INDEX outcome_of_task ON outcome (project, task, seq);
  CREATE TRIGGER outcome_is_not_changed BEFORE UPDATE ON outcome BEGIN SELECT RAISE(ABORT, 'outcomes are append-only'); END;
  CREATE TRIGGER outcome_is_not_cut BEFORE DELETE ON outcome BEGIN SELECT RAISE(ABORT, 'outcomes are append-only'); END;
  CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    at TEXT NOT NULL,
    type TEXT NOT NULL,
    subject TEXT NOT NULL,
    worker TEXT,
    token INTEGER,
    note TEXT NOT NULL
  ) STRICT;
  CREATE INDEX event_of_project ON event (project, seq);
  CREATE TABLE worker (
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    handlers TEXT NOT NULL,
    engines TEXT NOT NULL,
    draining INTEGER NOT NULL DEFAULT 0,
    seen_at TEXT NOT NULL,
    PRIMARY KEY (project, name)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE gate (
    project TEXT NOT NULL,
    scope TEXT NOT NULL,
    why TEXT NOT NULL,
    since TEXT NOT NULL,
    PRIMARY KEY (project, scope)
  ) STRICT, WITHOUT ROWID;`,
  // Which host's workers repair on an engine, for all projects.
  `CREATE TABLE engine_host (
    engine TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    lease_until TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;`,
  // What src/learning forecasts from: one row a day for each instance, and one for each container that was created.
  `CREATE TABLE sample (
    host TEXT NOT NULL,
    instance TEXT NOT NULL,
    day TEXT NOT NULL,
    container TEXT NOT NULL,
    started_at TEXT NOT NULL,
    memory_limit INTEGER NOT NULL,
    memory INTEGER NOT NULL,
    oom_kills INTEGER NOT NULL,
    killed INTEGER NOT NULL CHECK (killed IN (0, 1)),
    sessions INTEGER,
    max_connections INTEGER NOT NULL,
    PRIMARY KEY (host, instance, day)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE creation (
    host TEXT NOT NULL,
    container TEXT NOT NULL,
    instance TEXT NOT NULL,
    created_at TEXT NOT NULL,
    started_at TEXT,
    explicit_port INTEGER NOT NULL CHECK (explicit_port IN (0, 1)),
    conflict INTEGER NOT NULL CHECK (conflict IN (0, 1)),
    result TEXT NOT NULL CHECK (result IN ('waiting', 'started', 'failed')),
    instances INTEGER NOT NULL,
    PRIMARY KEY (host, container)
  ) STRICT, WITHOUT ROWID;`,
  // The service asks for pending runs at each phase of a run, and what shows runs for the newest.
  `CREATE INDEX runs_pending ON runs (phase) WHERE phase NOT IN ('planned', 'ended') OR outcome = 'stuck';
  CREATE INDEX runs_in_order ON runs (created_at, id);`,
  // How many tasks of a scope the queue hands out within an hour, and the claims that count for it.
  `CREATE TABLE hour_limit (
    project TEXT NOT NULL,
    scope TEXT NOT NULL,
    per_hour INTEGER NOT NULL,
    since TEXT NOT NULL,
    PRIMARY KEY (project, scope)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX event_of_claim ON event (project, at) WHERE type IN ('claimed', 'released');`,
  // Signatures of locks, leases and suspensions, each table as a whole.
  `CREATE TABLE held_seals (held TEXT PRIMARY KEY, signature TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX audit_of_suspensions ON audit (sequence) WHERE event IN ('suspended', 'suspension-lifted');`,
  // How often each table was signed. The leases of engines are signed too from here on: the old ones end within a minute.
  `ALTER TABLE held_seals ADD COLUMN count INTEGER NOT NULL DEFAULT 0;
  DELETE FROM engine_host;`,
];

/**
 * Brings the tables of a file, by default those of the state file, to the newest version, in the caller's transaction. First compares `sqlite_schema` with
 * what the migrations make: a trigger or view that someone added would run with our statements.
 * @param scratch An empty database, which is closed.
 * @throws ProblemsError `state-damaged`: a newer version wrote it. `state-untrusted`: its tables are not ours.
 */
export function migrate(
  database: DatabaseSync,
  scratch: DatabaseSync,
  path: string,
  migrations: readonly string[] = stateTables,
): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
  if (version > migrations.length) {
    throw new ProblemsError('state-damaged', `${path} was written by a newer version of this program.`, {
      hint: 'Use that version. The file is unchanged.',
    });
  }
  for (const migration of migrations.slice(0, Math.max(version, 0))) scratch.exec(migration);
  const difference = firstDifference(schemaOf(database), schemaOf(scratch));
  scratch.close();
  if (difference !== undefined) {
    throw new ProblemsError('state-untrusted', `${path} is not as this program made it: ${difference}.`, {
      hint: 'Nothing was changed. Do not use a state file that you did not make. If it is yours, `sqlite3` shows its `.schema`.',
    });
  }
  for (const migration of migrations.slice(Math.max(version, 0))) database.exec(migration);
  database.exec(`PRAGMA user_version = ${migrations.length}`);
}

/** The definition of each object, by type and name. SQLite's own indexes of keys follow from their tables. */
function schemaOf(database: DatabaseSync): ReadonlyMap<string, string> {
  const rows = database
    .prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name')
    .all();
  return new Map(
    rows.map(({ type, name, tbl_name: table, sql }) => [
      `${String(type)} ${String(name)}`,
      JSON.stringify([String(table), String(sql)]),
    ]),
  );
}

function firstDifference(found: ReadonlyMap<string, string>, ours: ReadonlyMap<string, string>): string | undefined {
  for (const [object, definition] of found) {
    if (!ours.has(object)) return `it has the ${object}`;
    if (ours.get(object) !== definition) return `its ${object} has another definition`;
  }
  for (const object of ours.keys()) if (!found.has(object)) return `its ${object} is missing`;
  return undefined;
}
