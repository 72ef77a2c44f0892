import { EventEmitter } from 'node:events';
import { Duplex } from 'node:stream';
import type * as Driver from 'pg';
import type { CustomTypesConfig, Pool, PoolClient, PoolConfig } from 'pg';
import { ProblemsError } from '../../errors.ts';
import { errorCode, errorText } from '../../util/text.ts';
import type { Row } from '../rows.ts';
import type { Place } from './connection.ts';

export type Value = string | number | boolean | null | undefined | readonly (string | null)[];

/** Runs statements, either within one transaction or each on its own. */
export interface Session {
  rows(sql: string, ...values: readonly Value[]): Promise<readonly Row[]>;
  /** Runs any text, in the form that pg-boss asks for. */
  readonly raw: { executeSql(text: string, values?: unknown[]): Promise<{ rows: unknown[] }> };
}

export interface Server extends Session {
  /** `host:port/database`. */
  readonly name: string;
  /** One statement that is a transaction of its own, and is begun again if another one was in its way. */
  change(sql: string, ...values: readonly Value[]): Promise<readonly Row[]>;
  /** Commits what `work` did, or nothing. Begins again if another transaction was in its way. */
  writing<Result>(work: (session: Session) => Promise<Result>): Promise<Result>;
  /** Shows `work` one state of the queue. */
  reading<Result>(work: (session: Session) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

/** A worker whose host has died must not keep others waiting: the server ends its transaction. In milliseconds. */
const patience = { statement_timeout: 30_000, lock_timeout: 15_000, idle_in_transaction_session_timeout: 15_000 };

const settingNames = [...Object.keys(patience), 'options'];

/** What a transaction behind a pooler begins with: there the next one may get another connection, on which nothing was set. */
const pooledPatience = Object.entries(patience)
  .map(([name, ms]) => `; SET LOCAL ${name} = ${ms}`)
  .join('');

/**
 * Connects, and keeps up to `most` connections. Behind a pooler in transaction mode, whatever must hold for a statement is said in
 * its transaction, and no statement is prepared for another one.
 * @throws ProblemsError `store-unreachable`.
 */
export async function connect({ name, ways }: Place, most = 4): Promise<Server> {
  const { default: pg } = await import('pg');
  let failure: unknown;
  for (const way of ways) {
    try {
      return await open(pg, way, most, name);
    } catch (error) {
      const isWithoutTls = /does not support SSL/.test(errorText(error));
      if (!isWithoutTls || failure === undefined) failure = error;
      // A server with TLS that refuses the login would refuse it without TLS too.
      if (way.ssl !== false && !isWithoutTls) break;
    }
  }
  throw unreachable(name, failure);
}

/** First as to a server itself; a pooler refuses the settings that a connection begins with, or ignores them. */
async function open(
  pg: Pick<typeof Driver, 'Client' | 'Pool' | 'types'>,
  way: PoolConfig,
  most: number,
  name: string,
): Promise<Server> {
  // The plan of a claim is the same for all values; to look for a better one each time takes longer than carrying it out.
  const options = `${process.env['PGOPTIONS'] ?? ''} -c plan_cache_mode=force_generic_plan`.trim();
  const pool = poolOf(pg, { ...way, ...patience, options }, most);
  try {
    const { rows } = await pool.query<Row>(`SELECT setting FROM pg_settings WHERE name = 'statement_timeout'`);
    if (Number(rows[0]?.['setting']) === patience.statement_timeout) return serverOf(pool, pg.types, name, false);
  } catch (error) {
    if (!settingNames.some((one) => errorText(error).includes(`unsupported startup parameter: ${one}`))) {
      await pool.end();
      throw error;
    }
  }
  await pool.end();
  const pooled = poolOf(pg, way, most);
  try {
    (await pooled.connect()).release();
    return serverOf(pooled, pg.types, name, true);
  } catch (error) {
    await pooled.end();
    throw error;
  }
}

function poolOf({ Pool, Client }: Pick<typeof Driver, 'Client' | 'Pool'>, way: PoolConfig, most: number): Pool {
  const isChecked = typeof way.ssl === 'object' && way.ssl.rejectUnauthorized !== false;
  const pool = new Pool({
    ...way,
    ...(isChecked ? {} : { Client: keepingPasswords(Client) }),
    max: most,
    keepAlive: true,
    // The half of a connection that is left when a network fails: the client must notice too.
    query_timeout: patience.statement_timeout + 5_000,
    allowExitOnIdle: true,
  });
  // A connection that breaks is replaced when the next one is needed. Its statement fails, but without a listener for this event
  // the process would end with it.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/**
 * The driver answers whatever a server asks for. One whose certificate was not checked gets neither the password nor an MD5
 * hash of it.
 */
function keepingPasswords(Client: typeof Driver.Client): typeof Driver.Client {
  return new Proxy(Client, {
    construct(target, [config]: [PoolConfig]) {
      const client = new target(config);
      const connection: unknown = 'connection' in client ? client.connection : undefined;
      if (!(connection instanceof EventEmitter)) throw new TypeError('The driver has no connection to watch.');
      for (const question of ['authenticationCleartextPassword', 'authenticationMD5Password'])
        connection.prependListener(question, () => {
          const stream: unknown = 'stream' in connection ? connection.stream : undefined;
          if (!(stream instanceof Duplex)) throw new TypeError('The driver has no stream to close.');
          stream.destroy(
            new Error('The server asks for the password in clear text or as an MD5 hash, so it was not sent.'),
          );
        });
      return client;
    },
  });
}

function serverOf(pool: Pool, types: CustomTypesConfig, name: string, isPooled: boolean): Server {
  // Times as text that sorts, and counters as numbers: the same rows as from SQLite.
  const parsers: CustomTypesConfig = {
    getTypeParser(...kind) {
      const [oid] = kind.map(Number);
      if (oid === timestamptz) return (text: unknown) => new Date(String(text)).toISOString();
      if (oid === int8) return Number;
      const parser: unknown = types.getTypeParser(...kind);
      return parser;
    },
  };

  function sessionOn(client: Pick<Pool | PoolClient, 'query'>): Session {
    return {
      async rows(sql, ...values) {
        // Prepared once for each connection: planning a claim takes longer than carrying it out.
        const result = await client.query({
          ...(isPooled ? {} : { name: nameOf(sql) }),
          text: sql,
          values: values.map(storable),
          types: parsers,
        });
        const rows: readonly Row[] = result.rows;
        return rows;
      },
      raw: {
        async executeSql(text, values) {
          // A text of several statements has a result for each; pg-boss asks for the rows of all.
          const result: unknown = await client.query(text, values);
          return { rows: Array.isArray(result) ? result.flatMap(rowsIn) : rowsIn(result) };
        },
      },
    };
  }

  async function once<Result>(begin: string, work: (session: Session) => Promise<Result>): Promise<Result> {
    const client = await pool.connect();
    let isSound = false;
    try {
      await client.query(isPooled ? begin + pooledPatience : begin);
      try {
        const result = await work(sessionOn(client));
        // COMMIT of a transaction that has failed answers ROLLBACK.
        const { command } = await client.query('COMMIT');
        if (command !== 'COMMIT') throw new Error('The transaction was rolled back.');
        isSound = true;
        return result;
      } catch (error) {
        isSound = await client.query('ROLLBACK').then(
          () => !isBroken(error),
          () => false,
        );
        throw error;
      }
    } finally {
      client.release(!isSound);
    }
  }

  async function guarded<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw asProblem(error, name);
    }
  }

  const direct = sessionOn(pool);
  function alone(sql: string, values: readonly Value[]): Promise<readonly Row[]> {
    return isPooled ? once('BEGIN', (session) => session.rows(sql, ...values)) : direct.rows(sql, ...values);
  }
  return {
    name,
    rows: (sql, ...values) => guarded(() => alone(sql, values)),
    raw: direct.raw,
    change: (sql, ...values) => guarded(() => repeatedly(() => alone(sql, values))),
    writing: (work) => guarded(() => repeatedly(() => once('BEGIN', work))),
    reading: (work) => guarded(() => once('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', work)),
    close: () => pool.end(),
  };
}

async function repeatedly<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === mostAttempts || !isInTheWay(error)) throw error;
    }
  }
}

/** Object ids of types, which no version changes. */
const timestamptz = 1184;

const int8 = 20;

const names = new Map<string, string>();

/** The name of a prepared statement. Texts are a few dozen, made of constants. */
function nameOf(sql: string): string {
  const name = names.get(sql) ?? `problems_${names.size}`;
  names.set(sql, name);
  return name;
}

const mostAttempts = 50;

/** The index that lets only one task of a serial key be claimed. */
const keyIndex = 'task_key';

/** Another transaction was quicker: serialization failure, deadlock, or a claim of a task with the same key. */
function isInTheWay(error: unknown): boolean {
  const code = errorCode(error);
  return code === '40001' || code === '40P01' || (code === '23505' && errorText(error).includes(keyIndex));
}

/** Errors of the connection, not of the statement; after them it is unknown whether the statement took effect. */
function isBroken(error: unknown): boolean {
  const code = errorCode(error) ?? '';
  return !/^[0-9A-Z]{5}$/.test(code) || /^(?:08|57P|25P)/.test(code);
}

function asProblem(error: unknown, name: string): unknown {
  if (error instanceof ProblemsError) return error;
  const code = errorCode(error) ?? '';
  if (code === '42501')
    return new ProblemsError('state-unwritable', `The role may not do this in ${name}: ${errorText(error)}.`, {
      hint: 'docs/swarm.md says which privileges the queue needs.',
    });
  return isBroken(error) || code.startsWith('53') ? unreachable(name, error) : error;
}

/** Messages of the driver and the server name users, hosts and databases, and never passwords. */
function unreachable(name: string, error: unknown): ProblemsError {
  return new ProblemsError('store-unreachable', `The queue at ${name} cannot be reached: ${reasonOf(error)}`, {
    hint: 'Check the server, the login and sslmode. Claims that are held go on until their leases end.',
  });
}

function reasonOf(error: unknown): string {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  return errors.map((one) => errorText(one)).join('; ');
}

/** PostgreSQL stores neither NUL nor half of a surrogate pair. */
function storable(value: Value): Value {
  if (typeof value === 'string') return storableText(value);
  return Array.isArray(value) ? value.map((one: string | null) => (one === null ? null : storableText(one))) : value;
}

function storableText(text: string): string {
  return text.replaceAll('\0', '\u{FFFD}').toWellFormed();
}

function rowsIn(result: unknown): unknown[] {
  return typeof result === 'object' && result !== null && 'rows' in result && Array.isArray(result.rows)
    ? result.rows
    : [];
}
