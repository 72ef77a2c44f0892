import pg from 'pg';

import type { LabInstance, Session } from './instance.ts';

/** A connection from this process, as an application would have it. */
export interface Client {
  query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** The values as the server sends them; null for NULL. */
  rows(sql: string): Promise<readonly (readonly (string | null)[])[]>;
  end(): Promise<void>;
}

/** Connects over TCP: through the published port if there is one, else to the container's address. */
export async function connect(
  instance: LabInstance,
  session: Session = {},
  { patienceMs = 30_000 } = {},
): Promise<Client> {
  const { user = instance.user, password = instance.password, database = instance.database } = session;
  const address = await addressOf(instance);
  const client = new pg.Client({ ...address, user, password, database, connectionTimeoutMillis: patienceMs });
  // A connection that is killed says so here too, and unheard it would end the process.
  client.on('error', () => undefined);
  await client.connect();
  return {
    async query(sql) {
      const result: pg.QueryResult<Record<string, unknown>> = await client.query(sql);
      return result.rows;
    },
    async rows(sql) {
      const types = { getTypeParser: () => (value: string) => value };
      const result: pg.QueryArrayResult<(string | null)[]> = await client.query({ text: sql, rowMode: 'array', types });
      return result.rows;
    },
    end: () => client.end(),
  };
}

/** The code and words with which `work` is refused, by PostgreSQL (SQLSTATE) or the system (ECONNREFUSED and such). */
export async function refusalOf(work: Promise<unknown>): Promise<{ readonly code: string; readonly message: string }> {
  try {
    await work;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return { code, message: error instanceof Error ? error.message : String(error) };
  }
  throw new Error('it was not refused');
}

async function addressOf(instance: LabInstance): Promise<{ host: string; port: number }> {
  if (instance.port !== undefined) return { host: '127.0.0.1', port: instance.port };
  const { NetworkSettings } = await instance.container.inspect();
  const host = Object.values(NetworkSettings.Networks)[0]?.IPAddress;
  if (host === undefined || host === '') throw new Error(`${instance.containerName} has no address`);
  return { host, port: 5432 };
}
