import { type HandedOut, scopesOf, type SpentLimit, waitingFor } from './rules.ts';
import { type ListedRow, readScopes, type Row } from './rows.ts';
import type { Gate, Limit, SwarmStats, Waiting, Worker } from './types.ts';

/** What explains why a task waits, read in one snapshot of the queue. */
export interface Facts {
  /** RFC 3339, by the clock of the store. */
  readonly at: string;
  /** Serial keys of tasks whose lease goes on. */
  readonly takenKeys: ReadonlySet<string>;
  /** By task: what it depends on and has neither ended well nor been withdrawn. */
  readonly before: ReadonlyMap<string, readonly string[]>;
  readonly gates: readonly Gate[];
  readonly limits: readonly Limit[];
  readonly spent: readonly SpentLimit[];
}

/** By task, from rows of `id` and `after`. */
export function dependenciesIn(rows: readonly Row[]): Facts['before'] {
  const groups = Map.groupBy(rows, (row) => String(row['id']));
  return new Map([...groups].map(([id, all]) => [id, all.map((row) => String(row['after']))]));
}

/** Why an open task waits, by the same rules that decide about a claim. */
export function waitingOf(row: ListedRow, { at, takenKeys, before, gates, spent }: Facts): Waiting | null {
  if (row.state !== 'open') return null;
  const scopes = scopesOf(row);
  return waitingFor(
    {
      automation: row.handler === 'person' ? 'human' : row.automation,
      isApproved: row.approved_by !== null,
      before: before.get(row.id) ?? [],
      notBefore: row.not_before,
      gates: gates.filter(({ scope }) => scopes.includes(scope)),
      spent: spent.filter(({ scope }) => scopes.includes(scope)),
      serialKey: row.serial_key,
      isKeyTaken: takenKeys.has(row.serial_key),
    },
    at,
  );
}

/** From rows of `scope`, `per_hour` and `since`. */
export function limitsIn(rows: readonly Row[]): readonly Limit[] {
  return rows.map((row) => ({
    scope: String(row['scope']),
    perHour: Number(row['per_hour']),
    since: String(row['since']),
  }));
}

/** From rows with the time of a claim, `at`, and the columns that scopes are made of. */
export function handedOutIn(rows: readonly Row[]): readonly HandedOut[] {
  return rows.map((row) => ({ at: String(row['at']), scopes: scopesOf(readScopes(row)) }));
}

/** Rows of `worker`: arrays of names, and without the tasks that it holds. */
export type WorkerRow = Omit<Worker, 'holds'>;

export function statsFrom(
  rows: readonly ListedRow[],
  facts: Facts,
  outcomes: ReadonlyMap<string, number>,
  workers: readonly WorkerRow[],
): SwarmStats {
  const states = counter(rows.map(({ state }) => state));
  const reasons = counter(rows.filter(({ state }) => state === 'open').map((row) => waitingOf(row, facts)?.for));
  const held = Map.groupBy(
    rows.filter(({ state }) => state === 'claimed'),
    ({ worker }) => worker,
  );
  return {
    tasks: {
      open: states('open'),
      claimed: states('claimed'),
      done: states('done'),
      withdrawn: states('withdrawn'),
      cancelled: states('cancelled'),
      person: states('person'),
      dead: states('dead'),
    },
    ready: reasons(undefined),
    waiting: {
      person: reasons('person'),
      approval: reasons('approval'),
      tasks: reasons('tasks'),
      time: reasons('time'),
      gate: reasons('gate'),
      limit: reasons('limit'),
      key: reasons('key'),
    },
    outcomes: { done: outcomes.get('done') ?? 0, failed: outcomes.get('failed') ?? 0 },
    gates: facts.gates,
    limits: facts.limits,
    workers: workers.map((worker) => ({
      ...worker,
      holds: (held.get(worker.name) ?? []).map(({ id }) => id).toSorted(),
    })),
  };
}

function counter<Key>(found: readonly Key[]): (key: Key) => number {
  const groups = Map.groupBy(found, (key) => key);
  return (key) => groups.get(key)?.length ?? 0;
}
