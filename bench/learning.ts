/** `npm run bench:learning [-- seeds]`: the policies on worlds of several kinds, as docs/learning.md shows them. */
import { createLearned } from '../src/learning/history.ts';
import { rank } from '../src/learning/rank.ts';
import { cooldownHours, defaultPrioritySettings, scoreOf } from '../src/priority/index.ts';
import { type Policy, type Run, simulate } from './learning-run.ts';
import { createWorld, type World, type WorldOptions } from './learning-world.ts';

const usual: WorldOptions = {
  problems: 850,
  days: 56,
  workers: 3,
  scanHours: 1,
  success: { topic: 0.7, finding: 0.6, image: 0.6, version: 0.4, problem: 0.5 },
  minutes: { topic: 0.6, finding: 0.5, chance: 0.6 },
  recurrence: { perDay: 0.01, spread: 1.3 },
  stated: { bias: 0.6, slope: 0.6, chance: 0.8 },
  drift: 1.2,
  stubbornHours: 0,
  patterns: { number: 12, casesPerDay: 0.5 },
  vanishing: { share: 0.15, days: 5 },
  usual: { automatic: 20, agent: 120, person: 360 },
};

const worlds: Readonly<Record<string, WorldOptions>> = {
  usual,
  'many workers': { ...usual, workers: 6 },
  'one worker': { ...usual, workers: 2, problems: 600 },
  'no structure': {
    ...usual,
    success: { topic: 0.2, finding: 0.1, image: 0.1, version: 0.1, problem: 1 },
    minutes: { topic: 0.2, finding: 0.1, chance: 0.8 },
    recurrence: { perDay: 0.01, spread: 0.2 },
  },
  'good estimates': { ...usual, stated: { bias: 0, slope: 1, chance: 0.3 }, drift: 0 },
  'strong effects': {
    ...usual,
    success: { topic: 1.2, finding: 1, image: 0.8, version: 0.6, problem: 0.3 },
    recurrence: { perDay: 0.02, spread: 1.8 },
    drift: 2,
  },
  stubborn: { ...usual, stubbornHours: 24 },
  'slow people': { ...usual, usual: { automatic: 15, agent: 60, person: 900 }, scanHours: 6 },
};

function publishedPolicy(): Policy {
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

function randomPolicy(world: World): Policy {
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

function learnedPolicy(): Policy {
  const learned = createLearned();
  return (now, take, events, open) => {
    for (const event of events) if (event.type !== 'batch') learned.observe(event);
    return rank(learned, open, now, take);
  };
}

/** Knows every hidden value, and ranks by the same formula. */
function oraclePolicy(world: World): Policy {
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

const [count = '20', only] = process.argv.slice(2);
for (const [name, options] of Object.entries(worlds)) {
  if (only !== undefined && only !== name) continue;
  const ratios: Record<string, number[]> = { random: [], learned: [], oracle: [] };
  const traces: Run['attempts'][number][] = [];
  let time = 0;
  let ranks = 0;
  let backlog = 0;
  for (let seed = 1; seed <= Number(count); seed += 1) {
    const world = createWorld(seed, options);
    const published = simulate(world, publishedPolicy());
    backlog += published.openAtEnd;
    for (const [policy, make] of Object.entries({
      random: randomPolicy,
      learned: learnedPolicy,
      oracle: oraclePolicy,
    })) {
      const decide = make(world);
      const timed: Policy = (...asked) => {
        const start = performance.now();
        const placed = decide(...asked);
        if (policy === 'learned') {
          time += performance.now() - start;
          ranks += 1;
        }
        return placed;
      };
      const run = simulate(world, timed);
      ratios[policy]?.push(run.impactHours / published.impactHours);
      if (policy === 'learned') traces.push(...run.attempts);
    }
  }
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  console.log(
    name.padEnd(16),
    Object.entries(ratios)
      .map(
        ([policy, values]) =>
          `${policy} ${mean(values).toFixed(3)} max ${Math.max(...values).toFixed(2)} >1.02: ${values.filter((value) => value > 1.02).length}`,
      )
      .join(' | '),
  );
  const brier = mean(traces.map(({ success, fixed }) => (success - Number(fixed)) ** 2));
  const perfect = mean(traces.map(({ truth, fixed }) => (truth - Number(fixed)) ** 2));
  const bins = Map.groupBy(traces, ({ success }) => Math.min(9, Math.floor(success * 10)));
  const error =
    [...bins.values()].reduce(
      (sum, bin) =>
        sum +
        Math.abs(mean(bin.map(({ success }) => success)) - mean(bin.map(({ fixed }) => Number(fixed)))) * bin.length,
      0,
    ) / traces.length;
  const covered = mean(traces.map(({ took, low, high }) => Number(took >= low && took <= high)));
  console.log(
    `  brier ${brier.toFixed(3)} perfect ${perfect.toFixed(3)} calibration ${error.toFixed(3)} coverage ${covered.toFixed(3)} attempts ${traces.length / Number(count)} ms/rank ${(time / ranks).toFixed(2)} ranks ${ranks / Number(count)} published backlog ${backlog / Number(count)}`,
  );
}
