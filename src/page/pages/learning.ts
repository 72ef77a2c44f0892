import type { Answers } from '../answers.ts';
import { interval, spread } from '../charts/interval.ts';
import { type Content, empty, facts, failed, foreign, html, panel, skeleton, state, table } from '../elements.ts';
import { useEngine } from '../engine-choice.ts';
import { capital, count, duration, figure, percent, words } from '../format.ts';
import { useAnswer } from '../live.ts';
import { frame } from '../routes.ts';

type Stats = Answers['GET /stats'];
type Forecast = Answers['GET /forecast'];

const verdictTones = { improved: 'up', worse: 'down', 'may be chance': 'quiet', 'too few': 'unknown' } as const;

function success({ creation, backup, repair, since }: Stats): Content {
  const rows = (
    [
      ['Containers that started', creation],
      ['Backups taken and verified', backup],
      ['Repairs that fixed', repair],
    ] as const
  ).map(([name, { before, after, trials, verdict }]) => [
    name,
    interval(before),
    interval(after),
    html`${trials.before} · ${trials.after}`,
    state(verdictTones[verdict], verdict),
  ]);
  return panel(
    'Has it become better?',
    table('Success before and since', ['What', 'Before', 'Since', 'Tries', 'Verdict'], rows),
    {
      note: `before and since ${since.slice(0, 10)}; the bar is the 95% interval`,
    },
  );
}

function minutes(value: number): string {
  return duration(value * 60);
}

function repairTimes({ timeToRepair }: Stats): Content {
  if (timeToRepair.length === 0)
    return panel(
      'Time to repair',
      empty('No repair has fixed anything yet.', 'The time counts from the plan until the repair was verified.'),
    );
  const top = Math.max(...timeToRepair.map(({ most }) => most));
  const rows = timeToRepair.map(({ kind, fixed, median, most }) => [
    capital(words(kind)),
    spread(median, most, top, minutes),
    String(fixed),
  ]);
  return panel('Time to repair', table('Time to repair by kind', ['Kind', 'Half within', 'Fixed'], rows, [2]));
}

function handlers({ handlers: all }: Stats): Content {
  if (all.length === 0) return panel('Success by remediator', empty('No remediator has been tried yet.'));
  const rows = all.map((one) => [
    capital(words(one.handler)),
    interval(one),
    `${one.fixed} of ${one.attempts}`,
    one.recurred === 0 ? 'none' : String(one.recurred),
    one.downtimeMs === 0 ? 'none' : duration(one.downtimeMs / 1000),
  ]);
  return panel(
    'Success by remediator',
    table('Success by remediator', ['Remediator', 'Success', 'Fixed', 'Came back', 'Downtime'], rows, [2, 3, 4]),
  );
}

function days({ value, low, high }: Forecast['ports']['days']): string {
  if (value === null) return low === null ? 'not within a year' : `${Math.round(low)} days at the earliest`;
  return `${Math.round(value)} days, ${low === null ? '0' : Math.round(low)} to ${high === null ? 'more than a year' : Math.round(high)}`;
}

function ahead({ ports, conflict, limits }: Forecast): Content {
  return html`${panel(
    'Ports',
    facts([
      ['Range', ports.range],
      ['Free', String(ports.free)],
      ['New instances a day', figure(ports.perDay)],
      ['Range is full in', days(ports.days)],
      ['A conflict in the next batch', percent(conflict.probability)],
    ]),
    { note: 'what to expect' },
  )}${panel(
    'Limits',
    limits.length === 0
      ? empty('No instance nears a limit.', 'A forecast needs seven days of measurements.')
      : html`<ul class="lines">
          ${limits.map((one) => html`<li><b>${foreign(one.instance)}</b><span class="grow">${one.of}</span><span class="note">${days(one.days)}</span></li>`)}
        </ul>`,
  )}`;
}

function noise({ wentAway, recurrences, downtimeMs }: Stats): Content {
  return panel(
    'Noise and recurrence',
    facts([
      ['Gone before the repair began', count(wentAway, 'finding')],
      ['Fixed, then found again', `${recurrences.recurred} of ${recurrences.fixed}`],
      [
        'Downtime by repairs',
        `${duration(downtimeMs.after / 1000)} since, ${duration(downtimeMs.before / 1000)} before`,
      ],
    ]),
  );
}

export function Learning(): Content {
  const { engine, choice } = useEngine();
  const stats = useAnswer('GET /stats', { query: { engine } });
  const forecast = useAnswer('GET /forecast', { query: { engine } });
  const body =
    stats.answer !== undefined
      ? html`${success(stats.answer)}
          <div class="two">${repairTimes(stats.answer)}${noise(stats.answer)}</div>
          ${handlers(stats.answer)}`
      : stats.failure === undefined
        ? skeleton(6)
        : failed(stats.failure, stats.again);
  const next =
    forecast.answer !== undefined
      ? html`<div class="two">${ahead(forecast.answer)}</div>`
      : forecast.failure === undefined
        ? skeleton(3)
        : failed(forecast.failure, forecast.again);
  return frame('Learning', 'What has worked, how long it took, and what to expect', html`${body}${next}`, choice);
}
