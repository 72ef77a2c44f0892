import type { History } from '../../src/learning/types.ts';
import { random } from './random.ts';

const templates = [512, 1024, 2048, 4096, 8192] as const;

/** What one instance really needs, day after day, in MiB. */
interface Need {
  readonly template: number;
  readonly median: number;
  readonly spread: number;
  /** Chance of a day with a large job, and how many times as much it needs. */
  readonly spikes: number;
  readonly spike: number;
  /** Growth of the logarithm in a day. */
  readonly growth: number;
}

export interface MemoryWorld {
  readonly instances: number;
  readonly days: number;
  /** Which part of its template an ordinary instance needs on a day in the middle. */
  readonly fill: number;
  /** How far the need of an instance is from what its template was made for, in logarithms. */
  readonly misfit: number;
  readonly spikes: number;
  readonly growth: number;
}

/** Recorded days under static template sizes, and the days that come after with other limits. */
export function memoryWorld(world: MemoryWorld, seed: number) {
  const next = random(seed);
  const needs = Array.from({ length: world.instances }, (): Need => {
    const template = templates[Math.floor(next() * templates.length)] ?? 1024;
    return {
      template,
      median: template * world.fill * Math.exp(world.misfit * normal(next)),
      spread: 0.1 + 0.25 * next(),
      spikes: next() < 0.3 ? world.spikes : 0,
      spike: 1.3 + next(),
      growth: world.growth * next(),
    };
  });
  const demand = (need: Need, day: number): number =>
    need.median * Math.exp(need.growth * day + need.spread * normal(next)) * (next() < need.spikes ? need.spike : 1);
  const histories: readonly History[] = needs.map((need, index) => ({
    name: `i${index}`,
    template: String(need.template),
    limit: need.template,
    days: Array.from({ length: world.days }, (_, day) => {
      const wanted = demand(need, day);
      return { peak: Math.min(wanted, need.template), killed: wanted > need.template };
    }),
  }));
  const future = needs.map((need) => Array.from({ length: 60 }, (_, day) => demand(need, world.days + day)));
  const killsWith = (limitOf: (history: History) => number): number =>
    histories.reduce(
      (kills, history, index) => kills + (future[index] ?? []).filter((wanted) => wanted > limitOf(history)).length,
      0,
    );
  return { histories, killsWith, budget: needs.reduce((sum, { template }) => sum + template, 0) };
}

function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}
