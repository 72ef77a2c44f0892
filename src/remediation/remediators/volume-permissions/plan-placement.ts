import type { Mount } from '../../../host/docker/types.ts';
import type { Finding, Plan, ReadonlyHost, Refusal } from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { refusalForOwner } from '../../shared/recreate.ts';
import { imageUsers } from './files.ts';
import { askServer } from './lost-clusters.ts';
import { observe } from './observe.ts';
import { placementOf } from './placement.ts';
import { adviceToMove, refusalForEmpty, refusalInContainer } from './placement-refusals.ts';
import { planHealthyMove } from './plan-move.ts';
import type { VolumeDetails, VolumeExpected } from './types.ts';

/**
 * Copies an anonymous volume into a named one and recreates the container on that. Data in the container itself can only be
 * dumped and restored, and whether an empty cluster or an old volume is the right one is for you to say.
 */
export async function planPlacement(
  finding: Finding<VolumeDetails>,
  host: ReadonlyHost,
): Promise<Plan<VolumeExpected> | Refusal> {
  const { kind, container: id, volumes = [] } = finding.details;
  const instance = await host.instance(finding.instance);
  if (instance === undefined || instance.container.id !== id)
    return refusal(`${finding.instance} has been recreated since it was checked.`, 'Run `problems detect` again.');
  if (kind === 'empty-cluster') return refusalForEmpty(instance, volumes);
  const { container } = instance;
  const directory = (await askServer(instance, host))?.dataDirectory ?? instance.dataDirectory;
  if (kind === 'in-container') return refusalInContainer(instance, directory);
  const placement = placementOf(container, directory);
  if (placement.kind !== 'anonymous-volume')
    return refusal(`${finding.instance} has changed since it was checked.`, 'Run `problems detect` again.');
  // Compose binds it by the name that the engine made up.
  const mount: Mount = { ...placement.mount, anonymous: true };
  const advice = adviceToMove(container, mount, directory);
  const refused = refusalForOwner(container, advice);
  if (refused !== undefined) return refused;
  const moved = { ...instance, dataDirectory: directory, dataMount: mount };
  const found = await observe(moved, mount, host, imageUsers(host));
  return planHealthyMove(finding, moved, mount, found, host, advice);
}
