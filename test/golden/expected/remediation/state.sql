PRAGMA user_version = 11;
-- index audit_of_suspensions
CREATE INDEX audit_of_suspensions ON audit (sequence) WHERE event IN ('suspended', 'suspension-lifted');
-- index event_of_claim
CREATE INDEX event_of_claim ON event (project, at) WHERE type IN ('claimed', 'released');
-- index event_of_project
CREATE INDEX event_of_project ON event (project, seq);
-- index outcome_of_task
CREATE INDEX outcome_of_task ON outcome (project, task, seq);
-- index runs_by_instance
CREATE INDEX runs_by_instance ON runs (instance, remediator, started_at);
-- index runs_in_order
CREATE INDEX runs_in_order ON runs (created_at, id);
-- index runs_pending
CREATE INDEX runs_pending ON runs (phase) WHERE phase NOT IN ('planned', 'ended') OR outcome = 'stuck';
-- index task_claimed
CREATE INDEX task_claimed ON task (serial_key) WHERE state = 'claimed';
-- index task_in_order
CREATE INDEX task_in_order ON task (project, score DESC, tie)
    WHERE state = 'open' AND (automation = 'auto' OR approved_by IS NOT NULL);
-- index task_lease
CREATE INDEX task_lease ON task (lease_until) WHERE state = 'claimed';
-- table audit
CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    run TEXT,
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
-- table creation
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
  ) STRICT, WITHOUT ROWID;
-- table engine_host
CREATE TABLE engine_host (
    engine TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    lease_until TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
-- table event
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
-- table gate
CREATE TABLE gate (
    project TEXT NOT NULL,
    scope TEXT NOT NULL,
    why TEXT NOT NULL,
    since TEXT NOT NULL,
    PRIMARY KEY (project, scope)
  ) STRICT, WITHOUT ROWID;
-- table held_seals
CREATE TABLE held_seals (held TEXT PRIMARY KEY, signature TEXT NOT NULL, count INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
-- table hour_limit
CREATE TABLE hour_limit (
    project TEXT NOT NULL,
    scope TEXT NOT NULL,
    per_hour INTEGER NOT NULL,
    since TEXT NOT NULL,
    PRIMARY KEY (project, scope)
  ) STRICT, WITHOUT ROWID;
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
-- table outcome
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
-- table sample
CREATE TABLE sample (
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
-- table task
CREATE TABLE task (
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
-- table task_after
CREATE TABLE task_after (
    project TEXT NOT NULL,
    id TEXT NOT NULL,
    after TEXT NOT NULL,
    PRIMARY KEY (project, id, after)
  ) STRICT, WITHOUT ROWID;
-- table tokens
CREATE TABLE tokens (only INTEGER PRIMARY KEY CHECK (only = 1), last INTEGER NOT NULL) STRICT;
-- table worker
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
-- trigger audit_is_not_changed
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- trigger audit_is_not_cut
CREATE TRIGGER audit_is_not_cut BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- trigger outcome_is_not_changed
CREATE TRIGGER outcome_is_not_changed BEFORE UPDATE ON outcome BEGIN SELECT RAISE(ABORT, 'outcomes are append-only'); END;
-- trigger outcome_is_not_cut
CREATE TRIGGER outcome_is_not_cut BEFORE DELETE ON outcome BEGIN SELECT RAISE(ABORT, 'outcomes are append-only'); END;
