import { errorText } from '../../util/text.ts';
import { compareBy } from '../../util/compare.ts';
import type { Instance } from '../../host/instance.ts';
import type { Detection, Finding, Json, Skipped, ReadonlyHost, Refusal } from '../contract.ts';

/** What stands in the way, and what a person can do: whole sentences. */
export function refusal(reason: string, advice: string): Refusal {
  return { type: 'refusal', reason, advice };
}

export interface ForEachInstance {
  readonly remediator: string;
  /** How many instances are looked at together: each may take a process in a container. */
  readonly together: number;
  /** An error that ends the whole look, besides that the user stops it. Default: none, and the instance is named instead. */
  readonly endsAll?: (error: unknown) => boolean;
  /**
   * Which instances are looked at. Asked again after an error: one in a restart loop ends under our hands, and is then what
   * it would have been a moment later. Default: all.
   */
  readonly only?: (instance: Instance) => boolean;
}

/** What is noted while one instance is looked at. An error afterwards takes nothing of it back. */
export interface Collector<Details extends Json> {
  found(...findings: readonly Finding<Details>[]): void;
  notLookedAt(reason: string, options?: Pick<Skipped, 'lasting'>): void;
}

/**
 * What is found on each of the instances, in the order of ids. One that cannot be looked at hides none of the others, and
 * an error at the end of a look none of what that look had found.
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
