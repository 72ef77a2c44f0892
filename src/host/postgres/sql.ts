import { ProblemsError } from '../../errors.ts';
import { quoteLiteral } from '../../util/quote.ts';
import { setSafePath } from '../../postgres/search-path.ts';
import type { ChangingEngine } from '../docker/client.ts';
import { execIn } from '../exec.ts';
import type { Instance } from '../instance.ts';
import { type SentResult, type Login, openSessionOver, queryOver, type Statement } from './client.ts';
import type { Credentials } from './credentials.ts';
import type {
  SqlOptions,
  SqlReader,
  SqlResult,
  SqlRow,
  SqlWay,
  SessionOptions,
  SqlChanger,
  SqlSession,
} from './types.ts';

/**
 * Runs psql over the socket inside the container, which needs no port. Password and SQL come on standard input, since
 * `docker events` shows arguments. Answers are CSV, with a marker for null that no value can equal.
 */
async function queryThroughPsql(
  engine: ChangingEngine,
  container: string,
  login: Login,
  statement: Statement,
): Promise<SentResult> {
  if (statement.sql.includes('\\'))
    return failure('psql would read the backslash as a command, so the query cannot be sent this way.');
  const missing = `null-${crypto.randomUUID()}`;
  const script = [
    passwordFor(login.password),
    `\\pset null '${missing}'`,
    `${setSafePath}; SET statement_timeout = ${statement.timeoutMs}; SET lock_timeout = ${Math.min(statement.timeoutMs, 2_000)};`,
    ...(statement.readOnly ? ['BEGIN TRANSACTION READ ONLY;'] : []),
    ...(statement.values.length === 0
      ? [`${statement.sql}\n;`]
      : [
          `PREPARE problems_query AS ${statement.sql}\n;`,
          `EXECUTE problems_query(${statement.values.map((value) => quoteLiteral(value.replaceAll('\0', ''))).join(', ')});`,
        ]),
    ...(statement.readOnly ? ['ROLLBACK;'] : []),
    '',
  ].join('\n');
  const result = await execIn(engine, container, {
    command: [
      'sh',
      '-c',
      'IFS= read -r PGPASSWORD; export PGPASSWORD; exec psql -X -q --csv -v ON_ERROR_STOP=1 -v VERBOSITY=verbose',
    ],
    env: { PGUSER: login.user, PGDATABASE: login.database, PGCONNECT_TIMEOUT: '5', PGAPPNAME: 'problem-registry' },
    stdin: script,
    timeoutMs: statement.timeoutMs + 10_000,
    maxBytes: 8 * 2 ** 20,
  });
  if (result.exitCode !== 0) return refusalOf(result.stderr || result.stdout);
  return { ok: true, rows: rowsOf(result.stdout, missing), truncated: result.truncated, via: 'exec', sent: true };
}

function passwordFor(text: string | undefined): string {
  return text === undefined || /[\r\n]/.test(text) ? '' : text;
}

/** Parses `ERROR:  42P01: relation "x" does not exist`; a failed connection has no SQLSTATE. */
function refusalOf(stderr: string): SentResult {
  const match = /(?:ERROR|FATAL|PANIC): {1,2}(?:([0-9A-Z]{5}): )?(.*)/.exec(stderr);
  const message = match?.[2] ?? stderr.trim().split('\n')[0] ?? '';
  // psql could not connect.
  return { ok: false, message, sqlstate: match?.[1], via: 'exec', sent: !/^psql: /m.test(stderr) };
}

function failure(message: string): SentResult {
  return { ok: false, message, sqlstate: undefined, via: 'exec', sent: false };
}

function rowsOf(csv: string, missing: string): readonly SqlRow[] {
  const [header, ...lines] = parseCsv(csv);
  if (header === undefined) return [];
  return lines.map((line) =>
    Object.fromEntries(header.map((name, index) => [name, line[index] === missing ? null : (line[index] ?? null)])),
  );
}

/** CSV as psql writes it (RFC 4180). */
function parseCsv(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let row: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\r?\n|$)/y;
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    if (match === null) break;
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] !== ',') {
      rows.push(row);
      row = [];
    }
  }
  return rows;
}

/** Queries over the first way that reaches the server: published port, container address, psql in the container. */
export function openSql(
  engine: ChangingEngine,
  credentials: Credentials,
  signal: AbortSignal,
): { readonly reader: SqlReader; readonly changer: SqlChanger } {
  async function ask(instance: Instance, statement: Statement, options: SqlOptions): Promise<SqlResult> {
    const database = options.database ?? instance.database;
    const ways = (options.via === undefined ? (['published', 'network', 'exec'] as const) : [options.via]).flatMap(
      (way) => addressesOf(way, instance, engine),
    );
    let refused: SqlResult | undefined;
    for (const { way, host, port } of ways) {
      for (const password of await credentials.passwords(instance)) {
        const login = { host, port, user: instance.user, password, database };
        const { sent, ...result } =
          way === 'exec'
            ? await throughPsql(engine, instance.container.id, login, statement)
            : await queryOver(login, { ...statement, signal }, way);
        if (result.ok || !mayTryAnotherWay(result.sqlstate)) return result;
        // A second attempt could take effect twice.
        if (sent && !statement.readOnly)
          return result.sqlstate?.startsWith('28') === true ? result : outcomeUnknown(result);
        // The server's message says more than an error of the network.
        if (refused === undefined || (!refused.ok && refused.sqlstate === undefined)) refused = result;
        if (!result.sqlstate?.startsWith('28')) break;
      }
    }
    return (
      refused ?? {
        ok: false,
        message: `${instance.container.name} is not running or has no address.`,
        sqlstate: undefined,
        via: 'network',
      }
    );
  }

  async function openSession(instance: Instance, options: SessionOptions = {}): Promise<SqlSession> {
    const { address, application = 'problem-registry', database = instance.database, silenceMs = 60_000 } = options;
    const ways =
      address === undefined
        ? (['published', 'network'] as const).flatMap((way) => addressesOf(way, instance, engine))
        : [{ way: 'address' as const, ...address }];
    let refused: Extract<SqlResult, { readonly ok: false }> | undefined;
    for (const { way, host, port } of ways) {
      for (const password of await credentials.passwords(instance)) {
        const login = { host, port, user: instance.user, password, database };
        const opened = await openSessionOver(login, { application, silenceMs }, way);
        if (!('ok' in opened)) return opened;
        if (refused?.sqlstate === undefined) refused = opened;
        if (!opened.sqlstate?.startsWith('28')) break;
      }
      if (refused !== undefined && !mayTryAnotherWay(refused.sqlstate)) break;
    }
    throw sessionError(instance, database, refused);
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
    },
    changer: {
      execute: (instance, sql, options = {}) =>
        ask(instance, { ...statementOf(sql, options), readOnly: false }, options),
      openSession,
    },
  };
}

/** A server that is starting, or has no free connection slot, may accept the next attempt. */
function sessionError(
  { container }: Instance,
  database: string,
  refused: Extract<SqlResult, { readonly ok: false }> | undefined,
): ProblemsError {
  const { message, sqlstate } = refused ?? { message: 'it is not running or has no address', sqlstate: undefined };
  const later = sqlstate === undefined || /^(?:08|57P|53)/.test(sqlstate);
  return new ProblemsError(
    later ? 'engine-unreachable' : 'step-refused',
    `Cannot connect to ${database} of ${container.name}: ${sqlstate === undefined ? '' : `${sqlstate} `}${message}`,
  );
}

/** A container may stop or be paused in between; that is an answer, not an error. */
async function throughPsql(...question: Parameters<typeof queryThroughPsql>): Promise<SentResult> {
  try {
    return await queryThroughPsql(...question);
  } catch (error) {
    if (!(error instanceof ProblemsError) || error.code !== 'engine-refused') throw error;
    const sent = !error.message.startsWith('exec in ');
    return { ok: false, message: error.message, sqlstate: undefined, via: 'exec', sent };
  }
}

function outcomeUnknown(lost: Extract<SqlResult, { readonly ok: false }>): SqlResult {
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

function addressesOf(
  way: SqlWay,
  { container, port }: Instance,
  engine: ChangingEngine,
): readonly { readonly way: SqlWay; readonly host: string; readonly port: number }[] {
  // In a restart loop the engine reports it as running, though no server is up.
  if (!container.state.running || container.state.status === 'restarting') return [];
  if (way === 'exec') return [{ way, host: '', port }];
  if (way === 'network') {
    if (!engine.local) return [];
    return container.endpoints.filter(({ ipv4 }) => ipv4 !== '').map(({ ipv4 }) => ({ way, host: ipv4, port }));
  }
  return container.publishedPorts
    .filter((published) => published.containerPort === port && published.protocol === 'tcp')
    .map(({ hostIp, hostPort }) => ({ way, host: addressOf(hostIp, engine), port: Number(hostPort) }));
}

function addressOf(hostIp: string, engine: ChangingEngine): string {
  if (!engine.local) return engine.hostname;
  if (hostIp === '::') return '::1';
  return hostIp === '' || hostIp === '0.0.0.0' ? '127.0.0.1' : hostIp;
}
