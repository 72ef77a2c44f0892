import { z } from 'zod';
import type { Creation, Reading, SampledDay, Samples } from '../store.ts';
import type { Database, Row } from './database.ts';

const keptDays = 180;
const keptCreations = 5_000;

const result = z.enum(['waiting', 'started', 'failed']);

/** What was seen of the instances of one engine: one row a day for each, and one for each container. */
export function samplesOf(database: Database, host: string): Samples {
  /** Whether the counter of kills has grown. It starts at 0 with the container. */
  function isKilled({ instance, container, startedAt, oomKills }: Reading): boolean {
    const last = database.one(
      'SELECT container, started_at, oom_kills FROM sample WHERE host = ? AND instance = ? ORDER BY day DESC LIMIT 1',
      host,
      instance,
    );
    const isSame = last?.['container'] === container && last['started_at'] === startedAt;
    return oomKills > (isSame ? Number(last?.['oom_kills']) : 0);
  }

  function noteReading(reading: Reading, day: string): void {
    database.run(
      `INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
        container = excluded.container, started_at = excluded.started_at, oom_kills = excluded.oom_kills,
        memory_limit = excluded.memory_limit, max_connections = excluded.max_connections,
        memory = max(memory, excluded.memory), killed = max(killed, excluded.killed),
        sessions = coalesce(max(sessions, excluded.sessions), sessions, excluded.sessions)`,
      host,
      reading.instance,
      day,
      reading.container,
      reading.startedAt,
      reading.limit,
      reading.memory,
      reading.oomKills,
      isKilled(reading) ? 1 : 0,
      reading.sessions,
      reading.maxConnections,
    );
  }

  function noteCreation(creation: Creation): void {
    database.run(
      `INSERT INTO creation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
        started_at = excluded.started_at, conflict = excluded.conflict, result = excluded.result
        WHERE result = 'waiting' AND excluded.result <> 'waiting'`,
      host,
      creation.container,
      creation.instance,
      creation.createdAt,
      creation.startedAt,
      creation.explicitPort ? 1 : 0,
      creation.conflict ? 1 : 0,
      creation.result,
      creation.instances,
    );
  }

  function dropOld(at: string): void {
    const oldest = new Date(Date.parse(at) - keptDays * 86_400_000).toISOString().slice(0, 10);
    database.run('DELETE FROM sample WHERE host = ? AND day < ?', host, oldest);
    database.run(
      'DELETE FROM creation WHERE host = ?1 AND container NOT IN (SELECT container FROM creation WHERE host = ?1 ORDER BY created_at DESC, container LIMIT ?2)',
      host,
      keptCreations,
    );
  }

  return {
    async note({ readings, creations, at }) {
      database.writing(() => {
        for (const reading of readings) noteReading(reading, at.slice(0, 10));
        for (const creation of creations) noteCreation(creation);
        dropOld(at);
      });
    },
    async days() {
      return database.all('SELECT * FROM sample WHERE host = ? ORDER BY instance, day', host).map(dayOf);
    },
    async creations() {
      return database.all('SELECT * FROM creation WHERE host = ? ORDER BY created_at, container', host).map(creationOf);
    },
  };
}

function dayOf(row: Row): SampledDay {
  return {
    instance: String(row['instance']),
    day: String(row['day']),
    limit: Number(row['memory_limit']),
    memory: Number(row['memory']),
    killed: row['killed'] === 1,
    sessions: row['sessions'] === null ? null : Number(row['sessions']),
    maxConnections: Number(row['max_connections']),
  };
}

function creationOf(row: Row): Creation {
  return {
    instance: String(row['instance']),
    container: String(row['container']),
    createdAt: String(row['created_at']),
    startedAt: row['started_at'] === null ? null : String(row['started_at']),
    explicitPort: row['explicit_port'] === 1,
    conflict: row['conflict'] === 1,
    result: result.parse(row['result']),
    instances: Number(row['instances']),
  };
}
