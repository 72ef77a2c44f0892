import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import type { Client, ClientConfig } from 'pg';
import { errorCode, errorText } from '../../util/text.ts';
import { safePath } from '../../postgres/search-path.ts';
import { type AuthenticationCheck, authenticationCheck } from './authentication.ts';
import { copyStatement, nullMarker, rowsOfTable } from './csv.ts';
import type { KeptConnection } from './kept-connections.ts';
import { type Fault, messageChecker } from './message-check.ts';
import type { SqlResult, SqlRow, SqlWay, TableToRead } from './types.ts';

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

/** One statement, or tables. */
export type Question = Statement | TableRead;

/** A connection for one question after the other. */
export interface Connection extends KeptConnection {
  readonly client: Client;
}

/** Takes a connection that is as good as new. */
export type KeepConnection = (connection: Connection) => void;

/**
 * One question over a connection that is closed afterwards, or handed to `keep` if the question was answered. An error of the
 * server or the network is data.
 */
export async function queryOver(
  login: Login,
  question: Question,
  via: SqlWay,
  keep?: KeepConnection,
): Promise<SentResult> {
  const client = await createClient(login, {
    connectionTimeoutMillis: Math.min(question.timeoutMs, longestConnectMs),
    application_name: 'problem-registry',
  });
  const { user, database } = login;
  const connection: Connection = {
    client,
    user,
    database,
    via,
    isOpen: () => socketOf(client)?.readyState === 'open',
    close: () => closeClient(client),
  };
  return (await askOver(connection, question, () => client.connect(), keep)).answer;
}

/** One question over a kept connection. Undefined if the connection had ended before, so nothing was asked. */
export async function queryOverKept(
  connection: Connection,
  question: Question,
  keep: KeepConnection,
): Promise<SentResult | undefined> {
  const { answer, isLost } = await askOver(connection, question, async () => undefined, keep);
  return isLost && !answer.sent ? undefined : answer;
}

async function askOver(
  connection: Connection,
  question: Question,
  open: () => Promise<unknown>,
  keep: KeepConnection | undefined,
): Promise<{ readonly answer: SentResult; readonly isLost: boolean }> {
  const { client, via } = connection;
  const { timeoutMs, readOnly, signal } = question;
  let sent = false;
  let isUsable = false;
  const abort = (): void => destroySocket(client);
  if (readOnly) signal?.addEventListener('abort', abort, { once: true });
  try {
    if (readOnly) signal?.throwIfAborted();
    socketOf(client)?.ref();
    await open();
    // A paused server answers neither a new connection nor a kept one.
    await send(client, beginning(question), Math.min(timeoutMs, longestConnectMs));
    sent = true;
    const rows = await ('tables' in question ? rowsOfTables(client, question) : rowsOfStatement(client, question));
    if (readOnly) await send(client, 'ROLLBACK', timeoutMs);
    isUsable = true;
    return { answer: { ok: true, rows, truncated: false, via, sent }, isLost: false };
  } catch (error) {
    if (readOnly && signal?.aborted === true) throw signal.reason;
    const sqlstate = sqlstateOf(error);
    const isLost = !connection.isOpen();
    // Without a SQLSTATE, such as after a timeout, an answer may still come, and would be taken for the next one's.
    if (keep !== undefined && sent && sqlstate !== undefined && !isLost)
      isUsable = !readOnly || (await succeeds(send(client, 'ROLLBACK', resetMs)));
    const misbehaved = errorCode(error) === misbehaves ? { misbehaves: true as const } : {};
    return { answer: { ok: false, message: errorText(error), sqlstate, via, sent, ...misbehaved }, isLost };
  } finally {
    signal?.removeEventListener('abort', abort);
    if (keep !== undefined && isUsable && (await succeeds(reset(client)))) {
      // A connection that waits for the next question does not keep the process alive.
      socketOf(client)?.unref();
      keep(connection);
    } else await closeClient(client);
  }
}

const longestConnectMs = 5_000;

const resetMs = 2_000;

/** What a connection may have received and still be kept, in bytes: there is a limit for each. */
const mostKeptBytes = 8 * 2 ** 20;

/** Whatever a question has set, locked, listened to or prepared is gone. */
async function reset(client: Client): Promise<void> {
  if ((socketOf(client)?.bytesRead ?? Infinity) > mostKeptBytes) throw new Error('The connection is used up.');
  await send(client, 'DISCARD ALL', resetMs);
}

async function succeeds(attempt: Promise<void>): Promise<boolean> {
  return attempt.then(
    () => true,
    () => false,
  );
}

async function send(client: Client, text: string, timeoutMs: number): Promise<void> {
  const limited = { text, query_timeout: timeoutMs + 1_000 };
  await client.query(limited);
}

async function rowsOfStatement(client: Client, { sql, values, timeoutMs }: Statement): Promise<readonly SqlRow[]> {
  // In the extended protocol the server accepts one statement only.
  const extended = { text: sql, values: [...values], queryMode: 'extended', query_timeout: timeoutMs + 1_000 };
  const result = await client.query<SqlRow>(extended);
  return result.rows.map((row) => ({ ...row }));
}

/** By COPY. */
async function rowsOfTables(client: Client, { tables, timeoutMs }: TableRead): Promise<readonly SqlRow[]> {
  const missing = nullMarker();
  const rows: SqlRow[] = [];
  let chunks: Uint8Array[] = [];
  // The driver drops what COPY sends.
  const take = ({ chunk }: { readonly chunk: Uint8Array }): void => void chunks.push(chunk);
  const connection = connectionOf(client);
  connection?.on('copyData', take);
  try {
    for (const table of tables) {
      chunks = [];
      await send(client, copyStatement(table, missing), timeoutMs);
      rows.push(...rowsOfTable(table, Buffer.concat(chunks).toString('utf8'), missing));
    }
  } finally {
    connection?.off('copyData', take);
  }
  return rows;
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

export async function createClient(
  { password, md5 = false, ...address }: Login,
  config: ClientConfig,
): Promise<Client> {
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
export async function closeClient(client: Client): Promise<void> {
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
export function destroySocket(client: Client): void {
  socketOf(client)?.destroy();
}

function socketOf(client: Client): Socket | undefined {
  const connection = connectionOf(client);
  const stream: unknown = connection === undefined ? undefined : Reflect.get(connection, 'stream');
  return stream instanceof Socket ? stream : undefined;
}

export function sqlstateOf(error: unknown): string | undefined {
  const code = errorCode(error);
  return /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}
