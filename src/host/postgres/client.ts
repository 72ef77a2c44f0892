import { Socket } from 'node:net';
import type { Client } from 'pg';
import { ProblemsError } from '../../errors.ts';
import { errorCode, errorText } from '../../util/text.ts';
import { safePath, setSafePath } from '../../postgres/search-path.ts';
import type { SqlResult, SqlRow, SqlWay, SessionResult, SqlSession } from './types.ts';

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
  /** Closes the connection of a read-only statement when it is aborted. */
  readonly signal?: AbortSignal;
}

/** An answer; of one that was lost, whether the statement had been sent: then it may have taken effect. */
export type Asked = SqlResult & { readonly sent: boolean };

/** One statement over one connection. A refusal by the server or the network is data. */
export async function queryOver(login: Login, statement: Statement, via: SqlWay): Promise<Asked> {
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
  let sent = false;
  const abort = (): void => cut(client);
  if (statement.readOnly) statement.signal?.addEventListener('abort', abort, { once: true });
  try {
    if (statement.readOnly) statement.signal?.throwIfAborted();
    await client.connect();
    const local = statement.readOnly ? 'SET LOCAL' : 'SET';
    await client.query(
      `${statement.readOnly ? 'BEGIN TRANSACTION READ ONLY; ' : ''}${local} search_path = ${safePath};
       ${local} statement_timeout = ${statement.timeoutMs};
       ${local} lock_timeout = ${Math.min(statement.timeoutMs, 2_000)}`,
    );
    sent = true;
    // Extended: the server itself takes one statement only.
    const extended = { text: statement.sql, values: [...statement.values], queryMode: 'extended' };
    const result = await client.query<SqlRow>(extended);
    if (statement.readOnly) await client.query('ROLLBACK');
    return { ok: true, rows: result.rows.map((row) => ({ ...row })), truncated: false, via, sent };
  } catch (error) {
    if (statement.readOnly && statement.signal?.aborted === true) throw statement.signal.reason;
    return { ok: false, message: errorText(error), sqlstate: sqlstateOf(error), via, sent };
  } finally {
    statement.signal?.removeEventListener('abort', abort);
    await leave(client);
  }
}

/** A server that is paused takes leave of nobody. */
async function leave(client: Client): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      cut(client);
      resolve();
    }, 2_000);
  });
  await Promise.race([client.end().catch(() => undefined), late]);
  clearTimeout(timer);
}

/** Its socket, at once: every query that waits is then answered with an error. */
function cut(client: Client): void {
  const connection: unknown = Reflect.get(client, 'connection');
  const stream: unknown =
    typeof connection === 'object' && connection !== null ? Reflect.get(connection, 'stream') : undefined;
  if (stream instanceof Socket) stream.destroy();
}

/** What ends a connection rather than a statement: the server goes down, or ends the session. */
const endings = new Set(['57P01', '57P02', '57P03', '57P05', '25P03', '25P04']);

export interface SessionSettings {
  /** `application_name`. */
  readonly application: string;
  /** For how long a server may be silent to a query and to new connections alike before the session is given up. */
  readonly silenceMs: number;
}

/** A connection that stays, or why there is none. Our own statements find names by `safePath`; `RESET` ends that. */
export async function openSessionOver(
  login: Login,
  { application, silenceMs }: SessionSettings,
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
    const watch = watchOver(login, silenceMs, () => cut(client));
    try {
      const answer = await client.query<SqlRow>(
        values === undefined ? { text: sql } : { text: sql, values: [...values] },
      );
      // A text of several statements answers with several results.
      const rows = [answer].flat().at(-1)?.rows ?? [];
      return { ok: true, rows: rows.map((row) => ({ ...row })) };
    } catch (error) {
      const refusal = refusalOf(error);
      return watch.isOver()
        ? { ...refusal, message: `the server has not answered anybody for ${silenceMs / 1000} s`, lost: true }
        : refusal;
    } finally {
      watch.end();
    }
  }
  async function close(): Promise<void> {
    await leave(client);
  }
  try {
    await client.connect();
  } catch (error) {
    await close();
    return {
      ok: false,
      message: errorText(error),
      sqlstate: sqlstateOf(error),
      via: via === 'address' ? 'network' : via,
    };
  }
  const asked = await query('SELECT pg_catalog.pg_backend_pid() AS pid');
  const backend = asked.ok ? Number(asked.rows[0]?.['pid']) : Number.NaN;
  const greeted = 'processID' in client ? Number(client.processID) : Number.NaN;
  if (backend !== greeted) {
    await close();
    throw throughPooler(
      login,
      asked.ok ? `${greeted} at the greeting, and ${backend} when it is asked` : asked.message,
    );
  }
  // Not before: what is set through a pooler stays with a connection that others are given.
  const set = await query(setSafePath);
  if (set.ok) return { via, backend, query, close };
  await close();
  return { ok: false, message: set.message, sqlstate: set.sqlstate, via: via === 'address' ? 'network' : via };
}

/**
 * A statement may take hours, a build of an index does; a server that is gone, or paused, says nothing for ever, and its
 * machine still acknowledges every packet. So while a query waits, the server is asked over new connections whether it
 * is there: any answer will do, a refusal too.
 */
function watchOver(login: Login, silenceMs: number, onSilence: () => void): { end(): void; isOver(): boolean } {
  let over = false;
  let ended = false;
  let heard = performance.now();
  const everyMs = silenceMs / 4;
  async function look(): Promise<void> {
    const question = { sql: 'SELECT 1', values: [], timeoutMs: Math.max(1_000, everyMs), readOnly: true };
    const answer = await queryOver(login, question, 'network');
    if (ended) return;
    if (answer.ok || answer.sqlstate !== undefined) heard = performance.now();
    over = performance.now() - heard >= silenceMs;
    if (over) onSilence();
    else timer = later();
  }
  function later(): NodeJS.Timeout {
    return setTimeout(() => void look(), everyMs).unref();
  }
  let timer = later();
  return {
    end() {
      ended = true;
      clearTimeout(timer);
    },
    isOver: () => over,
  };
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

function refusalOf(error: unknown): Extract<SessionResult, { readonly ok: false }> {
  const sqlstate = sqlstateOf(error);
  return {
    ok: false,
    message: errorText(error),
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

function sqlstateOf(error: unknown): string | undefined {
  const code = errorCode(error);
  return /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}
