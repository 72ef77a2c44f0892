import type { Instance } from '../../../host/instance.ts';
import type { Finding, Plan, ReadonlyHost } from '../../contract.ts';
import { controlFile } from '../../instances/control-file.ts';
import { restartPolicyOf } from '../../shared/recreate.ts';
import type { Trouble } from './diagnose.ts';
import type { ServerMemory } from './facts.ts';
import { memorySettings } from './settings.ts';
import type { MemoryDetails, MemoryExpected, Seen } from './types.ts';

/** What a plan is made for. */
export interface Task {
  readonly finding: Finding<MemoryDetails>;
  readonly instance: Instance;
  readonly seen: Seen;
  readonly memory: ServerMemory;
  readonly trouble: Trouble;
}

/** What is the same in every plan. */
export async function frameOf(
  { finding, instance, memory }: Task,
  host: ReadonlyHost,
  workMem = memory.facts.workMem,
): Promise<
  Pick<Plan<MemoryExpected>, 'type' | 'remediator' | 'finding' | 'target' | 'cleanup' | 'leftovers' | 'expected'>
> {
  const { container, name, volumeKey, dataDirectory } = instance;
  const control = await controlFile(host, container.id, dataDirectory);
  return {
    type: 'plan',
    remediator: finding.remediator,
    finding,
    target: { instance: name, container: container.id, volumes: [volumeKey] },
    cleanup: [],
    leftovers: [],
    expected: {
      name: container.name,
      limit: container.memory,
      shmSize: container.shmSize,
      settings: {},
      restartPolicy: restartPolicyOf(container),
      systemIdentifier: control?.systemIdentifier ?? null,
      aside: null,
      load: {
        clients: 4,
        seconds: memorySettings(host).loadSeconds,
        // More than work_mem holds, at about 60 bytes a row, so that sorts spill.
        rows: Math.min(400_000, Math.max(50_000, Math.ceil((workMem * 1.2) / 60))),
      },
    },
  };
}
