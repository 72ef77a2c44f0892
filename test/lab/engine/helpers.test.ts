import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openRemediation, remediate } from '../../../src/app/remediation.ts';
import type { HelperSpec } from '../../../src/host/docker/types.ts';
import { openHost } from '../../../src/app/open-host.ts';
import { ownIdentity } from '../../../src/host/process-identity.ts';
import { userStateFolder } from '../../../src/host/user-key.ts';
import { withDeadline } from '../../../src/remediation/engine/steps.ts';
import { startInstance } from '../instance.ts';
import { createVolume, type Run } from '../run.ts';
import { closeTestRun, labRuns, openTestRun } from '../support.ts';
import { eventually } from '../waiting.ts';
import { openFaultyEngine } from './faulty-engine.ts';
import { actingHost, openLab } from './host.ts';
import { lateAfterMs } from './late-write.ts';

/** An entry of the ledger of helpers, as a process with this identity writes it. Returns its name. */
async function inLedger(identity: string): Promise<string> {
  const name = randomBytes(16).toString('hex');
  const folder = join(userStateFolder(), 'helpers');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), `${identity}\n`, { mode: 0o600 });
  return name;
}

describe.skipIf(!(await labRuns()))('a helper container', { timeout: 120_000 }, () => {
  let run: Run;
  let image: string;
  beforeAll(async () => {
    run = await openTestRun();
    image = (await run.docker.getImage(`problems-lab/postgres:${run.postgres}`).inspect()).Id;
  });
  afterAll(async () => closeTestRun(run));

  const docker = () => openHost({ roots: [] }).changer.docker;

  function helper(script: string, more: Partial<HelperSpec> = {}): HelperSpec {
    return { task: 'check-mixed-backup', image, command: ['sh', '-c', script], labels: { ...run.labels }, ...more };
  }

  async function left(label: string): Promise<readonly Docker.ContainerInfo[]> {
    return run.docker.listContainers({ all: true, filters: JSON.stringify({ label: ['problems.helper', label] }) });
  }

  async function isKnown(name: string): Promise<boolean> {
    return run.docker
      .getVolume(name)
      .inspect()
      .then(
        () => true,
        () => false,
      );
  }

  /** A process that runs a helper, killed while it runs. Returns the helper and its volume. */
  async function killed(spec: HelperSpec, label: string): Promise<{ readonly id: string; readonly volume: string }> {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'helper-child.ts'), JSON.stringify(spec)], {
      stdio: 'inherit',
    });
    await eventually(30_000, async () => (await left(label)).some(({ State }) => State === 'running'));
    child.kill('SIGKILL');
    await once(child, 'close');
    const [one] = await left(label);
    expect(one?.Mounts.map(({ Type }) => Type)).toEqual(['volume']);
    return { id: one?.Id ?? '', volume: one?.Mounts.find(({ Type }) => Type === 'volume')?.Name ?? '' };
  }

  it('returns its exit code and output, however quickly it ends, and is removed with its volume', async () => {
    const label = `problems.test=quick-${run.id}`;
    const spec = helper('echo said; exit 7', { labels: { 'problems.test': `quick-${run.id}` } });
    const results = await Promise.all(Array.from({ length: 12 }, async () => docker().runHelper(spec)));
    for (const result of results) expect(result).toMatchObject({ exitCode: 7, stdout: 'said\n' });
    expect(await left(label)).toEqual([]);
  });

  it('runs the image of the config if it needs no program of the instance', async () => {
    const other = await run.docker.getImage(`problems-lab/postgres-seeded:${run.postgres}`).inspect();
    const config = openHost({ roots: [], helperImage: other.Id }).changer.docker;
    const label = `problems.test=image-${run.id}`;
    const spec = helper('sleep 3', { task: 'survey', labels: { 'problems.test': `image-${run.id}` } });
    const running = config.runHelper(spec);
    await eventually(30_000, async () => (await left(label)).length > 0);
    expect((await left(label)).map(({ ImageID }) => ImageID)).toEqual([other.Id]);
    expect(await running).toMatchObject({ exitCode: 0 });
  });

  it('runs an image of our own if it has a capability and needs no program of the instance', async () => {
    const label = `problems.test=own-${run.id}`;
    const over = new AbortController();
    const labels = { 'problems.test': `own-${run.id}` };
    const spec = helper('find / -xdev | wc -l && tail -f /dev/null', { task: 'survey', labels, signal: over.signal });
    const running = docker()
      .runHelper(spec)
      .catch(() => undefined);
    await eventually(30_000, async () => (await left(label)).some(({ State }) => State === 'running'));
    const [one] = await left(label);
    expect(one?.Image).not.toBe(image);
    const used = await run.docker.getImage(one?.ImageID ?? '').inspect();
    expect(used.RepoTags.join()).toMatch(/^problems-helper:[0-9a-f]{12}$/);
    over.abort();
    await running;
  });

  it('runs an image of our own again after someone has removed it', async () => {
    const spec = helper('sha256sum </dev/null', { task: 'survey' });
    const first = await docker().runHelper(spec);
    const images = await run.docker.listImages({ filters: JSON.stringify({ reference: ['problems-helper'] }) });
    await Promise.all(
      images.map(async ({ Id }) =>
        run.docker
          .getImage(Id)
          .remove()
          .catch(() => undefined),
      ),
    );
    expect(await docker().runHelper(spec)).toEqual(first);
    expect(first).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('e3b0c44298fc1c14') });
  });

  it('starts even behind a proxy that delays the answer to the wait request', async (test) => {
    const engine = await openFaultyEngine(join(run.folder, 'late.sock'));
    test.onTestFinished(async () => engine.close());
    engine.faultOf = ({ path }) => (path.includes('/wait') ? { type: 'late-head' } : undefined);
    vi.stubEnv('DOCKER_HOST', engine.address);
    test.onTestFinished(() => void vi.unstubAllEnvs());
    const begun = performance.now();
    expect(await docker().runHelper(helper('exit 7'))).toMatchObject({ exitCode: 7 });
    expect(performance.now() - begun).toBeLessThan(20_000);
  });

  it('is stopped by an abort signal, and removed if the call fails', async () => {
    const label = `problems.test=ended-${run.id}`;
    const over = new AbortController();
    const spec = helper('sleep 60', { labels: { 'problems.test': `ended-${run.id}` }, signal: over.signal });
    const running = docker().runHelper(spec);
    const failure = running.then(() => 'no failure', String);
    await eventually(30_000, async () => (await left(label)).some(({ State }) => State === 'running'));
    over.abort();
    expect(await failure).toContain('stopped before the end');
    expect(await left(label)).toEqual([]);
  });

  it('of a killed process is removed with its volume as soon as it ends', async () => {
    const { volume } = await killed(helper('sleep 4'), `problems.lab=${run.id}`);
    await eventually(20_000, async () => !(await isKnown(volume)));
    expect(await left(`problems.lab=${run.id}`)).toEqual([]);
  });

  it('of a killed process is stopped by the next process, unless it belongs to a run, which resume stops', async () => {
    const probe = await killed(
      helper('sleep 300', { labels: { 'problems.test': `p-${run.id}` } }),
      `problems.test=p-${run.id}`,
    );
    const labels = { 'problems.run': `r-${run.id}` };
    const ofRun = await killed(helper('sleep 300', { labels }), `problems.run=r-${run.id}`);
    const next = docker();
    await next.runHelper(helper('true'));
    expect(await isKnown(probe.volume)).toBe(false);
    expect(await left(`problems.run=r-${run.id}`)).toHaveLength(1);
    await next.endHelpers('problems.run', `r-${run.id}`);
    expect(await left(`problems.run=r-${run.id}`)).toEqual([]);
    expect(await isKnown(ofRun.volume)).toBe(false);
  });

  it('is left running if it is marked as continuing', async () => {
    const labels = { 'problems.run': `g-${run.id}` };
    const { id } = await killed(helper('sleep 300', { labels, goesOn: true }), `problems.run=g-${run.id}`);
    const next = docker();
    await next.endHelpers('problems.run', `g-${run.id}`);
    expect((await left(`problems.run=g-${run.id}`)).map(({ Id }) => Id)).toEqual([id]);
    await run.docker.getContainer(id).remove({ force: true, v: true });
  });

  it('is removed if it was never started, and no other container is', async () => {
    const { pid, began, machine } = await ownIdentity();
    const create = async (label: Record<string, string>) =>
      run.docker.createContainer({ Image: image, Cmd: ['true'], Labels: { ...run.labels, ...label } });
    const dead = `${pid} 1 ${machine}`;
    const gone = await create({ 'problems.helper': '1', 'problems.process': await inLedger(dead) });
    const kept = await Promise.all([
      create({ 'problems.helper': '1', 'problems.process': await inLedger(`${pid} ${began} ${machine}`) }),
      create({ 'problems.helper': '1', 'problems.process': await inLedger('1 1 another machine') }),
      create({ 'problems.helper': '1' }),
      create({ 'problems.process': await inLedger(dead) }),
    ]);
    await docker().runHelper(helper('true'));
    await expect(gone.inspect()).rejects.toThrow('No such container');
    for (const one of kept) expect((await one.inspect()).State.Status).toBe('created');
  });

  it('is not removed if only its labels say that it is ours, whoever is said to own it, nor are its volumes', async () => {
    const { pid, machine } = await ownIdentity();
    const labels = {
      'problems.helper': '1',
      'problems.owner': `${pid} 1 ${machine}`,
      'problems.run': `v-${run.id}`,
      ...run.labels,
    };
    const HostConfig = { Mounts: [{ Type: 'volume' as const, Source: '', Target: '/theirs' }] };
    const victims = await Promise.all(
      [{}, { 'problems.process': 'f'.repeat(32) }, { 'problems.process': '../key' }].map(async (more) =>
        run.docker.createContainer({
          Image: image,
          Cmd: ['sleep', '300'],
          Entrypoint: [],
          Labels: { ...labels, ...more },
          HostConfig,
        }),
      ),
    );
    await victims[0]?.start();
    const next = docker();
    await next.runHelper(helper('true'));
    await next.endHelpers('problems.run', `v-${run.id}`);
    for (const victim of victims) {
      const { State, Mounts } = await victim.inspect();
      expect(State.Status).toBe(victim === victims[0] ? 'running' : 'created');
      for (const { Name } of Mounts) expect(await isKnown(Name ?? '')).toBe(true);
      await victim.remove({ force: true, v: true });
    }
  });

  it('of a step has a shorter time limit than the step', async () => {
    const remediation = await openLab(run);
    const active = { session: remediation.session, run: (await actingHost(remediation)).run };
    const began = performance.now();
    await expect(
      withDeadline(active, 8_000, 'a step', async (own) => own.change.docker.runHelper(helper('sleep 60'))),
    ).rejects.toThrow(/^did not finish within [23]/);
    expect(performance.now() - began).toBeLessThan(8_000);
    expect(await left('problems.run=r-test')).toEqual([]);
    remediation.close();
  });

  it('is not started by a step whose time is up, and the work already started is awaited', async () => {
    const remediation = await openLab(run);
    const active = { session: remediation.session, run: (await actingHost(remediation)).run };
    const seen: string[] = [];
    const volume = `${run.prefix}late`;
    const work = withDeadline(active, 500, 'a step', async (own) => {
      await sleep(1_500);
      seen.push('late');
      await own.change.docker.createVolume(volume, { ...run.labels });
    });
    await expect(work).rejects.toThrow('a step did not finish within 0.5 s');
    expect(seen).toEqual(['late']);
    await sleep(500);
    expect(await isKnown(volume)).toBe(false);
    remediation.close();
  });

  it('of a step that takes too long changes nothing after the undo of its run', async () => {
    const volume = await createVolume(run, 'late-data');
    await startInstance(run, {
      name: 'late',
      storage: 'seeded',
      host: { Binds: [`${volume}:/var/lib/postgresql/seeded`] },
    });
    await cp(join(import.meta.dirname, 'late-write.ts'), join(run.folder, 'late-write.ts'));
    await symlink(join(import.meta.dirname, '../../../node_modules'), join(run.folder, 'node_modules'));
    const remediation = await openRemediation({
      folder: run.folder,
      plugins: ['./late-write.ts'],
      remediators: [],
      config: { containers: `^${run.prefix}vrooli-postgres-(late)$`, state: 'late.db' },
    });
    const { runs } = await remediate(remediation, { remediators: ['late-file'] });
    expect(runs).toMatchObject([
      { outcome: 'rolled-back', failure: { message: expect.stringMatching('did not finish within') } },
    ]);
    await sleep(lateAfterMs + 1_000);
    const mounts = [{ type: 'volume', source: volume, target: '/d', readonly: true }] as const;
    const { stdout } = await docker().runHelper(helper('ls /d', { mounts }));
    expect(stdout).toContain('PG_VERSION');
    expect(stdout).not.toContain('late');
    remediation.close();
  });
});
