import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run as runProblems } from '../../cli/run.ts';
import { connect } from '../client.ts';
import { type LabInstance, query, startInstance } from '../instance.ts';
import { createRun, labRuns, majors } from '../support.ts';

describe.skipIf(!(await labRuns()))('a server that will stop', { timeout: 300_000 }, () => {
  it.for(majors(17))(
    'PostgreSQL %i: is found with what holds it back, and found no more when that is gone',
    async (postgres, test) => {
      const run = await createRun(test, { postgres });
      const orders = await startInstance(run, {
        name: 'orders',
        storage: 'volume',
        settings: { max_prepared_transactions: '2' },
      });
      const settings = { 'server-limits': { transactionAge: 1_000, slotMiB: 8 } };
      const config = { remediation: { containers: `^${run.prefix}vrooli-postgres-(.+)$`, settings } };
      await writeFile(join(run.folder, 'problems.config.json'), JSON.stringify(config));
      const detect = async () => {
        const { stdout } = await runProblems(['detect', '--remediator', 'server-limits', '--json'], {
          cwd: run.folder,
        });
        return JSON.parse(stdout);
      };
      await query(orders, 'vacuum freeze');
      await query(orders, "select pg_create_physical_replication_slot('forgotten', true)");
      await query(orders, 'create table t (a int)');
      const session = await connect(orders);
      await session.query('begin isolation level repeatable read');
      await session.query('select 1');
      // Each is a transaction, with some WAL.
      await query(
        orders,
        'do $f$ begin for n in 1..3000 loop insert into t select generate_series(1, 50); commit; end loop; end $f$',
      );
      const { findings, notLookedAt } = await detect();
      expect(notLookedAt).toEqual([]);
      expect(findings).toMatchObject([
        { id: 'server-limits/orders/slot-keeps-wal', summary: expect.stringContaining('forgotten') },
        {
          id: 'server-limits/orders/transaction-ids',
          summary: expect.stringMatching(/the session with process \d+ keeps VACUUM/),
        },
      ]);
      await session.end();
      const problems = (...args: readonly string[]) => runProblems(args, { cwd: run.folder });
      const repaired = await problems('remediate', '--remediator', 'server-limits', '--all', '--yes', '--json');
      const bounded = JSON.parse(repaired.stdout).runs.find(
        ({ finding }: { readonly finding: string }) => finding === 'server-limits/orders/slot-keeps-wal',
      );
      expect(bounded).toMatchObject({ outcome: 'fixed' });
      expect(await query(orders, 'show max_slot_wal_keep_size')).not.toEqual(['-1']);
      expect(JSON.stringify((await detect()).findings)).not.toContain('slot-keeps-wal');
      expect(await problems('rollback', bounded.id)).toMatchObject({ code: 0 });
      expect(await query(orders, 'show max_slot_wal_keep_size')).toEqual(['-1']);
      await query(orders, "select pg_drop_replication_slot('forgotten')");
      for (const database of await query(orders, 'select datname from pg_database where datallowconn'))
        await query(orders, 'vacuum freeze', { database });
      const after = await detect();
      // template0 allows no connection; its age is that of the whole cluster.
      expect(after.findings.map(({ id }: { readonly id: string }) => id)).not.toContain(
        'server-limits/orders/slot-keeps-wal',
      );
      expect(JSON.stringify(after.findings)).not.toContain('keeps VACUUM');
      await collationsAreRepaired(orders, problems);
    },
  );
});

/** After an update of the base image: the recorded versions are older than those of the library. */
async function collationsAreRepaired(
  orders: LabInstance,
  problems: (...args: readonly string[]) => ReturnType<typeof runProblems>,
): Promise<void> {
  await query(
    orders,
    `create table names (plain text, german text collate "de-x-icu", bytes text collate "C");
     create index on names (plain); create index on names (german); create index on names (bytes);
     create index on names ((plain < 'x' collate "sv-x-icu"));
     insert into names select n, n, n from generate_series(1, 100) as n`,
  );
  const oids = () =>
    query(
      orders,
      "select i.indexrelid from pg_index as i where i.indrelid = 'names'::regclass order by i.indexrelid::regclass::text",
    );
  const before = await oids();
  await query(
    orders,
    "update pg_database set datcollversion = '1'; update pg_collation set collversion = '1' where collprovider = 'i'",
  );
  const { stdout } = await problems('remediate', '--remediator', 'collation-versions', '--all', '--yes', '--json');
  expect(JSON.parse(stdout).runs).toMatchObject([
    { outcome: 'fixed', finding: 'collation-versions/orders/version-changed' },
  ]);
  const after = await oids();
  // In the order of names: bytes, german, the expression on plain, plain.
  expect(before.map((oid, at) => oid === after[at])).toEqual([true, false, false, false]);
  const versions = "select count(*) from pg_database where datallowconn and datcollversion = '1'";
  const used = "select count(*) from pg_collation where collversion = '1' and collname in ('de-x-icu', 'sv-x-icu')";
  expect(await query(orders, `select (${versions}) + (${used})`)).toEqual(['0']);
  expect((await problems('detect', '--remediator', 'collation-versions')).code).toBe(0);
}
