/**
 * The tables of service.db, one migration for each version of `user_version`. Only appended to. What is searched has a
 * column; the rest of a row is one JSON text, which `shapes.ts` checks when it is read.
 */
export const serviceTables: readonly string[] = [
  `
  CREATE TABLE owner (only INTEGER PRIMARY KEY CHECK (only = 1), heartbeat_at TEXT NOT NULL, body TEXT NOT NULL) STRICT;
  CREATE TABLE round (id TEXT PRIMARY KEY, started_at TEXT NOT NULL, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX round_in_order ON round (started_at);
  CREATE TABLE instance (
    engine TEXT NOT NULL,
    instance TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (engine, instance)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE engine (name TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE finding (
    engine TEXT NOT NULL,
    id TEXT NOT NULL,
    instance TEXT NOT NULL,
    last_seen TEXT NOT NULL,
    gone_at TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (engine, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX finding_in_order ON finding (last_seen);
  CREATE TABLE sample (
    engine TEXT NOT NULL,
    instance TEXT NOT NULL,
    at TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (engine, instance, at)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE proof (seq INTEGER PRIMARY KEY, at TEXT NOT NULL, body TEXT NOT NULL) STRICT;
  CREATE INDEX proof_in_order ON proof (at);
  CREATE TABLE alert (
    fingerprint TEXT NOT NULL,
    starts_at TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('firing', 'suppressed', 'resolved')),
    body TEXT NOT NULL,
    PRIMARY KEY (fingerprint, starts_at)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX alert_in_order ON alert (starts_at);
  CREATE TABLE delivery (seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
  CREATE TABLE job (name TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE token (name TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE counter (name TEXT PRIMARY KEY, value REAL NOT NULL) STRICT, WITHOUT ROWID;
  `,
];
