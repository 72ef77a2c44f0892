PRAGMA user_version = 4;
-- index runs_by_instance
CREATE INDEX runs_by_instance ON runs (instance, remediator, started_at);
-- table audit
CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    run TEXT,
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
-- table leases
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
-- table locks
CREATE TABLE locks (
    volume TEXT PRIMARY KEY,
    run TEXT NOT NULL,
    token INTEGER NOT NULL,
    owner TEXT NOT NULL,
    heartbeat_at TEXT NOT NULL
  ) STRICT;
-- table runs
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
  , project TEXT NOT NULL DEFAULT '') STRICT;
-- table seals
CREATE TABLE seals (
    run TEXT NOT NULL REFERENCES runs (id),
    what TEXT NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (run, what)
  ) STRICT;
-- table secrets
CREATE TABLE secrets (
    run TEXT NOT NULL REFERENCES runs (id),
    number INTEGER NOT NULL,
    before TEXT NOT NULL,
    PRIMARY KEY (run, number)
  ) STRICT;
-- table seen_instances
CREATE TABLE seen_instances (
    project TEXT NOT NULL,
    instance TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    PRIMARY KEY (project, instance)
  ) STRICT;
-- table steps
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
-- table suspensions
CREATE TABLE suspensions (instance TEXT PRIMARY KEY, reason TEXT NOT NULL, at TEXT NOT NULL) STRICT;
-- table tokens
CREATE TABLE tokens (only INTEGER PRIMARY KEY CHECK (only = 1), last INTEGER NOT NULL) STRICT;
-- trigger audit_is_not_changed
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- trigger audit_is_not_cut
CREATE TRIGGER audit_is_not_cut BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
