import { ProblemsError } from '../errors.ts';
import { instanceNotFound } from '../remediation/engine/not-found.ts';
import type { Remediation } from './open-remediation.ts';

/** Why no repair runs on an instance: its data may be damaged, or an undo failed. */
export interface Suspension {
  readonly reason: string;
  /** RFC 3339. */
  readonly at: string;
}

/**
 * The suspension of an instance; undefined if it is not suspended.
 * @throws ProblemsError `state-damaged`, `state-locked`.
 */
export function findSuspension({ session }: Remediation, instance: string): Promise<Suspension | undefined> {
  return session.store.suspensions.get(instance);
}

/**
 * Lets repairs run on an instance again, and returns the suspension that it had; undefined if it had none. Call it only
 * after an operator has checked the instance: the engine suspends an instance so that no program touches possibly
 * damaged data.
 *
 * ```ts
 * const lifted = await liftSuspension(remediation, 'orders');
 * if (lifted !== undefined) console.log(`orders was suspended: ${lifted.reason}`);
 * ```
 * @throws ProblemsError `state-damaged`, `state-locked`, `state-unwritable`.
 */
export async function liftSuspension(remediation: Remediation, instance: string): Promise<Suspension | undefined> {
  const suspension = await findSuspension(remediation, instance);
  const { session } = remediation;
  if (suspension !== undefined) await session.store.suspensions.lift(instance, session.at());
  return suspension;
}

/**
 * Refuses a name that no container, config, earlier check or run knows, so that a mistyped one does not pass for an instance without
 * a suspension. Without an engine nothing is refused.
 * @throws ProblemsError `not-found`: with the nearest name as a hint.
 */
export async function requireKnownInstance({ session }: Remediation, name: string): Promise<void> {
  const { reader, store } = session;
  const repaired = (await store.runs.list()).map(({ plan }) => ({ name: plan.finding.instance }));
  try {
    const known = [...(await reader.instances({ all: true })), ...(await reader.expected()), ...repaired];
    if (!known.some((one) => one.name === name)) throw instanceNotFound(name, known);
  } catch (error) {
    if (!(error instanceof ProblemsError && error.code === 'engine-unreachable')) throw error;
  }
}
