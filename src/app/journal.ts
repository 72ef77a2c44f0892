import { recordOf } from '../remediation/engine/lock-run.ts';
import type { AuditBreak, HeldTable, RunRecord } from '../remediation/store/store.ts';
import type { Remediation } from './open-remediation.ts';

/** The journal as an operator sees it: to show runs, and to vouch for one. */

/**
 * The journal, newest first, or one run. Shows what the state file says, whoever wrote it.
 * @throws ProblemsError `engine-unreachable`: no engine has ever answered at this address, so its journal is not known.
 * `not-found`: there is no such run.
 */
export async function runs(remediation: Remediation, id?: string): Promise<readonly RunRecord[]> {
  await requireJournal(remediation);
  const { session } = remediation;
  return id === undefined ? session.store.runs.list() : [await recordOf(session, id)];
}

/** @throws ProblemsError `engine-unreachable`: no engine has ever answered at this address, so its journal is not known. */
export async function requireJournal({ hasJournal, session }: Remediation): Promise<void> {
  if (!hasJournal) await session.reader.docker.info();
}

/** Whether this user has signed a run, so that it may be resumed, approved and rolled back. */
export async function isRunSigned({ session }: Remediation, id: string): Promise<boolean> {
  await recordOf(session, id);
  return session.store.runs.isSigned(id);
}

/**
 * Checks the whole audit log: each entry against the one before, and the end against what this user's processes last saw.
 * Undefined if it is as it was written.
 *
 * ```ts
 * const broken = await verifyAuditLog(remediation);
 * if (broken !== undefined) console.log(`entry ${broken.sequence}: ${broken.reason}`);
 * ```
 * @throws ProblemsError `state-damaged`, `state-locked`.
 */
export async function verifyAuditLog({ session }: Remediation): Promise<AuditBreak | undefined> {
  return session.store.audit.verify();
}

/** Takes the audit log as it is, after an operator has said why it is not as it was written, and checks it from here on. */
export async function acceptAuditLog({ session }: Remediation): Promise<void> {
  await session.store.audit.accept(session.at());
}

/**
 * Which of the locks, port leases, suspensions and leases of engines in the state file someone else has changed or put back as it
 * was before, or an older version has written without a signature.
 *
 * ```ts
 * for (const table of await changedState(remediation)) console.log(`the ${table} are not as you left them`);
 * ```
 * @throws ProblemsError `state-damaged`, `state-locked`, `file-unwritable`: the user's key cannot be created.
 */
export function changedState({ session }: Remediation): Promise<readonly HeldTable[]> {
  return session.store.held.changed();
}

/** Signs the locks, leases, suspensions and leases of engines as they are, after an operator has said why they are not as they were left. */
export async function acceptState({ session }: Remediation): Promise<void> {
  await session.store.held.accept(session.at());
}

/**
 * Signs a run as it is, with what its undo needs. Call it only after an operator has said that the state file comes from
 * them, for example from an older version that did not sign: what a run says is done, with all that you may do.
 *
 * ```ts
 * if (!(await isRunSigned(remediation, id))) await signRun(remediation, id);
 * ```
 * @throws ProblemsError `not-found`: there is no such run. `state-locked`, `state-unwritable`, `file-unwritable`: the
 * user's key cannot be created.
 */
export async function signRun({ session }: Remediation, id: string): Promise<void> {
  await recordOf(session, id);
  await session.store.runs.sign(id, session.at());
}
