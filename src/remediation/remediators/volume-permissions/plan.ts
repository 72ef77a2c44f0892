import type { Finding, Plan, ReadonlyHost, Refusal } from '../../contract.ts';
import { refusal } from '../../instances/refusal.ts';
import type { VolumeDetails, VolumeExpected } from './types.ts';
import { look } from './look.ts';
import { planMove } from './moving.ts';
import { refusalForKind } from './refusals.ts';
import { planRepair } from './repairing.ts';
import { imageUsers } from './runtime.ts';

/** Looks again, and plans the repair or the move of what is still so. */
export async function plan(
  finding: Finding<VolumeDetails>,
  host: ReadonlyHost,
): Promise<Plan<VolumeExpected> | Refusal> {
  const { details } = finding;
  const instance = await host.instance(finding.instance);
  const mount = instance?.dataMount;
  if (instance === undefined || mount === undefined || instance.container.id !== details.container)
    return refusal(`${finding.instance} is another container by now.`, 'Detect again.');
  const found = await look(instance, mount, host, imageUsers(host));
  const { trouble } = found;
  if (details.kind === 'bind-mount')
    return trouble === undefined
      ? planMove(finding, instance, mount, found, host)
      : refusal(`${finding.instance} has a trouble of its own by now: ${trouble.kind}.`, 'Have that repaired first.');
  if (trouble?.kind !== details.kind) return refusal(`${finding.instance} is not as it was found.`, 'Detect again.');
  return trouble.kind === 'wrong-owner' || trouble.kind === 'wrong-mode'
    ? planRepair(finding, instance, mount, found, host)
    : refusalForKind(trouble.kind, instance, mount, found);
}
