import type { Batch } from '../../src/learning/types.ts';
import { random } from './random.ts';

/** What decides conflicts in a world of the tests. */
export interface PortWorld {
  /** Ports that creations choose from. */
  readonly ports: number;
  /** Chance that two overlapping creations with automatic ports look at the same free port. */
  readonly race: number;
  /** Probability that a port chosen by hand is in use, when all ports are in use. */
  readonly clash: number;
  /** Hours of the day with many creations by others. */
  readonly busy: readonly [number, number];
  /** How many creations by others one hour adds. */
  readonly others: number;
}

export function drawPortWorld(seed: number): PortWorld {
  const next = random(seed);
  return {
    ports: 200 + Math.floor(next() * 800),
    race: 0.002 + 0.03 * next(),
    clash: 0.1 + 0.5 * next(),
    busy: [7 + Math.floor(next() * 4), 15 + Math.floor(next() * 5)],
    others: 1 + 5 * next(),
  };
}

/** Batches as they happen in a world, with its hidden probability of a conflict. */
export function* batches(
  world: PortWorld,
  seed: number,
  count: number,
): Generator<{ readonly batch: Batch; readonly truth: number; readonly conflict: boolean }> {
  const next = random(seed);
  let instances = 5 + Math.floor(next() * 20);
  for (let index = 0; index < count; index++) {
    const hour = next() < 0.7 ? 7 + Math.floor(next() * 12) : Math.floor(next() * 24);
    const size = 1 + Math.floor(-Math.log(1 - next()) * (next() < 0.2 ? 12 : 3));
    const gapMinutes = Math.round(-Math.log(1 - next()) * (next() < 0.4 ? 1 : 15) * 10) / 10;
    const startMinutes = Math.round(Math.exp(0.3 + 0.8 * (next() + next() + next() - 1.5) * 2) * 10) / 10;
    const explicitPorts = next() < 0.4 ? 0 : Math.round(next() * 10) / 10;
    const batch = { id: `b${index}`, hour, size, gapMinutes, startMinutes, explicitPorts, instances };
    const truth = probabilityOf(world, batch);
    yield { batch, truth, conflict: next() < truth };
    instances = Math.max(3, Math.min(world.ports * 0.8, instances + (next() < 0.6 ? size : -size * 1.2)));
    instances = Math.round(instances);
  }
}

/** One minus the chance that no pair races and no port chosen by hand is in use. */
function probabilityOf(world: PortWorld, batch: Batch): number {
  const { size, gapMinutes, startMinutes, explicitPorts, instances, hour } = batch;
  let pairs = 0;
  for (let one = 0; one < size; one++)
    for (let other = one + 1; other < size; other++) if ((other - one) * gapMinutes < startMinutes) pairs++;
  const busy = hour >= world.busy[0] && hour < world.busy[1];
  const foreign = busy ? (world.others * startMinutes * size) / 60 : 0;
  const races = (pairs + foreign) * world.race * (1 + explicitPorts);
  const clashes = size * explicitPorts * world.clash * (instances / world.ports);
  return 1 - Math.exp(-races - clashes);
}
