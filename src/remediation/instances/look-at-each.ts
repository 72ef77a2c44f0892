import type { Instance } from '../../host/types.ts';
import type { Detection, Finding, Json, NotLookedAt, ReadonlyHost } from '../contract.ts';

export interface LookAtEach {
  readonly remediator: string;
  /** How many instances are looked at together: each may take a process in a container. */
  readonly together: number;
  /** An error that ends the whole look, besides that the user stops it. Default: none, and the instance is named instead. */
  readonly endsAll?: (error: unknown) => boolean;
}

/** What is found on each of the instances, in the order of ids. One that cannot be looked at hides none of the others. */
export async function lookAtEach<Details extends Json>(
  instances: readonly Instance[],
  host: ReadonlyHost,
  { remediator, together, endsAll }: LookAtEach,
  look: (instance: Instance) => Promise<Detection<Details>>,
): Promise<Detection<Details>> {
  const findings: Finding<Details>[] = [];
  const notLookedAt: NotLookedAt[] = [];
  const waiting = [...instances];
  async function work(): Promise<void> {
    for (let instance = waiting.shift(); instance !== undefined; instance = waiting.shift()) {
      try {
        const seen = await look(instance);
        findings.push(...seen.findings);
        notLookedAt.push(...seen.notLookedAt);
      } catch (error) {
        if (host.signal.aborted || endsAll?.(error) === true) throw error;
        const reason = error instanceof Error ? error.message : String(error);
        notLookedAt.push({ remediator, instance: instance.name, reason });
      }
    }
  }
  await Promise.all(Array.from({ length: together }, work));
  return {
    findings: findings.sort((a, b) => (a.id < b.id ? -1 : 1)),
    notLookedAt: notLookedAt.sort((a, b) => ((a.instance ?? '') < (b.instance ?? '') ? -1 : 1)),
  };
}
