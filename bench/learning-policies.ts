/** What is compared: the published formula, chance, what the real session learns, and an oracle. */
import { z } from 'zod';
import { createRankSession } from '../src/learning/session.ts';
import { cooldownHours, defaultPrioritySettings, scoreOf } from '../src/priority/index.ts';
import type { Policy } from './learning-run.ts';
import type { World } from './learning-world.ts';

/** The published formula with the cooldown of each task. */
export function publishedPolicy(): Policy {
  const failed = new Map<string, { readonly count: number; readonly at: number }>();
  return (now, take, events, open) => {
    for (const event of events) {
      if (event.type !== 'outcome') continue;
      if (event.fixed) failed.delete(event.id);
      else failed.set(event.id, { count: (failed.get(event.id)?.count ?? 0) + 1, at: event.at });
    }
    return open
      .map((record) => {
        const failure = failed.get(record.id);
        const left = failure === undefined ? 0 : Math.max(0, cooldownHours(failure.count) - (now - failure.at));
        return { record, score: scoreOf(record.estimates, 1 + left / 24, defaultPrioritySettings) };
      })
      .sort((a, b) => b.score - a.score || b.record.estimates.impact - a.record.estimates.impact)
      .slice(0, take)
      .map(({ record }) => ({
        id: record.id,
        handler: record.handlers[0] ?? 'person',
        success: record.estimates.successProb,
        minutes: 1,
        low: 1,
        high: 1,
      }));
  };
}

export function randomPolicy(world: World): Policy {
  return (now, take, _, open) =>
    open
      .map((record) => ({ record, order: world.luck('random', record.id, now) }))
      .sort((a, b) => a.order - b.order)
      .slice(0, take)
      .map(({ record }) => ({
        id: record.id,
        handler: record.handlers[0] ?? 'person',
        success: 0.5,
        minutes: 1,
        low: 1,
        high: 1,
      }));
}

/** The session that `problems rank --jsonl` runs, with the lines that it would get. */
export function learnedPolicy(): Policy {
  const session = createRankSession();
  return (now, take, events, open) => {
    const line = { type: 'rank', now, take, events, open: open.map(({ id }) => id) };
    return Ranked.parse(session.answer(JSON.stringify(line))).order;
  };
}

const Ranked = z.object({
  order: z.array(
    z.object({
      id: z.string(),
      handler: z.string(),
      success: z.number(),
      minutes: z.number(),
      low: z.number(),
      high: z.number(),
    }),
  ),
});

/** Knows every hidden value, and ranks by the same formula. */
export function oraclePolicy(world: World): Policy {
  return (now, take, _, open) =>
    open
      .map((record) => {
        const { impact, urgency } = record.estimates;
        const own = impact * defaultPrioritySettings.urgency[urgency];
        const causes = record.kind === 'pattern' ? (world.casesPerDay(record) / 24) * 12 * 20 : 0;
        const choices = record.handlers.map((handler) => {
          const success = world.success(record, handler, now);
          const hours = Math.exp(world.logMinutes(record, handler) + world.options.minutes.chance ** 2 / 2) / 60;
          const lasting = Math.exp(-14 * world.recurrencesPerDay(record, handler));
          return { handler, success, score: ((own + causes) * success * lasting) / hours };
        });
        const best = choices.reduce((a, b) => (b.score > a.score ? b : a));
        return { record, ...best };
      })
      .sort((a, b) => b.score - a.score)
      .slice(0, take)
      .map(({ record, handler, success }) => ({ id: record.id, handler, success, minutes: 1, low: 1, high: 1 }));
}
