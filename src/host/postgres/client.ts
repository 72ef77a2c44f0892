import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import type { Client, ClientConfig } from 'pg';
import { ProblemsError } from '../../errors.ts';
import { errorCode, errorText } from '../../util/text.ts';
import { safePath, setSafePath } from '../../postgres/search-path.ts';
import { type AuthenticationCheck, authenticationCheck } from './authentication.ts';
import { copyStatement, nullMarker, rowsOfTable } from './csv.ts';
import { type Fault, messageChecker } from './message-check.ts';
import type { TableToRead, SqlResult, SqlRow, SqlWay, SessionResult, SqlSession } from './types.ts';

/** Connections to PostgreSQL. The only file that uses pg. */

export interface Login {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  /** The server may ask for an MD5 hash of the password. Default: only for SCRAM, or for no password. */
  readonly md5?: boolean;
}

export interface Statement {
  readonly sql: string;
  readonly values: readonly string[];
  readonly timeoutMs: number;
  /** READ ONLY and rolled back; otherwise committed on its own. */
  readonly readOnly: boolean;
  /** Closes the connection of a read-only statement when it is aborted. */
  readonly signal?: AbortSignal;
}

/** `sent`: the statement was sent, so it may have taken effect even if the answer was lost. */
export type SentResult = SqlResult & { readonly sent: boolean };

/** Tables that are read in one transaction. */
export interface TableRead {
  readonly tables: readonly TableToRead[];
  readonly timeoutMs: number;
  readonly readOnly: true;
  readonly signal?: AbortSignal;
}

/** One statement over a connection that is closed afterwards. An error of the server or the network is data. */
export async function queryOver(login: Login, statement: Statement, via: SqlWay): Promise<SentResult> {
  return overConnection(login, statement, via, async (client) => {
    // In the extended protocol the server accepts one statement only.
    const extended = { text: statement.sql, values: [...statement.values], queryMode: 'extended' };
    const result = await client.query<SqlRow>(extended);
    return result.rows.map((row) => ({ ...row }));
  });
}

/** The rows of tables, by COPY. */
export async function readTablesOver(login: Login, read: TableRead, via: SqlWay): Promise<SentResult> {
  return overConnection(login, read, via, async (client) => {
    const missing = nullMarker();
    const rows: SqlRow[] = [];
    let chunks: Uint8Array[] = [];
    // The driver drops what COPY sends.
    connectionOf(client)?.on('copyData', ({ chunk }: { readonly chunk: Uint8Array }) => chunks.push(chunk));
    for (const table of read.tables) {
      chunks = [];
      await client.query(copyStatement(table, missing));
      rows.push(...rowsOfTable(table, Buffer.concat(chunks).toString('utf8'), missing));
    }
    return rows;
  });
}

async function overConnection(
  login: Login,
  { timeoutMs, readOnly, signal }: Pick<Statement, 'timeoutMs' | 'readOnly' | 'signal'>,
  via: SqlWay,
  work: (client: Client) => Promise<readonly SqlRow[]>,
): Promise<SentResult> {
  const client = await createClient(login, {
    connectionTimeoutMillis: Math.min(timeoutMs, 5_000),
    query_timeout: timeoutMs + 1_000,
    application_name: 'problem-registry',
  });
  let sent = false;
  const abort = (): void => destroySocket(client);
  if (readOnly) signal?.addEventListener('abort', abort, { once: true });
  try {
    if (readOnly) signal?.throwIfAborted();
    await client.connect();
    await client.query(beginning({ timeoutMs, readOnly }));
    sent = true;
    const rows = await work(client);
    if (readOnly) await client.query('ROLLBACK');
    return { ok: true, rows, truncated: false, via, sent };
  } catch (error) {
    if (readOnly && signal?.aborted === true) throw signal.reason;
    return {
      ok: false,
      message: errorText(error),
      sqlstate: sqlstateOf(error),
      via,
      sent,
      ...(errorCode(error) === misbehaves ? { misbehaves: true } : {}),
    };
  } finally {
    signal?.removeEventListener('abort', abort);
    await closeClient(client);
  }
}

/** Without row_security, COPY would read the rows that a policy allows; with it off, it is an error. */
export function beginning({ timeoutMs, readOnly }: Pick<Statement, 'timeoutMs' | 'readOnly'>): string {
  const set = readOnly ? 'SET LOCAL' : 'SET';
  return [
    ...(readOnly
      ? ['BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY', 'SET LOCAL row_security = off']
      : []),
    `${set} search_path = ${safePath}`,
    `${set} statement_timeout = ${timeoutMs}`,
    `${set} lock_timeout = ${Math.min(timeoutMs, 2_000)}`,
  ].join('; ');
}

async function createClient({ password, md5 = false, ...address }: Login, config: ClientConfig): Promise<Client> {
  const { Client } = await import('pg');
  const client = new Client({
    ...address,
    // A function, since without a password the driver would send PGPASSWORD or one from ~/.pgpass, to any server.
    password: () => password ?? '',
    ...config,
    ssl: false,
    stream: () => boundedSocket(authenticationCheck({ hasPassword: password !== undefined, md5 })),
    // Text as PostgreSQL prints it, the same as psql returns.
    types: { getTypeParser: () => (text: string) => text },
  });
  // A connection that ends later is not an error.
  client.on('error', () => undefined);
  return client;
}

function connectionOf(client: Client): EventEmitter | undefined {
  const connection: unknown = Reflect.get(client, 'connection');
  return connection instanceof EventEmitter ? connection : undefined;
}

/**
 * A server is a stranger. The driver parses what arrives in a listener of the socket, so a malformed message would throw
 * outside of every promise and end the process. Here it ends only its connection.
 */
function boundedSocket(faultInRequest: AuthenticationCheck): Socket {
  const socket = new Socket();
  const faultIn = messageChecker(faultInRequest);
  const emit = socket.emit.bind(socket);
  socket.emit = (event: string | symbol, ...args: unknown[]): boolean => {
    if (event !== 'data') return emit(event, ...args);
    const [chunk] = args;
    const fault = chunk instanceof Uint8Array ? faultIn(chunk) : undefined;
    if (fault !== undefined) {
      socket.destroy(errorOf(fault));
      return true;
    }
    try {
      return emit(event, ...args);
    } catch (error) {
      const message = `The server sent a malformed message: ${errorText(error)}`;
      socket.destroy(errorOf({ message, misbehaves: true }));
      return true;
    }
  };
  return socket;
}

const misbehaves = 'PROBLEMS_MISBEHAVES';

function errorOf(fault: Fault): Error {
  const error = new Error(fault.message);
  return fault.misbehaves ? Object.assign(error, { code: misbehaves }) : error;
}

/** Does not wait for long: a paused server never answers. */
async function closeClient(client: Client): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      destroySocket(client);
      resolve();
    }, 2_000);
  });
  await Promise.race([client.end().catch(() => undefined), late]);
  clearTimeout(timer);
}

/** Fails all pending queries at once. */
function destroySocket(client: Client, error?: Error): void {
  const connection: unknown = Reflect.get(client, 'connection');
  const stream: unknown =
    typeof connection === 'object' && connection !== null ? Reflect.get(connection, 'stream') : undefined;
  if (stream instanceof Socket) stream.destroy(error);
}

/** SQLSTATEs that end the session and not only the statement. */
const sessionEndStates = new Set(['57P01', '57P02', '57P03', '57P05', '25P03', '25P04']);

export interface SessionSettings {
  /** `application_name`. */
  readonly application: string;
  /** How long the server may answer neither a query nor a new connection before the session counts as lost. */
  readonly silenceMs: number;
}

/** Opens a session with the safe search_path, or returns why there is none. */
export async function openSessionOver(
  login: Login,
  { application, silenceMs }: SessionSettings,
  via: SqlSession['via'],
): Promise<SqlSession | Extract<SqlResult, { readonly ok: false }>> {
  const client = await createClient(login, {
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    application_name: application,
  });
  async function query(sql: string, values?: readonly string[]): Promise<SessionResult> {
    const watch = watchServer(login, silenceMs, () => destroySocket(client));
    try {
      const answer = await client.query<SqlRow>(
        values === undefined ? { text: sql } : { text: sql, values: [...values] },
      );
      // Several statements return several results.
      const rows = [answer].flat().at(-1)?.rows ?? [];
      return { ok: true, rows: rows.map((row) => ({ ...row })) };
    } catch (error) {
      const refusal = refusalOf(error);
      return watch.isOver()
        ? {
            ...refusal,
            message: `the server has answered neither this query nor new connections for ${silenceMs / 1000} s`,
            lost: true,
          }
        : refusal;
    } finally {
      watch.end();
    }
  }
  async function close(): Promise<void> {
    await closeClient(client);
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
  const announced = 'processID' in client ? Number(client.processID) : Number.NaN;
  if (backend !== announced) {
    await close();
    throw poolerError(
      login,
      asked.ok ? `${announced} when connecting, but ${backend} in pg_backend_pid()` : asked.message,
    );
  }
  // Not earlier: a pooler would hand the changed connection to other clients.
  const set = await query(setSafePath);
  if (set.ok) return { via, backend, query, close };
  await close();
  return { ok: false, message: set.message, sqlstate: set.sqlstate, via: via === 'address' ? 'network' : via };
}

/**
 * A statement may take hours, such as CREATE INDEX. A server that is gone or paused never answers, and its machine may still
 * acknowledge every packet. So while a query runs, new connections are opened: any answer to them counts, also an error.
 */
function watchServer(login: Login, silenceMs: number, onSilent: () => void): { end(): void; isOver(): boolean } {
  let over = false;
  let ended = false;
  let lastAnswer = performance.now();
  const everyMs = silenceMs / 4;
  async function check(): Promise<void> {
    const question = { sql: 'SELECT 1', values: [], timeoutMs: Math.max(1_000, everyMs), readOnly: true };
    const answer = await queryOver(login, question, 'network');
    if (ended) return;
    if (answer.ok || answer.sqlstate !== undefined) lastAnswer = performance.now();
    over = performance.now() - lastAnswer >= silenceMs;
    if (over) onSilent();
    else timer = schedule();
  }
  function schedule(): NodeJS.Timeout {
    return setTimeout(() => void check(), everyMs).unref();
  }
  let timer = schedule();
  return {
    end() {
      ended = true;
      clearTimeout(timer);
    },
    isOver: () => over,
  };
}

/**
 * On connecting, a server announces its process id, which serves to cancel queries. A pooler invents one, since the process
 * that serves a client changes with each transaction or client.
 */
function poolerError({ host, port }: Login, seen: string): ProblemsError {
  return new ProblemsError(
    'step-refused',
    `${host}:${port} is a pooler, not the server itself: the process id is ${seen}. A session lock taken through it would stay on a connection of the pooler and block all others.`,
    { hint: 'Connect to the server itself, by its published port or its address in its network.' },
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
    lost: sqlstate === undefined || sqlstate.startsWith('08') || sessionEndStates.has(sqlstate),
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
