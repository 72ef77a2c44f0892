import { setTimeout as sleep } from 'node:timers/promises';
import type { Instance } from '../../host/instance.ts';
import type { SqlOptions, SqlResult } from '../../host/postgres/types.ts';
import type { ReadonlyHost } from '../contract.ts';

export interface FirstAnswer {
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
export async function firstAnswer(
  name: string,
  host: ReadonlyHost,
  { via, patienceMs = 90_000 }: { readonly via?: SqlOptions['via']; readonly patienceMs?: number } = {},
): Promise<FirstAnswer> {
  const until = performance.now() + patienceMs;
  let waited = false;
  for (;;) {
    const instance = await host.instance(name);
    if (instance !== undefined && !waited) {
      waited = true;
      await serverReady(instance, host);
    }
    const answer =
      instance === undefined || !runs(instance)
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
export function runs({ container: { state } }: Pick<Instance, 'container'>): boolean {
  return state.running && state.status !== 'restarting';
}

/**
 * A connection that reaches Docker's proxy before the container answers hangs for a second (TESTBED §3), so the word of a
 * server that has just been started is waited for first. Where it does not speak, it is asked all the same.
 */
async function serverReady({ container }: Instance, host: ReadonlyHost): Promise<void> {
  const { startedAt } = container.state;
  const until = Date.parse(startedAt) + 10_000;
  while (Date.now() < until) {
    const lines = await host.docker.logs(container.id, { since: startedAt, tail: 20 });
    if (lines.some(({ text }) => text.includes(readyLine))) return;
    const now = await host.docker.container(container.id);
    if (now === undefined || !runs({ container: now })) return;
    await sleep(25, undefined, { signal: host.signal });
  }
}
