import { asideName, type Plan, type ReadonlyHost, type Refusal } from '../../contract.ts';
import { refusalToRecreate } from '../../instances/recreate-refusals.ts';
import { keptContainer, recreateSteps } from '../../shared/recreate.ts';
import { readableSize } from '../../../postgres/tuning/index.ts';
import { planSettings } from './changing.ts';
import type { MemoryExpected } from './types.ts';
import { shmSizeFor } from './fitting.ts';
import { frameOf, type Task } from './base-plan.ts';

/**
 * A larger `/dev/shm` takes a new container. Where none can be made, or the limit has no room for more, queries are no
 * longer run in parallel: that is a reload, and none of them fails.
 */
export async function planShm(task: Task, host: ReadonlyHost): Promise<Plan<MemoryExpected> | Refusal> {
  const { instance, seen, memory } = task;
  const { container } = instance;
  const size = shmSizeFor(seen.limit, seen.shmSize, memory);
  const refused = await refusalToRecreate(instance, host);
  if (refused !== undefined || size <= seen.shmSize)
    return planSettings(task, { max_parallel_workers_per_gather: '0' }, host);
  const frame = await frameOf(task, host);
  return {
    ...frame,
    summary: `Create ${instance.name} again with a /dev/shm of ${readableSize(size)} in place of ${readableSize(seen.shmSize)}, on the same data.`,
    steps: recreateSteps({
      instance,
      edits: { shmSize: size },
      why: 'The size of /dev/shm cannot be changed in a container that is there.',
    }),
    leftovers: [keptContainer(container)],
    risk: 'restart',
    downtime: { seconds: 3, why: 'PostgreSQL shuts down and starts again in a new container.' },
    unpredictable: [
      '/dev/shm is charged to the memory limit: what parallel queries put there is not there for others.',
      `Whoever made ${container.name} by a script has the old size in it.`,
    ],
    undo: 'The new container is removed without its volumes, and the old one gets its name and policy back and is started.',
    expected: { ...frame.expected, shmSize: size, aside: asideName(container) },
  };
}
