import type { LearnedState, TaskForecasts } from '../../app/learn.ts';
import type { AttemptRecord } from '../../learning/past-forecasts.ts';
import { escapeTerminal } from '../escape-terminal.ts';
import { fittedLines, type Table } from '../table.ts';

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

/**
 * Whether it is used, how much it counts, and how forecasts have done.
 * @param width If given, lines wrap between words to fit it.
 */
export function learnedText(
  { isUsed, since, reported, trust, patterns, record }: LearnedState,
  width = Number.POSITIVE_INFINITY,
): string {
  return fittedLines(
    [
      patterns.length === 0
        ? 'No attempts are known yet, so nothing has been learned: every score is that of the published formula.'
        : `Learned estimates decide ${percent(trust)} of a score. An attempt that was reported, but not verified, counts ${digits(reported)} or less.`,
      ...(since === null ? [] : [`Attempts that ended before ${since} are left out.`]),
      ...(record === null ? [] : recordLines(record)),
      isUsed
        ? 'Scans and the queue use this.'
        : 'Scans and the queue do not use this. To use it, set priority.profile to learned in the config.',
    ].map(escapeTerminal),
    width,
  );
}

/** At most so many tasks are printed; `--json` has all. */
const mostTasks = 20;

/** How the open tasks will probably go, one row for each. */
export function workForecastTable({ tasks }: TaskForecasts): Table {
  return {
    columns: [
      { title: 'SUCCESS', align: 'right' },
      { title: 'MINUTES', align: 'right' },
      { title: '80% INTERVAL' },
      { title: 'HANDLER', wraps: 'words' },
      { title: 'TASK', ownLine: true },
    ],
    rows: tasks
      .slice(0, mostTasks)
      .map(({ task, handler, success, minutes }) => [
        percent(success.value),
        digits(minutes.value),
        `${digits(minutes.low)} to ${digits(minutes.high)}`,
        handler,
        task,
      ]),
  };
}

/**
 * What that table leaves out, and how such forecasts have done.
 * @param width If given, lines wrap between words to fit it.
 */
export function workForecastText(forecasts: TaskForecasts, width = Number.POSITIVE_INFINITY): string {
  const { tasks, attempts, record, given, notNoted } = forecasts;
  return fittedLines(
    [
      ...(tasks.length === 0 ? ['No task is open.'] : []),
      ...(tasks.length > mostTasks ? [`… and ${tasks.length - mostTasks} more; --json has all.`] : []),
      ...(record === null
        ? ['No attempts are known yet: success is what the records say, and minutes are what is usual for their cost.']
        : [`Learned from ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}.`, ...recordLines(record)]),
      ...(given === null ? [] : ['As they were recorded when they were made:', ...recordLines(given)]),
      ...(notNoted === null ? [] : [`These forecasts could not be recorded: ${notNoted}`]),
    ].map(escapeTerminal),
    width,
  );
}

/** How forecasts of attempts have done so far. */
function recordLines({ success, minutes }: AttemptRecord): readonly string[] {
  return [
    `Forecasts of success so far: Brier score ${success.brier.toFixed(3)} of ${success.forecasts} (always forecasting the mean, ${percent(success.rate)}, would score ${success.brierOfRate.toFixed(3)}).`,
    ...success.calibration.map(
      ({ from, to, forecasts, expected, seen }) =>
        `  ${percent(from)} to ${percent(to)}: ${forecasts} ${forecasts === 1 ? 'forecast' : 'forecasts'}, ${percent(expected)} expected, ${percent(seen)} seen`,
    ),
    ...(minutes === null
      ? []
      : [`${percent(minutes.within)} of ${minutes.compared} durations were within their 80% interval.`]),
  ];
}

function percent(share: number): string {
  return `${Math.round(100 * share)}%`;
}

function digits(value: number): string {
  return String(Number(value.toPrecision(2)));
}
