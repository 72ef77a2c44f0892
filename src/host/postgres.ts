import type { SqlResult, SqlRow, SqlWay } from './types.ts';

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

function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

function sqlstateOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}
