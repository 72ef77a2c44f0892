import { claimName } from '../bounds.ts';
import { hasOccurredSince } from '../rules.ts';
import type { Claim, Swarm } from '../swarm.ts';
import type { Report, SwarmTask } from '../types.ts';

/** What another system says about a task. A task may have several of these: it failed, and was taken again. */
export type BoardTask =
  /** It waits there, and may be taken. */
  | { readonly id: string; readonly state: 'listed' }
  /** Someone has taken it there. */
  | { readonly id: string; readonly state: 'taken' }
  | {
      readonly id: string;
      readonly state: 'ended';
      /** One line that names this ending, the same each time: at most 200 characters. It makes the outcome count once. */
      readonly key: string;
      /** RFC 3339. What was done before the problem last occurred does not end its task. */
      readonly at: string;
      readonly report: Report;
    };

/** What the queue shows in another system. */
export interface BoardContents {
  /** Tasks that its workers may take now. */
  readonly ready: readonly SwarmTask[];
  /** Tasks that need an approval, or are left to people: where its workers do not take from. */
  readonly people: readonly SwarmTask[];
  /** What its workers have. */
  readonly held: readonly SwarmTask[];
  /** Everything else that the queue knows: what of it is shown there goes, unless someone has taken it. */
  readonly others: readonly SwarmTask[];
}

/** What happened there, for people: `tasks/failed/a.yaml` and one sentence. */
export interface BoardNote {
  readonly about: string;
  readonly message: string;
}

/**
 * Another system that keeps a list of tasks, such as the folders of a swarm-manager or a service with an HTTP API. The queue
 * stays the truth: the system shows what may be taken, and what it says of taken and ended tasks becomes claims and outcomes.
 */
export interface Board {
  /** Name of the worker that represents the system in the queue, the same every time. */
  readonly name: string;
  read(): Promise<readonly BoardTask[]>;
  /** Shows these, and takes away what is no longer among them. Returns what could not be done. */
  write(contents: BoardContents): Promise<readonly BoardNote[]>;
}

export interface ExchangeOptions {
  /** Whose tasks the system gets. Default: those of agents. */
  readonly handlers?: readonly string[];
  /** Seconds that a task stays with the system after an exchange that saw it taken there. Default 3,600. */
  readonly lease?: number;
}

export interface Exchanged {
  /** Ids of tasks whose outcome was read for the first time. */
  readonly reported: readonly string[];
  /** Ids of tasks that someone there works on. */
  readonly held: readonly string[];
  /** Ids of tasks that were put back there, and were released. */
  readonly released: readonly string[];
  readonly ready: readonly string[];
  readonly people: readonly string[];
  readonly notes: readonly BoardNote[];
}

/**
 * Brings the queue and another system together: outcomes from there are read, each once; what is taken there is claimed, so
 * that no other worker gets it; and what may be taken is shown there, one task for each serial key. Call it again and again,
 * well within the lease.
 */
export async function exchange(
  swarm: Swarm,
  board: Board,
  { handlers = ['agent'], lease = 3_600 }: ExchangeOptions = {},
): Promise<Exchanged> {
  const said = Map.groupBy(await board.read(), ({ id }) => id);
  const reported: string[] = [];
  const held: string[] = [];
  const released: string[] = [];
  const notes: BoardNote[] = [];

  async function claimOf(entry: SwarmTask): Promise<Claim | undefined> {
    const { status, id, task } = entry;
    if (status.state === 'claimed' && status.worker === board.name)
      return swarm.continueClaim(claimName({ task: id, token: status.token }), lease);
    if (!handlers.includes(task.handler)) return undefined;
    const claim = await swarm.claim({ worker: board.name, handlers, tasks: [id], lease });
    if (claim === undefined || claim.task.id === id) return claim;
    // Never report for another task than the one that ended there, whatever a store hands out.
    await claim.release();
    return undefined;
  }

  for (const entry of await swarm.tasks()) {
    const { id, status } = entry;
    const states = said.get(id) ?? [];
    let claim: Claim | undefined;
    for (const ended of states.filter((one) => one.state === 'ended')) {
      const isOver = ended.report.result === 'done' && hasOccurredSince(entry.task, ended.at);
      if (isOver || (await isKnown(swarm, board.name, ended))) continue;
      claim = await claimOf(entry);
      if (claim === undefined) {
        notes.push({ about: ended.key, message: `The outcome cannot be taken over: ${id} is ${wordsOf(entry)}.` });
        continue;
      }
      await claim.report({ ...ended.report, notes: `${ended.key}\n${ended.report.notes ?? ''}`.trimEnd() });
      reported.push(id);
    }
    const isOurs = status.state === 'claimed' && status.worker === board.name && !reported.includes(id);
    if (states.some(({ state }) => state === 'taken')) {
      const [now = entry] = reported.includes(id) ? await swarm.tasks({ ids: [id] }) : [entry];
      claim = await claimOf(now);
      if (claim === undefined) notes.push({ about: id, message: `It was taken there, but it is ${wordsOf(now)}.` });
      else if ((await claim.heartbeat(`taken in ${board.name}`)).held) held.push(id);
    } else if (isOurs) {
      await (await claimOf(entry))?.release();
      released.push(id);
    }
  }

  const contents = contentsOf(await swarm.tasks(), said, handlers, board.name);
  notes.push(...(await board.write(contents)));
  return { reported, held, released, notes, ready: contents.ready.map(idOf), people: contents.people.map(idOf) };
}

/** Whether an ending has become an outcome already. */
async function isKnown(
  swarm: Swarm,
  name: string,
  { id, key }: Extract<BoardTask, { readonly state: 'ended' }>,
): Promise<boolean> {
  const outcomes = await swarm.outcomes({ task: id });
  return outcomes.some(({ worker, notes }) => worker === name && notes.split('\n', 1)[0] === key);
}

function contentsOf(
  tasks: readonly SwarmTask[],
  said: ReadonlyMap<string, readonly BoardTask[]>,
  handlers: readonly string[],
  name: string,
): BoardContents {
  const held = tasks.filter(({ status }) => status.state === 'claimed' && status.worker === name);
  const own = tasks.filter((entry) => !held.includes(entry));
  const free = own.filter(
    ({ task, status }) => status.state === 'open' && status.waiting === null && handlers.includes(task.handler),
  );
  // A worker there knows no serial keys, so it sees one task of each: the one that it has seen before, else the first.
  const ready = [...Map.groupBy(free, ({ serialKey }) => serialKey).values()].flatMap((same) => {
    const listed = same.find(({ id }) => said.get(id)?.some(({ state }) => state === 'listed') === true);
    return listed === undefined ? same.slice(0, 1) : [listed];
  });
  const people = own.filter(
    ({ status }) =>
      status.state === 'person' ||
      status.state === 'dead' ||
      (status.state === 'open' && (status.waiting?.for === 'person' || status.waiting?.for === 'approval')),
  );
  return { ready, people, held, others: own.filter((entry) => !ready.includes(entry) && !people.includes(entry)) };
}

function idOf({ id }: SwarmTask): string {
  return id;
}

function wordsOf({ status }: SwarmTask): string {
  switch (status.state) {
    case 'open':
      return status.waiting === null ? 'waiting for another task of its key' : `waiting (${status.waiting.for})`;
    case 'claimed':
      return `claimed by ${status.worker}`;
    default:
      return status.state;
  }
}
