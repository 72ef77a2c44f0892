import type { Change, Explanation, Waiting } from '../priority/explain.ts';
import type { Task } from '../tasks/types.ts';
import type { Style } from './style.ts';
import { plainTable } from './table.ts';
import { scoreText } from './tasks.ts';
import { visible } from './escape-terminal.ts';

const estimateNames = {
  impact: 'impact',
  urgency: 'urgency',
  successProb: 'success_prob',
  resourceCost: 'resource_cost',
} as const;

/** Why a task stands where it stands: every factor, where it came from, and what would move the task up one place. */
export function explanationText(task: Task, explanation: Explanation, style: Style): string {
  const { priority, rank, of } = explanation;
  return [
    `${style('strong', visible(task.title))}\n`,
    `task ${task.id}, from ${visible(task.problem)} in ${visible(task.target)}\n`,
    `score ${scoreText(priority.score)} (${priority.band}), place ${rank} of ${of}\n\n`,
    factorsText(explanation),
    '\n',
    triageText(task),
    '\n',
    changesText(explanation),
  ].join('');
}

function factorsText({ priority }: Explanation): string {
  return plainTable({
    columns: [
      { title: 'factor' },
      { title: 'estimate' },
      { title: 'scale', align: 'right' },
      { title: 'weight', align: 'right' },
      { title: 'weighted', align: 'right' },
      { title: 'from' },
      { title: 'reason' },
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
  });
}

function triageText(task: Task): string {
  return plainTable({
    columns: [{ title: 'triage' }, { title: '' }, { title: 'reason' }],
    rows: [
      ['class', task.class, task.classReason],
      ['handler', task.handler, task.handlerReason],
      ['automation', task.automation, task.automationReason],
    ],
  });
}

function changesText({ above, changes, waiting }: Explanation): string {
  if (above === null) return 'No task of another problem stands above it.\n';
  const other = `${visible(above.id)} (${scoreText(above.score)})`;
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
