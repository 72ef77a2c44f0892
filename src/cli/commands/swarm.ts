import { resolve } from 'node:path';
import { ProblemsError } from '../../errors.ts';
import { escapeTerminal } from '../../reporters/escape-terminal.ts';
import { defineCommand, type Invocation, type OptionDeclarations } from '../command.ts';
import { configOptions } from '../shared-options.ts';
import { oneWord, withSwarm } from '../swarm-context.ts';

const swarmOptions = {
  why: { type: 'text', value: 'text', about: 'The reason, which is shown with each task that waits (with `pause`).' },
  folder: { type: 'text', value: 'folder', about: 'The tasks folder (with `export`).', completion: 'folder' },
  perHour: {
    type: 'number',
    value: 'n',
    minimum: 1,
    whole: true,
    about: 'How many tasks of the scope within any hour (with `limit`).',
  },
  undo: { type: 'flag', about: 'Let the worker take tasks again (with `drain`), end the limit (with `limit`).' },
  json: { type: 'flag', about: 'Print one JSON object.' },
  ...configOptions,
} as const satisfies OptionDeclarations;

export const swarm = defineCommand({
  name: 'swarm',
  group: 'tasks',
  summary: 'Pause, resume and limit parts of the queue, drain a worker, show who works on what, serve a tasks folder.',
  about:
    'A pause holds back tasks that no worker has taken yet; work that has begun goes on. Its scope is `all`, or `kind:`, ' +
    '`handler:`, `engine:` or `component:` and a name. A limit lets workers take so many tasks of a scope within any hour. A worker that drains keeps what it has and gets nothing more. ' +
    '`export` serves the folders of a swarm-manager: it reads which tasks its agents have taken and ended, and shows what they ' +
    'may take next. Run it from a timer, at least every half hour.',
  arguments: [
    {
      name: 'action',
      about: '`pause`, `resume`, `limit`, `drain`, `stats` or `export`.',
      required: true,
      choices: ['pause', 'resume', 'limit', 'drain', 'stats', 'export'],
    },
    { name: 'of', about: '`pause`, `resume`, `limit`: a scope. `drain`: a worker.', variadic: true },
  ],
  options: swarmOptions,
  examples: [
    { command: 'problems swarm stats', about: 'how many tasks are where, and which workers there are' },
    {
      command: 'problems swarm pause component:api --why "release of 3.0"',
      about: 'hold back the tasks of a component',
    },
    { command: 'problems swarm resume component:api', about: 'let them go on' },
    {
      command: 'problems swarm limit handler:memory --per-hour 2',
      about: 'at most two repairs of memory within any hour',
    },
    { command: 'problems swarm drain agent-1', about: 'give a worker nothing more' },
    { command: 'problems swarm export --folder tasks', about: 'serve the agents of a swarm-manager' },
  ],
  exitCodes: [
    { code: 0, about: 'it is done' },
    {
      code: 1,
      about:
        'the scope is not paused or has no limit, there is no such worker, or a file of the folder needs your attention',
    },
    { code: 2, about: 'the command failed: it is not a scope, the state file cannot be read, …' },
  ],
  async run(invocation) {
    const [action = '', ...rest] = invocation.arguments;
    switch (action) {
      case 'pause':
      case 'resume':
        return gate(invocation, action, oneWord(rest, action, 'a scope', `problems swarm ${action} component:api`));
      case 'limit':
        return limit(invocation, oneWord(rest, action, 'a scope', 'problems swarm limit handler:memory --per-hour 2'));
      case 'drain':
        return drain(invocation, oneWord(rest, action, 'a worker', 'problems swarm drain agent-1'));
      case 'export':
        if (rest.length > 0) throw new ProblemsError('bad-usage', '`export` takes no name; --folder names the folder.');
        return exportTo(invocation);
      default:
        if (rest.length > 0) throw new ProblemsError('bad-usage', '`stats` takes no name.');
        return stats(invocation);
    }
  },
});

type SwarmCommand = Invocation<typeof swarmOptions>;

async function gate(invocation: SwarmCommand, action: 'pause' | 'resume', scope: string): Promise<number> {
  const { options } = invocation;
  return withSwarm(invocation, options, false, async (queue) => {
    if (action === 'pause') {
      await queue.pause(scope, options.why ?? '');
      return said(invocation, { scope, paused: true }, `${scope} is paused.`, true);
    }
    const was = await queue.resume(scope);
    return said(invocation, { scope, paused: false, was }, was ? `${scope} goes on.` : `${scope} was not paused.`, was);
  });
}

async function limit(invocation: SwarmCommand, scope: string): Promise<number> {
  const { options } = invocation;
  const perHour = options.undo ? null : options.perHour;
  if (perHour === undefined)
    throw new ProblemsError('bad-usage', '`limit` needs --per-hour or --undo.', {
      hint: `problems swarm limit ${scope} --per-hour 2`,
    });
  return withSwarm(invocation, options, false, async (queue) => {
    const was = await queue.limit(scope, perHour);
    if (perHour !== null) {
      const words = `At most ${perHour} of ${scope} ${perHour === 1 ? 'is' : 'are'} handed out within any hour.`;
      return said(invocation, { scope, perHour }, words, true);
    }
    const words = was ? `${scope} has no limit any more.` : `${scope} had no limit.`;
    return said(invocation, { scope, perHour, was }, words, was);
  });
}

async function drain(invocation: SwarmCommand, worker: string): Promise<number> {
  const { options } = invocation;
  return withSwarm(invocation, options, false, async (queue) => {
    const known = await queue.drain(worker, !options.undo);
    const words = options.undo ? `${worker} gets tasks again.` : `${worker} gets no further task.`;
    return said(
      invocation,
      { worker, known, draining: known && !options.undo },
      known ? words : `There is no worker ${worker}.`,
      known,
    );
  });
}

async function stats(invocation: SwarmCommand): Promise<number> {
  const { options, screen } = invocation;
  const [{ toJson }, { statsText }] = await Promise.all([
    import('../../reporters/json.ts'),
    import('../../reporters/text/swarm.ts'),
  ]);
  const found = await withSwarm(invocation, options, false, (queue) => queue.stats());
  screen.out.write(options.json ? toJson({ schemaVersion: 1, ...found }) : statsText(found, screen.out.style));
  return 0;
}

async function exportTo(invocation: SwarmCommand): Promise<number> {
  const { options, screen, cwd, now } = invocation;
  const { folder } = options;
  if (folder === undefined)
    throw new ProblemsError('bad-usage', '`export` needs --folder.', { hint: 'problems swarm export --folder tasks' });
  const [{ toJson }, { exchangedText }, { exchange, swarmManager }] = await Promise.all([
    import('../../reporters/json.ts'),
    import('../../reporters/text/swarm.ts'),
    import('../../app/swarm.ts'),
  ]);
  const exchanged = await withSwarm(invocation, options, true, (queue, { priority }) =>
    exchange(queue, swarmManager({ folder: resolve(cwd, folder), priority, now })),
  );
  const { text, notes } = exchangedText(exchanged, screen.notes.style);
  screen.out.write(options.json ? toJson({ schemaVersion: 1, ...exchanged }) : text);
  if (!options.json) screen.notes.write(notes);
  return exchanged.notes.length === 0 ? 0 : 1;
}

async function said(
  { options, screen }: SwarmCommand,
  answer: object,
  words: string,
  isDone: boolean,
): Promise<number> {
  if (options.json) {
    const { toJson } = await import('../../reporters/json.ts');
    screen.out.write(toJson({ schemaVersion: 1, ...answer }));
  } else screen[isDone ? 'out' : 'notes'].write(`${escapeTerminal(words)}\n`);
  return isDone ? 0 : 1;
}
