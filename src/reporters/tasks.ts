import type { Task } from '../tasks/types.ts';
import type { Style } from './style.ts';
import type { Table } from './table.ts';

/** Tasks as a table, in the order given. */
export function tasksTable(tasks: readonly Task[]): Table {
  return {
    columns: [
      { title: 'score', align: 'right' },
      { title: 'band' },
      { title: 'task' },
      { title: 'automation' },
      { title: 'problem', wraps: true },
      { title: 'title', wraps: 'words' },
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

/** A score with what a person can compare: three decimals at most. */
export function scoreText(score: number): string {
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
    .map(({ band, number }) =>
      style(band === 'critical' ? 'error' : band === 'high' ? 'warning' : 'faint', `${number} ${band}`),
    )
    .join(', ');
}
