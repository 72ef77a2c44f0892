import { setTimeout as sleep } from 'node:timers/promises';
import type { poolerLabel as labelOfHost } from '../../host/docker/shapes.ts';
import type { Container } from '../../host/docker/types.ts';
import type { Instance } from '../../host/instance.ts';
import type { SqlOptions, SqlResult } from '../../host/postgres/types.ts';
import type { ReadonlyHost } from '../contract.ts';

export interface ReadyResult {
  /** As it was when it was asked last; undefined where there is none of that name. */
  readonly instance: Instance | undefined;
  /** A row with `system_identifier`. Undefined where nothing runs that could have been asked. */
  readonly answer: SqlResult | undefined;
  /** RFC 3339: for `Verification.answeredAt`. */
  readonly answeredAt: string;
}

const readyLine = 'database system is ready to accept connections';

/**
 * Asks an instance until it answers, ends, or refuses the login. It is looked up each time: the container of its name
 * may be a new one, with a new address. Default patience: 90 seconds.
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

/** A container that the engine keeps restarting says that it runs; its server does not. */
export function isRunning({ container: { state } }: Pick<Instance, 'container'>): boolean {
  return state.running && state.status !== 'restarting';
}

/**
 * A connection that reaches Docker's proxy before the container answers hangs for a second
 * (docs/engineering/recreating.md#downtime), so the word of a server that has just been started is waited for first.
 * Where it does not speak, it is asked all the same.
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

/** A PgBouncer that `pooler.create` has put in front of an instance. */

/** Its value is the instance's name. The host goes by the same, and remediators only know the host's types. */
export const poolerLabel: typeof labelOfHost = 'problems.pooler';

export const poolerPort = 6432;

/** Looks up other roles' password verifiers for the pooler, and may ask it about itself. */
export const poolerRole = 'problems_pooler';

/** Inside its container: nothing of it is on the machine, in arguments, variables or labels. */
export const poolerFolder = '/tmp/problems-pooler';

/** There once all of it has arrived. */
export const poolerConfigFile = `${poolerFolder}/pgbouncer.ini`;

export function poolerName({ container }: Pick<Instance, 'container'>): string {
  return `${container.name}-pooler`;
}

/** The pooler that stands in front of an instance, running or not. */
export async function poolerOf(instance: Instance, host: ReadonlyHost): Promise<Container | undefined> {
  const found = await host.docker.container(poolerName(instance));
  return found?.labels[poolerLabel] === instance.name ? found : undefined;
}

/** How to log in to a pooler of ours as its own role, from the file that it reads itself. A secret. */
export async function poolerLogin(
  pooler: Container,
  host: ReadonlyHost,
): Promise<{ readonly user: string; readonly password: string } | undefined> {
  const bytes = await host.docker.file(pooler.id, `${poolerFolder}/userlist.txt`);
  const [, password] = /^"problems_pooler" "([0-9a-f]+)"\n$/.exec(new TextDecoder().decode(bytes)) ?? [];
  return password === undefined ? undefined : { user: poolerRole, password };
}

/** A container that ends sooner than this after the engine has started it again is in a loop, if nobody answers in it. */
const shortMs = 60_000;

/**
 * Whether somebody would be interrupted, as the engine of this program asks it: of no remediator's word depends what may
 * run unattended. One that is stopped or waits for its next start serves nobody; one that the engine has started again
 * just now serves whom it answers; any other is taken to serve.
 */
export async function servesClients(container: Container, host: ReadonlyHost, now: Date): Promise<boolean> {
  return serves(container, now) ?? (await serverAnswers(container, host));
}

/** As far as the container's state tells; undefined where only an answer can. */
export function serves(container: Container, now: Date): boolean | undefined {
  if (!isRunning({ container })) return false;
  const { startedAt } = container.state;
  const isNew = now.getTime() - Date.parse(startedAt) < shortMs;
  return (container.restarts ?? 0) > 0 && isNew ? undefined : true;
}

/** Whether its server answers a query. What is no instance cannot be asked, and is taken to answer. */
export async function serverAnswers(container: Container, host: ReadonlyHost): Promise<boolean> {
  if (!isRunning({ container })) return false;
  const instance = (await host.instances({ all: true })).find((one) => one.container.id === container.id);
  return instance === undefined || isAnswer(await host.sql.query(instance, 'SELECT 1', { timeoutMs: 3_000 }));
}

/** A refusal by the server is an answer too, but that it is only starting or shutting down: 57P03. */
export function isAnswer(result: SqlResult): boolean {
  if (result.ok) return true;
  const { sqlstate } = result;
  return sqlstate !== undefined && sqlstate !== '57P03' && !sqlstate.startsWith('08');
}
