import { ProblemsError } from '../errors.ts';
import type { SessionResult, SqlResult, SqlRow, SqlSession, SqlWay } from './types.ts';

/** The only file that knows pg. */

export interface Login {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
}

export interface Statement {
  readonly sql: string;
  readonly values: readonly string[];
  readonly timeoutMs: number;
  /** READ ONLY and rolled back, or committed on its own. */
  readonly readOnly: boolean;
}

/** One statement over one connection. A refusal by the server or the network is data. */
export async function queryOver(login: Login, statement: Statement, via: SqlWay): Promise<SqlResult> {
  const { Client } = await import('pg');
  const client = new Client({
    host: login.host,
    port: login.port,
    user: login.user,
    database: login.database,
    ...(login.password === undefined ? {} : { password: login.password }),
    connectionTimeoutMillis: Math.min(statement.timeoutMs, 5_000),
    query_timeout: statement.timeoutMs + 1_000,
    application_name: 'problem-registry',
    ssl: false,
    // Text as PostgreSQL prints it: the same as by the way over psql.
    types: { getTypeParser: () => (text: string) => text },
  });
  // A connection that ends later is no error of ours.
  client.on('error', () => undefined);
  try {
    await client.connect();
    if (statement.readOnly) await client.query('BEGIN TRANSACTION READ ONLY');
    const local = statement.readOnly ? 'SET LOCAL' : 'SET';
    await client.query(`${local} statement_timeout = ${statement.timeoutMs}`);
    await client.query(`${local} lock_timeout = ${Math.min(statement.timeoutMs, 2_000)}`);
    // Extended: the server itself takes one statement only.
    const extended = { text: statement.sql, values: [...statement.values], queryMode: 'extended' };
    const result = await client.query<SqlRow>(extended);
    if (statement.readOnly) await client.query('ROLLBACK');
    return { ok: true, rows: result.rows.map((row) => ({ ...row })), truncated: false, via };
  } catch (error) {
    return { ok: false, message: messageOf(error), sqlstate: sqlstateOf(error), via };
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** What ends a connection rather than a statement: the server goes down, or ends the session. */
const endings = new Set(['57P01', '57P02', '57P03', '57P05', '25P03', '25P04']);

/** A connection that stays, or why there is none. */
export async function openSessionOver(
  login: Login,
  application: string,
  via: SqlSession['via'],
): Promise<SqlSession | Extract<SqlResult, { readonly ok: false }>> {
  const { Client } = await import('pg');
  const client = new Client({
    host: login.host,
    port: login.port,
    user: login.user,
    database: login.database,
    ...(login.password === undefined ? {} : { password: login.password }),
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    application_name: application,
    ssl: false,
    types: { getTypeParser: () => (text: string) => text },
  });
  client.on('error', () => undefined);
  async function query(sql: string, values?: readonly string[]): Promise<SessionResult> {
    try {
      const answer = await client.query<SqlRow>(
        values === undefined ? { text: sql } : { text: sql, values: [...values] },
      );
      // A text of several statements answers with several results.
      const rows = [answer].flat().at(-1)?.rows ?? [];
      return { ok: true, rows: rows.map((row) => ({ ...row })) };
    } catch (error) {
      return refusalOf(error);
    }
  }
  async function close(): Promise<void> {
    await client.end().catch(() => undefined);
  }
  try {
    await client.connect();
  } catch (error) {
    await close();
    return {
      ok: false,
      message: messageOf(error),
      sqlstate: sqlstateOf(error),
      via: via === 'address' ? 'network' : via,
    };
  }
  const asked = await query('SELECT pg_backend_pid() AS pid');
  const backend = asked.ok ? Number(asked.rows[0]?.['pid']) : Number.NaN;
  const greeted = 'processID' in client ? Number(client.processID) : Number.NaN;
  if (backend !== greeted) {
    await close();
    throw throughPooler(
      login,
      asked.ok ? `${greeted} at the greeting, and ${backend} when it is asked` : asked.message,
    );
  }
  return { via, backend, query, close };
}

/**
 * Who greets a client names the process that serves it, by which a query could be cancelled. A pooler makes that number
 * up, since which process serves the client changes, with every transaction or with every client.
 */
function throughPooler({ host, port }: Login, seen: string): ProblemsError {
  return new ProblemsError(
    'step-refused',
    `${host}:${port} is a pooler, not the server itself: the server’s process is ${seen}. A session lock taken through it would stay behind on a connection of the pooler’s, and block everybody.`,
    { hint: 'Connect to the server itself: its published port, or its address in its network.' },
  );
}

function refusalOf(error: unknown): SessionResult {
  const sqlstate = sqlstateOf(error);
  return {
    ok: false,
    message: messageOf(error),
    sqlstate,
    detail: fieldOf(error, 'detail'),
    constraint: fieldOf(error, 'constraint'),
    position: positionOf(fieldOf(error, 'position')),
    lost: sqlstate === undefined || sqlstate.startsWith('08') || endings.has(sqlstate),
  };
}

function positionOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

function fieldOf(error: unknown, name: string): string | undefined {
  const value: unknown = error instanceof Error ? Reflect.get(error, name) : undefined;
  return typeof value === 'string' ? value : undefined;
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

function sqlstateOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}
