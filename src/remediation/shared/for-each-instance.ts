import { errorText } from '../../util/text.ts';
import { compareBy } from '../../util/compare.ts';
import type { Instance } from '../../host/instance.ts';
import type { Detection, Finding, Json, Plan, Skipped, ReadonlyHost, Refusal } from '../contract.ts';

/** A refusal: the reason, and what you can do, as whole sentences. */
export function refusal(reason: string, advice: string): Refusal {
  return { type: 'refusal', reason, advice };
}

/** What most plans have: one instance as their target, nothing to clean up, and nothing left over. */
export function planOn<Details extends Json>(
  finding: Finding<Details>,
  { name, container, volumeKey }: Instance,
): Pick<Plan, 'type' | 'remediator' | 'target' | 'cleanup' | 'leftovers'> & { readonly finding: Finding<Details> } {
  return {
    type: 'plan',
    remediator: finding.remediator,
    finding,
    target: { instance: name, container: container.id, volumes: [volumeKey] },
    cleanup: [],
    leftovers: [],
  };
}

export interface ForEachInstance {
  readonly remediator: string;
  /** How many instances to check at the same time: each may take a process in a container. */
  readonly together: number;
  /** Whether an error ends the whole round. Default: none does; the instance is listed as skipped. An abort always does. */
  readonly endsAll?: (error: unknown) => boolean;
  /**
   * Which instances to check. Re-evaluated after an error: a container in a restart loop may exit during the check.
   * Default: all.
   */
  readonly only?: (instance: Instance) => boolean;
}

/** Collects what a check of one instance finds. A later error keeps what was collected. */
export interface Collector<Details extends Json> {
  found(...findings: readonly Finding<Details>[]): void;
  notLookedAt(reason: string, options?: Pick<Skipped, 'lasting'>): void;
}

/**
 * Runs a check on each of the instances; findings come in the order of their ids. An error on one instance affects
 * neither the others nor what its check had found before.
 */
export async function forEachInstance<Details extends Json>(
  instances: readonly Instance[],
  host: Pick<ReadonlyHost, 'signal' | 'instance'>,
  { remediator, together, endsAll, only = () => true }: ForEachInstance,
  look: (instance: Instance, noting: Collector<Details>) => Promise<void>,
): Promise<Detection<Details>> {
  const findings: Finding<Details>[] = [];
  const notLookedAt: Skipped[] = [];
  const waiting = instances.filter(only);
  async function work(): Promise<void> {
    for (let instance = waiting.shift(); instance !== undefined; instance = waiting.shift()) {
      const { name } = instance;
      const noting: Collector<Details> = {
        found: (...found) => void findings.push(...found),
        notLookedAt: (reason, options) => void notLookedAt.push({ remediator, instance: name, reason, ...options }),
      };
      try {
        await look(instance, noting);
      } catch (error) {
        if (host.signal.aborted || endsAll?.(error) === true) throw error;
        const now = await host.instance(name).catch(() => undefined);
        if (now !== undefined && !only(now)) continue;
        noting.notLookedAt(errorText(error));
      }
    }
  }
  await Promise.all(Array.from({ length: together }, work));
  return {
    findings: findings.sort(compareBy(({ id }) => id)),
    notLookedAt: notLookedAt.sort((a, b) => ((a.instance ?? '') < (b.instance ?? '') ? -1 : 1)),
  };
}
