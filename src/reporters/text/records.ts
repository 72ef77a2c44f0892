import type { LearnedView } from '../../app/rank-by-learning.ts';
import type { Change, Explanation, Waiting } from '../../priority/explain.ts';
import type { ProblemRecord } from '../../registry/record.ts';
import type { Task } from '../../tasks/types.ts';
import { type Style, type Tone, escapeTerminal, escapeTerminalLines } from '../escape-terminal.ts';
import { fitted, fittedLines, plainTable, type Table } from '../table.ts';

/** Tasks as a table, in the order given. */
export function tasksTable(tasks: readonly Task[]): Table {
  return {
    columns: [
      { title: 'SCORE', align: 'right' },
      { title: 'BAND', tone: toneOfBand },
      { title: 'TASK' },
      { title: 'AUTOMATION', tone: toneOfAutomation },
      { title: 'PROBLEM', ownLine: true },
      { title: 'TITLE', wraps: 'words' },
    ],
    rows: tasks.map(({ priority, kind, flags, automation, problem, title }) => [
      scoreText(priority.score),
      priority.band,
      kind,
      automation,
      problem,
      flags.length === 0 ? title : `${title} (${flags.join(', ')})`,
    ]),
  };
}

function toneOfBand(band: string): Tone | undefined {
  return band === 'critical' ? 'error' : band === 'high' ? 'warning' : band === 'low' ? 'faint' : undefined;
}

function toneOfAutomation(automation: string): Tone | undefined {
  return automation === 'auto' ? 'good' : automation === 'human' ? 'strong' : undefined;
}

/** A score with at most three decimals, for comparison by eye. */
function scoreText(score: number): string {
  return String(Number(score.toFixed(3)));
}

/** One line on how many tasks stand in which band. */
export function bandsText(tasks: readonly Task[], style: Style): string {
  const bands = ['critical', 'high', 'medium', 'low'] as const;
  const counted = bands.map((band) => ({
    band,
    number: tasks.filter(({ priority }) => priority.band === band).length,
  }));
  return counted
    .filter(({ number }) => number > 0)
    .map(({ band, number }) => style(toneOfBand(band) ?? 'faint', `${number} ${band}`))
    .join(', ');
}

const estimateNames = {
  impact: 'impact',
  urgency: 'urgency',
  successProb: 'success_prob',
  resourceCost: 'resource_cost',
} as const;

/**
 * Why a task has its rank: every factor, where it came from, and what would move the task up one place.
 * @param width If given, lines wrap between words to fit it.
 * @param learned What earlier attempts have taught about it.
 */
export function explanationText(
  task: Task,
  explanation: Explanation,
  style: Style,
  width = Number.POSITIVE_INFINITY,
  learned?: LearnedView,
): string {
  const { priority, rank, of } = explanation;
  const band = toneOfBand(priority.band);
  return [
    fitted(escapeTerminal(task.title), width, (line) => style('strong', line)),
    fitted(`task ${task.id}, from ${escapeTerminal(task.problem)} in ${escapeTerminal(task.target)}`, width),
    `score ${scoreText(priority.score)} (${band === undefined ? priority.band : style(band, priority.band)}), place ${rank} of ${of}\n\n`,
    factorsText(explanation, width),
    ...(learned === undefined ? [] : ['\n', learnedText(learned, of, width)]),
    '\n',
    triageText(task, width),
    '\n',
    fittedLines(changesText(explanation).trimEnd().split('\n'), width),
  ].join('');
}

function factorsText({ priority }: Explanation, width: number): string {
  const table: Table = {
    columns: [
      { title: 'FACTOR' },
      { title: 'ESTIMATE' },
      { title: 'SCALE', align: 'right' },
      { title: 'WEIGHT', align: 'right' },
      { title: 'WEIGHTED', align: 'right' },
      { title: 'FROM' },
      { title: 'REASON' },
    ],
    rows: priority.factors.map(({ name, estimate, scale, weight, weighted, provenance, reason }) => [
      name,
      String(estimate),
      scoreText(scale),
      String(weight),
      scoreText(weighted),
      provenance,
      reason,
    ]),
  };
  return plainTable(table, width);
}

/** How much earlier attempts count, the score without them, and who could take the task. */
function learnedText({ trust, attempts, published, handlers }: LearnedView, of: number, width: number): string {
  if (trust === 0)
    return fitted('No attempt on any task is known, so nothing is learned: the score is the published one.', width);
  const share = Math.round(100 * trust);
  const table: Table = {
    columns: [
      { title: 'HANDLER' },
      { title: 'SCORE', align: 'right' },
      { title: 'SUCCESS', align: 'right' },
      { title: 'MINUTES' },
    ],
    rows: handlers.map(({ handler, score, success, minutes: { value, low, high } }) => [
      handler,
      scoreText(score),
      success.toFixed(2),
      `${digits(value)}, in 8 of 10 cases ${digits(low)} to ${digits(high)}`,
    ]),
  };
  return [
    fitted(
      `Learned from attempts that count as ${digits(attempts)}: ${share}% of the score. Without them it is ${scoreText(published.score)}, place ${published.rank} of ${of}.`,
      width,
    ),
    plainTable(table, width),
  ].join('');
}

function digits(value: number): string {
  return String(Number(value.toPrecision(2)));
}

function triageText(task: Task, width: number): string {
  const table: Table = {
    columns: [{ title: 'TRIAGE' }, { title: '' }, { title: 'REASON' }],
    rows: [
      ['class', task.class, task.classReason],
      ['handler', task.handler, task.handlerReason],
      ['automation', task.automation, task.automationReason],
    ],
  };
  return plainTable(table, width);
}

function changesText({ above, changes, waiting }: Explanation): string {
  if (above === null) return 'No task of another problem ranks above it.\n';
  const other = `${escapeTerminal(above.id)} (${scoreText(above.score)})`;
  const helps = changes.some(({ to }) => to !== null) || (waiting !== null && waiting.hours !== null);
  const heading = helps
    ? `One of these would move it above ${other}:\n`
    : `No single change would move it above ${other}:\n`;
  return [heading, ...changes.map(changeLine), ...(waiting === null ? [] : [waitingLine(waiting)])].join('');
}

function changeLine({ estimate, from, to, score }: Change): string {
  const name = estimateNames[estimate];
  return to === null
    ? `  ${name} alone cannot: at best the score is ${scoreText(score)}\n`
    : `  ${name} ${from} → ${to}: the score is ${scoreText(score)}\n`;
}

function waitingLine({ hours, score }: Waiting): string {
  if (hours === null) return `  waiting alone cannot: after the cooldown the score is ${scoreText(score)}\n`;
  return `  waiting ${hours} ${hours === 1 ? 'hour' : 'hours'}: the score is ${scoreText(score)}\n`;
}

const shownApart: ReadonlySet<string> = new Set(['title', 'place', 'places', 'extra', 'path']);

/** Everything a record says, under the property names that the library and the JSON use. */
export function recordText(record: ProblemRecord, style: Style): string {
  const { title, path, place, extra } = record;
  const properties = Object.entries(record).filter(([name]) => !shownApart.has(name));
  const written = Object.entries(extra).map(([label, text]) => block(`extra: ${escapeTerminal(label)}`, text, style));
  return [
    `${style('strong', escapeTerminal(title))}\n`,
    `${style('path', `${escapeTerminal(path)}:${place.line}`)}\n\n`,
    ...properties.map(([name, value]) => block(name, value, style)),
    ...written,
  ].join('');
}

function block(name: string, value: unknown, style: Style): string {
  const lines = linesOf(value);
  const [only = '', ...more] = lines;
  if (more.length === 0 && typeof value !== 'object') return `${style('faint', `${name}:`)} ${only}\n`;
  return `${style('faint', `${name}:`)}\n${lines.map((line) => `  ${line}`.trimEnd()).join('\n')}\n`;
}

function linesOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item) => hanging('- ', linesOf(item)));
  if (typeof value !== 'object' || value === null) return escapeTerminalLines(String(value)).split('\n');
  return Object.entries(value).flatMap(([name, part]) => {
    const lines = linesOf(part);
    return lines.length === 1 && typeof part !== 'object'
      ? [`${escapeTerminal(name)}: ${lines[0] ?? ''}`]
      : [`${escapeTerminal(name)}:`, ...lines.map((line) => `  ${line}`)];
  });
}

function hanging(mark: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, at) => (at === 0 ? mark : ' '.repeat(mark.length)) + line);
}
