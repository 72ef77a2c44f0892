import { interruptedRuns as runsLeftOpen, liveRuns as runsOfOthers } from '../remediation/engine/resume.ts';
import type { Phase, RunRecord } from '../remediation/store/store.ts';
import type { Remediation } from './open-remediation.ts';

/** A run whose process ended before the run did. Its instance may be down, renamed or half changed. */
export interface InterruptedRun {
  readonly id: string;
  readonly instance: string;
  readonly remediator: string;
  readonly phase: Phase;
  /** RFC 3339. Null if its first step had not begun. */
  readonly startedAt: string | null;
}

/** A run that another process is working on now. */
export interface LiveRun extends InterruptedRun {
  readonly pid: number;
}

/** The interrupted runs of the instances that were asked for, or of all. Newest first. */
export async function interruptedOn({ session, instances }: Remediation): Promise<readonly InterruptedRun[]> {
  return (await runsLeftOpen(session)).map(openRun).filter(isAmong(instances));
}

/**
 * The runs of the requested instances, or of all, that other processes are working on. Newest first.
 *
 * ```ts
 * for (const { id, pid } of await liveRuns(remediation)) console.log(`process ${pid} is working on run ${id}`);
 * ```
 */
export async function liveRuns({ session, instances }: Remediation): Promise<readonly LiveRun[]> {
  return (await runsOfOthers(session))
    .map(({ run, owner: { pid } }) => ({ ...openRun(run), pid }))
    .filter(isAmong(instances));
}

function openRun({ id, phase, startedAt, plan: { remediator, target } }: RunRecord): InterruptedRun {
  return { id, instance: target.instance, remediator, phase, startedAt };
}

function isAmong(instances: readonly string[] | undefined): (run: InterruptedRun) => boolean {
  return ({ instance }) => instances === undefined || instances.includes(instance);
}
