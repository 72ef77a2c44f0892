import { readTaskRow, type Row, type TaskRow } from '../rows.ts';
import type { RetrySettings } from '../rules.ts';
import type { SwarmEvent } from '../types.ts';
import type { Attempts } from './attempts.ts';
import { schema } from './schema.ts';
import type { Server, Session } from './sql.ts';

/** What every part of the store works with. */
export interface Queue {
  readonly server: Server;
  readonly attempts: Attempts;
  /** Tasks, gates, workers and events of other projects in the same database are left alone. */
  readonly project: string;
  readonly retries: RetrySettings;
  /** RFC 3339; null for the clock of the database, which no worker's clock disturbs. */
  readonly at: () => string | null;
}

/** The time of a transaction. The first parameter of each statement that needs it is `queue.at()`. */
export const clock = 'coalesce($1::timestamptz, now())';

/** All columns that rows are made of. Listed, since a newer version may add some. */
export const listed = `project, id, problem, kind, component, target, handler, automation, engine, serial_key, approved_by,
  state, since, not_before, counted, uncounted, token, worker, lease_until, progress, stopping`;

/** A task, which nobody else can change until the transaction ends. */
export async function lockTask({ project }: Queue, session: Session, id: string): Promise<TaskRow | undefined> {
  return first(
    await session.rows(
      `SELECT ${listed}, payload FROM ${schema}.task WHERE project = $1 AND id = $2 FOR UPDATE`,
      project,
      id,
    ),
  );
}

export async function taskRow({ project }: Queue, session: Session, id: string): Promise<TaskRow | undefined> {
  return first(
    await session.rows(`SELECT ${listed}, payload FROM ${schema}.task WHERE project = $1 AND id = $2`, project, id),
  );
}

function first([row]: readonly Row[]): TaskRow | undefined {
  return row === undefined ? undefined : readTaskRow(row);
}

/** Notes what happened. Call it within the transaction of the change. */
export async function record(
  { project, at }: Queue,
  session: Session,
  type: SwarmEvent['type'],
  subject: string,
  more: { readonly worker?: string | null; readonly token?: number | null; readonly note?: string } = {},
): Promise<void> {
  await session.rows(
    `INSERT INTO ${schema}.event (project, at, type, subject, worker, token, note)
     VALUES ($2, ${clock}, $3, $4, $5, $6, $7)`,
    at(),
    project,
    type,
    subject,
    more.worker ?? null,
    more.token ?? null,
    more.note ?? '',
  );
}
