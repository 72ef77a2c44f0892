import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { soak } from '../../soak.ts';
import { execIn } from '../exec.ts';
import { query, startInstance, waitReady } from '../instance.ts';
import { createRun, labRuns } from '../support.ts';
import { addVariety, startPgbench } from './load.ts';
import { instanceNamed, openRequests, openRunHost, submitWork } from './open-backups.ts';

describe.skipIf(!(await labRuns()))('a backup that is taken while clients write', () => {
  it.for(soak ? ([15, 17] as const) : ([17] as const))(
    'of PostgreSQL %i restores equal to the snapshot it was taken from',
    async (postgres, test) => {
      const run = await createRun(test, { postgres });
      const shop = await startInstance(run, { name: 'shop', storage: 'volume' });
      await query(shop, `create role clerk login password 'clerk'; create database "second db" owner clerk`);
      await query(shop, 'create table second (id int primary key); insert into second select generate_series(1, 99)', {
        database: 'second db',
      });
      await addVariety(shop);
      await query(shop, 'alter table checked owner to clerk');
      const load = await startPgbench(shop, 2);
      const host = openRunHost(run);
      const instance = await instanceNamed(host, 'shop');

      await host.changer.backups.take({ instance, name: 'first', labels: {} });
      const backup = await host.reader.backups.read('shop/first');
      expect(backup?.parts.map(({ path, kind, database }) => [path, kind, database])).toEqual([
        ['base', 'base-backup', null],
        ['full-2.dump', 'custom', 'second db'],
        ['full.dump', 'custom', shop.database],
        ['globals.sql', 'globals', null],
      ]);
      if (backup === undefined) throw new Error('it is not there');
      const answer = await host.reader.backups.check(backup, { instance, upTo: 'L5' });
      await load.end();
      expect(answer.checks.map(({ level, result }) => `${level} ${result}`)).toEqual(
        ['L0', 'L1', 'L2', 'L3', 'L4', 'L5'].map((level) => `${level} passed`),
      );
      await host.changer.backups.record(backup, answer);
      expect(await host.reader.backups.read('shop/first')).toMatchObject({
        verdict: 'good',
        reached: 'L5',
        hasFingerprints: true,
      });
      const metadata: unknown = JSON.parse(await readFile(join(backup.folder, 'metadata.json'), 'utf8'));
      expect(metadata).toMatchObject({ instance: 'shop', backup_name: 'first', type: 'full', status: 'completed' });
      expect((await stat(join(backup.folder, 'globals.sql'))).mode & 0o077).toBe(0);
    },
  );

  // test/remediation/requests/dump-locks.test.ts decides, and test/lab/remediators/memory.test.ts takes the same steps.
  it.runIf(soak)(
    'of a server with more tables than it has room for locks is taken after that was raised',
    async (test) => {
      const run = await createRun(test);
      const shop = await startInstance(run, { name: 'shop', storage: 'volume' });
      await query(
        shop,
        "do $$ begin for i in 1..1000 loop execute format('create table t%s ()', i); if i % 100 = 0 then commit; end if; end loop; end $$",
      );
      await query(shop, 'alter system set max_locks_per_transaction = 10');
      await query(shop, 'alter system set max_connections = 20');
      await shop.container.restart();
      await waitReady(shop);
      const host = openRunHost(run);
      const take = host.changer.backups.take({
        instance: await instanceNamed(host, 'shop'),
        name: 'first',
        labels: {},
      });
      await expect(take).rejects.toThrow(/max_locks_per_transaction/);
      const requests = await openRequests(run);
      test.onTestFinished(() => requests.close());
      expect(await submitWork(requests, { take: { instance: 'shop', backup: 'second', drill: false } })).toMatchObject([
        { outcome: 'fixed' },
      ]);
      expect(await query(shop, 'show max_locks_per_transaction')).toEqual(['64']);
    },
  );

  // test/lab/security/names.test.ts backs up from dumps alone.
  it.runIf(soak)(
    'of a server that warns at each login is taken and proven, and of one that refuses replication as dumps',
    async (test) => {
      const run = await createRun(test);
      const shop = await startInstance(run, { name: 'shop', storage: 'seeded' });
      // As after a new base image with another C library.
      await query(shop, "update pg_database set datcollversion = '1.0'");
      const host = openRunHost(run);
      const instance = await instanceNamed(host, 'shop');
      await host.changer.backups.take({ instance, name: 'first', labels: {} });
      const backup = await host.reader.backups.read('shop/first');
      if (backup === undefined) throw new Error('it is not there');
      const { checks } = await host.reader.backups.check(backup, { instance, upTo: 'L4' });
      expect(checks.filter(({ result }) => result !== 'passed')).toEqual([]);

      await execIn(shop.container, ['sh', '-c', 'sed -i /replication/d "$PGDATA/pg_hba.conf"'], { user: 'postgres' });
      await query(shop, 'select pg_reload_conf()');
      await host.changer.backups.take({ instance, name: 'second', labels: {} });
      const second = await host.reader.backups.read('shop/second');
      expect(second?.parts.map(({ kind }) => kind)).toEqual(['custom', 'globals']);
      expect(second?.notes).toEqual([
        expect.stringMatching(
          /^Dumps are all there is, without a base backup: the server refuses replication: .*pg_hba/,
        ),
      ]);
      expect(second).toMatchObject({ state: 'complete', reached: 'L2' });
    },
  );
});
