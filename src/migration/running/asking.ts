import { ProblemsError } from '../../errors.ts';
import type { SqlRow } from '../../host/postgres/types.ts';
import type { SessionResult, SqlSession } from '../../host/types.ts';
import { setOwnPath } from '../search-path.ts';

export type Refusal = Extract<SessionResult, { readonly ok: false }>;

/**
 * A statement of the runner's own, which is to succeed.
 * @throws ProblemsError `engine-unreachable` where the connection is gone, else `step-refused`.
 */
export async function ask(session: SqlSession, sql: string, values?: readonly string[]): Promise<readonly SqlRow[]> {
  const answer = await session.query(sql, values);
  if (answer.ok) return answer.rows;
  throw errorOf(answer);
}

export function errorOf({ lost, sqlstate, message }: Refusal): ProblemsError {
  return new ProblemsError(lost ? 'engine-unreachable' : 'step-refused', `${sqlstate ?? ''} ${message}`.trim());
}

/** Whether a connection was lost: what was under way may have taken effect, and only the ledger knows. */
export function isLoss(error: unknown): boolean {
  return error instanceof ProblemsError && error.code === 'engine-unreachable';
}

/**
 * Makes a session as it was when it was opened, but for its locks: what one file sets is nothing to the next. Whatever
 * would cut a migration short by time is off; a lock is waited for only so long, since whoever comes later waits too.
 */
export async function freshen(session: SqlSession, lockTimeoutMs: number): Promise<void> {
  await ask(
    session,
    `SET SESSION AUTHORIZATION DEFAULT; RESET ALL; ${setOwnPath}; CLOSE ALL; UNLISTEN *; DEALLOCATE ALL;
     DISCARD PLANS; DISCARD TEMP; DISCARD SEQUENCES;
     SELECT set_config(name, '0', false) FROM pg_catalog.pg_settings
       WHERE name IN ('statement_timeout', 'transaction_timeout', 'idle_session_timeout', 'idle_in_transaction_session_timeout');
     SET standard_conforming_strings = on; SET client_min_messages = warning;
     SET default_transaction_isolation = 'read committed'; SET default_transaction_deferrable = off;
     SET lock_timeout = ${Math.trunc(lockTimeoutMs)}`,
  );
}

/** A text of the application's own: its names are found by the database's path, and ours by our own again behind it. */
export async function queryAsTheirs(session: SqlSession, sql: string): Promise<SessionResult> {
  await ask(session, 'RESET search_path');
  const answer = await session.query(sql);
  if (answer.ok || !answer.lost) await ask(session, setOwnPath);
  return answer;
}

export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
