import type {
  FleetRecommendation,
  Forecasts,
  LimitRecommendation,
  RateChange,
  Reach,
  Stats,
} from '../../app/remediation.ts';
import { escapeTerminal, type Style } from '../escape-terminal.ts';
import { fitted, fittedLines, type Table } from '../table.ts';
import { count } from './diagnostics.ts';
import { size } from './tuning.ts';

/** One row for each instance: its limit, the proposed one, and why. */
export function recommendationTable({ instances }: FleetRecommendation): Table {
  return {
    columns: [
      { title: 'INSTANCE' },
      { title: 'LIMIT', align: 'right' },
      { title: 'RECOMMENDED', align: 'right' },
      { title: 'DAYS SEEN', align: 'right' },
      { title: 'DAYS ABOVE', align: 'right' },
      { title: 'WHY', wraps: 'words' },
    ],
    rows: instances.map((one) => [
      one.instance,
      one.limit === 0 ? 'none' : size(one.limit),
      one.recommended === null ? 'as it is' : size(one.recommended),
      String(one.days),
      daysAbove(one),
      one.reasons.join('; '),
    ]),
  };
}

/** `12% → 0.1%`: how often a day exceeds the present limit, and the recommended one. */
function daysAbove({ exceeds }: LimitRecommendation): string {
  if (exceeds === null) return '';
  return exceeds.present === null
    ? percent(exceeds.recommended)
    : `${percent(exceeds.present)} → ${percent(exceeds.recommended)}`;
}

/** What is left, and how a limit is changed. */
export function recommendationFoot({ instances, left }: FleetRecommendation, style: Style): string {
  const changed = instances.find(({ recommended, limit }) => recommended !== null && recommended !== limit);
  const rest =
    left >= 0
      ? `${style('good', `${size(left)} of the machine’s budget are left`)} with these limits.`
      : `${style('error', `The machine has ${size(-left)} too little`)} for these limits.`;
  const how =
    changed === undefined
      ? []
      : [
          `This is a proposal. For ${escapeTerminal(changed.instance)}: docker update --memory ${changed.recommended} --memory-swap ${changed.recommended} ${escapeTerminal(changed.container)}; a Compose file needs the same limit.`,
        ];
  return `${[rest, ...how].join('\n')}\n`;
}

/** `12%`, `0.3%`, `under 0.1%`. */
function percent(share: number): string {
  if (share > 0 && share < 0.001) return 'under 0.1%';
  return `${share < 0.1 ? Math.round(share * 1000) / 10 : Math.round(share * 100)}%`;
}

/**
 * Conflicts, the port range and limits, each with how its forecasts have done.
 * @param width If given, lines wrap between words to fit it.
 */
export function forecastText(
  { conflict, ports, limits, trends }: Forecasts,
  style: Style,
  width = Number.POSITIVE_INFINITY,
): string {
  const near = limits.filter(({ days }) => days.low !== null);
  const section = (title: string, lines: readonly string[]): string =>
    `${style('strong', title)}\n${fittedLines(indented(lines), width)}`;
  return [
    section('Port conflicts', conflictLines(conflict)),
    section('Port range', [
      `${ports.range}: ${count(ports.free, 'port')} free, ${round(ports.perDay)} new instances a day. ${fullText(ports.days)}`,
    ]),
    section('Limits', [
      ...(limits.length === 0
        ? ['No history yet. `problems fleet` must see an instance on seven days.']
        : near.length === 0
          ? [`None of ${count(limits.length, 'trend')} reaches its limit within a year.`]
          : near.map(
              ({ instance, of, limit, now, days }) =>
                `${escapeTerminal(instance)}: ${of} ${of === 'memory' ? `${size(now)} of ${size(limit)}` : `${now} of ${limit}`}. ${fullText(days)}`,
            )),
      ...(trends === null
        ? []
        : [
            `So far ${percent(trends.within)} of ${count(trends.compared, 'value')} forecast a week ahead were within their 80% interval.`,
          ]),
    ]),
  ].join('');
}

function conflictLines({ batch, probability, batches, record }: Forecasts['conflict']): readonly string[] {
  const { size: instances, gapMinutes, startMinutes, explicitPorts, hour } = batch;
  const apart = instances === 1 ? [] : [`one every ${round(gapMinutes)} min`];
  const asked = [
    `${count(instances, 'new instance')} at ${hour}:00 UTC`,
    ...apart,
    `${round(startMinutes)} min to start`,
    `${percent(explicitPorts)} on a port chosen by hand`,
  ].join(', ');
  const risk = `${percent(probability)} risk of a conflict for ${asked}.`;
  if (record === null)
    return [risk, 'No history yet, so these are defaults. `problems fleet` records when instances are created.'];
  const skill =
    record.brierOfRate === 0
      ? ''
      : ` (always forecasting the mean, ${percent(record.rate)}, would score ${round(record.brierOfRate)})`;
  return [
    `${risk} Learned from ${batches} earlier ${batches === 1 ? 'batch' : 'batches'}.`,
    `Forecasts so far: Brier score ${round(record.brier)}${skill}.`,
    ...record.calibration.map(
      ({ from, to, forecasts, expected, seen }) =>
        `  ${percent(from)} to ${percent(to)}: ${count(forecasts, 'forecast')}, ${percent(expected)} expected, ${percent(seen)} seen`,
    ),
  ];
}

/** `Full in 40 days (80%: 20 to 300).` */
function fullText({ value, low, high }: Reach): string {
  if (low === null) return 'Not full within a year.';
  if (value === 0) return 'It is full.';
  const end = high === null ? 'more than a year' : String(Math.round(high));
  const middle = value === null ? 'more than a year' : count(Math.round(value), 'day');
  return `Full in ${middle} (80%: ${Math.round(low)} to ${end}).`;
}

/**
 * Rates before and since, recurrences and downtime.
 * @param width If given, lines wrap between words to fit it.
 */
export function statsText(
  { since, creation, backup, repair, timeToRepair, recurrences, wentAway, downtimeMs }: Stats,
  style: Style,
  width = Number.POSITIVE_INFINITY,
): string {
  const rates = (
    [
      ['Creations', creation],
      ['Backups', backup],
      ['Repairs', repair],
    ] as const
  ).map(([what, change]) => {
    const tone = ({ improved: 'good', worse: 'error', 'may be chance': 'faint', 'too few': 'faint' } as const)[
      change.verdict
    ];
    return fitted(`  ${changeLine(what, change)}`, width, (line) => style(tone, line));
  });
  const lines = [
    ...timeToRepair.map(
      ({ kind, fixed, median, most }) =>
        `${escapeTerminal(kind)}: fixed ${count(fixed, 'time')}, half within ${minutes(median)}, nine of ten within ${minutes(most)}`,
    ),
    ...(recurrences.fixed === 0
      ? []
      : [`Recurred: ${recurrences.recurred} of ${count(recurrences.fixed, 'fixed problem')}`]),
    ...(wentAway === 0 ? [] : [`Gone before their repair began: ${count(wentAway, 'finding')}`]),
    `Downtime caused by repairs: ${minutes(downtimeMs.after / 60_000)}; before ${minutes(downtimeMs.before / 60_000)}`,
  ];
  return `${style('strong', `Since ${since.slice(0, 10)}, compared with before`)}\n${rates.join('')}${fittedLines(indented(lines), width)}`;
}

function changeLine(what: string, { before, after, better, trials, verdict }: RateChange): string {
  if (trials.before + trials.after === 0) return `${what}: no history yet`;
  const rate = ({ rate: middle, low, high }: RateChange['after'], of: number): string =>
    of === 0 ? 'none' : `${percent(middle)} of ${of} (90%: ${percent(low)} to ${percent(high)})`;
  const said = {
    improved: `improved, with a probability of ${percent(better)}`,
    worse: `worse, with a probability of ${percent(1 - better)}`,
    'may be chance': 'the difference may be chance',
    'too few': 'too few to compare',
  }[verdict];
  return `${what}: ${rate(after, trials.after)}; before ${rate(before, trials.before)}; ${said}`;
}

/** One row for each handler: how often it fixed what it tried. */
export function handlersTable({ handlers }: Stats): Table {
  return {
    columns: [
      { title: 'HANDLER' },
      { title: 'ATTEMPTS', align: 'right' },
      { title: 'FIXED', align: 'right' },
      { title: 'RATE' },
      { title: 'RECURRED', align: 'right' },
      { title: 'HALF WITHIN', align: 'right' },
      { title: 'DOWNTIME', align: 'right' },
    ],
    rows: handlers.map((one) => [
      one.handler,
      String(one.attempts),
      String(one.fixed),
      `${percent(one.rate)} (${percent(one.low)} to ${percent(one.high)})`,
      String(one.recurred),
      one.minutes === null ? '' : minutes(one.minutes.median),
      minutes(one.downtimeMs / 60_000),
    ]),
  };
}

/** `12 s`, `4 min`, `3.5 h`. */
function minutes(value: number): string {
  if (value < 1) return `${Math.round(value * 60)} s`;
  return value < 120 ? `${Math.round(value)} min` : `${Math.round(value / 6) / 10} h`;
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `  ${line}`);
}

function round(value: number): string {
  return String(Number(value.toPrecision(2)));
}
