import type { Plan, ReadonlyHost } from '../../contract.ts';
import { readableSize } from '../../../postgres/tuning/index.ts';
import { beforehand } from '../../shared/recreate.ts';
import type { MemoryExpected } from './types.ts';
import { frameOf, type Task } from './base-plan.ts';

/** A higher limit, live. One that cannot recover within its limit is started where the engine has given up. */
export async function planRaise(task: Task, limit: number, host: ReadonlyHost): Promise<Plan<MemoryExpected>> {
  const { instance, seen, memory } = task;
  const { id, name, state } = instance.container;
  const frame = await frameOf(task, host);
  const { alone } = beforehand(instance);
  const from = readableSize(seen.limit);
  const to = readableSize(limit);
  return {
    ...frame,
    summary: `Raise the memory limit of ${instance.name} from ${from} to ${to}${seen.running ? ', while it runs' : ''}.`,
    steps: [
      {
        action: 'container.update-memory',
        params: { container: id, memory: limit, memorySwap: limit },
        why: `Its worst case is ${readableSize(memory.worstCase.total)}, which is to fit into 80 % of the limit. Swap is not added: a database in swap is as good as down.`,
        // One that the engine keeps restarting runs now and then.
        expects: [{ check: 'container', ref: id, name, ...(seen.running ? { running: true } : {}) }, alone],
      },
      ...(state.running
        ? []
        : [
            {
              action: 'container.start',
              params: { container: id },
              expects: [{ check: 'container', ref: id, name }],
            } as const,
          ]),
    ],
    risk: 'safe',
    downtime: seen.running
      ? { seconds: 0, why: 'A limit is raised while the server runs.' }
      : { seconds: 0, why: `${instance.name} does not answer as it is.` },
    unpredictable: [
      'A limit that somebody wrote into a script or a file is lower from then on than the one in force: the next container made by it has the old one.',
    ],
    undo: `The limit is ${from} again${state.running ? '; where more than that is in use by then, the server is stopped and started for it' : ', and the container is stopped'}.`,
    expected: { ...frame.expected, limit },
  };
}
