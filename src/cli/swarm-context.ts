import { hostname, userInfo } from 'node:os';
import type { Changed, Config, ProjectSwarm, Settled } from '../app/swarm.ts';
import { ProblemsError } from '../errors.ts';
import { escapeTerminal } from '../reporters/escape-terminal.ts';
import type { Invocation, OptionDeclarations } from './command.ts';
import { type ConfigChoice, configFor } from './shared-options.ts';

export type SwarmInvocation = Pick<Invocation<OptionDeclarations>, 'cwd' | 'now' | 'screen' | 'signal'>;

/**
 * Opens the queue of the working folder's project, and calls `work` with it.
 * @param reads Whether the registries are read first, so that the queue holds what they say now.
 */
export async function withSwarm<Result>(
  { cwd, now, signal }: SwarmInvocation,
  options: ConfigChoice,
  reads: boolean,
  work: (swarm: ProjectSwarm, config: Config) => Promise<Result>,
): Promise<Result> {
  const config = await configFor(options, cwd, { ownOnly: true });
  const { openSwarm } = await import('../app/swarm.ts');
  const swarm = await openSwarm({ cwd, config, now });
  try {
    if (reads) await swarm.syncProject(signal === undefined ? {} : { signal });
    return await work(swarm, config);
  } finally {
    swarm.close();
  }
}

/** The worker that a person or a script is, unless it says another name. */
export function ownName(): string {
  return `${userInfo().username}@${hostname()}`.slice(0, 200);
}

/** The only word after an action. */
export function oneWord(words: readonly string[], action: string, what: string, example: string): string {
  const [word, ...more] = words;
  if (word === undefined || more.length > 0)
    throw new ProblemsError('bad-usage', `\`${action}\` needs ${what}.`, { hint: example });
  return word;
}

/** Prints a changed task, or why it did not change. */
export async function printChanged(
  { screen }: SwarmInvocation,
  changed: Changed,
  json: boolean,
  done: string,
): Promise<number> {
  if (json) {
    const [{ toJson }, { swarmTaskJson }] = await Promise.all([
      import('../reporters/json.ts'),
      import('../reporters/text/swarm.ts'),
    ]);
    const task = changed.changed ? swarmTaskJson(changed.task) : null;
    screen.out.write(
      toJson({ schemaVersion: 1, changed: changed.changed, why: changed.changed ? null : changed.why, task }),
    );
  } else if (changed.changed) {
    screen.out.write(`${changed.task.id}: ${done}: ${escapeTerminal(changed.task.task.title)}\n`);
  } else screen.notes.write(`${escapeTerminal(changed.why)}\n`);
  return changed.changed ? 0 : 1;
}

/** Prints the answer to a report. */
export async function printSettled(
  { screen }: SwarmInvocation,
  name: string,
  settled: Settled,
  json: boolean,
): Promise<number> {
  const [{ toJson }, { settledText }] = await Promise.all([
    import('../reporters/json.ts'),
    import('../reporters/text/swarm.ts'),
  ]);
  if (json) screen.out.write(toJson({ schemaVersion: 1, claim: name, ...settled }));
  else screen[settled.accepted ? 'out' : 'notes'].write(escapeTerminal(settledText(name, settled).trimEnd()) + '\n');
  return settled.accepted ? 0 : 1;
}
