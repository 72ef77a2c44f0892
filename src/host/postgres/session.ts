import { ProblemsError } from '../../errors.ts';
import { setSafePath } from '../../postgres/search-path.ts';
import { errorText } from '../../util/text.ts';
import { closeClient, createClient, destroySocket, type Login, queryOver, sqlstateOf } from './client.ts';
import type { SessionResult, SqlResult, SqlRow, SqlSession } from './types.ts';

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
