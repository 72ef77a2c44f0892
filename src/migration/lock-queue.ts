import { tokensOf } from './sql-tokens.ts';

/** The session at the head of a queue: it holds the lock that the others wait for. */
export interface QueueHead {
  /** 0: a prepared transaction. */
  readonly pid: number;
  readonly role: string;
  readonly database: string;
  readonly application: string;
  /** As in pg_stat_activity; empty if it is not a client session, or of a role whose sessions are hidden from us. */
  readonly state: string;
  /** When its transaction began, or, without one, when it was last active: RFC 3339, or empty if unknown. */
  readonly since: string;
  /** What it runs, or ran last; as the server shows it. */
  readonly statement: string;
  /** Where it comes from, such as a container; if that is known. */
  readonly place?: string;
}

/** The columns of a `QueueHead` but its pid, of the row `a` of pg_stat_activity. */
export const headColumns = `coalesce(a.usename::text, '') AS role, coalesce(a.datname::text, '') AS database,
  coalesce(a.application_name, '') AS application, coalesce(a.state, '') AS state,
  coalesce(to_char(coalesce(a.xact_start, a.state_change) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '') AS since`;

/** What the server shows to a role that may not see a statement. */
const hidden = '<insufficient privilege>';

/**
 * The head of a queue in words: who it is, what it does and since when, what it runs, and how many sessions wait. Literals
 * of the statement are left out, since they may hold passwords and data.
 */
export function queueText(
  { pid, role, database, application, state, since, statement, place = '' }: QueueHead,
  waiters: number,
): string {
  const waiting = `${waiters} ${waiters === 1 ? 'session waits' : 'sessions wait'} for it`;
  if (pid === 0) return `a prepared transaction holds the lock; ${waiting}`;
  if (role === '') return `pid ${pid}, which is not a client session, holds the lock; ${waiting}`;
  const who = `role ${role} in ${database}${application === '' ? '' : `, application ${application}`}${place === '' ? '' : `, ${place}`}`;
  const does = state === '' ? '' : `, ${state}${since === '' ? '' : ` since ${since}`}`;
  const words = statement === hidden ? '' : withoutLiterals(statement);
  const runs = words === '' ? '' : `; ${state === 'active' ? 'it runs' : 'its last statement'}: ${words}`;
  return `pid ${pid} (${who}${does}) holds the lock; ${waiting}${runs}`;
}

const longest = 160;

/** One line of at most 160 characters: `UPDATE orders SET total = ? WHERE id = ?`. Comments are left out as well. */
export function withoutLiterals(sql: string): string {
  const words = tokensOf(sql)
    .map(({ kind, start, end }) => {
      if (kind === 'string' || kind === 'dollar-string' || kind === 'number') return '?';
      return kind === 'comment' || kind === 'blank' ? ' ' : sql.slice(start, end);
    })
    .join('')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return words.length <= longest ? words : `${words.slice(0, longest - 1)}…`;
}
