import type { Finding, Plan, ReadonlyHost, Refusal } from '../../contract.ts';
import { promisableTo } from '../../instances/host-budget.ts';
import { refusal } from '../../instances/refusal.ts';
import { changesFor, limitFor } from './fitting.ts';
import type { MemoryDetails, MemoryExpected } from './types.ts';
import { recentEvents } from './detect.ts';
import { look } from './observe.ts';
import { planRaise } from './raising.ts';
import { hostRefusal, refusalFor, refusalWithoutRoom } from './refusals.ts';
import { memorySettings } from './settings.ts';
import { planStart } from './starting.ts';
import { planShm } from './shm.ts';
import { planSettings } from './changing.ts';

/**
 * Looks again, and plans what interrupts least: a higher limit, live, where the machine has it to give; else settings that
 * a reload takes over; else shared_buffers and a restart. PGOPS §6.5.
 */
export async function plan(
  finding: Finding<MemoryDetails>,
  host: ReadonlyHost,
): Promise<Plan<MemoryExpected> | Refusal> {
  const { details } = finding;
  const instance = await host.instance(finding.instance);
  if (instance === undefined || instance.container.id !== details.container)
    return refusal(`${finding.instance} is another container by now.`, 'Detect again.');
  if (details.kind === 'no-limit' || details.kind === 'host-overcommitted')
    return hostRefusal(instance, details.kind, host);
  const { cpus } = await host.docker.info();
  const { seen, trouble } = await look(instance, host, { events: await recentEvents(host), cpus });
  if (trouble?.kind !== details.kind) return refusal(`${finding.instance} is not as it was found.`, 'Detect again.');
  const { memory } = seen;
  if (memory === undefined) return refusal(`The settings of ${instance.name} are not known.`, 'Detect again.');
  const refused = await refusalFor(instance, memory, host);
  if (refused !== undefined) return refused;
  const task = { finding, instance, seen, memory, trouble };
  if (trouble.kind === 'start-refused') return planStart(task, host);
  if (trouble.kind === 'shm-too-small') return planShm(task, host);
  const promisable = await promisableTo(instance.container, host);
  const wanted = limitFor(memory, seen.limit);
  if (memorySettings(host).raise === 'within-budget' && wanted <= promisable) return planRaise(task, wanted, host);
  const changes = changesFor(seen.limit, trouble, memory);
  return changes === undefined || Object.keys(changes).length === 0
    ? refusalWithoutRoom(task, wanted, promisable)
    : planSettings(task, changes, host);
}
