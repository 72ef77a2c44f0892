import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Signer } from '../../host/user-key.ts';
import { failureClasses } from '../../remediation/contract.ts';
import type { Database, Row } from '../../remediation/store/sqlite/database.ts';
import { automations, taskKinds } from '../../tasks/types.ts';
import { readPayload } from '../payload.ts';
import type { RetrySettings } from '../rules.ts';
import {
  type Failures,
  scopeEvents,
  type SwarmEvent,
  type SwarmTask,
  taskEvents,
  type TaskOutcome,
  taskStates,
  type Waiting,
} from '../types.ts';

/** What every part of the store works with. */
export interface Queue {
  readonly database: Database;
  /** Absolute path or name: tasks, gates, workers and events of other projects in the same file are left alone. */
  readonly project: string;
  readonly now: () => Date;
  readonly signer: Signer;
  readonly retries: RetrySettings;
}

const text = z.string();

const optional = z.string().nullable();

const taskRow = z.object({
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
  payload: text,
  approved_by: optional,
  seal: text,
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
});

export type TaskRow = z.infer<typeof taskRow>;

/** @throws ProblemsError `state-damaged`. */
export function readTaskRow(row: Row): TaskRow {
  const { data, error } = taskRow.safeParse(row);
  if (data === undefined) throw damaged(`task ${String(row['id'])}`, error);
  return data;
}

export function failuresOf({ counted, uncounted }: TaskRow): Failures {
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

/**
 * What decides who may work on a task, and on what. It is signed by the user who runs `problems`: a state file that a
 * repository brings along, or that someone has edited, can neither approve a task nor put another one in its place.
 */
export function sealOf(signer: Signer, row: SealedRow): string {
  return signer.sign('task', sealedText(row));
}

export function isSealed(signer: Signer, row: SealedRow & Pick<TaskRow, 'seal'>): boolean {
  return signer.isSigned('task', sealedText(row), row.seal);
}

type SealedRow = Pick<TaskRow, 'project' | 'id' | 'payload' | 'handler' | 'automation' | 'engine' | 'approved_by'>;

function sealedText({ project, id, payload, handler, automation, engine, approved_by: approvedBy }: SealedRow): string {
  return `${JSON.stringify([project, id, handler, automation, engine, approvedBy])}\n${payload}`;
}

/** @throws ProblemsError `state-untrusted`. */
export function requireSeal(signer: Signer, row: TaskRow): void {
  if (isSealed(signer, row)) return;
  throw new ProblemsError('state-untrusted', `Task ${row.id} was not written by you, or changed afterwards.`, {
    hint: 'Nothing is done with it. `problems tasks` writes it again from the registries, without its approval.',
  });
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
  const { data, error } = outcomeRow.safeParse(row);
  if (data === undefined) throw damaged(`outcome ${String(row['seq'])}`, error);
  const { claimed_at: claimedAt, ended_at: endedAt, ...rest } = data;
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
  const { data, error } = eventRow.safeParse(row);
  if (data === undefined) throw damaged(`event ${String(row['seq'])}`, error);
  const { seq, at, type, subject, worker, token, note } = data;
  const scope = scopeEvents.find((one) => one === type);
  if (scope !== undefined) return { seq, at, note, type: scope, scope: subject };
  const own = taskEvents.find((one) => one === type) ?? 'changed';
  return { seq, at, note, type: own, task: subject, worker, token };
}

function damaged(what: string, cause: unknown): ProblemsError {
  return new ProblemsError('state-damaged', `The ${what} in the state file cannot be read.`, {
    hint: 'Another version wrote it, or it was changed by hand. Inspect the state file with `sqlite3`.',
    cause,
  });
}

/** Notes what happened. Call it within the transaction of the change. */
export function record(
  { database, project, now }: Queue,
  type: SwarmEvent['type'],
  subject: string,
  more: { readonly worker?: string | null; readonly token?: number | null; readonly note?: string } = {},
): void {
  database.run(
    'INSERT INTO event (project, at, type, subject, worker, token, note) VALUES (?, ?, ?, ?, ?, ?, ?)',
    project,
    now().toISOString(),
    type,
    subject,
    more.worker ?? null,
    more.token ?? null,
    more.note ?? '',
  );
}

export function rowOf({ database, project }: Queue, id: string): TaskRow | undefined {
  const row = database.one('SELECT * FROM task WHERE project = ? AND id = ?', project, id);
  return row === undefined ? undefined : readTaskRow(row);
}
