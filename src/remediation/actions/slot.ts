import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Action, ReadonlyHost } from '../contract.ts';
import { operations } from '../operations.ts';
import { requireInstance } from './setting.ts';

const params = z.strictObject({
  instance: z.string(),
  /** Lower-case letters, digits and underscores: PostgreSQL allows no other name. */
  slot: z.string().regex(/^[a-z0-9_]{1,63}$/),
  type: z.enum(['physical', 'logical']),
  /** Where the WAL that it keeps begins: it has not moved if nothing has read from the slot since the plan. */
  begins: z.string().regex(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/),
});

type Params = z.output<typeof params>;

const before = z.strictObject({ begins: z.string().nullable() });

interface Slot {
  readonly type: string;
  readonly active: boolean;
  readonly begins: string | null;
}

async function slotNow({ instance, slot }: Params, host: ReadonlyHost): Promise<Slot | undefined> {
  const answer = await host.sql.query(
    await requireInstance(host, instance),
    'SELECT slot_type, active, restart_lsn::text AS begins FROM pg_catalog.pg_replication_slots WHERE slot_name = $1',
    { values: [slot] },
  );
  if (!answer.ok) throw new Error(`cannot read the slots of ${instance}: ${answer.message}`);
  const [row] = answer.rows;
  return row === undefined
    ? undefined
    : { type: row['slot_type'] ?? '', active: row['active'] === 't', begins: row['begins'] ?? null };
}

/**
 * Drops a slot in the statement that checks that nothing has read from it. PostgreSQL refuses to drop one that is in use.
 * A logical slot made again would begin at today's WAL, so that its subscriber would miss changes without an error.
 */
export const slotDrop: Action<Params, z.output<typeof before>> = {
  name: 'slot.drop',
  description:
    'Drops a replication slot that nothing reads, if nothing has read from it since the plan was made. PostgreSQL then removes the WAL itself. Undo makes a physical slot again, from the WAL of that moment on; a logical one is not made again.',
  params,
  undoState: before,
  operation: operations['drop-slot'],
  describe: ({ slot, instance }) => `drop the replication slot ${slot} of ${instance}`,
  async effect({ slot, type, begins }) {
    return [{ object: `${type} slot ${slot}`, before: `keeps WAL from ${begins} on`, after: 'dropped' }];
  },
  async prepare(wanted, host) {
    return { begins: (await slotNow(wanted, host))?.begins ?? null };
  },
  async isDone(wanted, host) {
    return (await slotNow(wanted, host)) === undefined;
  },
  async apply(wanted, host) {
    const { instance, slot, type, begins } = wanted;
    const now = await slotNow(wanted, host);
    if (now === undefined) return;
    const refused =
      now.type === type && !now.active && now.begins === begins ? undefined : `Something reads from the slot ${slot}.`;
    if (refused !== undefined) throw new ProblemsError('step-refused', refused);
    const answer = await host.change.sql.execute(
      await requireInstance(host, instance),
      `SELECT pg_catalog.pg_drop_replication_slot(slot_name) FROM pg_catalog.pg_replication_slots
       WHERE slot_name = $1 AND slot_type = $2 AND NOT active AND restart_lsn = $3::pg_lsn`,
      { values: [slot, type, begins] },
    );
    if (!answer.ok) throw new ProblemsError('step-refused', `${slot}: ${answer.sqlstate ?? ''} ${answer.message}`);
  },
  async undo(wanted, was, host) {
    const { instance, slot, type } = wanted;
    if (type === 'logical' || was.begins === null || (await slotNow(wanted, host)) !== undefined) return;
    const answer = await host.change.sql.execute(
      await requireInstance(host, instance),
      'SELECT slot_name FROM pg_catalog.pg_create_physical_replication_slot($1, true)',
      { values: [slot] },
    );
    if (!answer.ok) throw new Error(`${slot} is not made again: ${answer.sqlstate ?? ''} ${answer.message}`);
  },
  async isUndone(wanted, was, host) {
    return wanted.type === 'logical' || was.begins === null || (await slotNow(wanted, host)) !== undefined;
  },
};
