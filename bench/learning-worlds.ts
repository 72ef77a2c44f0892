import { usualWorld, type WorldOptions } from './learning-world.ts';

/** Parameters of the ranking are chosen on these, with seeds from 1 on. */
export const worldsToChooseOn: Readonly<Record<string, WorldOptions>> = {
  usual: usualWorld,
  'many classes': { ...usualWorld, topics: 40 },
  'many workers': { ...usualWorld, workers: 6 },
  'slow people': { ...usualWorld, usual: { automatic: 15, agent: 60, person: 900 }, scanHours: 6 },
};

/** Nothing is chosen on these: they are only measured, with seeds from 201 on. */
export const worldsHeldOut: Readonly<Record<string, WorldOptions>> = {
  'usual, other seeds': usualWorld,
  'heavy-tailed minutes': { ...usualWorld, longTail: 0.06, minutes: { ...usualWorld.minutes, chance: 0.9 } },
  'estimates that mislead': { ...usualWorld, stated: { bias: 1, slope: -0.4, chance: 1.2 }, costChance: 2.5 },
  'drifting handlers': { ...usualWorld, drift: 3 },
  'many small classes': { ...usualWorld, topics: 60 },
  'clustered arrivals': { ...usualWorld, bursts: { share: 0.95, number: 6 } },
  'recurrence by instance': { ...usualWorld, recurrence: { perDay: 0.02, spread: 0.5, instance: 1.5 } },
  'no structure': {
    ...usualWorld,
    success: { topic: 0.2, finding: 0.1, image: 0.1, version: 0.1, problem: 1 },
    minutes: { topic: 0.2, finding: 0.1, chance: 0.8 },
    recurrence: { perDay: 0.01, spread: 0.2, instance: 0 },
  },
  stubborn: { ...usualWorld, stubbornHours: 8 },
};
