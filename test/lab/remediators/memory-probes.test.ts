import { describe, expect, it } from 'vitest';
import { openLab } from '../engine/host.ts';
import { query, startInstance } from '../instance.ts';
import { snapshotEngine } from '../snapshot.ts';
import { createRun, labRuns, majors } from '../support.ts';

const runs = await labRuns();

describe.skipIf(!runs)('the memory probes', { concurrent: true }, () => {
  it.for(majors(15))(
    'read the cgroup, the files and a load of PostgreSQL %i, and change nothing',
    async (postgres, test) => {
      const run = await createRun(test, { postgres });
      const limit = 512 * 2 ** 20;
      const made = await startInstance(run, {
        name: 'asked',
        storage: 'bind',
        settings: { shared_buffers: '16MB' },
        host: { Memory: limit, MemorySwap: limit, ShmSize: 2 ** 26 },
      });
      await query(
        made,
        'create table history as select n, repeat(md5(n::text), 30) as entry from generate_series(1, 40000) as n; checkpoint;',
      );
      await query(made, "alter system set work_mem = '2MB'");
      const remediation = await openLab(run);
      test.onTestFinished(() => remediation.close());
      const host = remediation.session.reader;
      const instance = await host.instance('asked');
      if (instance === undefined) throw new Error('no instance');
      const { data, networks, volumes } = await snapshotEngine(run);

      const before = await host.probes.memoryUse(instance);
      expect(before).toMatchObject({ limit, oomKills: 0, shmSize: 2 ** 26 });
      // What the next start would take: also what no reload has brought into force yet.
      expect(await host.probes.fileSettings(instance, ['shared_buffers', 'work_mem', 'max_connections'])).toEqual({
        ok: true,
        values: { shared_buffers: '2048', work_mem: '2048', max_connections: '100' },
      });
      const load = await host.probes.memoryLoad(instance, { clients: 4, seconds: 2, rows: 80_000 });
      expect(load).toMatchObject({ ok: true, message: '' });
      expect(load.transactions).toBeGreaterThan(0);
      const after = await host.probes.memoryUse(instance);
      expect((after?.shared ?? 0) - (before?.shared ?? 0)).toBeGreaterThan(8 * 2 ** 20);
      const now = await snapshotEngine(run);
      expect([now.data, now.networks, now.volumes]).toEqual([data, networks, volumes]);
    },
  );

  it('fail with a message if a file cannot be read', async (test) => {
    const run = await createRun(test);
    const made = await startInstance(run, { name: 'broken', storage: 'volume' });
    await query(made, "alter system set work_mem = '2MB'");
    await made.container.stop();
    const remediation = await openLab(run);
    test.onTestFinished(() => remediation.close());
    const host = remediation.session.reader;
    const instance = await host.instance('broken');
    if (instance === undefined) throw new Error('no instance');
    expect(await host.probes.fileSettings(instance, ['work_mem'], { work_mem: '3MB' })).toEqual({
      ok: true,
      values: { work_mem: '3072' },
    });
    expect(await host.probes.fileSettings(instance, ['work_mem'], { work_mem: 'many' })).toMatchObject({
      ok: false,
      message: expect.stringContaining('invalid value for parameter "work_mem"'),
    });
    const odd = { ...instance, dataDirectory: '/var/lib/postgresql/elsewhere' };
    expect(await host.probes.fileSettings(odd, ['work_mem'])).toMatchObject({
      ok: false,
      message: expect.stringContaining('elsewhere'),
    });
    expect(await host.probes.fileSettings(instance, ['work_mem'])).toEqual({ ok: true, values: { work_mem: '2048' } });
  });
});
