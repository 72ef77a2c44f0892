import { setTimeout as sleep } from 'node:timers/promises';
import type { poolerLabel as labelOfHost } from '../../host/docker/shapes.ts';
import type { Container } from '../../host/docker/types.ts';
import type { Instance } from '../../host/instance.ts';
import type { SqlOptions, SqlResult } from '../../host/postgres/types.ts';
import type { ReadonlyHost } from '../contract.ts';

export interface ReadyResult {
  /** As of the last query; undefined if there is no instance of that name. */
  readonly instance: Instance | undefined;
  /** A row with `system_identifier`. Undefined if nothing was running that could be queried. */
  readonly answer: SqlResult | undefined;
  /** RFC 3339: for `Verification.answeredAt`. */
  readonly answeredAt: string;
}

const readyLine = 'database system is ready to accept connections';

/**
 * Queries an instance until it answers, exits, or refuses the login. Looks the instance up each time, since its container
 * may have been replaced and have a new address. Default limit: 90 seconds.
 */
export async function waitUntilReady(
  name: string,
  host: ReadonlyHost,
  { via, patienceMs = 90_000 }: { readonly via?: SqlOptions['via']; readonly patienceMs?: number } = {},
): Promise<ReadyResult> {
  const until = performance.now() + patienceMs;
  let waited = false;
  for (;;) {
    const instance = await host.instance(name);
    if (instance !== undefined && !waited) {
      waited = true;
      await serverReady(instance, host);
    }
    const answer =
      instance === undefined || !isRunning(instance)
        ? undefined
        : await host.sql.query(instance, 'SELECT system_identifier::text FROM pg_catalog.pg_control_system()', {
            timeoutMs: 3_000,
            ...(via === undefined ? {} : { via }),
          });
    const refused = answer?.ok === false && answer.sqlstate?.startsWith('28') === true;
    const ended = instance === undefined || ['exited', 'created', 'dead'].includes(instance.container.state.status);
    if (answer?.ok === true || refused || ended || performance.now() > until)
      return { instance, answer, answeredAt: new Date().toISOString() };
    await sleep(100, undefined, { signal: host.signal });
  }
}

/** Docker reports a container in a restart loop as running although its server is not. */
export function isRunning({ container: { state } }: Pick<Instance, 'container'>): boolean {
  return state.running && state.status !== 'restarting';
}

/**
 * A connection that reaches Docker's proxy before the container answers hangs for a second
 * (docs/engineering/recreating.md#downtime), so this first waits for the ready line in the log of a server that has just
 * been started. Without that line the server is queried anyway.
 */
async function serverReady({ container }: Instance, host: ReadonlyHost): Promise<void> {
  const { startedAt } = container.state;
  const until = Date.parse(startedAt) + 10_000;
  while (Date.now() < until) {
    const lines = await host.docker.logs(container.id, { since: startedAt, tail: 20 });
    if (lines.some(({ text }) => text.includes(readyLine))) return;
    const now = await host.docker.container(container.id);
    if (now === undefined || !isRunning({ container: now })) return;
    await sleep(25, undefined, { signal: host.signal });
  }
}

/**
 * Label of a PgBouncer that `pooler.create` made for an instance. Its value is the instance's name. The host uses the
 * same label; remediators only see the host's types.
 */
export const poolerLabel: typeof labelOfHost = 'problems.pooler';

/** Whether an image is of a connection pooler, ours or somebody else's, by its name. */
export function isPoolerImage(name: string): boolean {
  return /(?:^|[/_-])(?:pgbouncer|pgcat|odyssey|pgpool|supavisor)/i.test(name);
}

export const poolerPort = 6432;

/** Role that looks up other roles' password verifiers for the pooler, and may query the pooler's admin console. */
export const poolerRole = 'problems_pooler';

/** Inside its container only: never on the machine, in arguments, variables or labels. */
export const poolerFolder = '/tmp/problems-pooler';

/** Exists once the whole configuration has arrived. */
export const poolerConfigFile = `${poolerFolder}/pgbouncer.ini`;

export function poolerName({ container }: Pick<Instance, 'container'>): string {
  return `${container.name}-pooler`;
}

/** The pooler of an instance, running or not. */
export async function poolerOf(instance: Instance, host: ReadonlyHost): Promise<Container | undefined> {
  const found = await host.docker.container(poolerName(instance));
  return found?.labels[poolerLabel] === instance.name ? found : undefined;
}

/** The login of our pooler's own role, from the file that the pooler reads itself. A secret. */
export async function poolerLogin(
  pooler: Container,
  host: ReadonlyHost,
): Promise<{ readonly user: string; readonly password: string } | undefined> {
  const bytes = await host.docker.file(pooler.id, `${poolerFolder}/userlist.txt`);
  const [, password] = /^"problems_pooler" "([0-9a-f]+)"\n$/.exec(new TextDecoder().decode(bytes)) ?? [];
  return password === undefined ? undefined : { user: poolerRole, password };
}

/** A restarted container whose server does not answer for less than this is in a restart loop. */
const shortMs = 60_000;

/**
 * Whether stopping this container would disconnect clients. Decided here, never by a remediator, because it controls
 * unattended runs. A stopped container, or one waiting for its next restart, serves no clients; one that was restarted
 * just now serves clients if it answers; any other counts as serving.
 */
export async function servesClients(container: Container, host: ReadonlyHost, now: Date): Promise<boolean> {
  return serves(container, now) ?? (await serverAnswers(container, host));
}

/** What the container's state alone tells; undefined if only a query can tell. */
export function serves(container: Container, now: Date): boolean | undefined {
  if (!isRunning({ container })) return false;
  const { startedAt } = container.state;
  const isNew = now.getTime() - Date.parse(startedAt) < shortMs;
  return (container.restarts ?? 0) > 0 && isNew ? undefined : true;
}

/** In milliseconds. A server that cannot start on its data exits within a second; a busy machine needs longer. */
const shortRunMs = 3_000;

/**
 * Names of the instances whose server exits again and again: the engine waits to restart them, or has just restarted them and they
 * exit without an answer. A container in such a loop runs for a moment between two attempts, so this watches those that run
 * until they answer or exit, for at most three seconds.
 */
export async function findRestartLoops(
  instances: readonly Instance[],
  host: Pick<ReadonlyHost, 'instance' | 'sql' | 'signal'>,
  now: Date,
): Promise<ReadonlySet<string>> {
  const until = performance.now() + shortRunMs;
  async function exits({ name, container }: Instance): Promise<boolean> {
    if (container.state.status === 'restarting') return true;
    if (serves(container, now) !== undefined) return false;
    while (performance.now() < until) {
      // Two containers may have the name: the checks say so.
      const instance = await host.instance(name).catch(() => undefined);
      if (instance === undefined || instance.container.id !== container.id) return false;
      if (!isRunning(instance) || instance.container.state.startedAt !== container.state.startedAt) return true;
      if (isAnswer(await host.sql.query(instance, 'SELECT 1', { timeoutMs: 1_000 }))) return false;
      await sleep(100, undefined, { signal: host.signal });
    }
    return false;
  }
  const found = await Promise.all(instances.map(async (one) => ((await exits(one)) ? [one.name] : [])));
  return new Set(found.flat());
}

/** The same host, on which these instances are waiting for their next restart at every moment. */
export function asRestarting(host: ReadonlyHost, names: ReadonlySet<string>): ReadonlyHost {
  function seen(instance: Instance): Instance {
    if (!names.has(instance.name)) return instance;
    const { container } = instance;
    return { ...instance, container: { ...container, state: { ...container.state, status: 'restarting' } } };
  }
  return {
    ...host,
    instances: async (options) => (await host.instances(options)).map(seen),
    async instance(name) {
      const instance = await host.instance(name);
      return instance === undefined ? undefined : seen(instance);
    },
  };
}

/** Whether its server answers a query. A container that is not an instance cannot be queried and counts as answering. */
export async function serverAnswers(container: Container, host: ReadonlyHost): Promise<boolean> {
  if (!isRunning({ container })) return false;
  const instance = (await host.instances({ all: true })).find((one) => one.container.id === container.id);
  return instance === undefined || isAnswer(await host.sql.query(instance, 'SELECT 1', { timeoutMs: 3_000 }));
}

/** A refusal by the server is an answer too, except 57P03: it is starting up or shutting down. */
export function isAnswer(result: SqlResult): boolean {
  if (result.ok) return true;
  const { sqlstate } = result;
  return sqlstate !== undefined && sqlstate !== '57P03' && !sqlstate.startsWith('08');
}
