import { describe, expect, it, type TestContext } from 'vitest';
import type { OpenHost } from '../../../src/remediation/contract.ts';
import type { BackupCheck } from '../../../src/backups/types.ts';
import { execIn } from '../exec.ts';
import { type LabInstance, psql, query, startInstance, waitReady } from '../instance.ts';
import { soak } from '../../soak.ts';
import { createRun, labRuns } from '../support.ts';
import { instanceNamed, openRunHost } from './open-backups.ts';

describe.skipIf(!(await labRuns()))('a source without checksums', { concurrent: true }, () => {
  it('cannot be backed up if its page headers are damaged, and the server says why', async (test) => {
    const { source, host } = await shop(test);
    const [path] = await query(source, "checkpoint; select pg_relation_filepath('orders')");
    await execIn(
      source.container,
      ['bash', '-c', `head -c 24 /dev/urandom | dd of="$PGDATA/${path}" bs=8192 seek=3 conv=notrunc status=none`],
      { user: 'postgres' },
    );
    // Its pages in memory are still sound.
    await source.container.restart();
    await waitReady(source);
    const instance = await instanceNamed(host, 'shop');
    await expect(host.changer.backups.take({ instance, name: 'damaged', labels: {} })).rejects.toThrow(
      /invalid page in block 3 of relation/,
    );
  });

  // test/lab/remediators/backup-repair.test.ts finds such an index in the backup that it takes.
  it.runIf(soak)(
    'is copied with a corrupt index: every level passes until amcheck runs on a restored copy',
    async (test) => {
      const { source, host } = await shop(test);
      await query(
        source,
        `create function shift() returns int language sql immutable as 'select 0';
       create function place(n int) returns int language sql immutable as 'select n + public.shift()';
       create index places on orders (place(id));
       create or replace function shift() returns int language sql immutable as 'select 7';`,
      );
      const checks = await taken(host);
      const last = checks.at(-1);
      expect(checks.slice(0, -1).every(({ result }) => result === 'passed')).toBe(true);
      expect(last).toMatchObject({ level: 'L5', result: 'failed', cause: 'structure-damaged' });
      expect(last?.says.join()).toContain('places');
    },
  );

  it('is backed up although its functions need its search_path, and its dump is not called good', async (test) => {
    const { source, host } = await shop(test);
    await query(
      source,
      `create function shift() returns int language sql immutable as 'select 0';
       create function place(n int) returns int language sql immutable as 'select n + shift()';
       create index places on orders (place(id));`,
    );
    const checks = await taken(host);
    expect(checks.at(-1)).toMatchObject({ level: 'L4', result: 'failed', cause: 'does-not-restore' });
    expect(checks.at(-1)?.says.join()).toContain('function shift() does not exist');
  });

  // As good as any other, which test/lab/backups/taking.test.ts takes.
  it.runIf(soak)('can be backed up with an invalid index, and the check names the index', async (test) => {
    const { source, host } = await shop(test);
    await psql(source, 'create unique index concurrently unfinished on orders (customer)');
    const checks = await taken(host);
    expect(checks.map(({ level, result }) => `${level} ${result}`).at(-1)).toBe('L5 passed');
    expect(checks.at(-1)?.says.join()).toContain('Invalid, as in the source: public.unfinished');
  });
});

async function shop(test: TestContext): Promise<{ readonly source: LabInstance; readonly host: OpenHost }> {
  const run = await createRun(test, { postgres: 15 });
  const source = await startInstance(run, { name: 'shop', storage: 'seeded' });
  await query(
    source,
    "create table orders (id int primary key, customer text); insert into orders select n, 'customer ' || n % 97 from generate_series(1, 5000) n",
  );
  return { source, host: openRunHost(run) };
}

async function taken(host: OpenHost): Promise<readonly BackupCheck[]> {
  const instance = await instanceNamed(host, 'shop');
  await host.changer.backups.take({ instance, name: 'taken', labels: {} });
  const backup = await host.reader.backups.read('shop/taken');
  if (backup === undefined) throw new Error('there is no backup');
  return (await host.reader.backups.check(backup, { instance, upTo: 'L5' })).checks;
}
