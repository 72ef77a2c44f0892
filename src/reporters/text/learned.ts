import type { LearnedState, TaskForecasts } from '../../app/learn.ts';
import type { AttemptRecord } from '../../learning/past-forecasts.ts';
import { escapeTerminal, type Style } from '../escape-terminal.ts';
import type { Table } from '../table.ts';

/** One row for each handler and topic. */
export function patternsTable({ patterns }: Pick<LearnedState, 'patterns'>): Table {
  return {
    columns: [
      { title: 'HANDLER' },
      { title: 'TOPIC' },
      { title: 'FIXED', align: 'right' },
      { title: 'VERIFIED', align: 'right' },
      { title: 'COUNT AS', align: 'right' },
      { title: 'CAME BACK', align: 'right' },
      { title: 'SUCCESS' },
      { title: 'MINUTES' },
    ],
    rows: patterns.map((one) => [
      one.handler,
      one.topic,
      `${one.fixed} of ${one.attempts}`,
      String(one.verified),
      digits(one.weight),
      String(one.recurred),
      `${percent(one.success.value)} (${percent(one.success.low)} to ${percent(one.success.high)})`,
      `${digits(one.minutes.value)} (${digits(one.minutes.low)} to ${digits(one.minutes.high)})`,
    ]),
  };
}

/** Whether it is used, how much it counts, and how forecasts have done. */
export function learnedText({ isUsed, since, reported, trust, patterns, record }: LearnedState): string {
  const lines = [
    patterns.length === 0
      ? 'No attempt is known, so nothing is learned: every score is the published one.'
      : `All of it counts for ${percent(trust)} of a score. Attempts that were only reported count ${digits(reported)} or less.`,
    ...(since === null ? [] : [`Attempts that ended before ${since} are left out.`]),
    ...(record === null ? [] : recordLines(record)),
    isUsed
      ? 'Scans and the queue use it.'
      : 'Scans and the queue do not use it: set priority.profile to learned in the config.',
  ];
  return lines.map((line) => `${escapeTerminal(line)}\n`).join('');
}

/** At most so many tasks are printed; `--json` has all. */
const mostTasks = 20;

/** How the open tasks will go, and how such forecasts have done. */
export function workForecastText({ tasks, attempts, record }: TaskForecasts, style: Style): string {
  const lines = [
    ...(tasks.length === 0 ? ['No task is open.'] : []),
    ...tasks
      .slice(0, mostTasks)
      .map(
        ({ task, handler, success, minutes }) =>
          `${task}: ${percent(success.value)} by ${handler}, in ${digits(minutes.value)} minutes (80 %: ${digits(minutes.low)} to ${digits(minutes.high)})`,
      ),
    ...(tasks.length > mostTasks ? [`… and ${tasks.length - mostTasks} more; --json has all.`] : []),
    ...(record === null
      ? ['No attempt is known: success is what the records say, minutes are what is usual for their cost.']
      : [`Learned from ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}.`, ...recordLines(record)]),
  ];
  return [style('strong', 'Open tasks'), ...lines.map((line) => `  ${escapeTerminal(line)}`), ''].join('\n');
}

/** How forecasts of attempts have done so far. */
function recordLines({ success, minutes }: AttemptRecord): readonly string[] {
  return [
    `So far: Brier score ${success.brier.toFixed(3)} of ${success.forecasts} forecasts of success (${success.brierOfRate.toFixed(3)} if each were the mean, ${percent(success.rate)}).`,
    ...success.calibration.map(
      ({ from, to, forecasts, expected, seen }) =>
        `  ${percent(from)} to ${percent(to)}: ${forecasts} ${forecasts === 1 ? 'forecast' : 'forecasts'}, ${percent(expected)} expected, ${percent(seen)} seen`,
    ),
    ...(minutes === null
      ? []
      : [`${percent(minutes.within)} of ${minutes.compared} durations were within their 80 % interval.`]),
  ];
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

function digits(value: number): string {
  return String(Number(value.toPrecision(2)));
}
