import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { remediate, resume, rollback } from '../../../src/app/remediation.ts';
import { execIn } from '../exec.ts';
import { type LabInstance, query, startInstance, waitReady } from '../instance.ts';
import { createRun, labRuns, majors } from '../support.ts';
import { type Asked, openAsked } from './asked.ts';

const versions = majors(17);
const settings = { work_mem: '2MB', log_lock_waits: 'on' };

describe.skipIf(!(await labRuns()))('undoing settings', { concurrent: true, timeout: 300_000 }, () => {
  it.for(versions)(
    'repeats the reload after a kill between the file and the reload: PostgreSQL %i uses the old values again',
    async (postgres, test) => {
      const { run, instance } = await started(test, postgres);
      const before = await autoConf(instance);
      const asked = { ...altering('tuned'), verified: false };
      const [, signal] = await once(
        spawn(
          process.execPath,
          [join(import.meta.dirname, 'asked-child.ts'), run.folder, run.prefix, JSON.stringify(asked)],
          {
            stdio: 'inherit',
          },
        ),
        'close',
      );
      expect(signal).toBe('SIGKILL');
      expect(await autoConf(instance)).toBe(before);
      // The server has not heard of it: it goes by what the run had set.
      expect(await shown(instance)).toEqual(['2MB', 'on']);

      const remediation = await openAsked(run, asked);
      expect(await resume(remediation)).toMatchObject([{ outcome: 'rolled-back' }]);
      remediation.close();
      expect(await shown(instance)).toEqual(['8MB', 'off']);
      expect(await autoConf(instance)).toBe(before);
    },
  );

  it('recognizes a value that was written without a unit, which only the server can compare', async (test) => {
    const { run, instance } = await started(test, 17);
    await query(instance, 'alter system set work_mem = 8192; select pg_reload_conf()');
    const before = await autoConf(instance);
    const remediation = await openAsked(run, { ...altering('tuned'), verified: false });
    expect((await remediate(remediation, { yes: true })).runs).toMatchObject([{ outcome: 'rolled-back' }]);
    remediation.close();
    expect(await autoConf(instance)).toBe(before);
    expect(await shown(instance)).toEqual(['8MB', 'off']);
  });

  it.for(versions)(
    'after a fixed run keeps what someone else has set since, byte for byte, also on PostgreSQL %i',
    async (postgres, test) => {
      const { run, instance } = await started(test, postgres);
      await execIn(instance.container, ['sh', '-c', 'echo "# noted by hand" >>"$PGDATA/postgresql.auto.conf"'], {
        user: 'postgres',
      });
      const remediation = await openAsked(run, { ...altering('tuned'), verified: true });
      const { runs } = await remediate(remediation, { yes: true });
      expect(runs).toMatchObject([{ outcome: 'fixed' }]);
      await query(instance, "alter system set maintenance_work_mem = '96MB'");
      await query(instance, "alter system set log_line_prefix = 'it''s %m '; select pg_reload_conf()");
      const theirs = (await autoConf(instance))
        .split('\n')
        .filter((line) => !/^(?:work_mem|log_lock_waits)/.test(line));

      expect(await rollback(remediation, runs[0]?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
      remediation.close();
      expect((await autoConf(instance)).split('\n')).toEqual([...theirs.slice(0, -1), "work_mem = '8MB'", '']);
      expect(await shown(instance)).toEqual(['8MB', 'off']);
      expect(await query(instance, 'show maintenance_work_mem')).toEqual(['96MB']);
    },
  );

  it('after a fixed run restores the old file byte for byte if no one else has written, comments included', async (test) => {
    const { run, instance } = await started(test, 17);
    await execIn(
      instance.container,
      ['sh', '-c', 'printf "# noted by hand\\nport=5432" >>"$PGDATA/postgresql.auto.conf"'],
      {
        user: 'postgres',
      },
    );
    const before = await autoConf(instance);
    const remediation = await openAsked(run, { ...altering('tuned'), verified: true });
    const { runs } = await remediate(remediation, { yes: true });
    expect(await autoConf(instance)).not.toContain('noted by hand');
    expect(await rollback(remediation, runs[0]?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
    remediation.close();
    expect(await autoConf(instance)).toBe(before);
  });

  it('after a fixed run is refused if someone has changed one of its settings since', async (test) => {
    const { run, instance } = await started(test, 17);
    const remediation = await openAsked(run, { ...altering('tuned'), verified: true });
    const { runs } = await remediate(remediation, { yes: true });
    await query(instance, "alter system set work_mem = '3MB'; select pg_reload_conf()");
    const theirs = await autoConf(instance);
    await expect(rollback(remediation, runs[0]?.id ?? '')).rejects.toMatchObject({ code: 'step-refused' });
    remediation.close();
    expect(await autoConf(instance)).toBe(theirs);
  });

  it('during a run keeps what someone else has changed meanwhile, and says so', async (test) => {
    const { run, instance } = await started(test, 17);
    const remediation = await openAsked(
      run,
      { ...altering('tuned'), verified: false },
      {
        async atPoint(name) {
          if (name === 'phase verifying begins') await query(instance, "alter system set work_mem = '3MB'");
        },
      },
    );
    const { runs } = await remediate(remediation, { yes: true });
    expect(runs).toMatchObject([
      {
        outcome: 'stuck',
        failure: { class: 'rollback-failed', message: expect.stringContaining('has been changed since') },
      },
    ]);
    remediation.close();
    expect(await autoConf(instance)).toContain("work_mem = '3MB'");
  });

  it('of a role keeps what someone else has set for it meanwhile, and says so', async (test) => {
    const { run, instance } = await started(test, 17);
    const params = { instance: 'tuned', role: instance.user, name: 'lock_timeout', value: '5s' };
    const remediation = await openAsked(
      run,
      { instance: 'tuned', steps: [{ action: 'role.alter-setting', params }], verified: false },
      {
        async atPoint(name) {
          if (name === 'phase verifying begins')
            await query(instance, `alter role ${instance.user} set lock_timeout = '7s'`);
        },
      },
    );
    const { runs } = await remediate(remediation, { yes: true });
    expect(runs).toMatchObject([
      { outcome: 'stuck', failure: { message: expect.stringContaining('has been changed since') } },
    ]);
    remediation.close();
    expect(await query(instance, 'show lock_timeout')).toEqual(['7s']);
  });

  it('of a stopped server keeps what someone else has set since', async (test) => {
    const { run, instance } = await started(test, 17);
    const container = instance.container.id;
    const remediation = await openAsked(run, {
      instance: 'tuned',
      verified: true,
      steps: [
        { action: 'container.stop', params: { container } },
        {
          action: 'setting.alter-stopped',
          params: { instance: 'tuned', settings: { max_connections: '40', ...settings } },
        },
        { action: 'container.start', params: { container } },
      ],
    });
    const { runs } = await remediate(remediation, { yes: true });
    expect(runs).toMatchObject([{ outcome: 'fixed' }]);
    await waitReady(instance);
    expect(await query(instance, 'show max_connections')).toEqual(['40']);
    await query(instance, "alter system set maintenance_work_mem = '96MB'");
    expect(await rollback(remediation, runs[0]?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
    remediation.close();
    await waitReady(instance);
    expect(await query(instance, 'show max_connections')).toEqual(['100']);
    expect(await query(instance, 'show maintenance_work_mem')).toEqual(['96MB']);
    expect(await shown(instance)).toEqual(['8MB', 'off']);
  });
});

describe.skipIf(!(await labRuns()))('a helper that still writes settings for a killed process', () => {
  it('is awaited, so that its late write cannot survive the undo', async (test) => {
    const { run, instance } = await started(test, 17);
    const container = instance.container.id;
    await instance.container.stop();
    const steps = [{ action: 'setting.alter-stopped', params: { instance: 'tuned', settings } }];
    const remediation = await openAsked(
      run,
      { instance: 'tuned', steps, verified: true },
      {
        async atPoint(name) {
          if (name !== 'phase undoing begins') return;
          // As that of the step does: all of it at once, some time later.
          const late = await run.docker.createContainer({
            Image: (await instance.container.inspect()).Image,
            Entrypoint: [
              'sh',
              '-c',
              `cd /d && sleep 3 && sed 's/^work_mem.*/work_mem = '"'2MB'/" postgresql.auto.conf >late && mv late postgresql.auto.conf`,
            ],
            User: 'postgres',
            Labels: { ...run.labels, 'problems.writes-settings': '1' },
            HostConfig: { Binds: [`${instance.data}:/d`] },
          });
          await late.start();
        },
      },
    );
    const { runs } = await remediate(remediation, { yes: true });
    await rollback(remediation, runs[0]?.id ?? '');
    remediation.close();
    await run.docker.getContainer(container).start();
    await waitReady(instance);
    expect(await shown(instance)).toEqual(['8MB', 'off']);
  });
});

function altering(instance: string): Pick<Asked, 'instance' | 'steps'> {
  return { instance, steps: [{ action: 'setting.alter', params: { instance, settings } }] };
}

async function started(test: TestContext, postgres: 15 | 17) {
  const run = await createRun(test, { postgres });
  const instance = await startInstance(run, { name: 'tuned', storage: 'volume' });
  await query(instance, "alter system set work_mem = '8MB'; select pg_reload_conf()");
  await query(instance, "alter system set temp_file_limit = '1GB'");
  return { run, instance };
}

async function shown(instance: LabInstance): Promise<readonly string[]> {
  return query(instance, "select current_setting('work_mem') union all select current_setting('log_lock_waits')");
}

async function autoConf({ container }: LabInstance): Promise<string> {
  return (await execIn(container, ['sh', '-c', 'cat "$PGDATA/postgresql.auto.conf"'])).stdout;
}
