/**
 * A whole small swarm-manager with the library alone. It scans the registries of a folder and ranks their tasks, and hands
 * them out by the queue: two workers repair PostgreSQL instances, an agent does the rest, and what needs an approval or a
 * person is listed. Every task goes to one worker at a time, and every outcome is kept, whatever is killed meanwhile.
 *
 * node examples/swarm-manager.ts <folder> [agent command …]
 *
 * The agent is any program: it reads a task as JSON from its standard input, and its exit code says whether it is done. Each
 * start is one round of everything that can be done now; start it from a timer.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Config, loadConfig, ProblemsError, scanProblems } from 'problem-registry';
import { openRemediation } from 'problem-registry/remediation';
import {
  type Claim,
  openSwarm,
  type ProjectSwarm,
  type Report,
  type TaskBrief,
  work,
  type WorkEvent,
  workOnRepairs,
} from 'problem-registry/swarm';

/** Does one task. `brief` has its record, evidence and escalation report: data about a problem, never instructions. */
export type Agent = (claim: Claim, brief: TaskBrief) => Promise<Report>;

export interface ManageOptions {
  /** Absolute: the project with its registries and its problems.config.*. */
  readonly folder: string;
  /** Default: tasks of agents stay in the queue, for `problems tasks next --claim`. */
  readonly agent?: Agent;
  /** Ends repairs at their next safe point, and takes nothing more. */
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

/** One round: everything that can be done now. A second round repeats nothing. */
export async function manage({ folder, agent, signal, print }: ManageOptions): Promise<void> {
  // Whoever runs this program has chosen the folder, and trusts the plugins that its config names.
  const config = await loadConfig(folder, { trust: 'given' });
  await showScan(folder, config, print);

  const swarm = await openSwarm({ cwd: folder, config });
  try {
    const { added, changed, returned, withdrawn } = await swarm.syncProject({ signal });
    print(
      `queue: ${added.length} added, ${changed.length} changed, ${returned.length} returned, ${withdrawn.length} withdrawn`,
    );
    const before = (await swarm.outcomes()).at(-1)?.seq ?? 0;
    // Both may run at the same time, here and on other machines: each task is claimed once.
    await Promise.all([
      repair(swarm, config, { signal, print }),
      ...(agent === undefined ? [] : [workWithAgent(swarm, agent, signal)]),
    ]);
    for (const { task, worker, result, class: failure, notes } of await swarm.outcomes({ after: before }))
      print(
        `${result}${failure === null ? '' : ` (${failure})`} by ${worker}: ${task}: ${notes.replaceAll('\n', '; ')}`,
      );
    await showWaiting(swarm, print);
  } finally {
    swarm.close();
  }
}

type Reporting = Pick<ManageOptions, 'signal' | 'print'>;

/** The five most urgent tasks. */
async function showScan(folder: string, config: Config, print: Reporting['print']): Promise<void> {
  const { registries, tasks, diagnostics } = await scanProblems(['.'], { cwd: folder, config });
  print(`${registries.length} registries, ${tasks.length} tasks, ${diagnostics.length} diagnostics`);
  for (const { id, priority, handler, automation } of tasks.slice(0, 5))
    print(`${priority.score.toFixed(3)}  ${id}: ${handler}, ${automation}`);
}

/** Two workers, so that one is at hand when the other dies. The tasks of an engine go to one at a time all the same. */
async function repair(swarm: ProjectSwarm, config: Config, { signal, print }: Reporting): Promise<void> {
  const remediation = await openRemediation({
    folder: config.folder,
    config: config.remediation,
    triage: config.triage,
    plugins: config.plugins,
  });
  function onEvent(event: WorkEvent): void {
    if (event.type === 'run')
      print(`run ${event.report.id ?? '-'}: ${event.report.outcome} ${event.report.finding ?? ''}`);
    if (event.type === 'recorded') for (const path of event.results.changed) print(`recorded in ${path}`);
    // What needs an approval goes back: `problems approve <run>`, or `approve` of the library.
    if (event.type === 'settled' && event.report.result === 'released') print(event.report.notes ?? '');
  }
  try {
    await Promise.all(
      ['repair-1', 'repair-2'].map((worker) =>
        workOnRepairs(swarm, { worker, config, remediation, once: true, signal, onEvent }),
      ),
    );
  } catch (error) {
    if (!(error instanceof ProblemsError && error.code === 'engine-unreachable')) throw error;
    print(`instances were not repaired: ${error.message}`);
  } finally {
    remediation.close();
  }
}

/** The lease is renewed while the agent works, and what it throws is reported as a failure. */
async function workWithAgent(swarm: ProjectSwarm, agent: Agent, signal: AbortSignal): Promise<void> {
  await work(swarm, {
    worker: 'agent-1',
    handlers: ['agent'],
    once: true,
    signal,
    run: async (claim) => agent(claim, await swarm.brief(claim.task)),
  });
}

/** What only you can decide: `problems tasks approve <task>`, or `swarm.approve`. */
async function showWaiting(swarm: ProjectSwarm, print: Reporting['print']): Promise<void> {
  for (const { id, status } of await swarm.tasks({ states: ['open', 'person', 'dead'] })) {
    if (status.state !== 'open') print(`left to you: ${id}`);
    else if (status.waiting?.for === 'approval') print(`waits for approval: ${id}`);
    else if (status.waiting?.for === 'person') print(`left to people: ${id}`);
  }
}

/** An agent that is a program. It is ended if the lease is lost or the task was cancelled. */
export function programAgent(command: string, args: readonly string[]): Agent {
  return async (claim, brief) => {
    const child = spawn(command, args, { signal: claim.signal, stdio: ['pipe', 'pipe', 'inherit'] });
    // A program that does not read its input closes it.
    child.stdin.on('error', () => undefined).end(JSON.stringify({ ...brief, task: claim.task }));
    const [notes, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
    return code === 0
      ? { result: 'done', notes: notes.trim() }
      : { result: 'failed', class: 'step-failed', notes: notes.trim() || `It ended with exit code ${String(code)}.` };
  };
}

if (process.argv[1] === import.meta.filename) {
  const [folder = process.cwd(), command, ...args] = process.argv.slice(2);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  await manage({
    folder: resolve(folder),
    ...(command === undefined ? {} : { agent: programAgent(command, args) }),
    signal: stop.signal,
    print: (line) => console.log(line),
  });
}
