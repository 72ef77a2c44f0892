import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import { dropInvalidIndex } from '../../migration/index.ts';
import type { Action } from '../contract.ts';
import { placeParams, rowsOf, underLock } from './migrations.ts';

const params = z.strictObject({
  ...placeParams,
  oid: z.string().regex(/^\d{1,10}$/),
  /** With its schema, quoted where it needs to be. */
  name: z.string(),
});
const before = z.strictObject({ definition: z.string().nullable() });

/** The definition is kept for people: no undo makes an invalid index again, since none is of use to anybody. */
export const indexDropInvalid: Action<z.output<typeof params>, z.output<typeof before>> = {
  name: 'index.drop-invalid',
  about:
    'Drops an invalid index concurrently, if it is the same index, still invalid, and nobody builds it. There is no way back, and none is needed: no query can use it.',
  params,
  before,
  operation: 'drop-own-invalid-index',
  deadlineMs: 3_600_000,
  describe: ({ name, database }) => `drop the invalid index ${name} of ${database}`,
  async effect(wanted, host) {
    const { definition } = await indexNow(wanted, host);
    return [{ object: `${wanted.database}: ${wanted.name}`, before: definition ?? 'gone', after: 'gone' }];
  },
  prepare: async (wanted, host) => indexNow(wanted, host),
  async isDone(wanted, host) {
    return (await indexNow(wanted, host)).definition === null;
  },
  async apply(wanted, host) {
    const outcome = await underLock(host, wanted, async (session) => dropInvalidIndex(session, wanted));
    if (outcome === 'sound') throw refused(`${wanted.name} is valid by now.`);
    if (outcome === 'building') throw refused(`A session builds ${wanted.name}, or another index of its table.`);
  },
  async undo() {
    // Nothing is lost that anybody could read.
  },
  async isUndone() {
    return true;
  },
};

async function indexNow(
  wanted: z.output<typeof params>,
  host: Parameters<typeof rowsOf>[0],
): Promise<z.output<typeof before>> {
  const [row] = await rowsOf(
    host,
    wanted,
    `SELECT pg_catalog.pg_get_indexdef(c.oid) AS definition FROM pg_catalog.pg_class AS c
       JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.oid = $1::oid AND c.relkind = 'i' AND format('%I.%I', n.nspname, c.relname) = $2`,
    [wanted.oid, wanted.name],
  );
  return { definition: row?.['definition'] ?? null };
}

function refused(message: string): ProblemsError {
  return new ProblemsError('step-refused', message);
}
