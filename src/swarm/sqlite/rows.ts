import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Signer } from '../../host/user-key.ts';
import type { Database } from '../../remediation/store/sqlite/database.ts';
import type { HeldSeals } from '../../remediation/store/sqlite/held.ts';
import { readRow, type Row, taskColumns } from '../rows.ts';
import type { RetrySettings } from '../rules.ts';
import type { SwarmEvent } from '../types.ts';

/** What every part of the store works with. */
export interface Queue {
  readonly database: Database;
  /** Absolute path or name: tasks, gates, workers and events of other projects in the same file are left alone. */
  readonly project: string;
  readonly now: () => Date;
  readonly signer: Signer;
  readonly held: HeldSeals;
  readonly retries: RetrySettings;
}

const sealedRow = z.object({ ...taskColumns, payload: z.string(), seal: z.string() });

export type TaskRow = z.infer<typeof sealedRow>;

/** @throws ProblemsError `state-damaged`. */
export function readTaskRow(row: Row): TaskRow {
  return readRow(sealedRow, row, `task ${String(row['id'])}`);
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
