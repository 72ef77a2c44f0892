import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Instance } from '../../host/instance.ts';
import type { Action, Host, ReadonlyHost } from '../contract.ts';
import { operations } from '../operations.ts';

/**
 * Ends sessions, whether or not they have written.
 * See docs/engineering/connections.md#ending-sessions.
 */

export const sessionParams = z.strictObject({
  /** By name: if its container has been restarted since, none of the sessions exists any more. */
  instance: z.string(),
  /** A pid may be reused, but not together with the start time of its session. */
  sessions: z
    .array(z.strictObject({ pid: z.int().positive(), backendStart: z.string().max(64), role: z.string() }))
    .min(1)
    .max(10_000),
  /** How long a session must have been idle in its transaction when it is ended. */
  minimumSeconds: z.number().min(1),
});

const terminateParams = sessionParams.extend({
  /** Sessions that are idle outside a transaction, instead of those that are idle in one. */
  idle: z.literal(true).exactOptional(),
});

type TerminateParams = z.output<typeof terminateParams>;

/** Records whose session it was. The text of a query may contain secrets, so only its hash is kept. */
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
 * Which session may be ended, checked in the statement that ends it: idle for long enough, in a transaction or, if that is
 * asked for, outside one; not a superuser, no replication, dump or migration, and no advisory lock. The superuser of the
 * image may be an application's role: with approval, its sessions over the network that have written nothing count as well.
 * Prepared transactions have no session.
 */
const mayBeEnded = `
  a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
  AND CASE WHEN $3::boolean THEN a.state = 'idle' AND a.query !~* '^[[:space:]]*listen[[:space:]]'
    ELSE a.state IN ('idle in transaction', 'idle in transaction (aborted)') END
  AND a.state_change < clock_timestamp() - make_interval(secs => $1::float8)
  AND (a.backend_xid IS NULL OR $2::boolean)
  AND (NOT r.rolsuper AND NOT r.rolreplication
    OR $2::boolean AND NOT $3::boolean AND r.rolname = $4 AND a.backend_xid IS NULL AND a.client_addr IS NOT NULL)
  AND a.application_name !~* '(pg_dump|pg_restore|pg_basebackup|pg_receivewal|flyway|liquibase|alembic|migrat)'
  AND NOT EXISTS (SELECT FROM pg_locks AS l WHERE l.pid = a.pid AND l.locktype = 'advisory')`;

const endOne = `
SELECT pg_terminate_backend(a.pid, 5000) AS ended
FROM pg_stat_activity AS a JOIN pg_roles AS r ON r.oid = a.usesysid
WHERE a.pid = $5::int AND a.backend_start = $6::timestamptz AND ${mayBeEnded}`;

const candidates = `
SELECT a.pid, a.backend_start::text AS backend_start, a.usename::text AS role, coalesce(a.datname::text, '') AS database,
  a.application_name AS application, coalesce(host(a.client_addr), '') AS client, a.state,
  extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS seconds, md5(coalesce(a.query, '')) AS query_hash
FROM pg_stat_activity AS a JOIN pg_roles AS r ON r.oid = a.usesysid
WHERE ${mayBeEnded} ORDER BY a.pid`;

/** The sessions of the plan that may still be ended. */
async function sessionsToEnd(
  params: TerminateParams,
  mayHaveWritten: boolean,
  host: ReadonlyHost,
): Promise<SessionsBefore['sessions']> {
  const { instance: name, sessions } = params;
  const instance = await requireInstance(name, host);
  const values = boundsOf(params, mayHaveWritten, instance);
  const answer = await host.sql.query(instance, candidates, { values, maxRows: 10_000 });
  if (!answer.ok) throw new Error(`cannot list the sessions of ${name}: ${answer.message}`);
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

/** The first four values of both statements. */
function boundsOf(
  { minimumSeconds, idle }: TerminateParams,
  mayHaveWritten: boolean,
  { user }: Instance,
): readonly string[] {
  return [String(minimumSeconds), String(mayHaveWritten), String(idle === true), user];
}

/** One at a time. Skips sessions that have become active or ended in the meantime. */
async function endSessions(params: TerminateParams, mayHaveWritten: boolean, host: Host): Promise<void> {
  const instance = await requireInstance(params.instance, host);
  for (const { pid, backendStart } of await sessionsToEnd(params, mayHaveWritten, host)) {
    const answer = await host.change.sql.execute(instance, endOne, {
      values: [...boundsOf(params, mayHaveWritten, instance), String(pid), backendStart],
      timeoutMs: 8_000,
    });
    if (!answer.ok) throw new Error(`session ${pid} of ${params.instance} was not ended: ${answer.message}`);
    if (answer.rows[0]?.['ended'] === 'f') throw new Error(`session ${pid} of ${params.instance} does not end`);
  }
}

/** The number and roles of sessions: `97 sessions of app`. */
function wordsOf({ sessions }: TerminateParams): string {
  const roles = [...new Set(sessions.map(({ role }) => role))].sort();
  return `${sessions.length} ${sessions.length === 1 ? 'session' : 'sessions'} of ${roles.join(', ')}`;
}

async function requireInstance(name: string, host: ReadonlyHost): Promise<Instance> {
  const instance = await host.instance(name);
  if (instance === undefined) throw new ProblemsError('step-refused', `There is no instance ${name}.`);
  return instance;
}

export const sessionEndIdle: Action<z.output<typeof sessionParams>, SessionsBefore> = {
  name: 'session.end-idle',
  description:
    'Ends sessions that have been idle in transaction for a long time and have written nothing, one at a time; the statement that ends a session checks it again. Undo does not restore them: their clients open new ones.',
  params: sessionParams,
  undoState: sessionsBefore,
  operation: operations['end-idle-session'],
  deadlineMs: 900_000,
  describe: (params) => `end ${wordsOf(params)} idle in transactions that have written nothing`,
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

export const sessionTerminate: Action<TerminateParams, SessionsBefore> = {
  name: 'session.terminate',
  description:
    'Ends sessions that are idle in transaction, even if they have written; their changes are rolled back. With `idle`, sessions that are idle outside a transaction instead. One at a time; the statement that ends a session checks it again. Undo does not restore them.',
  params: terminateParams,
  undoState: sessionsBefore,
  operation: operations['terminate-session'],
  deadlineMs: 900_000,
  describe: (params) => `end ${wordsOf(params)} idle ${params.idle === true ? 'outside' : 'in'} transactions`,
  async effect(params) {
    return [
      {
        object: `sessions of ${params.instance}`,
        before: wordsOf(params),
        after: params.idle === true ? 'ended' : 'ended, their changes rolled back',
      },
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
