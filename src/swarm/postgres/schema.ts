import { setTimeout as sleep } from 'node:timers/promises';
import { ProblemsError } from '../../errors.ts';
import type { Server } from './sql.ts';

/*
 * The tables of the queue, in a schema of their own. They are the truth; those of pg-boss, in `problem_registry_jobs`, keep one
 * job for each claim.
 */

export const schema = 'problem_registry';

export const bossSchema = 'problem_registry_jobs';

const versionTable = `CREATE SCHEMA IF NOT EXISTS ${schema}; CREATE TABLE ${schema}.version (number integer NOT NULL)`;

/** Each brings the tables from the version before to the next one. Never change one that was released. */
const migrations: readonly string[] = [
  `CREATE SEQUENCE ${schema}.token;
  CREATE TABLE ${schema}.task (
    project text NOT NULL,
    id text COLLATE "C" NOT NULL,
    problem text NOT NULL,
    kind text NOT NULL,
    component text NOT NULL,
    target text NOT NULL,
    handler text NOT NULL,
    automation text NOT NULL CHECK (automation IN ('auto', 'approve', 'human')),
    score double precision NOT NULL,
    tie text COLLATE "C" NOT NULL,
    engine text,
    serial_key text NOT NULL,
    approved_by text,
    state text NOT NULL CHECK (state IN ('open', 'claimed', 'done', 'withdrawn', 'cancelled', 'person', 'dead')),
    since timestamptz(3) NOT NULL,
    not_before timestamptz(3),
    counted integer NOT NULL DEFAULT 0,
    uncounted integer NOT NULL DEFAULT 0,
    token bigint,
    worker text,
    lease_until timestamptz(3),
    progress text,
    stopping text,
    -- SHA-256 of the payload: a sync of unchanged tasks need not read the payloads.
    digest text NOT NULL,
    payload text NOT NULL,
    PRIMARY KEY (project, id),
    CHECK (state <> 'claimed' OR (token IS NOT NULL AND worker IS NOT NULL AND lease_until IS NOT NULL))
    -- Each claim and report writes the row again: the payload is kept apart.
  ) WITH (toast_tuple_target = 256);
  CREATE INDEX task_in_order ON ${schema}.task (project, score DESC, tie)
    WHERE state = 'open' AND (automation = 'auto' OR approved_by IS NOT NULL);
  CREATE UNIQUE INDEX task_key ON ${schema}.task (serial_key) WHERE state = 'claimed';
  CREATE INDEX task_lease ON ${schema}.task (lease_until) WHERE state = 'claimed';
  CREATE TABLE ${schema}.task_after (
    project text NOT NULL,
    id text COLLATE "C" NOT NULL,
    after text COLLATE "C" NOT NULL,
    PRIMARY KEY (project, id, after)
  );
  CREATE TABLE ${schema}.outcome (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    written_in xid8 NOT NULL DEFAULT pg_current_xact_id(),
    project text NOT NULL,
    task text NOT NULL,
    token bigint NOT NULL UNIQUE,
    problem text NOT NULL,
    kind text NOT NULL,
    component text NOT NULL,
    handler text NOT NULL,
    engine text,
    worker text NOT NULL,
    claimed_at timestamptz(3) NOT NULL,
    ended_at timestamptz(3) NOT NULL,
    result text NOT NULL CHECK (result IN ('done', 'failed')),
    class text,
    notes text NOT NULL,
    cost double precision
  );
  CREATE INDEX outcome_of_task ON ${schema}.outcome (project, task, seq);
  CREATE FUNCTION ${schema}.refuse_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'outcomes are append-only'; END $$;
  CREATE TRIGGER outcome_is_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON ${schema}.outcome
    FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.refuse_change();
  CREATE TABLE ${schema}.event (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    written_in xid8 NOT NULL DEFAULT pg_current_xact_id(),
    project text NOT NULL,
    at timestamptz(3) NOT NULL,
    type text NOT NULL,
    subject text NOT NULL,
    worker text,
    token bigint,
    note text NOT NULL DEFAULT ''
  );
  CREATE INDEX event_of_project ON ${schema}.event (project, seq);
  CREATE TABLE ${schema}.worker (
    project text NOT NULL,
    name text COLLATE "C" NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    handlers text[] NOT NULL,
    engines text[] NOT NULL,
    draining boolean NOT NULL DEFAULT false,
    seen_at timestamptz(3) NOT NULL,
    PRIMARY KEY (project, name)
  );
  CREATE TABLE ${schema}.gate (
    project text NOT NULL,
    scope text COLLATE "C" NOT NULL,
    why text NOT NULL,
    since timestamptz(3) NOT NULL,
    PRIMARY KEY (project, scope)
  );
  -- Which host's workers repair on an engine, for all projects.
  CREATE TABLE ${schema}.engine_host (
    engine text PRIMARY KEY,
    host text NOT NULL,
    lease_until timestamptz(3) NOT NULL
  );`,
  // How many tasks of a scope are handed out within an hour, and the claims that count for it.
  `CREATE TABLE ${schema}.hour_limit (
    project text NOT NULL,
    scope text COLLATE "C" NOT NULL,
    per_hour integer NOT NULL,
    since timestamptz(3) NOT NULL,
    PRIMARY KEY (project, scope)
  );
  CREATE INDEX event_of_claim ON ${schema}.event (project, at) WHERE type IN ('claimed', 'released');`,
];

/** How long one process waits for another one that makes the tables. */
const longestMs = 30_000;

/**
 * Brings the tables to the newest version, and then returns what `more` does. Other processes that open the queue meanwhile wait,
 * without a connection to the server: `more` needs one of those that a pooler has.
 * @throws ProblemsError `state-damaged`: a newer version wrote them. `state-unwritable`: the role may not create them.
 * `state-locked`: another process has been making them for half a minute.
 */
export async function migrate<Result>(server: Server, more: () => Promise<Result>): Promise<Result> {
  for (const begun = performance.now(); performance.now() - begun < longestMs; await sleep(20)) {
    const made = await migrateAlone(server, more);
    if (made !== undefined) return made.result;
  }
  throw new ProblemsError('state-locked', `Another process has been opening the queue at ${server.name} for long.`, {
    hint: 'Try again. pg_locks of the server shows which process holds the advisory lock.',
  });
}

/** Undefined if another process does so. */
async function migrateAlone<Result>(
  server: Server,
  more: () => Promise<Result>,
): Promise<{ readonly result: Result } | undefined> {
  return server.writing(async (session) => {
    const [lock] = await session.rows(`SELECT pg_try_advisory_xact_lock(hashtextextended('${schema}', 0)) AS "isOurs"`);
    if (lock?.['isOurs'] !== true) return undefined;
    const [found] = await session.rows(`SELECT to_regclass('${schema}.version') IS NOT NULL AS "isMade"`);
    if (found?.['isMade'] !== true) await session.raw.executeSql(versionTable);
    const [row] = await session.rows(`SELECT coalesce(max(number), 0) AS version FROM ${schema}.version`);
    const version = Number(row?.['version']);
    if (version > migrations.length)
      throw new ProblemsError('state-damaged', `The queue at ${server.name} was written by a newer version.`, {
        hint: 'Use that version. Nothing was changed.',
      });
    for (const [index, migration] of migrations.entries())
      if (index >= version) {
        await session.raw.executeSql(migration);
        await session.rows(`INSERT INTO ${schema}.version VALUES ($1)`, index + 1);
      }
    return { result: await more() };
  });
}
