import type { ChangingEngine } from './docker/client.ts';
import { execIn } from './exec.ts';
import { type Asked, type Login, ownPath, type Statement } from './postgres/client.ts';
import type { SqlRow } from './postgres/types.ts';

/**
 * The way in that needs no port: psql over the socket inside the container. Password and SQL go through stdin, since
 * arguments show up in `docker events`. Answers come as CSV, with a null that no value can be taken for.
 */
export async function queryThroughPsql(
  engine: ChangingEngine,
  container: string,
  login: Login,
  statement: Statement,
): Promise<Asked> {
  if (statement.sql.includes('\\'))
    return failure('A backslash would be a command to psql: the query is not sent this way.');
  const missing = `null-${crypto.randomUUID()}`;
  const script = [
    password(login.password),
    `\\pset null '${missing}'`,
    `SET search_path = ${ownPath}; SET statement_timeout = ${statement.timeoutMs}; SET lock_timeout = ${Math.min(statement.timeoutMs, 2_000)};`,
    ...(statement.readOnly ? ['BEGIN TRANSACTION READ ONLY;'] : []),
    ...(statement.values.length === 0
      ? [`${statement.sql}\n;`]
      : [
          `PREPARE problems_query AS ${statement.sql}\n;`,
          `EXECUTE problems_query(${statement.values.map(literal).join(', ')});`,
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

function password(text: string | undefined): string {
  return text === undefined || /[\r\n]/.test(text) ? '' : text;
}

function literal(value: string): string {
  return `E'${value.replaceAll('\0', '').replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/** `ERROR:  42P01: relation "x" does not exist`; a connection that failed carries no SQLSTATE. */
function refusalOf(stderr: string): Asked {
  const match = /(?:ERROR|FATAL|PANIC): {1,2}(?:([0-9A-Z]{5}): )?(.*)/.exec(stderr);
  const message = match?.[2] ?? stderr.trim().split('\n')[0] ?? '';
  // Its own words, without a line of the script before them: it had no connection yet.
  return { ok: false, message, sqlstate: match?.[1], via: 'exec', sent: !/^psql: /m.test(stderr) };
}

function failure(message: string): Asked {
  return { ok: false, message, sqlstate: undefined, via: 'exec', sent: false };
}

function rowsOf(csv: string, missing: string): readonly SqlRow[] {
  const [header, ...lines] = parseCsv(csv);
  if (header === undefined) return [];
  return lines.map((line) =>
    Object.fromEntries(header.map((name, index) => [name, line[index] === missing ? null : (line[index] ?? null)])),
  );
}

/** RFC 4180, as psql writes it. */
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
