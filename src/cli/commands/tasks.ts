import { userInfo } from 'node:os';
import { ProblemsError } from '../../errors.ts';
import { failureClasses } from '../../app/swarm.ts';
import { taskKinds } from '../../tasks/types.ts';
import { suggest } from '../../util/suggest.ts';
import { defineCommand, type Invocation, type OptionDeclarations } from '../command.ts';
import { tableText } from '../render.ts';
import { configOptions } from '../shared-options.ts';
import { oneWord, ownName, printChanged, printSettled, withSwarm } from '../swarm-context.ts';

const taskOptions = {
  waiting: {
    type: 'flag',
    about:
      'List only tasks that wait for you: for approval, also of the plan that a worker has made, or left to people.',
  },
  dead: { type: 'flag', about: 'List only tasks that failed too often.' },
  all: { type: 'flag', about: 'List tasks that have ended too.' },
  noSync: { type: 'flag', about: 'Do not read the registries first (for the list and `next`).' },
  claim: { type: 'flag', about: 'Take the task (with `next`).' },
  worker: { type: 'text', value: 'name', about: 'Who takes it (with `next`). Default: user@host.' },
  handler: {
    type: 'words',
    value: 'names',
    about: 'Only tasks of these handlers (with `next`): remediators, or `agent`, the default.',
  },
  kind: { type: 'words', value: 'kinds', about: 'Only tasks of these kinds (with `next`).', choices: taskKinds },
  lease: {
    type: 'number',
    value: 'seconds',
    about: 'How long the task is yours without a heartbeat (with `next` and `heartbeat`). Default: 900.',
    minimum: 1,
    whole: true,
  },
  progress: { type: 'text', value: 'text', about: 'How far the work is (with `heartbeat`).' },
  class: {
    type: 'text',
    value: 'class',
    about: 'Why it failed (with `fail`). Default: step-failed.',
    choices: failureClasses,
  },
  notes: { type: 'text', value: 'text', about: 'What was done, or why not (with `done` and `fail`).' },
  cost: {
    type: 'number',
    value: 'number',
    about: 'What it cost, in your unit (with `done` and `fail`).',
    minimum: 0,
    whole: false,
  },
  after: {
    type: 'number',
    value: 'seconds',
    about: 'When others may take it (with `release`). Default: 0.',
    minimum: 0,
    whole: true,
  },
  why: { type: 'text', value: 'text', about: 'The reason (with `cancel`).' },
  json: { type: 'flag', about: 'Print JSON.' },
  ...configOptions,
} as const satisfies OptionDeclarations;

type TasksInvocation = Invocation<typeof taskOptions>;

/** Of a claim by a person or a script, which sends no heartbeat by itself. */
const usualLease = 900;

export const tasks = defineCommand({
  name: 'tasks',
  group: 'tasks',
  summary: 'List the queue of tasks; take, report, approve, cancel and redrive them.',
  about:
    'The queue holds the tasks of the project’s registries, in the state file. Without an action the tasks are listed in ' +
    'priority order. `next` shows the first task that can be taken, and --claim takes it: it is yours until you report ' +
    '`done` or `fail`, `release` it, or its lease ends without a `heartbeat`. A report for a claim that has ended is refused. ' +
    'Tasks that are left to people are never handed out; those that need approval only after `approve`, which holds until ' +
    'the registry says something else. docs/swarm.md says what follows from each class of failure.',
  arguments: [
    {
      name: 'action',
      about: '`next`, `heartbeat`, `done`, `fail`, `release`, `approve`, `cancel` or `redrive`. Default: list.',
    },
    {
      name: 'of',
      about: '`heartbeat`, `done`, `fail`, `release`: a claim. `approve`, `cancel`, `redrive`: a task.',
      variadic: true,
    },
  ],
  options: taskOptions,
  examples: [
    { command: 'problems tasks', about: 'every task that has not ended' },
    { command: 'problems tasks --waiting', about: 'what waits for you' },
    { command: 'problems tasks next --claim --json', about: 'take the next task for an agent' },
    { command: 'problems tasks done resolution-mail--mail-is-lost@42 --notes "Fixed."', about: 'report it' },
    { command: 'problems tasks approve resolution-mail--mail-is-lost', about: 'let a worker take it' },
  ],
  exitCodes: [
    { code: 0, about: 'the tasks were printed, or the task was taken, changed or reported' },
    { code: 1, about: 'there is nothing to take; the report was refused; the task did not change' },
    { code: 2, about: 'the command failed: the state file cannot be read, …' },
  ],
  async run(invocation) {
    const [action, ...rest] = invocation.arguments;
    switch (action) {
      case undefined:
        return list(invocation);
      case 'next':
        return next(invocation, rest);
      case 'heartbeat':
      case 'done':
      case 'fail':
      case 'release':
        return ofClaim(
          invocation,
          action,
          oneWord(rest, action, 'a claim', `problems tasks ${action} resolution-mail--mail-is-lost@42`),
        );
      case 'approve':
      case 'cancel':
      case 'redrive':
        return ofTask(
          invocation,
          action,
          oneWord(rest, action, 'a task', `problems tasks ${action} resolution-mail--mail-is-lost`),
        );
      default: {
        const meant = suggest(action, ['next', 'heartbeat', 'done', 'fail', 'release', 'approve', 'cancel', 'redrive']);
        throw new ProblemsError('bad-usage', `Unknown action '${action}'.`, {
          hint: meant === undefined ? 'See: problems tasks --help' : `Did you mean ${meant}?`,
        });
      }
    }
  },
});

async function list(invocation: TasksInvocation): Promise<number> {
  const { options, screen } = invocation;
  const found = await withSwarm(invocation, options, !options.noSync, (swarm) => swarm.tasks());
  const shown = found.filter(({ asks, status: { state, ...status } }) => {
    const waiting = 'waiting' in status ? status.waiting?.for : undefined;
    if (options.waiting || options.dead)
      return (
        (options.dead && state === 'dead') ||
        (options.waiting && (state === 'person' || asks !== null || waiting === 'approval' || waiting === 'person'))
      );
    return options.all || !['done', 'withdrawn', 'cancelled'].includes(state);
  });
  const { queueTable, swarmTaskJson } = await import('../../reporters/text/swarm.ts');
  if (options.json) {
    const { toJson } = await import('../../reporters/json.ts');
    screen.out.write(toJson({ schemaVersion: 1, tasks: shown.map(swarmTaskJson) }));
  } else if (shown.length === 0) screen.notes.write(`${noTasks(options)}\n`);
  else screen.out.write(await tableText(queueTable(shown), screen.out));
  return 0;
}

function noTasks({ all, dead, waiting }: TasksInvocation['options']): string {
  if (waiting) return 'No task is waiting for you.';
  if (dead) return 'No task has failed too often.';
  return all ? 'There are no tasks.' : 'No tasks are open. `problems tasks --all` lists those that have ended.';
}

async function next(invocation: TasksInvocation, rest: readonly string[]): Promise<number> {
  const { options, screen } = invocation;
  if (rest.length > 0)
    throw new ProblemsError('bad-usage', '`next` takes no name: it is the first task in priority order.');
  const [{ toJson }, { claimJson, claimText, queueTable, swarmTaskJson }] = await Promise.all([
    import('../../reporters/json.ts'),
    import('../../reporters/text/swarm.ts'),
  ]);
  const handlers = options.handler.length === 0 ? ['agent'] : options.handler;
  return withSwarm(invocation, options, !options.noSync, async (swarm) => {
    if (!options.claim) {
      const [first] = (await swarm.tasks({ states: ['open'] })).filter(
        ({ task, status }) =>
          status.state === 'open' &&
          status.waiting === null &&
          handlers.includes(task.handler) &&
          (options.kind.length === 0 || options.kind.includes(task.kind)),
      );
      if (options.json)
        screen.out.write(toJson({ schemaVersion: 1, task: first === undefined ? null : swarmTaskJson(first) }));
      else if (first !== undefined) screen.out.write(await tableText(queueTable([first]), screen.out));
      else screen.notes.write('There is nothing to take now. See: problems tasks\n');
      return first === undefined ? 1 : 0;
    }
    const claim = await swarm.claim({
      worker: options.worker ?? ownName(),
      handlers,
      kinds: options.kind,
      engines: swarm.engine === undefined ? [] : [swarm.engine],
      lease: options.lease ?? usualLease,
    });
    if (claim !== undefined) {
      const brief = await swarm.brief(claim.task);
      screen.out.write(options.json ? toJson(claimJson(claim, brief)) : claimText(claim, brief, screen.out.style));
    } else if (options.json) screen.out.write(toJson(claimJson(claim)));
    else screen.notes.write('There is nothing to take now. See: problems tasks\n');
    return claim === undefined ? 1 : 0;
  });
}

async function ofClaim(
  invocation: TasksInvocation,
  action: 'heartbeat' | 'done' | 'fail' | 'release',
  name: string,
): Promise<number> {
  const { options, screen, now } = invocation;
  const { notes, cost, json } = options;
  const said = { ...(notes === undefined ? {} : { notes }), ...(cost === undefined ? {} : { cost }) };
  return withSwarm(invocation, options, false, async (swarm) => {
    if (action === 'done')
      return printSettled(invocation, name, await swarm.report(name, { result: 'done', ...said }), json);
    if (action === 'fail') {
      const report = { result: 'failed', class: options.class ?? 'step-failed', ...said } as const;
      return printSettled(invocation, name, await swarm.report(name, report), json);
    }
    const claim = await swarm.continueClaim(name, options.lease ?? usualLease);
    const stale = { accepted: false, why: 'stale' } as const;
    if (claim === undefined) return printSettled(invocation, name, stale, json);
    if (action === 'release') {
      const retryAt = new Date(now().getTime() + (options.after ?? 0) * 1_000);
      return printSettled(invocation, name, await claim.release(retryAt), json);
    }
    const held = await claim.heartbeat(options.progress);
    if (!held.held) return printSettled(invocation, name, stale, json);
    const { toJson } = await import('../../reporters/json.ts');
    const { escapeTerminal } = await import('../../reporters/escape-terminal.ts');
    if (json) screen.out.write(toJson({ schemaVersion: 1, claim: name, ...held }));
    else {
      screen.out.write(`${name}: yours until ${held.leaseUntil.slice(0, 19).replace('T', ' ')} UTC.\n`);
      if (held.stopping !== null)
        screen.notes.write(
          `The task was cancelled: ${escapeTerminal(held.stopping)}. Stop, and report how far it got.\n`,
        );
    }
    return 0;
  });
}

async function ofTask(
  invocation: TasksInvocation,
  action: 'approve' | 'cancel' | 'redrive',
  task: string,
): Promise<number> {
  const { options } = invocation;
  return withSwarm(invocation, options, false, async (swarm) => {
    switch (action) {
      case 'approve':
        return printChanged(invocation, await swarm.approve(task, userInfo().username), options.json, 'approved');
      case 'cancel':
        return printChanged(invocation, await swarm.cancel(task, options.why ?? ''), options.json, 'cancelled');
      case 'redrive':
        return printChanged(invocation, await swarm.redrive(task), options.json, 'can be taken again');
    }
  });
}
