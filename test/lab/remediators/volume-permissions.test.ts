import { chown, mkdir, readdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import type { SurveyEntry } from '../../../src/host/probes/types.ts';
import type { Instance } from '../../../src/host/instance.ts';
import {
  detect,
  plan,
  remediate,
  type Remediation,
  type RemediationOptions,
  rollback,
} from '../../../src/app/remediation.ts';
import { volumeCopy } from '../../../src/remediation/actions/volume.ts';
import { oneOf, soak } from '../../soak.ts';
import { runHelper } from '../container.ts';
import { actingHost } from '../engine/host.ts';
import { execIn } from '../exec.ts';
import {
  createInstance,
  findInstance,
  type InstanceSettings,
  type LabInstance,
  query,
  startInstance,
  waitReady,
} from '../instance.ts';
import { addOrders } from '../rows.ts';
import type { Run } from '../run.ts';
import { scenarioNamed } from '../scenarios/index.ts';
import { restoreAsRoot } from '../scenarios/volume-permissions.ts';
import { snapshotEngine, tablesOf } from '../snapshot.ts';
import { createRun, labRuns } from '../support.ts';
import { eventually } from '../waiting.ts';
import { openVolumes } from './open-remediator.ts';

const runs = await labRuns();

describe.skipIf(!runs)("data with an owner other than the server's user", { concurrent: true }, () => {
  // The pass that test/lab/smoke.test.ts makes, in detail.
  it.runIf(soak)(
    'is found in both forms of the scenario, planned without a change, and given to the server with identical content',
    async (test) => {
      const run = await createRun(test);
      await scenarioNamed('volume-permissions').up(run, () => undefined);
      const looking = await open(test, run, { onlyLooking: true });

      const { findings, notLookedAt } = await detect(looking);
      expect(findings.map(({ id }) => id)).toEqual([
        'volume-permissions/mixed/wrong-owner',
        'volume-permissions/restored/wrong-owner',
      ]);
      expect(notLookedAt).toEqual([]);
      const [mixed, restored] = findings;
      expect(mixed?.details).toMatchObject({ wrong: 1 });
      expect(mixed?.evidence).toContainEqual({
        type: 'message',
        text: expect.stringMatching(/^could not open file "base\/\d+\/\d+" for reading: Permission denied$/),
        sqlstate: '42501',
      });
      expect(restored?.summary).toContain('do not belong to the user of its server, 999:999');

      // One that the engine keeps restarting is never twice the same.
      const { container } = await findInstance(run, 'restored');
      await container.stop();
      const before = await snapshotEngine(run);
      const { proposals } = await plan(looking);
      expect(proposals.map(({ plan: made }) => made.type)).toEqual(['plan', 'plan']);
      expect(await snapshotEngine(run)).toEqual(before);

      await container.start();
      const remediation = await open(test, run);
      const { runs: reports } = await remediate(remediation, { yes: true });
      expect(reports.map(({ outcome, failure }) => [outcome, failure])).toEqual([
        ['fixed', null],
        ['fixed', null],
      ]);
      for (const name of ['mixed', 'restored']) expect(await orders(run, name)).toEqual(['1000|625625.00']);
      expect(await detect(remediation)).toMatchObject({ findings: [], notLookedAt: [], interruptedRuns: [] });
    },
  );

  // The next two tests repair one unattended and leave one running; the smoke test repairs both forms.
  it.runIf(soak)(
    'is repaired unattended if the engine restarts the server repeatedly, and with approval if it runs',
    async (test) => {
      const run = await createRun(test);
      await scenarioNamed('volume-permissions').up(run, () => undefined);
      const { runs: reports } = await remediate(await open(test, run));
      expect(reports.map(({ instance, automation, outcome }) => [instance, automation, outcome])).toEqual([
        ['mixed', 'approve', 'awaiting-approval'],
        ['restored', 'auto', 'fixed'],
      ]);
      expect(await orders(run, 'restored')).toEqual(['1000|625625.00']);
    },
  );

  it('is left unchanged if someone has started the server between plan and stop', async (test) => {
    const run = await createRun(test);
    const restored = await restoreAsRoot(run);
    let since = '';
    const remediation = await open(test, run, {
      instances: ['restored'],
      async atPoint(name) {
        if (name !== 'step 0 begins') return;
        await restored.container.stop();
        await runHelper(run, restored.data ?? '', 'chown -R 999:999 /folder && chmod 0700 /folder');
        await restored.container.start();
        await waitReady(restored);
        since = (await restored.container.inspect()).State.StartedAt;
      },
    });
    const { runs: reports } = await remediate(remediation);
    expect(reports).toMatchObject([
      {
        outcome: 'rolled-back',
        automation: 'auto',
        failure: { class: 'precondition', message: expect.stringContaining('is accepting connections again') },
      },
    ]);
    expect((await restored.container.inspect()).State).toMatchObject({ Running: true, StartedAt: since });
    expect(await orders(run, 'restored')).toEqual(['1000|625625.00']);
  });

  it.for(oneOf(['bind', 'volume'] as const))(
    'in a stopped %s of an image whose postgres is 70 is given to 70 unattended, and rollback restores it exactly',
    async (storage, test) => {
      const run = await createRun(test, { postgres: 15 });
      const image = 'problems-lab/postgres:15-uid70';
      const instance = await brokenInstance(
        run,
        { name: 'seventy', storage, image },
        '70:70',
        'chown -R 999:0 /folder && chmod 0755 /folder && chown 1000:70 /folder/PG_VERSION',
      );
      const remediation = await open(test, run);
      const broken = await entriesOf(remediation, 'seventy');

      const {
        runs: [report],
      } = await remediate(remediation);
      expect(report).toMatchObject({ outcome: 'fixed', automation: 'auto', failure: null });
      expect((await entriesOf(remediation, 'seventy')).filter(({ uid, gid }) => uid !== 70 || gid !== 70)).toEqual([]);
      expect(await tablesOf(instance.container, 'vrooli')).toContainEqual(
        expect.stringMatching(/^vrooli: orders\|1000\|/),
      );
      expect((await detect(remediation)).findings).toEqual([]);

      expect(await rollback(remediation, report?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
      const back = new Map((await entriesOf(remediation, 'seventy')).map((entry) => [entry.path, ownerOf(entry)]));
      // The server that ran in between has made and removed files; all others are as they were.
      const gone = broken.filter(({ path }) => !back.has(path)).map(({ path }) => path);
      expect(
        gone.every((path) =>
          /^(?:pg_(?:wal|stat|logical|notify|subtrans)|global\/pg_internal|base\/\d+\/pg_internal)/.test(path),
        ),
      ).toBe(true);
      expect(broken.filter((entry) => back.has(entry.path) && back.get(entry.path) !== ownerOf(entry))).toEqual([]);
      expect((await instance.container.inspect()).State).toMatchObject({ Running: false });
      expect((await detect(remediation)).findings.map(({ id }) => id)).toEqual([
        'volume-permissions/seventy/wrong-owner',
      ]);
    },
  );

  it('is found where a running server never checks: a file of root that makes a base backup fail', async (test) => {
    const run = await createRun(test);
    const instance = await startInstance(run, { name: 'stray', storage: 'volume' });
    await addOrders(instance);
    await execIn(instance.container, ['sh', '-c', 'umask 077 && echo note >"$PGDATA/pg_hba.conf.orig"'], {
      user: '0:0',
    });
    const remediation = await open(test, run);
    const { probes } = remediation.session.reader;
    expect(await probes.baseBackup(await instanceOf(remediation, 'stray'))).toEqual({
      result: 'failed',
      message: expect.stringContaining('could not open file "./pg_hba.conf.orig": Permission denied'),
    });
    const {
      proposals: [proposal],
    } = await plan(remediation);
    expect(proposal?.decision).toMatchObject({ automation: 'approve' });
    expect(proposal?.plan).toMatchObject({ risk: 'restart', finding: { details: { wrong: 1 } } });
    const { runs: reports } = await remediate(remediation, { yes: true });
    expect(reports).toMatchObject([{ outcome: 'fixed' }]);
    expect(await probes.baseBackup(await instanceOf(remediation, 'stray'))).toEqual({ result: 'done', message: '' });
    expect(await orders(run, 'stray')).toEqual(['1000|625625.00']);
  });

  it('is not changed if it contains entries that a data directory never has', async (test) => {
    const run = await createRun(test);
    const odd = [
      'ln -s /etc/passwd /folder/base/linked',
      'ln /folder/PG_VERSION /folder/base/hard',
      'mknod /folder/base/device b 8 0',
      String.raw`touch "/folder/base/$(printf '\377')"`,
    ];
    const script = `chown -R 0:0 /folder && ${odd.join(' && ')}`;
    await brokenInstance(run, { name: 'odd', storage: 'volume' }, '999:999', script, false);
    const remediation = await open(test, run);
    const before = await entriesOf(remediation, 'odd');
    const { runs: reports } = await remediate(remediation, { yes: true });
    expect(reports).toMatchObject([{ outcome: 'failed', failure: { class: 'unsafe' } }]);
    for (const reason of [
      '"base/linked": it is a symbolic link to /etc/passwd',
      '"base/hard": it is one of 2 hard links',
      '"PG_VERSION": it is one of 2 hard links',
      '"base/device": it is a device',
      'its name is not UTF-8',
    ])
      expect(reports[0]?.failure?.message).toContain(reason);
    expect(await entriesOf(remediation, 'odd')).toEqual(before);
  });
});

describe.skipIf(!runs)('a case for an operator', { concurrent: true }, () => {
  it('is an empty folder in place of a cluster: nothing is created in it', async (test) => {
    const run = await createRun(test);
    const instance = await startInstance(run, { name: 'lost', storage: 'bind' });
    await instance.container.stop();
    const folder = instance.data ?? '';
    await rename(folder, `${folder}-elsewhere`);
    await mkdir(folder);
    const remediation = await open(test, run);
    expect((await detect(remediation)).findings).toMatchObject([{ kind: 'data-missing' }]);
    const { runs: reports } = await remediate(remediation, { yes: true });
    expect(reports).toMatchObject([{ outcome: 'failed', failure: { class: 'unsafe' } }]);
    expect(await readdir(folder)).toEqual([]);
    expect((await instance.container.inspect()).State.Running).toBe(false);
  });

  it.for(
    oneOf([
      ['ownership-refused', 'CHOWN', { CapDrop: ['ALL'] }],
      ['read-only', 'read-only', { ReadonlyData: true }],
    ] as const),
  )('%s: a container that says %s', async ([kind, word, { ...how }], test) => {
    const run = await createRun(test);
    const first = await startInstance(run, { name: 'shut', storage: 'volume' });
    await first.container.stop();
    await first.container.remove();
    const volume = first.data ?? '';
    const instance = await createInstance(run, {
      name: 'shut',
      storage: 'anonymous',
      host: {
        RestartPolicy: { Name: 'no' },
        Binds: [`${volume}:/var/lib/postgresql/data${'ReadonlyData' in how ? ':ro' : ''}`],
        ...('CapDrop' in how ? { CapDrop: [...how.CapDrop] } : {}),
      },
    });
    await instance.container.start();
    await ended(instance);
    const remediation = await open(test, run);
    const { findings } = await detect(remediation);
    expect(findings).toMatchObject([{ kind }]);
    const { proposals } = await plan(remediation);
    expect(proposals).toMatchObject([{ plan: { type: 'refusal', reason: expect.stringContaining(word) } }]);
  });
});

describe.skipIf(!runs)('a copy into a volume', () => {
  it('is complete for any file names, and never confused with that of another run', async (test) => {
    const run = await createRun(test);
    const source = join(run.folder, 'cluster');
    await mkdir(join(source, 'global'), { recursive: true, mode: 0o700 });
    await writeFile(join(source, 'global', 'pg_control'), 'control', { mode: 0o600 });
    await writeFile(join(source, 'a\n"b" $(c)'), 'rows', { mode: 0o640 });
    await chown(join(source, 'global'), 999, 70);
    await symlink('/elsewhere', join(source, 'pg_wal'));
    const host = await actingHost(await open(test, run));
    const params = { source, volume: `${run.prefix}copied`, image: `problems-lab/postgres:${run.postgres}` };
    test.onTestFinished(() => run.docker.getVolume(params.volume).remove());
    async function entries(type: 'bind' | 'volume', place: string): Promise<unknown> {
      const mount = { type, name: type === 'volume' ? place : '', source: place, destination: '', writable: false };
      return (await host.probes.survey({ ...mount, anonymous: false }, params.image)).entries;
    }
    const original = await entries('bind', source);
    await volumeCopy.apply(params, host);
    expect(await volumeCopy.isDone(params, host, host.run)).toBe(true);
    expect(await entries('volume', params.volume)).toEqual(original);
    expect(await entries('bind', source)).toEqual(original);

    const other = { ...host, run: { ...host.run, id: 'r-other' } };
    expect(await volumeCopy.isDone(params, other, other.run)).toBe(false);
    await expect(volumeCopy.prepare(params, other)).rejects.toMatchObject({ code: 'step-refused' });
    await expect(volumeCopy.apply(params, other)).rejects.toMatchObject({ code: 'step-refused' });
  });
});

describe.skipIf(!runs)('nothing is found', { concurrent: true }, () => {
  it.runIf(soak).for(['healthy', 'port-conflict', 'webgui-unreachable'] as const)(
    'in the scenario %s',
    async (name, test) => {
      const run = await createRun(test);
      await scenarioNamed(name).up(run, () => undefined);
      const { findings, notLookedAt } = await detect(await open(test, run));
      expect(findings).toEqual([]);
      // A cluster in the container itself has no volume whose permissions could be wrong.
      expect(notLookedAt.filter(({ reason }) => !reason.includes('there is no mount'))).toEqual([]);
    },
  );

  it('on data of root that the entrypoint, as root, fixes at the next start', async (test) => {
    const run = await createRun(test);
    const instance = await startInstance(run, { name: 'heals', storage: 'bind' });
    await instance.container.stop();
    await runHelper(run, instance.data ?? '', 'chown -R 0:0 /folder && chmod 0755 /folder');
    const remediation = await open(test, run);
    expect(await detect(remediation)).toMatchObject({ findings: [], notLookedAt: [], interruptedRuns: [] });
    await instance.container.start();
    await waitReady(instance);
    expect(await detect(remediation)).toMatchObject({ findings: [], notLookedAt: [], interruptedRuns: [] });
  });
});

async function open(
  test: Pick<TestContext, 'onTestFinished'>,
  run: Run,
  options: Partial<RemediationOptions> = {},
): Promise<Remediation> {
  const remediation = await openVolumes(run, {}, options);
  test.onTestFinished(() => remediation.close());
  return remediation;
}

/** An instance with rows that was stopped, broken by a script on its data, and recreated with `--user`. */
async function brokenInstance(
  run: Run,
  settings: InstanceSettings,
  user: string,
  script: string,
  start = true,
): Promise<LabInstance> {
  const first = await startInstance(run, settings);
  if (start) await addOrders(first);
  await first.container.stop();
  await first.container.remove();
  await runHelper(run, first.data ?? '', script);
  const { password } = first;
  const again = await createInstance(run, {
    ...settings,
    storage: settings.storage === 'volume' ? 'anonymous' : settings.storage,
    password,
    container: { User: user },
    host: {
      RestartPolicy: { Name: 'no' },
      ...(settings.storage === 'volume' ? { Binds: [`${first.data}:/var/lib/postgresql/data`] } : {}),
    },
  });
  if (!start) return again;
  await again.container.start();
  await ended(again);
  return again;
}

async function ended({ container }: LabInstance): Promise<void> {
  await eventually(20_000, async () => (await container.inspect()).State.Status === 'exited');
}

async function instanceOf(remediation: Remediation, name: string): Promise<Instance> {
  const instance = await remediation.session.reader.instance(name);
  if (instance === undefined) throw new Error(`there is no instance ${name}`);
  return instance;
}

async function entriesOf(remediation: Remediation, name: string): Promise<readonly SurveyEntry[]> {
  const { dataMount, container } = await instanceOf(remediation, name);
  if (dataMount === undefined) throw new Error(`${name} has no mount`);
  return (await remediation.session.reader.probes.survey(dataMount, container.image)).entries;
}

function ownerOf({ uid, gid, mode, type }: SurveyEntry): string {
  return `${type} ${uid}:${gid} ${mode}`;
}

async function orders(run: Run, name: string): Promise<readonly string[]> {
  return query(await findInstance(run, name), 'select count(*), sum(amount) from orders');
}
