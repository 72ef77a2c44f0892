import { describe, expect, it } from 'vitest';
import { query, startInstance, waitReady } from '../instance.ts';
import { createRun, labRuns } from '../support.ts';
import { instanceNamed, openRunHost } from '../backups/open-backups.ts';

/** Names that look like something else to a program that does not expect them. */
const database = 'odd\nname\t\\n "x" \'y\'';
const schema = 'line\nfeed\\.';
const tables = [
  'tab\there',
  'back\\slash\\n',
  'COPY x FROM stdin;',
  'a\nCOPY public.b (id) FROM stdin;\n\\.\n',
  '-- PostgreSQL database dump complete\n--',
  '["table","x","1","1"]',
  "'; SELECT 1; --",
  ':lock',
  '\\! id',
];

describe.skipIf(!(await labRuns()))('a server with names that contain line feeds, tabs, backslashes and quotes', () => {
  it('is backed up and verified like any other, from dumps alone', async (test) => {
    const run = await createRun(test, { postgres: 15 });
    const shop = await startInstance(run, { name: 'shop', storage: 'seeded' });
    await query(shop, 'alter system set wal_level = minimal');
    await query(shop, 'alter system set max_wal_senders = 0');
    await shop.container.restart();
    await waitReady(shop);
    const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
    await query(shop, `create database ${quoted(database)}`);
    for (const where of [shop.database, database]) {
      await query(shop, `create schema ${quoted(schema)}`, { database: where });
      for (const [index, name] of tables.entries())
        await query(
          shop,
          `create table ${quoted(schema)}.${quoted(name)} (${quoted(`${name}#`)} text);
           insert into ${quoted(schema)}.${quoted(name)} select '\\. COPY x FROM stdin;' || n from generate_series(0, ${index}) n`,
          { database: where },
        );
    }
    const host = openRunHost(run);
    const instance = await instanceNamed(host, 'shop');
    await host.changer.backups.take({ instance, name: 'first', labels: {} });
    const backup = await host.reader.backups.read('shop/first');
    if (backup === undefined) throw new Error('it is not there');
    expect(backup.parts.map(({ kind, database: of }) => [kind, of])).toEqual([
      ['custom', database],
      ['custom', shop.database],
      ['globals', null],
    ]);
    const prints = await host.reader.backups.fingerprints(backup);
    expect(
      prints?.databases.map((one) =>
        Object.values(one.tables)
          .map(({ rows }) => rows)
          .toSorted(),
      ),
    ).toEqual([0, 1].map(() => tables.map((_, index) => String(index + 1)).toSorted()));
    const { checks } = await host.reader.backups.check(backup, { instance, upTo: 'L4' });
    expect(checks.filter(({ result }) => result !== 'passed')).toEqual([]);
    expect(checks.map(({ level }) => level)).toEqual(['L0', 'L1', 'L2', 'L4']);
  });
});
