import type { Container } from '../../host/docker/types.ts';
import type { SqlResult } from '../../host/postgres/types.ts';
import type { ReadonlyHost } from '../contract.ts';
import { runs } from '../instances/first-answer.ts';

/** A container that ends sooner than this after the engine has started it again is in a loop, if nobody answers in it. */
const shortMs = 60_000;

/**
 * Whether somebody would be interrupted, as the engine of this program asks it: of no remediator's word depends what may
 * run unattended. One that is stopped or waits for its next start serves nobody; one that the engine has started again
 * just now serves whom it answers; any other is taken to serve.
 */
export async function isServing(container: Container, host: ReadonlyHost, now: Date): Promise<boolean> {
  return serves(container, now) ?? (await serverAnswers(container, host));
}

/** As far as the container's state tells; undefined where only an answer can. */
export function serves(container: Container, now: Date): boolean | undefined {
  if (!runs({ container })) return false;
  const { startedAt } = container.state;
  const isNew = now.getTime() - Date.parse(startedAt) < shortMs;
  return (container.restarts ?? 0) > 0 && isNew ? undefined : true;
}

/** Whether its server answers a query. What is no instance cannot be asked, and is taken to answer. */
export async function serverAnswers(container: Container, host: ReadonlyHost): Promise<boolean> {
  if (!runs({ container })) return false;
  const instance = (await host.instances({ all: true })).find((one) => one.container.id === container.id);
  return instance === undefined || isAnswer(await host.sql.query(instance, 'SELECT 1', { timeoutMs: 3_000 }));
}

/** A refusal by the server is an answer too, but that it is only starting or shutting down: 57P03. */
export function isAnswer(result: SqlResult): boolean {
  if (result.ok) return true;
  const { sqlstate } = result;
  return sqlstate !== undefined && sqlstate !== '57P03' && !sqlstate.startsWith('08');
}
