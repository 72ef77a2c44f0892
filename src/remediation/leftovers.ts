import type { Json, Leftover } from './contract.ts';
import type { RunRecord } from './store/store.ts';

/** Actions whose undo leaves the volume that they filled, since data is never deleted. */
const filling: readonly string[] = ['backup.restore', 'volume.copy', 'volume.prepare'];

/**
 * What a person may remove once the run is over: what its plan says where it is fixed, and the volumes that it filled
 * before it was undone. Taken from the journal alone, so the command for those takes a volume of this very run and no
 * other that came to be called the same.
 */
export function leftoversOf({ id, plan, steps, outcome }: RunRecord): readonly Leftover[] {
  if (outcome === 'fixed') return plan.leftovers;
  if (outcome !== 'rolled-back' && outcome !== 'stuck') return [];
  const volumes = steps
    .filter(({ part, action, state }) => part === 'steps' && state !== 'pending' && filling.includes(action))
    .flatMap(({ index }) => volumeIn(plan.steps[index]?.params));
  return volumes.map((volume) => ({
    object: `volume ${volume}`,
    why: `what run ${id} has put there stays: data is never deleted`,
    command: `docker volume rm $(docker volume ls -q --filter label=problems.run=${id} --filter 'name=^${volume.replaceAll('.', '[.]')}$')`,
  }));
}

function volumeIn(params: Json | undefined): readonly string[] {
  if (typeof params !== 'object' || params === null || !('volume' in params)) return [];
  const { volume } = params;
  return typeof volume === 'string' && /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(volume) ? [volume] : [];
}
