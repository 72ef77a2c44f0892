/** What the parts of the estimates are worth: the learned ranking, with some of its estimates replaced by the truth. */
import { createLearned, type Learned } from '../src/learning/history.ts';
import { rank } from '../src/learning/rank.ts';
import type { Policy } from './learning-run.ts';
import type { World } from './learning-world.ts';

export const parts = ['success', 'minutes', 'lasting', 'patterns', 'trust'] as const;

type Part = (typeof parts)[number];

/** Learns as the session does, but knows the parts named. `trust`: what is learned counts whole from the first attempt. */
export function informedPolicy(world: World, known: readonly Part[]): Policy {
  const learned = createLearned();
  const informed = { ...learned };
  let at = 0;
  for (const part of known) Object.assign(informed, truth(world, learned, () => at)[part]);
  return (now, take, events, open) => {
    at = now;
    for (const event of events) if (event.type !== 'batch') learned.observe(event);
    return rank(informed, open, now, take);
  };
}

function truth(world: World, learned: Learned, now: () => number): Readonly<Record<Part, Partial<Learned>>> {
  const { success, duration, lasting, patterns } = learned;
  return {
    success: {
      success: {
        ...success,
        estimate({ record: about, handler }) {
          const value = world.success(about, handler, now());
          return { value, low: value, high: value };
        },
      },
    },
    minutes: {
      duration: {
        ...duration,
        estimate: (question) => ({
          ...duration.estimate(question),
          value: Math.exp(world.logMinutes(question.record, question.handler)),
          noise: world.options.minutes.chance ** 2,
          doubt: 0,
        }),
      },
    },
    lasting: {
      lasting: {
        ...lasting,
        estimate(_, about, handler, days) {
          const expected = days * world.recurrencesPerDay(about, handler);
          return { value: -Math.expm1(-expected) / expected, recurrences: 0, days: 0 };
        },
      },
    },
    patterns: {
      patterns: {
        ...patterns,
        estimate(at, id) {
          const pattern = learned.record(id);
          const value = pattern === undefined ? 0 : (world.casesPerDay(pattern) / 24) * 12 * 20;
          return { ...patterns.estimate(at, id), value };
        },
      },
    },
    trust: { attempts: (at) => (learned.attempts(at) === 0 ? 0 : 1e12) },
  };
}
