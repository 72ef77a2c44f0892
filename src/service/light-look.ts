import type { Container } from '../host/docker/types.ts';
import type { Instance } from '../host/instance.ts';
import type { SqlResult, SqlRow } from '../host/postgres/types.ts';
import type { Remediation } from '../app/remediation.ts';
import type { ReadonlyHost } from '../remediation/contract.ts';
import { isAnswer } from '../remediation/shared/availability.ts';
import { errorText } from '../util/text.ts';
import type { InstanceStatus } from './types.ts';

/** What one look at an instance has seen. Texts are redacted. */
export interface Look {
  readonly instance: string;
  readonly status: InstanceStatus;
  /** Why it is not `up`; null if it is. */
  readonly reason: string | null;
  readonly container: ContainerFacts | null;
  readonly memory: { readonly usage: number; readonly limit: number } | null;
  readonly serverVersion: string | null;
  readonly connections: { readonly used: number; readonly limit: number } | null;
  /** Undefined: it was not asked this time. */
  readonly databaseBytes: number | null | undefined;
  readonly checksumFailures: number | null;
  readonly suspended: { readonly reason: string; readonly since: string } | null;
}

export interface ContainerFacts {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly address: string | null;
  readonly createdAt: string;
  /** RFC 3339; changes with each start. */
  readonly startedAt: string;
  /** By the engine, since its last manual start. */
  readonly restarts: number;
  /** Its limit in bytes; 0: none. */
  readonly memory: number;
}

/** The instances that were seen, and what the engine tells of their containers, for creations. */
export interface Looks {
  readonly looks: readonly Look[];
  readonly instances: readonly Instance[];
}

/** Instances that are asked at the same time. */
const together = 8;

const queryTimeoutMs = 5_000;

/** From PostgreSQL 12 on. `numbackends` needs no rights; checksum failures are NULL without checksums. */
const question = `SELECT current_setting('server_version') AS version, current_setting('max_connections') AS connections_limit,
  sum(numbackends)::text AS connections, sum(checksum_failures)::text AS checksum_failures FROM pg_stat_database`;

/** Counts the files of every database, so it is not asked at every look. */
const sizeQuestion = `SELECT sum(pg_database_size(oid)) FILTER (WHERE has_database_privilege(oid, 'CONNECT'))::text AS bytes
  FROM pg_database WHERE datallowconn`;

/**
 * Looks at instances without a helper container: the engine's list, one query, and the numbers of `docker stats` for each.
 * Instances that are expected and have no container are `down`.
 * @param request.only Names; default: all. `sizes`: whether to ask for the size of the databases too.
 * @throws ProblemsError `engine-unreachable`.
 */
export async function lookLightly(
  { session }: Remediation,
  request: { readonly only?: ReadonlySet<string>; readonly sizes: boolean },
): Promise<Looks> {
  const { reader, redact, seenInstances, store } = session;
  const present = await reader.instances();
  const expected = await reader.expected();
  const fresh = present.filter(({ name }) => !expected.some((one) => one.name === name)).map(({ name }) => name);
  if (fresh.length > 0) await seenInstances.see(fresh, session.at());
  const missing = expected.filter(({ name }) => !present.some((one) => one.name === name));
  const asked = present.filter(({ name }) => request.only?.has(name) !== false);
  const waiting = [...asked];
  const looks: Look[] = [];

  async function suspensionOf(name: string): Promise<Look['suspended']> {
    const found = await store.suspensions.get(name);
    return found === undefined ? null : { reason: redact.text(found.reason), since: found.at };
  }

  async function work(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const look = await lookAt(next, reader, request.sizes);
      const reason = look.reason === null ? null : redact.text(look.reason);
      looks.push({ ...look, reason, suspended: await suspensionOf(next.name) });
    }
  }

  await Promise.all(Array.from({ length: together }, work));
  for (const { name, because } of missing)
    if (request.only?.has(name) !== false)
      looks.push({
        ...nothing(name),
        status: 'down',
        reason: `No container has its name, but ${because}.`,
        suspended: await suspensionOf(name),
      });
  return { looks, instances: asked };
}

function nothing(instance: string): Omit<Look, 'status' | 'reason'> {
  return {
    instance,
    container: null,
    memory: null,
    serverVersion: null,
    connections: null,
    databaseBytes: undefined,
    checksumFailures: null,
    suspended: null,
  };
}

async function lookAt(instance: Instance, reader: ReadonlyHost, sizes: boolean): Promise<Look> {
  const { container } = instance;
  const known = { ...nothing(instance.name), container: factsOf(instance) };
  const why = whyNotAsked(container);
  if (why !== undefined) return { ...known, status: 'down', reason: why };
  const [answer, stats] = await Promise.all([
    reader.sql.query(instance, question, { timeoutMs: queryTimeoutMs }).catch(failed),
    // The numbers are not worth the look.
    reader.docker.stats(container.id).catch(() => undefined),
  ]);
  const memory = stats === undefined ? null : { usage: stats.memory, limit: container.memory };
  if (!isAnswer(answer)) return { ...known, memory, status: 'down', reason: silence(answer) };
  const size = sizes
    ? await reader.sql.query(instance, sizeQuestion, { timeoutMs: queryTimeoutMs }).catch(failed)
    : undefined;
  return {
    ...known,
    memory,
    ...numbersOf(answer),
    databaseBytes: size === undefined ? undefined : numberIn(rowOf(size), 'bytes'),
    status: 'up',
    reason: null,
  };
}

/** Why a server is not asked: its container does not run. */
function whyNotAsked({ state }: Container): string | undefined {
  switch (state.status) {
    case 'running':
      return undefined;
    case 'paused':
      return 'Its container is paused.';
    case 'restarting':
      return 'Its container ends again and again, and the engine restarts it.';
    case 'created':
      return state.error === '' ? 'Its container was never started.' : `Its container did not start: ${state.error}`;
    default:
      return `Its container is ${state.status || 'not running'}, with exit code ${state.exitCode}${
        state.oomKilled ? ', out of memory' : ''
      }.`;
  }
}

function silence(answer: SqlResult): string {
  const message = answer.ok ? '' : answer.message;
  if (!answer.ok && answer.sqlstate === '57P03') return `Its server does not accept connections yet: ${message}`;
  return `Its container runs, but the server does not answer: ${message}`;
}

function failed(error: unknown): SqlResult {
  return { ok: false, message: errorText(error), sqlstate: undefined, via: 'published' };
}

function numbersOf(answer: SqlResult): Pick<Look, 'serverVersion' | 'connections' | 'checksumFailures'> {
  const row = rowOf(answer);
  const used = numberIn(row, 'connections');
  const limit = numberIn(row, 'connections_limit');
  return {
    serverVersion: row?.['version']?.slice(0, 100) ?? null,
    connections: used === null || limit === null ? null : { used, limit },
    checksumFailures: numberIn(row, 'checksum_failures'),
  };
}

function rowOf(answer: SqlResult): SqlRow | undefined {
  return answer.ok ? answer.rows[0] : undefined;
}

function numberIn(row: SqlRow | undefined, column: string): number | null {
  const text = row?.[column];
  return text !== undefined && text !== null && /^\d{1,18}$/.test(text) ? Number(text) : null;
}

function factsOf({ container, port }: Instance): ContainerFacts {
  const published = container.publishedPorts.find(({ containerPort }) => containerPort === port);
  const host = published === undefined || ['', '0.0.0.0', '::'].includes(published.hostIp) ? '*' : published.hostIp;
  return {
    id: container.id,
    name: container.name,
    image: container.imageName,
    address: published === undefined ? null : `${host}:${published.hostPort}`,
    createdAt: container.created,
    startedAt: container.state.startedAt,
    restarts: container.restarts ?? 0,
    memory: container.memory,
  };
}
