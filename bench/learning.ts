/**
 * `npm run bench:learning [-- seeds [world …]]`: the policies on worlds of several kinds, as docs/learning.md shows them.
 * Prints the tables. `parts` and `speed` in place of a world: what each estimate is worth, and how fast a history is read.
 */
import { availableParallelism, loadavg } from 'node:os';
import { informedPolicy, parts } from './learning-parts.ts';
import { learnedPolicy, oraclePolicy, publishedPolicy, randomPolicy } from './learning-policies.ts';
import { type Policy, type Run, simulate } from './learning-run.ts';
import { historyLine, speedOf } from './learning-speed.ts';
import { createWorld, usualWorld, type World, type WorldOptions } from './learning-world.ts';
import { worldsHeldOut, worldsToChooseOn } from './learning-worlds.ts';

/** The policies that are compared with the published formula. */
const policies: Readonly<Record<string, (world: World) => Policy>> = {
  random: randomPolicy,
  learned: () => learnedPolicy(),
  oracle: oraclePolicy,
};

const [count = '20', ...wanted] = process.argv.slice(2);
console.log(`${availableParallelism()} processors, load ${loadavg()[0]?.toFixed(1)} at the start\n`);
table('Parameters were chosen on these', worldsToChooseOn, 1);
table('Held out', worldsHeldOut, 201);
if (isWanted('parts')) printParts(Number(count));
if (isWanted('speed')) printSpeed();

function isWanted(name: string): boolean {
  return wanted.length === 0 || wanted.includes(name);
}

function table(title: string, worlds: Readonly<Record<string, WorldOptions>>, firstSeed: number): void {
  const names = Object.keys(worlds).filter(isWanted);
  if (names.length === 0) return;
  console.log(
    `${title}: seeds ${firstSeed} to ${firstSeed + Number(count) - 1}\n\n` +
      '| world | random | learned | worst seed | seeds > 1.02 | oracle | Brier (perfect) | calibration error | coverage |\n' +
      '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
  );
  for (const name of names) console.log(measure(name, worlds[name] ?? usualWorld, firstSeed, Number(count)));
  console.log('');
}

/** One row of the table: impact-hours against the published formula on the same seeds, and how good forecasts were. */
function measure(name: string, options: WorldOptions, firstSeed: number, seeds: number): string {
  const ratios: Record<string, number[]> = {};
  const traces: Run['attempts'][number][] = [];
  for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1) {
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
    `${(100 * mean(traces.map(({ took, low, high }) => Number(took >= low && took <= high)))).toFixed(1)}%`,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** The usual world with some estimates replaced by the truth. */
function printParts(seeds: number): void {
  console.log(
    `What knowing the truth is worth: usual world, seeds 1 to ${seeds}\n\n| known | impact-hours |\n| --- | --- |`,
  );
  const rows = [[], ...parts.map((part) => [part]), [...parts]];
  for (const known of rows) {
    const ratios = Array.from({ length: seeds }, (_, index) => {
      const world = createWorld(index + 1, usualWorld);
      return simulate(world, informedPolicy(world, known)).impactHours / simulate(world, publishedPolicy()).impactHours;
    });
    console.log(`| ${known.join(', ') || 'nothing'} | ${mean(ratios).toFixed(3)} |`);
  }
  console.log('');
}

function printSpeed(): void {
  const outcomes = 100_000;
  const { median, lowest, highest, time, yardstick } = speedOf(historyLine(outcomes), 5);
  console.log(
    `${outcomes} outcomes read and ranked: ${median.toFixed(1)} times as long as parsing their JSON alone ` +
      `(${lowest.toFixed(1)} to ${highest.toFixed(1)}); ${time.toFixed(0)} ms against ${yardstick.toFixed(0)} ms of the processor`,
  );
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
