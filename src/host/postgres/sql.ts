import { setTimeout as sleep } from 'node:timers/promises';
import { ProblemsError } from '../../errors.ts';
import { quoteLiteral } from '../../util/quote.ts';
import type { ChangingEngine } from '../docker/client.ts';
import type { HelperResult } from '../docker/types.ts';
import { execIn } from '../exec.ts';
import type { Instance } from '../instance.ts';
import { endBackend } from '../probes/backends.ts';
import { addressesBy, addressesOf } from './addresses.ts';
import { adviceForLogin, loginState } from './authentication.ts';
import {
  beginning,
  type Connection,
  type KeepConnection,
  type Login,
  type Question,
  queryOver,
  queryOverKept,
  type SentResult,
  type Statement,
  type TableRead,
} from './client.ts';
import type { Credentials } from './credentials.ts';
import { copyStatement, nullMarker, rowsOfCsv, rowsOfTable } from './csv.ts';
import type { ConnectionKeeper } from './kept-connections.ts';
import { openSessionOver } from './session.ts';
import type { SqlOptions, SqlReader, SqlResult, SessionOptions, SqlChanger, SqlSession } from './types.ts';

type Refused = Extract<SqlResult, { readonly ok: false }>;

/**
 * Runs psql over the socket inside the container, which needs no port. Password and SQL come on standard input, since
 * `docker events` shows arguments. Answers are CSV.
 */
async function runPsql(
  engine: ChangingEngine,
  container: string,
  login: Login,
  { timeoutMs, readOnly }: Pick<Statement, 'timeoutMs' | 'readOnly'>,
  lines: readonly string[],
): Promise<HelperResult> {
  return execIn(engine, container, {
    command: [
      'sh',
      '-c',
      'IFS= read -r PGPASSWORD; export PGPASSWORD; exec psql -X -q --csv -v ON_ERROR_STOP=1 -v VERBOSITY=verbose',
    ],
    env: {
      PGUSER: login.user,
      PGDATABASE: login.database,
      // The name of the socket ends with it.
      PGPORT: String(login.port),
      PGCONNECT_TIMEOUT: '5',
      PGAPPNAME: 'problem-registry',
    },
    stdin: [
      passwordFor(login.password),
      `${beginning({ timeoutMs, readOnly })};`,
      ...lines,
      ...(readOnly ? ['ROLLBACK;'] : []),
      '',
    ].join('\n'),
    timeoutMs: timeoutMs + 10_000,
    maxBytes: 8 * 2 ** 20,
  });
}

async function queryThroughPsql(
  engine: ChangingEngine,
  container: string,
  login: Login,
  statement: Statement,
): Promise<SentResult> {
  if (statement.sql.includes('\\'))
    return failure('psql would read the backslash as a command, so the query cannot be sent this way.');
  const missing = nullMarker();
  const result = await runPsql(engine, container, login, statement, [
    `\\pset null '${missing}'`,
    ...(statement.values.length === 0
      ? [`${statement.sql}\n;`]
      : [
          `PREPARE problems_query AS ${statement.sql}\n;`,
          `EXECUTE problems_query(${statement.values.map((value) => quoteLiteral(value.replaceAll('\0', ''))).join(', ')});`,
        ]),
  ]);
  if (result.exitCode !== 0) return refusalOf(result.stderr || result.stdout);
  return { ok: true, rows: rowsOfCsv(result.stdout, missing), truncated: result.truncated, via: 'exec', sent: true };
}

async function readTablesThroughPsql(
  engine: ChangingEngine,
  container: string,
  login: Login,
  read: TableRead,
): Promise<SentResult> {
  const missing = nullMarker();
  const lines = read.tables.flatMap((table) => [`${copyStatement(table, missing)};`, `\\echo 'end-${missing}'`]);
  const result = await runPsql(engine, container, login, read, lines);
  if (result.exitCode !== 0) return refusalOf(result.stderr || result.stdout);
  if (result.truncated) return failure('The tables have more than 8 MiB.');
  const parts = result.stdout.split(`end-${missing}\n`);
  const rows = read.tables.flatMap((table, place) => rowsOfTable(table, parts[place] ?? '', missing));
  return { ok: true, rows, truncated: false, via: 'exec', sent: true };
}

function passwordFor(text: string | undefined): string {
  return text === undefined || /[\r\n]/.test(text) ? '' : text;
}

/** Parses `ERROR:  42P01: relation "x" does not exist`; a failed connection has no SQLSTATE, but its text may tell. */
function refusalOf(stderr: string): SentResult {
  const match = /(?:ERROR|FATAL|PANIC): {1,2}(?:([0-9A-Z]{5}): )?(.*)/.exec(stderr);
  const message = match?.[2] ?? stderr.trim().split('\n')[0] ?? '';
  // psql could not connect.
  return {
    ok: false,
    message,
    sqlstate: match?.[1] ?? loginState(stderr),
    via: 'exec',
    sent: !/^psql: /m.test(stderr),
  };
}

function failure(message: string): SentResult {
  return { ok: false, message, sqlstate: undefined, via: 'exec', sent: false };
}

export interface SqlSources {
  readonly engine: ChangingEngine;
  readonly credentials: Credentials;
  readonly signal: AbortSignal;
  /** Names of instances whose servers may ask for an MD5 hash of the password. Default: none. */
  readonly md5?: readonly string[];
  /** Keeps the connections that `takeSlot` opens. */
  readonly slots: ConnectionKeeper<Connection>;
  /** Keeps all others between two questions. Default: each is closed once its question is answered. */
  readonly shared?: ConnectionKeeper<Connection>;
}

/**
 * Queries over a kept connection, or else over the first way that reaches the server: published port, container address, psql
 * in the container.
 */
export function openSql({ engine, credentials, signal, md5 = [], slots, shared }: SqlSources): {
  readonly reader: SqlReader;
  readonly changer: SqlChanger;
} {
  function allowsMd5({ name }: Instance): boolean {
    return md5.includes(name);
  }

  async function askKept(
    { container, user }: Instance,
    question: Question,
    database: string,
  ): Promise<SentResult | undefined> {
    for (const keeper of [slots, shared]) {
      const connection = await keeper?.take(container.id, { user, database });
      if (keeper === undefined || connection === undefined) continue;
      const answer = await queryOverKept(connection, { ...question, signal }, (kept) =>
        keeper.keep(container.id, kept),
      );
      if (answer !== undefined) return answer;
    }
    return undefined;
  }

  /** A server without a free slot may have one once the connection to another of its databases is closed. */
  async function inFreeSlot({ container }: Instance, askNow: () => Promise<SentResult>): Promise<SentResult> {
    const answer = await askNow();
    const isFull = !answer.ok && answer.sqlstate === tooManyConnections && !answer.sent;
    return isFull && ((await shared?.release(container.id)) ?? 0) > 0 ? askNow() : answer;
  }

  async function ask(instance: Instance, question: Question, options: SqlOptions, keeper = shared): Promise<SqlResult> {
    const database = options.database ?? instance.database;
    const known = options.via === undefined ? await askKept(instance, question, database) : undefined;
    if (known !== undefined) {
      const { sent, ...result } = known;
      return !result.ok && sent && !question.readOnly && mayTryAnotherWay(result.sqlstate)
        ? outcomeUnknown(result)
        : result;
    }
    const keep: KeepConnection | undefined =
      options.via === undefined && keeper !== undefined
        ? (connection) => keeper.keep(instance.container.id, connection)
        : undefined;
    const ways = (options.via === undefined ? (['published', 'network', 'exec'] as const) : [options.via]).flatMap(
      (way) => addressesBy(way, instance, engine),
    );
    let refused: Refused | undefined;
    let misbehaves = false;
    for (const { way, host, hosts, port } of ways) {
      const server = way === 'exec' ? undefined : { hosts, port, database };
      for (const password of await credentials.passwords(instance, server)) {
        const login = { host, port, user: instance.user, password, database, md5: allowsMd5(instance) };
        const askAt = async (): Promise<SentResult> =>
          way === 'exec'
            ? throughPsql(engine, instance.container.id, login, question)
            : queryOver(login, { ...question, signal }, way, keep);
        const { sent, ...result } = await inFreeSlot(instance, askAt);
        if (result.ok || !mayTryAnotherWay(result.sqlstate)) return result;
        // A second attempt could take effect twice.
        if (sent && !question.readOnly)
          return result.sqlstate?.startsWith('28') === true ? result : outcomeUnknown(result);
        misbehaves ||= result.misbehaves === true;
        // The server's message says more than an error of the network.
        if (refused?.sqlstate === undefined) refused = result;
        if (!result.sqlstate?.startsWith('28')) break;
      }
    }
    if (refused === undefined)
      return {
        ok: false,
        message: `${instance.container.name} is not running, is paused or has no address.`,
        sqlstate: undefined,
        via: 'network',
      };
    return explain({ ...refused, ...(misbehaves ? { misbehaves } : {}) }, instance);
  }

  /** A refused login may be for want of a password that the container must not get. */
  async function explain(refused: Refused, instance: Instance): Promise<Refused> {
    const isLogin = refused.sqlstate?.startsWith('28') === true || refused.message.includes('password');
    if (!isLogin) return refused;
    const advice = (): string | undefined =>
      refused.sqlstate?.startsWith('28') === true
        ? adviceForLogin(refused.sqlstate, instance, addressesOf(instance, engine)[0])
        : undefined;
    const reason = (await credentials.withheld(instance)) ?? advice();
    return reason === undefined ? refused : { ...refused, message: `${refused.message}. ${reason}` };
  }

  async function openSession(instance: Instance, options: SessionOptions = {}): Promise<SqlSession> {
    const { address, application = 'problem-registry', database = instance.database, silenceMs = 60_000 } = options;
    const { user = instance.user } = options;
    const ways =
      address === undefined
        ? (['published', 'network'] as const).flatMap((way) => addressesBy(way, instance, engine))
        : [{ way: 'address' as const, hosts: [address.host], chosen: true as const, ...address }];
    let refused: Refused | undefined;
    for (const { way, host, ...server } of ways) {
      const { port } = server;
      for (const password of await credentials.passwords(instance, { ...server, database, user })) {
        const login = { host, port, user, password, database, md5: allowsMd5(instance) };
        const opened = await openSessionOver(login, { application, silenceMs }, way);
        if (!('ok' in opened)) return opened;
        if (refused?.sqlstate === undefined) refused = opened;
        if (!opened.sqlstate?.startsWith('28')) break;
      }
      if (refused !== undefined && !mayTryAnotherWay(refused.sqlstate)) break;
    }
    throw sessionError(instance, database, refused === undefined ? undefined : await explain(refused, instance));
  }

  async function takeSlot(instance: Instance, { patienceMs }: { readonly patienceMs: number }): Promise<SqlResult> {
    const until = performance.now() + patienceMs;
    for (;;) {
      const question = { ...statementOf('SELECT 1', {}), readOnly: true };
      const answer = await ask(instance, question, {}, slots);
      if (answer.ok || answer.sqlstate !== tooManyConnections || performance.now() > until) return answer;
      // Other clients try too, so not for long.
      await sleep(20, undefined, { signal });
    }
  }

  return {
    reader: {
      async query(instance, sql, options = {}) {
        if (sql.includes(';'))
          throw new ProblemsError('bad-usage', 'A read-only query must be one statement without a semicolon.');
        const maxRows = options.maxRows ?? 1_000;
        const result = await ask(
          instance,
          { ...statementOf(limitRows(sql, maxRows), options), readOnly: true },
          options,
        );
        if (!result.ok || result.rows.length <= maxRows) return result;
        return { ...result, rows: result.rows.slice(0, maxRows), truncated: true };
      },
      readTables: (instance, tables, options = {}) =>
        ask(instance, { tables, timeoutMs: options.timeoutMs ?? 5_000, readOnly: true }, options),
    },
    changer: {
      execute: (instance, sql, options = {}) =>
        ask(instance, { ...statementOf(sql, options), readOnly: false }, options),
      openSession,
      endBackend: (instance, process) => endBackend(engine, instance, process),
      takeSlot,
    },
  };
}

/** SQLSTATE of a server, role or database whose slots are all taken. */
const tooManyConnections = '53300';

/** A server that is starting, or has no free connection slot, may accept the next attempt. */
function sessionError({ container }: Instance, database: string, refused: Refused | undefined): ProblemsError {
  const { message, sqlstate } = refused ?? {
    message: 'it is not running, is paused or has no address',
    sqlstate: undefined,
  };
  const later = sqlstate === undefined || /^(?:08|57P|53)/.test(sqlstate);
  return new ProblemsError(
    later ? 'engine-unreachable' : 'step-refused',
    `Cannot connect to ${database} of ${container.name}: ${sqlstate === undefined ? '' : `${sqlstate} `}${message}`,
  );
}

/** A container may stop or be paused in between; that is an answer, not an error. */
async function throughPsql(
  engine: ChangingEngine,
  container: string,
  login: Login,
  question: Statement | TableRead,
): Promise<SentResult> {
  try {
    return 'tables' in question
      ? await readTablesThroughPsql(engine, container, login, question)
      : await queryThroughPsql(engine, container, login, question);
  } catch (error) {
    if (!(error instanceof ProblemsError) || error.code !== 'engine-refused') throw error;
    const sent = !error.message.startsWith('exec in ');
    return { ok: false, message: error.message, sqlstate: undefined, via: 'exec', sent };
  }
}

function outcomeUnknown(lost: Refused): SqlResult {
  return { ...lost, message: `${lost.message}: connection lost after the statement was sent, outcome unknown` };
}

function statementOf(sql: string, options: SqlOptions): Omit<Statement, 'readOnly'> {
  return { sql, values: options.values ?? [], timeoutMs: options.timeoutMs ?? 5_000 };
}

function limitRows(sql: string, maxRows: number): string {
  return /^\s*(select|with|values|table)\b/i.test(sql)
    ? `SELECT * FROM (${sql}\n) AS bounded LIMIT ${maxRows + 1}`
    : sql;
}

/** There was no connection, or pg_hba.conf refused this way or password. */
function mayTryAnotherWay(sqlstate: string | undefined): boolean {
  return sqlstate === undefined || sqlstate.startsWith('08') || sqlstate.startsWith('28');
}
