import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenHost } from '../../../src/remediation/contract.ts';
import type { Instance } from '../../../src/host/instance.ts';
import { openHost } from '../../../src/app/open-host.ts';
import { type LabInstance, query, startInstance } from '../instance.ts';
import type { Run } from '../run.ts';
import { closeTestRun, labRuns, openTestRun } from '../support.ts';
import { eventually } from '../waiting.ts';

describe.skipIf(!(await labRuns()))('a lost connection', { timeout: 120_000 }, () => {
  let run: Run;
  let lab: LabInstance;
  let host: OpenHost;
  let instance: Instance;
  beforeAll(async () => {
    run = await openTestRun();
    lab = await startInstance(run, { name: 'orders', storage: 'seeded' });
    host = openHost({ roots: [run.folder], pattern: new RegExp(`^${run.prefix}vrooli-postgres-(.+)$`) });
    const found = await host.reader.instance('orders');
    if (found === undefined) throw new Error('not found');
    instance = found;
  });
  afterAll(async () => closeTestRun(run));

  it('after a change was sent does not cause a second attempt through another connection', async () => {
    await query(
      lab,
      `create table counted (id int);
       create function public.slowly() returns void language plpgsql as $f$ begin
         insert into public.counted values (1);
         begin perform pg_sleep(2); exception when query_canceled then null; end;
         perform pg_sleep(3);
       end $f$`,
    );
    const answer = await host.changer.sql.execute(instance, 'select public.slowly()', { timeoutMs: 500 });
    expect(answer).toMatchObject({ ok: false, message: expect.stringContaining('outcome unknown') });
    const busy = "select 1 from pg_stat_activity where query ~ '^select public.slowly' and state = 'active'";
    await eventually(20_000, async () => (await query(lab, busy)).length === 0);
    expect(await query(lab, 'select count(*) from counted')).toEqual(['1']);
  });

  it('before a change was sent causes an attempt through the next connection', async () => {
    const gone = { ...instance.container.publishedPorts[0], hostIp: '127.0.0.1', hostPort: '1', containerPort: 5432 };
    const elsewhere = {
      ...instance,
      container: { ...instance.container, publishedPorts: [{ ...gone, protocol: 'tcp' }] },
    };
    expect(await host.changer.sql.execute(elsewhere, 'select 1 as one')).toMatchObject({ ok: true, via: 'network' });
  });

  it('is not assumed during a long statement while the server is up', async () => {
    const session = await host.changer.sql.openSession(instance, { silenceMs: 2_000 });
    expect(await session.query('select pg_catalog.pg_sleep(5)')).toMatchObject({ ok: true });
    await session.close();
  });

  it('to a paused server is closed after the timeout, without waiting for the server', async () => {
    const session = await host.changer.sql.openSession(instance, { silenceMs: 2_000 });
    const idle = await host.changer.sql.openSession(instance);
    await lab.container.pause();
    try {
      const began = performance.now();
      expect(await session.query('select 1')).toMatchObject({
        ok: false,
        lost: true,
        message: 'the server has answered neither this query nor new connections for 2 s',
      });
      await session.close();
      await idle.close();
      expect(performance.now() - began).toBeLessThan(15_000);
    } finally {
      await lab.container.unpause();
    }
  });
});
