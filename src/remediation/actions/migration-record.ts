import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import { describing, fingerprintOf, recordAsDone, relationsOfFile, takeBackRows } from '../../migration/index.ts';
import type { Action } from '../contract.ts';
import { fileOf, filePlace, ledgerBefore, ledgerStateOf, rowsOf, underLock } from './migrations.ts';

const params = filePlace.extend({
  /** Of what the catalog said of the file's relations when they were compared. */
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
});

/** For a file whose relations were made without the ledger and are just what it would have made (PGOPS §5.4). */
export const migrationRecord: Action<z.output<typeof params>, z.output<typeof ledgerBefore>> = {
  name: 'migration.record',
  about:
    'Lists a migration file as applied, without running it, if its relations are still what they were compared as. Undone by taking its rows out of the ledger.',
  params,
  before: ledgerBefore,
  operation: 'record-migration',
  describe: ({ name, database }) => `record ${name} as applied to ${database}`,
  async effect(wanted) {
    return [{ object: `${wanted.database}: ${wanted.name}`, before: 'not listed', after: 'listed as applied' }];
  },
  prepare: async (wanted, host) => ledgerStateOf(wanted, host),
  async isDone(wanted, host) {
    const { listed, row } = await ledgerStateOf(wanted, host);
    return listed && row?.state === 'done';
  },
  async apply(wanted, host) {
    const migration = await fileOf(wanted, host);
    const [now] = await rowsOf(host, wanted, describing(relationsOfFile(migration) ?? []));
    if (fingerprintOf(now?.['description'] ?? '') !== wanted.fingerprint)
      throw new ProblemsError('step-refused', `What ${wanted.name} makes has been changed since it was compared.`);
    await underLock(host, wanted, async (session) => recordAsDone(session, migration, host.run.id));
  },
  async undo(wanted, was, host) {
    const migration = await fileOf(wanted, host);
    await underLock(host, wanted, async (session) => takeBackRows(session, migration, was));
  },
  async isUndone(wanted, was, host) {
    const now = await ledgerStateOf(wanted, host);
    return now.listed === was.listed && now.row?.state === was.row?.state;
  },
};
