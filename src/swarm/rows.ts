import { z } from 'zod';
import { ProblemsError } from '../errors.ts';
import { failureClasses } from '../remediation/contract.ts';
import { automations, taskKinds } from '../tasks/types.ts';
import { readPayload } from './payload.ts';
import {
  type Failures,
  scopeEvents,
  type SwarmEvent,
  type SwarmTask,
  taskEvents,
  type TaskOutcome,
  taskStates,
  type Waiting,
} from './types.ts';

/*
 * Rows of the tables that every store has. Times are RFC 3339 in UTC with milliseconds, so that they sort as text.
 */

/** What the database returned for one row, by column. */
export type Row = Readonly<Record<string, unknown>>;

const text = z.string();

const optional = z.string().nullable();

/** All columns of a task but its payload. */
export const taskColumns = {
  project: text,
  id: text,
  problem: text,
  kind: z.enum(taskKinds),
  component: text,
  target: text,
  handler: text,
  automation: z.enum(automations),
  engine: optional,
  serial_key: text,
  approved_by: optional,
  state: z.enum(taskStates),
  since: text,
  not_before: optional,
  counted: z.int(),
  uncounted: z.int(),
  token: z.int().nullable(),
  worker: optional,
  lease_until: optional,
  progress: optional,
  stopping: optional,
};

const listedRow = z.object(taskColumns);

const scopesRow = listedRow.pick({ id: true, kind: true, handler: true, component: true, engine: true });

const taskRow = z.object({ ...taskColumns, payload: text });

/** A task without what it says. */
export type ListedRow = z.infer<typeof listedRow>;

export type TaskRow = z.infer<typeof taskRow>;

/** @throws ProblemsError `state-damaged`. */
export function readListedRow(row: Row): ListedRow {
  return readRow(listedRow, row, `task ${String(row['id'])}`);
}

/** The columns that the scopes of a task are made of. @throws ProblemsError `state-damaged`. */
export function readScopes(row: Row): z.infer<typeof scopesRow> {
  return readRow(scopesRow, row, `task ${String(row['id'])}`);
}

/** @throws ProblemsError `state-damaged`. */
export function readTaskRow(row: Row): TaskRow {
  return readRow(taskRow, row, `task ${String(row['id'])}`);
}

/** @throws ProblemsError `state-damaged`. */
export function readRow<Schema extends z.ZodType>(schema: Schema, row: Row, what: string): z.output<Schema> {
  const result = schema.safeParse(row);
  if (!result.success) throw damaged(what, result.error);
  return result.data;
}

export function failuresOf({ counted, uncounted }: Pick<ListedRow, 'counted' | 'uncounted'>): Failures {
  return { counted, uncounted };
}

/** @throws ProblemsError `state-damaged`. */
export function taskOf(row: TaskRow, waiting: Waiting | null): SwarmTask {
  const task = readPayload(row.payload);
  if (task === undefined) throw damaged(`task ${row.id}`, undefined);
  return {
    id: row.id,
    task,
    status: statusOf(row, waiting),
    failures: failuresOf(row),
    approvedBy: row.approved_by,
    // An open task makes no progress; its column keeps what its worker asks for.
    asks: row.state === 'open' ? row.progress : null,
    engine: row.engine,
    serialKey: row.serial_key,
  };
}

function statusOf(row: TaskRow, waiting: Waiting | null): SwarmTask['status'] {
  const { state, since, worker, token, lease_until: leaseUntil, progress, stopping } = row;
  if (state === 'open') return { state, waiting };
  if (state !== 'claimed') return { state, since };
  return { state, worker: worker ?? '', token: token ?? 0, since, leaseUntil: leaseUntil ?? '', progress, stopping };
}

const outcomeRow = z.object({
  seq: z.int(),
  task: text,
  token: z.int(),
  problem: text,
  kind: z.enum(taskKinds),
  component: text,
  handler: text,
  engine: optional,
  worker: text,
  claimed_at: text,
  ended_at: text,
  result: z.enum(['done', 'failed']),
  class: z.enum(failureClasses).nullable(),
  notes: text,
  cost: z.number().nullable(),
});

/** @throws ProblemsError `state-damaged`. */
export function outcomeOf(row: Row): TaskOutcome {
  const {
    claimed_at: claimedAt,
    ended_at: endedAt,
    ...rest
  } = readRow(outcomeRow, row, `outcome ${String(row['seq'])}`);
  return { ...rest, claimedAt, endedAt };
}

const eventRow = z.object({
  seq: z.int(),
  at: text,
  type: z.enum([...taskEvents, ...scopeEvents]),
  subject: text,
  worker: optional,
  token: z.int().nullable(),
  note: text,
});

/** @throws ProblemsError `state-damaged`. */
export function eventOf(row: Row): SwarmEvent {
  const { seq, at, type, subject, worker, token, note } = readRow(eventRow, row, `event ${String(row['seq'])}`);
  const scope = scopeEvents.find((one) => one === type);
  if (scope !== undefined) return { seq, at, note, type: scope, scope: subject };
  const own = taskEvents.find((one) => one === type) ?? 'changed';
  return { seq, at, note, type: own, task: subject, worker, token };
}

function damaged(what: string, cause: unknown): ProblemsError {
  return new ProblemsError('state-damaged', `The ${what} in the queue cannot be read.`, {
    hint: 'Another version wrote it, or it was changed by hand. Inspect the tables of the queue with a client of its database.',
    cause,
  });
}
