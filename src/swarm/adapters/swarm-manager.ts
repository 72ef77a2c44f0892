import { type PrioritySettings, instantOf } from '../../priority/index.ts';
import { attemptsOf, finishedAt } from '../../tasks/formats/swarm-manager/attempts.ts';
import { isWithdrawn } from '../../tasks/formats/swarm-manager/decide.ts';
import { type BacklogEntry, readBacklog } from '../../tasks/formats/swarm-manager/read.ts';
import { writeBacklog } from '../../tasks/formats/swarm-manager/write.ts';
import { bounds, cut } from '../bounds.ts';
import type { Board, BoardTask } from './exchange.ts';

export interface SwarmManagerOptions {
  /** Absolute: the tasks folder of the swarm-manager. It and the folders in it are made if they are missing. */
  readonly folder: string;
  /** Default: the published scales and weights. */
  readonly priority?: PrioritySettings;
  /** Default: the system clock. */
  readonly now?: () => Date;
}

/**
 * The folders of a swarm-manager. Its agents take from `backlog/generated`, where only tasks are that may be taken now; tasks
 * of people and those without their approval are in `backlog/people`. What is staged or active is taken, and what is in
 * `completed` or `failed` has ended. See docs/tasks.md for the files.
 */
export function swarmManager({ folder, priority, now = () => new Date() }: SwarmManagerOptions): Board {
  return {
    name: cut(`swarm-manager ${folder}`, bounds.name),
    async read() {
      return (await readBacklog(folder)).entries.flatMap(stateOf);
    },
    async write({ ready, people, held, others }) {
      const shown = [...ready, ...people];
      const tasks = shown.map(({ task }) => task);
      const [isReady, isForPeople] = [new Set(ready.map(({ id }) => id)), new Set(people.map(({ id }) => id))];
      const known = [...shown, ...others].map(({ task }) => task);
      const written = await writeBacklog(folder, tasks, {
        now: now(),
        ...(priority === undefined ? {} : { priority }),
        isForPeople: ({ id }) => isForPeople.has(id),
        isOpen: ({ id }) => isReady.has(id),
        scanned: {
          problems: new Set(known.map(({ problem }) => problem)),
          targets: new Set(known.map(({ target }) => target)),
          tasks: new Set([...shown, ...held].map(({ id }) => id)),
          why: 'The queue does not hand it out here now.',
        },
      });
      return written.notes.map(({ path, message }) => ({ about: path, message }));
    },
  };
}

/** Nothing for a file that was withdrawn, or does not say when it ended. */
function stateOf(entry: BacklogEntry): readonly BoardTask[] {
  const { id, folder, path } = entry;
  if (folder === 'staged' || folder === 'active') return [{ id, state: 'taken' }];
  if (folder !== 'completed' && folder !== 'failed') return [{ id, state: 'listed' }];
  const ended = finishedAt(entry);
  if (ended === undefined || isWithdrawn(entry)) return [];
  const at = new Date(ended).toISOString();
  const error = lastError(entry);
  const report =
    folder === 'completed'
      ? ({ result: 'done' } as const)
      : ({ result: 'failed', ...(error === undefined ? {} : { notes: error }) } as const);
  return [{ id, state: 'ended', key: cut(`${at} ${path}`, bounds.name), at, report }];
}

/** The error of the newest attempt that has one. */
function lastError(entry: BacklogEntry): string | undefined {
  const failures = attemptsOf(entry).filter(({ error }) => typeof error === 'string' && error !== '');
  const newest = failures.toSorted((a, b) => timeOf(b['timestamp']) - timeOf(a['timestamp']))[0]?.['error'];
  return typeof newest === 'string' ? newest : undefined;
}

function timeOf(value: unknown): number {
  return typeof value === 'string' ? (instantOf(value) ?? 0) : 0;
}
