import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, type TestContext, vi } from 'vitest';
import { oneOf } from '../../soak.ts';
import { run as problems } from '../../cli/run.ts';
import { detect, remediate, type Remediation, resume, rollback } from '../../../src/app/remediation.ts';
import { type LabInstance, startInstance } from '../instance.ts';
import { holdPort } from '../ports.ts';
import { openPorts, stateFile } from '../remediators/open-ports.ts';
import { createVolume, type Run } from '../run.ts';
import { mayMount } from '../scenarios/disk-full.ts';
import { createRun, labRuns } from '../support.ts';
import { openExample } from './example.ts';
import { type EngineCall, type Fault, type FaultyEngine, openFaultyEngine } from './faulty-engine.ts';

const lab = await labRuns();

describe.skipIf(!lab)('a faulty engine', () => {
  it.for([
    ['is slow with every answer', 'fixed', always({ type: 'delay', ms: 60 })],
    ['closes the connection before it reads the change', 'fixed', onFirstChange({ type: 'cut' })],
    ['makes the change and closes the connection before it answers', 'fixed', onFirstChange({ type: 'cut-answer' })],
    ['refuses the change with an error', 'rolled-back', onFirstChange({ type: 'status', status: 500 })],
  ] as const)('%s, and the run ends as %s', async ([, outcome, faultOf], test) => {
    const { engine, orders, remediation } = await behindFaults(test);
    engine.faultOf = faultOf();
    const { runs: reports } = await remediate(remediation);
    expect(reports).toMatchObject([{ outcome }]);
    if (outcome === 'rolled-back')
      expect(reports[0]?.failure).toMatchObject({
        class: 'step-failed',
        message: expect.stringContaining('the lab made this error'),
      });
    expect(await policyOf(orders)).toBe(outcome === 'fixed' ? 'unless-stopped' : 'no');
  });

  it('leaves a run open if it answers everything with errors in the middle, and resume ends the run after the engine recovers', async (test) => {
    const { engine, orders, remediation } = await behindFaults(test, {
      patienceMs: 1_000,
      atPoint(name) {
        if (name === 'step 0 is journalled') engine.faultOf = always({ type: 'status', status: 500 })();
      },
    });
    const { runs: reports } = await remediate(remediation);
    expect(reports).toMatchObject([
      {
        outcome: 'stuck',
        failure: { class: 'transient', message: expect.stringContaining('answers only with errors') },
      },
    ]);
    expect(reports[0]?.dossier).toBeNull();
    expect(await remediation.session.store.suspensions.get('orders')).toBeUndefined();
    expect(await remediation.session.store.runs.list({ open: true })).toMatchObject([{ phase: 'undoing' }]);
    engine.faultOf = () => undefined;
    expect(await resume(remediation)).toMatchObject([{ outcome: 'rolled-back' }]);
    expect(await policyOf(orders)).toBe('no');
  });

  it('leaves a run stuck if it refuses every change in the middle, and rollback ends the run later', async (test) => {
    const { engine, orders, remediation } = await behindFaults(test, {
      atPoint(name) {
        if (name === 'step 0 is applied')
          engine.faultOf = ({ method }) => (method === 'POST' ? { type: 'status', status: 500 } : undefined);
        if (name === 'step 0 is recorded') throw new Error('the lab ends the step here');
      },
    });
    const { runs: reports } = await remediate(remediation);
    expect(reports).toMatchObject([{ outcome: 'stuck', failure: { class: 'rollback-failed' } }]);
    const dossier = await readFile(reports[0]?.dossier ?? '', 'utf8');
    expect(dossier).toContain('the lab made this error');
    // A run that is over cannot be resumed.
    expect(dossier).not.toContain('problems resume');
    expect(dossier).toContain(`problems rollback ${reports[0]?.id}`);
    engine.faultOf = () => undefined;
    expect(await rollback(remediation, reports[0]?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
    expect(await policyOf(orders)).toBe('no');
  });

  it('is retried while it answers with errors', async (test) => {
    const { engine, orders, remediation } = await behindFaults(test, {
      atPoint(name) {
        if (name !== 'step 0 is applied') return;
        engine.faultOf = always({ type: 'status', status: 503 })();
        setTimeout(() => (engine.faultOf = () => undefined), 1_500);
      },
    });
    expect((await remediate(remediation)).runs).toMatchObject([{ outcome: 'fixed' }]);
    expect(await policyOf(orders)).toBe('unless-stopped');
  });

  it('is reported as a failed check, not as healthy, if it refuses to list containers', async (test) => {
    const { engine, remediation } = await behindFaults(test);
    engine.faultOf = ({ path }) => (path.includes('/containers/json') ? { type: 'status', status: 500 } : undefined);
    expect(await detect(remediation)).toMatchObject({
      findings: [],
      notLookedAt: [
        {
          remediator: 'missing-restart-policy',
          instance: null,
          reason: expect.stringContaining('the lab made this error'),
        },
      ],
      interruptedRuns: [],
    });
  });
});

describe.skipIf(!lab)('a container that vanishes', () => {
  it('before the first step makes the run end without a change', async (test) => {
    const { remediation } = await vanishing(test, 'step 0 begins');
    expect((await remediate(remediation)).runs).toMatchObject([
      {
        outcome: 'rolled-back',
        failure: { class: 'precondition', message: expect.stringContaining('no longer exists') },
      },
    ]);
  });

  it('between two steps leaves the run stuck, and the dossier says that the container cannot be restored', async (test) => {
    const { remediation, run } = await vanishing(test, 'step 0 is recorded');
    const { runs: reports } = await remediate(remediation);
    expect(reports).toMatchObject([{ outcome: 'stuck', failure: { class: 'rollback-failed' } }]);
    expect(await readFile(reports[0]?.dossier ?? '', 'utf8')).toContain('No such container');
    await expect(readFile(join(run.folder, 'resources/postgres/instances/orders/NOTE'))).rejects.toThrow('ENOENT');
    expect(await remediation.session.store.suspensions.get('orders')).toBeDefined();
  });
});

/** What a restart of the engine does to a container whose restart policy the run has taken away. */
describe.skipIf(!lab)('a server that the engine has stopped in the middle of a move', () => {
  it.for(
    oneOf([
      ['while the new port was stolen', 'step 3 is recorded', 'step 3 is recorded'],
      ['before the run came to stop it', 'step 1 is recorded', undefined],
    ] as const),
  )('%s runs again after the rollback', async ([, stopAt, stealAt], test) => {
    const run = await createRun(test);
    const host = { Binds: [`${await createVolume(run, 'data')}:/var/lib/postgresql/seeded`] };
    const { container, port } = await startInstance(run, { name: 'orders', storage: 'seeded', host });
    const ports = await openPorts(
      run,
      await stateFile(test),
      { reserved: { [String(port)]: 'somebody else' } },
      {
        async atPoint(name) {
          if (name === stopAt) await container.stop();
          if (name !== stealAt) return;
          const [lease] = await ports.session.reader.leases.list();
          const thief = await holdPort(lease?.port ?? 0);
          test.onTestFinished(() => thief.close());
        },
      },
    );
    test.onTestFinished(() => ports.close());
    const { runs: reports } = await remediate(ports, { yes: true });
    expect(reports).toMatchObject([{ outcome: 'rolled-back', failure: { class: 'precondition' } }]);
    const { State, HostConfig, Name } = await container.inspect();
    expect({ running: State.Running, policy: HostConfig.RestartPolicy?.Name, name: Name.slice(1) }).toEqual({
      running: true,
      policy: 'unless-stopped',
      name: `${run.prefix}vrooli-postgres-orders`,
    });
  });
});

describe.skipIf(!lab)('a state file', () => {
  it.runIf(mayMount())(
    'on a full disk in the middle of a run causes a rollback of the container, and resume ends the run',
    async (test) => {
      const run = await createRun(test);
      const orders = await unpoliced(run);
      const disk = join(run.folder, '.problems');
      await mkdir(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=640k', 'tmpfs', disk]);
      test.onTestFinished(() => void execFileSync('umount', ['-l', disk]));
      const full = await openExample(run, {
        async atPoint(name) {
          if (name === 'step 0 is journalled')
            await writeFile(join(disk, 'ballast'), Buffer.alloc(2 ** 20)).catch(() => undefined);
        },
      });
      expect((await remediate(full)).runs).toMatchObject([
        { outcome: 'rolled-back', failure: { message: expect.stringContaining('cannot be written') } },
      ]);
      full.close();
      expect(await policyOf(orders)).toBe('no');
      await rm(join(disk, 'ballast'));
      const again = await openExample(run);
      // What was put back could not be written down: the step counts as begun, is not done, and is done now.
      expect(await resume(again)).toMatchObject([{ outcome: 'fixed' }]);
      again.close();
      expect(await policyOf(orders)).toBe('unless-stopped');
    },
  );

  it('makes the process exit with its name if another program locks it in the middle of a run, and resume ends the run', async (test) => {
    const run = await createRun(test);
    const orders = await unpoliced(run);
    let other: DatabaseSync | undefined;
    const remediation = await openExample(run, {
      atPoint(name) {
        if (name !== 'step 0 is applied') return;
        other = new DatabaseSync(join(run.folder, '.problems/state.db'));
        other.exec('BEGIN EXCLUSIVE');
      },
    });
    await expect(remediate(remediation)).rejects.toMatchObject({ code: 'state-locked' });
    other?.exec('ROLLBACK');
    other?.close();
    expect(await resume(remediation)).toMatchObject([{ outcome: 'fixed' }]);
    expect(await policyOf(orders)).toBe('unless-stopped');
    remediation.close();
  });

  it('is left unchanged if it is damaged before a resume, and so is the container', async (test) => {
    const run = await createRun(test);
    const orders = await unpoliced(run);
    const child = spawn(process.execPath, [
      join(import.meta.dirname, 'child.ts'),
      run.folder,
      run.prefix,
      'step 0 is applied',
    ]);
    expect((await once(child, 'close'))[1]).toBe('SIGKILL');
    const file = join(run.folder, '.problems/state.db');
    for (const companion of ['-wal', '-shm']) await rm(file + companion, { force: true });
    await writeFile(file, 'this was a database once\n'.repeat(200));
    const { code, stderr } = await problems(['resume'], { cwd: run.folder });
    expect(code).toBe(2);
    expect(stderr).toContain('damaged');
    expect(await readFile(file, 'utf8')).toContain('this was a database once');
    expect(await policyOf(orders)).toBe('unless-stopped');
  });
});

type FaultOf = (call: EngineCall) => Fault | undefined;

function always(fault: Fault): () => FaultOf {
  return () => () => fault;
}

function onFirstChange(fault: Fault): () => FaultOf {
  return () => {
    let met = false;
    return ({ method, path }) => {
      if (met || method !== 'POST' || !path.includes('/update')) return undefined;
      met = true;
      return fault;
    };
  };
}

/** An instance that the example finds fault with: it has no restart policy. */
async function unpoliced(run: Run, storage: 'seeded' | 'bind' = 'seeded'): Promise<LabInstance> {
  return startInstance(run, { name: 'orders', storage, host: { RestartPolicy: { Name: 'no' } } });
}

async function behindFaults(
  test: TestContext,
  options: Parameters<typeof openExample>[1] = {},
): Promise<{ readonly engine: FaultyEngine; readonly orders: LabInstance; readonly remediation: Remediation }> {
  const run = await createRun(test);
  const orders = await unpoliced(run);
  const engine = await openFaultyEngine(join(run.folder, 'engine.sock'));
  vi.stubEnv('DOCKER_HOST', engine.address);
  const remediation = await openExample(run, { patienceMs: 10_000, ...options });
  // The driver reads the address when it is first asked.
  await remediation.session.reader.docker.info();
  vi.unstubAllEnvs();
  test.onTestFinished(async () => {
    remediation.close();
    await engine.close();
  });
  return { engine, orders, remediation };
}

async function vanishing(
  test: TestContext,
  point: string,
): Promise<{ readonly remediation: Remediation; readonly run: Run }> {
  const run = await createRun(test);
  const { container } = await unpoliced(run, 'bind');
  const remediation = await openExample(run, {
    async atPoint(name) {
      if (name === point) await container.remove({ force: true });
    },
  });
  test.onTestFinished(() => remediation.close());
  return { remediation, run };
}

async function policyOf({ container }: LabInstance): Promise<string | undefined> {
  return (await container.inspect()).HostConfig.RestartPolicy?.Name;
}
