import type {
  Claim,
  Exchanged,
  Settled,
  SwarmStats,
  SwarmTask,
  TaskBrief,
  TaskStatus,
  Waiting,
} from '../../app/swarm.ts';
import { escapeTerminal, escapeTerminalLines, type Style, type Tone } from '../escape-terminal.ts';
import { taskJson, type TaskJson } from '../json.ts';
import type { Table } from '../table.ts';
import { count } from './diagnostics.ts';

/** A task of the queue as `--json` prints it. */
export interface SwarmTaskJson extends Omit<SwarmTask, 'task'> {
  readonly task: TaskJson;
}

export function swarmTaskJson(entry: SwarmTask): SwarmTaskJson {
  return { ...entry, task: taskJson(entry.task) };
}

/** A claim with what is known about its problem, for the program that hands it to an agent. */
export function claimJson(claim: Claim | undefined, brief?: TaskBrief) {
  if (claim === undefined) return { schemaVersion: 1, claim: null, leaseUntil: null, task: null };
  const { status } = claim.entry;
  return {
    schemaVersion: 1,
    claim: claim.name,
    leaseUntil: status.state === 'claimed' ? status.leaseUntil : null,
    ...brief,
    task: taskJson(claim.task),
  };
}

/** One row for each task, in the order given. */
export function queueTable(tasks: readonly SwarmTask[]): Table {
  return {
    columns: [
      { title: 'SCORE', align: 'right' },
      { title: 'STATE', tone: toneOfState },
      { title: 'HANDLER' },
      { title: 'TASK', ownLine: true },
      { title: 'NOTE', wraps: 'words' },
    ],
    rows: tasks.map(({ id, task, status, asks, failures }) => [
      String(Number(task.priority.score.toFixed(3))),
      stateOf(status),
      task.handler,
      id,
      [noteOf(status), asks ?? '', failures.counted === 0 ? '' : count(failures.counted, 'failure')]
        .filter((part) => part !== '')
        .join('; '),
    ]),
  };
}

function stateOf(status: TaskStatus): string {
  if (status.state !== 'open') return status.state;
  return status.waiting === null ? 'ready' : 'waiting';
}

function toneOfState(state: string): Tone | undefined {
  if (state === 'ready' || state === 'done') return 'good';
  if (state === 'dead') return 'error';
  return state === 'person' ? 'warning' : undefined;
}

function noteOf(status: TaskStatus): string {
  switch (status.state) {
    case 'open':
      return status.waiting === null ? '' : waitingText(status.waiting);
    case 'claimed': {
      const { worker, progress, stopping } = status;
      const parts = [
        `by ${worker}`,
        ...(progress === null ? [] : [progress]),
        ...(stopping === null ? [] : ['stopping']),
      ];
      return parts.join(', ');
    }
    case 'person':
      return 'its last failure needs your decision';
    case 'dead':
      return 'it failed too often';
    case 'done':
    case 'withdrawn':
    case 'cancelled':
      return '';
  }
}

function waitingText(waiting: Waiting): string {
  switch (waiting.for) {
    case 'person':
      return 'left to people';
    case 'approval':
      return 'for approval';
    case 'tasks':
      return `for ${waiting.tasks.join(', ')}`;
    case 'time':
      return `until ${minute(waiting.until)}`;
    case 'gate':
      return `${waiting.scope} is paused${waiting.why === '' ? '' : `: ${waiting.why}`}`;
    case 'limit':
      return `${waiting.scope} has had its tasks of this hour, until ${minute(waiting.until)}`;
    case 'key':
      return 'for another task with the same serial key';
  }
}

function minute(time: string): string {
  return `${time.slice(0, 16).replace('T', ' ')} UTC`;
}

/** A claimed task in full, and the commands that end the claim. */
export function claimText(claim: Claim, { escalation }: TaskBrief, style: Style): string {
  const { name, task, entry } = claim;
  const until = entry.status.state === 'claimed' ? entry.status.leaseUntil : '';
  return [
    style('strong', escapeTerminal(task.title)),
    `  Claim:    ${name}`,
    `  Lease:    until ${until.slice(0, 19).replace('T', ' ')} UTC`,
    `  Problem:  ${escapeTerminal(task.problem)}`,
    `  Registry: ${escapeTerminal(task.target)}`,
    '',
    escapeTerminalLines(task.description),
    ...(escalation === null ? [] : ['', escapeTerminalLines(escalation.trimEnd())]),
    '',
    `Report it with: problems tasks done ${name}`,
    `            or: problems tasks fail ${name} --class transient --notes '…'`,
  ]
    .map((line) => `${line}\n`)
    .join('');
}

/** The answer to a report, in one line. */
export function settledText(name: string, settled: Settled): string {
  if (settled.accepted)
    return `${name}: accepted; the task is ${settled.state === 'person' ? 'left to you' : settled.state}.\n`;
  return `${name}: refused: the claim has ended, and another worker may have the task.\n`;
}

const waitingReasons = [
  ['approval', 'for approval'],
  ['person', 'left to people'],
  ['tasks', 'for other tasks'],
  ['time', 'for their time'],
  ['gate', 'paused'],
  ['limit', 'for the limit of an hour'],
  ['key', 'for a serial key'],
] as const satisfies readonly (readonly [Waiting['for'], string])[];

/** How many tasks are where, who works, and what is paused. */
export function statsText(
  { tasks, ready, waiting, outcomes, gates, limits, workers }: SwarmStats,
  style: Style,
): string {
  const reasons = waitingReasons.flatMap(([reason, words]) =>
    waiting[reason] === 0 ? [] : [`${waiting[reason]} ${words}`],
  );
  const waits = tasks.open - ready;
  const held = workers.flatMap(({ name, host, pid, draining, seenAt, holds }) => [
    `${style('strong', escapeTerminal(name))}: process ${pid} on ${escapeTerminal(host)}, last heard of ${seenAt.slice(0, 19).replace('T', ' ')} UTC${draining ? ', draining' : ''}`,
    ...holds.map((id) => `  ${id}`),
  ]);
  return [
    `${style('good', `${ready} ready`)}, ${waits} waiting${reasons.length === 0 ? '' : ` (${reasons.join(', ')})`}, ${tasks.claimed} claimed`,
    `${tasks.done} done, ${tasks.withdrawn} withdrawn, ${tasks.cancelled} cancelled, ${tasks.person} left to you, ${tasks.dead} dead`,
    `${count(outcomes.done + outcomes.failed, 'outcome')}: ${outcomes.done} done, ${outcomes.failed} failed`,
    ...gates.map(
      ({ scope, why }) =>
        `${style('warning', 'paused')}: ${escapeTerminal(scope)}${why === '' ? '' : `: ${escapeTerminal(why)}`}`,
    ),
    ...limits.map(
      ({ scope, perHour }) => `${style('warning', 'limited')}: ${escapeTerminal(scope)}: ${perHour} an hour`,
    ),
    ...held,
  ]
    .map((line) => `${line}\n`)
    .join('');
}

/** What an exchange with another system brought, in one line, and what needs attention there. */
export function exchangedText(
  { reported, held, released, ready, people, notes }: Exchanged,
  style: Style,
): { readonly text: string; readonly notes: string } {
  const parts = [
    `${ready.length} to take`,
    `${people.length} for people`,
    `${held.length} taken`,
    `${count(reported.length, 'outcome')} read`,
    ...(released.length === 0 ? [] : [`${released.length} put back`]),
  ];
  return {
    text: `${parts.join(', ')}\n`,
    notes: notes
      .map(
        ({ about, message }) => `${style('warning', 'note')}: ${escapeTerminal(about)}: ${escapeTerminal(message)}\n`,
      )
      .join(''),
  };
}
