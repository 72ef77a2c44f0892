import type { Plan, ReadonlyHost, Refusal } from '../../contract.ts';
import { readAutoConf } from '../../../postgres/auto-conf.ts';
import { promisableTo } from '../../instances/host-budget.ts';
import { refusal } from '../../instances/refusal.ts';
import { commandLineSettings } from '../../shared/server-settings.ts';
import { formatSize } from '../../../postgres/tuning/index.ts';
import { planSettings } from './changing.ts';
import type { MemoryExpected } from './types.ts';
import { quarterOf } from './fitting.ts';
import type { Task } from './base-plan.ts';

/**
 * More shared memory is asked for than there is. What ALTER SYSTEM wrote is taken back, so that the value before it counts
 * again; what stands elsewhere is overruled by a quarter of what the instance may have.
 */
export async function planStart(task: Task, host: ReadonlyHost): Promise<Plan<MemoryExpected> | Refusal> {
  const { instance, seen } = task;
  const bytes = await host.docker.file(instance.container.id, `${instance.dataDirectory}/postgresql.auto.conf`);
  if (bytes === undefined)
    return refusal(
      `${instance.name} has no postgresql.auto.conf.`,
      `Lower shared_buffers where it is set, and start ${instance.container.name}.`,
    );
  const isAltered = readAutoConf(new TextDecoder().decode(bytes)).has('shared_buffers');
  const isOnLine = commandLineSettings(instance.container.command).has('shared_buffers');
  // With a limit a value is known that fits; without one the value before is the better guess.
  if (isAltered && !isOnLine && seen.limit === 0) return planSettings(task, { shared_buffers: null }, host);
  const buffers = quarterOf(seen.limit || Math.min(await promisableTo(instance.container, host), 2 ** 30));
  return planSettings(task, { shared_buffers: formatSize(buffers) }, host);
}
