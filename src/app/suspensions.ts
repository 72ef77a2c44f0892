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
