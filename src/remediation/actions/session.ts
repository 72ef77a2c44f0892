import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Instance } from '../../host/instance.ts';
import type { Action, Host, ReadonlyHost } from '../contract.ts';
import { operations } from '../operations.ts';

/**
 * What ending sessions asks and does, whether they have written or not.
 * See docs/engineering/connections.md#ending-sessions.
 */

export const sessionParams = z.strictObject({
  /** By name: its container may have been restarted since, and then none of the sessions is there any more. */
  instance: z.string(),
  /** A pid comes again, a pid with the start of its session does not. */
  sessions: z
    .array(z.strictObject({ pid: z.int().positive(), backendStart: z.string().max(64), role: z.string() }))
    .min(1)
    .max(10_000),
  /** For how long one must have been idle in its transaction when its turn comes. */
  minimumSeconds: z.number().min(1),
});

export type SessionParams = z.output<typeof sessionParams>;

/** For people who ask later whose session it was; the text of a query may hold anything, so only its hash is kept. */
export const sessionsBefore = z.strictObject({
  sessions: z.array(
    z.strictObject({
      pid: z.int(),
      backendStart: z.string(),
      role: z.string(),
      database: z.string(),
      application: z.string(),
      client: z.string(),
      state: z.string(),
      seconds: z.number(),
      queryHash: z.string(),
    }),
  ),
});

export type SessionsBefore = z.output<typeof sessionsBefore>;

/**
 * Who may be ended, asked in the statement that ends it: idle in its transaction for long enough, no superuser, nothing
 * that replicates, dumps or migrates, and no holder of an advisory lock. Prepared transactions have no session.
 */
const mayBeEnded = `
  a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
  AND a.state IN ('idle in transaction', 'idle in transaction (aborted)')
  AND a.state_change < clock_timestamp() - make_interval(secs => $1::float8)
  AND (a.backend_xid IS NULL OR $2::boolean)
  AND NOT r.rolsuper AND NOT r.rolreplication
  AND a.application_name !~* '(pg_dump|pg_restore|pg_basebackup|pg_receivewal|flyway|liquibase|alembic|migrat)'
  AND NOT EXISTS (SELECT FROM pg_locks AS l WHERE l.pid = a.pid AND l.locktype = 'advisory')`;

const endOne = `
SELECT pg_terminate_backend(a.pid, 5000) AS ended
FROM pg_stat_activity AS a JOIN pg_roles AS r ON r.oid = a.usesysid
WHERE a.pid = $3::int AND a.backend_start = $4::timestamptz AND ${mayBeEnded}`;

const candidates = `
SELECT a.pid, a.backend_start::text AS backend_start, a.usename::text AS role, coalesce(a.datname::text, '') AS database,
  a.application_name AS application, coalesce(host(a.client_addr), '') AS client, a.state,
  extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS seconds, md5(coalesce(a.query, '')) AS query_hash
FROM pg_stat_activity AS a JOIN pg_roles AS r ON r.oid = a.usesysid
WHERE ${mayBeEnded} ORDER BY a.pid`;

/** Those of the plan that may still be ended. */
async function sessionsToEnd(
  { instance: name, sessions, minimumSeconds }: SessionParams,
  mayHaveWritten: boolean,
  host: ReadonlyHost,
): Promise<SessionsBefore['sessions']> {
  const instance = await requireInstance(name, host);
  const answer = await host.sql.query(instance, candidates, {
    values: [String(minimumSeconds), String(mayHaveWritten)],
    maxRows: 10_000,
  });
  if (!answer.ok) throw new Error(`${name} does not say which sessions it has: ${answer.message}`);
  const planned = new Set(sessions.map(({ pid, backendStart }) => `${pid} ${backendStart}`));
  return answer.rows
    .filter((row) => planned.has(`${row['pid']} ${row['backend_start']}`))
    .map((row) => ({
      pid: Number(row['pid']),
      backendStart: row['backend_start'] ?? '',
      role: row['role'] ?? '',
      database: row['database'] ?? '',
      application: row['application'] ?? '',
      client: row['client'] ?? '',
      state: row['state'] ?? '',
      seconds: Math.floor(Number(row['seconds'])),
      queryHash: row['query_hash'] ?? '',
    }));
}

/** One at a time. One that has gone on meanwhile, or has ended, is left alone. */
async function endSessions(params: SessionParams, mayHaveWritten: boolean, host: Host): Promise<void> {
  const instance = await requireInstance(params.instance, host);
  for (const { pid, backendStart } of await sessionsToEnd(params, mayHaveWritten, host)) {
    const answer = await host.change.sql.execute(instance, endOne, {
      values: [String(params.minimumSeconds), String(mayHaveWritten), String(pid), backendStart],
      timeoutMs: 8_000,
    });
    if (!answer.ok) throw new Error(`session ${pid} of ${params.instance} was not ended: ${answer.message}`);
    if (answer.rows[0]?.['ended'] === 'f') throw new Error(`session ${pid} of ${params.instance} does not end.`);
  }
}

/** How many, and whose: `97 sessions of app`. */
function wordsOf({ sessions }: SessionParams): string {
  const roles = [...new Set(sessions.map(({ role }) => role))].sort();
  return `${sessions.length} ${sessions.length === 1 ? 'session' : 'sessions'} of ${roles.join(', ')}`;
}

async function requireInstance(name: string, host: ReadonlyHost): Promise<Instance> {
  const instance = await host.instance(name);
  if (instance === undefined) throw new ProblemsError('step-refused', `There is no instance ${name}.`);
  return instance;
}

export const sessionEndIdle: Action<SessionParams, SessionsBefore> = {
  name: 'session.end-idle',
  description:
    'Ends sessions that have been idle in a transaction for long and have written nothing in it, one at a time; each is asked again in the statement that ends it. They do not come back by undoing: their clients open new ones.',
  params: sessionParams,
  undoState: sessionsBefore,
  operation: operations['end-idle-session'],
  deadlineMs: 900_000,
  describe: (params) => `end ${wordsOf(params)} that idle in transactions which have written nothing`,
  async effect(params) {
    return [{ object: `sessions of ${params.instance}`, before: wordsOf(params), after: 'ended' }];
  },
  async prepare(params, host) {
    return { sessions: await sessionsToEnd(params, false, host) };
  },
  async isDone(params, host) {
    return (await sessionsToEnd(params, false, host)).length === 0;
  },
  apply: (params, host) => endSessions(params, false, host),
  undo: () => Promise.resolve(),
  isUndone: () => Promise.resolve(true),
};

export const sessionTerminate: Action<SessionParams, SessionsBefore> = {
  name: 'session.terminate',
  description:
    'Ends sessions that are idle in a transaction, whether or not they have written in it: what they wrote is rolled back. One at a time; each is asked again in the statement that ends it. They do not come back by undoing.',
  params: sessionParams,
  undoState: sessionsBefore,
  operation: operations['terminate-session'],
  deadlineMs: 900_000,
  describe: (params) => `end ${wordsOf(params)} that idle in transactions`,
  async effect(params) {
    return [
      { object: `sessions of ${params.instance}`, before: wordsOf(params), after: 'ended, their work rolled back' },
    ];
  },
  async prepare(params, host) {
    return { sessions: await sessionsToEnd(params, true, host) };
  },
  async isDone(params, host) {
    return (await sessionsToEnd(params, true, host)).length === 0;
  },
  apply: (params, host) => endSessions(params, true, host),
  undo: () => Promise.resolve(),
  isUndone: () => Promise.resolve(true),
};
