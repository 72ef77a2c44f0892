/**
 * `npm run bench:learning [-- seeds [world …]]`: the policies on worlds of several kinds, as docs/learning.md shows them.
 * Prints the table.
 */
import { learnedPolicy, oraclePolicy, publishedPolicy, randomPolicy } from './learning-policies.ts';
import { type Policy, type Run, simulate } from './learning-run.ts';
import { createWorld, usualWorld, type World, type WorldOptions } from './learning-world.ts';

const worlds: Readonly<Record<string, WorldOptions>> = {
  usual: usualWorld,
  'long backlog': { ...usualWorld, workers: 3, problems: 1000, usual: { automatic: 25, agent: 150, person: 240 } },
  'many workers': { ...usualWorld, workers: 6 },
  'one worker': { ...usualWorld, workers: 2, problems: 600 },
  'no structure': {
    ...usualWorld,
    success: { topic: 0.2, finding: 0.1, image: 0.1, version: 0.1, problem: 1 },
    minutes: { topic: 0.2, finding: 0.1, chance: 0.8 },
    recurrence: { perDay: 0.01, spread: 0.2 },
  },
  'good estimates': { ...usualWorld, stated: { bias: 0, slope: 1, chance: 0.3 }, drift: 0 },
  'strong effects': {
    ...usualWorld,
    success: { topic: 1.2, finding: 1, image: 0.8, version: 0.6, problem: 0.3 },
    recurrence: { perDay: 0.02, spread: 1.8 },
    drift: 2,
  },
  stubborn: { ...usualWorld, stubbornHours: 8 },
  'slow people': { ...usualWorld, usual: { automatic: 15, agent: 60, person: 900 }, scanHours: 6 },
};

/** The policies that are compared with the published formula. */
const policies: Readonly<Record<string, (world: World) => Policy>> = {
  random: randomPolicy,
  learned: () => learnedPolicy(),
  oracle: oraclePolicy,
};

const [count = '20', ...wanted] = process.argv.slice(2);
console.log(
  '| world | random | learned | worst seed | seeds > 1.02 | oracle | Brier (perfect) | calibration error | coverage |\n' +
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
);
for (const [name, options] of Object.entries(worlds))
  if (wanted.length === 0 || wanted.includes(name)) console.log(measure(name, options, Number(count)));

/** One row of the table: impact-hours against the published formula on the same seeds, and how good forecasts were. */
function measure(name: string, options: WorldOptions, seeds: number): string {
  const ratios: Record<string, number[]> = {};
  const traces: Run['attempts'][number][] = [];
  for (let seed = 1; seed <= seeds; seed += 1) {
    const world = createWorld(seed, options);
    const published = simulate(world, publishedPolicy());
    for (const [policy, make] of Object.entries(policies)) {
      const run = simulate(world, make(world));
      (ratios[policy] ??= []).push(run.impactHours / published.impactHours);
      if (policy === 'learned') traces.push(...run.attempts);
    }
  }
  const { random = [], learned = [], oracle = [] } = ratios;
  const cells = [
    name,
    mean(random).toFixed(2),
    mean(learned).toFixed(2),
    Math.max(...learned).toFixed(2),
    `${learned.filter((ratio) => ratio > 1.02).length} of ${seeds}`,
    mean(oracle).toFixed(2),
    `${brier(traces, ({ success }) => success).toFixed(3)} (${brier(traces, ({ truth }) => truth).toFixed(3)})`,
    calibrationError(traces).toFixed(3),
    `${(100 * mean(traces.map(({ took, low, high }) => Number(took >= low && took <= high)))).toFixed(1)} %`,
  ];
  return `| ${cells.join(' | ')} |`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function brier(traces: Run['attempts'], forecast: (trace: Run['attempts'][number]) => number): number {
  return mean(traces.map((trace) => (forecast(trace) - Number(trace.fixed)) ** 2));
}

/** Of ten bins of forecasts: how far their mean is from the share of successes, weighted by attempts. */
function calibrationError(traces: Run['attempts']): number {
  const bins = Map.groupBy(traces, ({ success }) => Math.min(9, Math.floor(success * 10)));
  const errors = [...bins.values()].map(
    (bin) =>
      bin.length * Math.abs(mean(bin.map(({ success }) => success)) - mean(bin.map(({ fixed }) => Number(fixed)))),
  );
  return errors.reduce((sum, error) => sum + error, 0) / traces.length;
}
