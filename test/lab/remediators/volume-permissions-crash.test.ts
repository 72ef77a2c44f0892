import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  detect,
  remediate,
  type Remediation,
  resume,
  rollback,
  runs as journal,
} from '../../../src/app/remediation.ts';
import { runHelper } from '../container.ts';
import { createInstance, findInstance, query, startInstance, waitReady } from '../instance.ts';
import { addOrders } from '../rows.ts';
import type { Run } from '../run.ts';
import { closeTestRun, labRuns, openTestRun } from '../support.ts';
import { eventually } from '../waiting.ts';
import { openVolumes } from './open-volumes.ts';

const lab = await labRuns();
/** Every point of the journal takes some minutes: here those between which something changes. */
const everyPoint = process.env['PROBLEMS_LAB_POINTS'] === 'all';
const rows = ['1000|625625.00'];

describe.skipIf(!lab)('a process that is killed', { concurrent: true, timeout: 1_800_000 }, () => {
  const open: Run[] = [];
  let owners: Run;
  let folders: Run;
  beforeAll(async () => {
    [owners, folders] = await Promise.all([openTestRun(), openTestRun()]);
    open.push(owners, folders);
  });
  afterAll(async () => {
    for (const run of open) await close(run);
  });

  it('in the middle of giving files to the server leaves a run that resume ends as fixed', async () => {
    const first = await startInstance(owners, { name: 'owners', storage: 'volume' });
    await addOrders(first);
    await first.container.remove({ force: true });
    const { container } = await createInstance(owners, {
      name: 'owners',
      storage: 'anonymous',
      password: first.password,
      container: { User: '999:999' },
      host: { RestartPolicy: { Name: 'no' }, Binds: [`${first.data}:/var/lib/postgresql/data`] },
    });
    async function breakIt(): Promise<void> {
      await container.stop().catch(() => undefined);
      await runHelper(owners, first.data ?? '', 'chown -R 0:0 /folder && chmod 0755 /folder');
      await container.start();
      await eventually(20_000, async () => (await container.inspect()).State.Status === 'exited');
    }
    await breakIt();
    const { points, outcomes } = await child(owners, '');
    expect(outcomes).toEqual(['fixed']);
    expect(points).toContain('step 1 is recorded');
    const chosen = ['step 0 is journalled+150', 'step 0 is applied', 'step 1 is applied'];
    for (const point of everyPoint ? points : chosen) {
      await breakIt();
      expect((await child(owners, '', point)).signal, point).toBe('SIGKILL');
      await withRemediation(owners, [], async (remediation) => {
        expect(await ending(remediation), point).toBe('fixed');
        expect(await helpersOf(owners), point).toEqual([]);
        expect((await detect(remediation)).findings, point).toEqual([]);
      });
      expect(await orders(owners, 'owners'), point).toEqual(rows);
    }
  });

  it('in the middle of a move leaves a run that resume ends on the volume, and rollback brings back to the folder', async () => {
    await addOrders(await startInstance(folders, { name: 'moves', storage: 'bind' }));
    const { points, outcomes } = await child(folders, 'moves');
    expect(outcomes).toEqual(['fixed']);
    expect(await mountOf(folders)).toBe(`${folders.prefix}vrooli-postgres-moves-data`);
    await withRemediation(folders, ['moves'], async (remediation) => {
      const [run] = await journal(remediation);
      expect(await rollback(remediation, run?.id ?? '')).toMatchObject({ outcome: 'rolled-back' });
    });
    const chosen = ['step 2 is journalled+600', 'step 4 is applied', 'step 6 is applied'];
    for (const point of everyPoint ? points : chosen) {
      // Two that were rolled back within an hour would hand the next one to a person.
      await rm(join(folders.folder, '.problems'), { recursive: true });
      await waitReady(await findInstance(folders, 'moves'));
      expect(await mountOf(folders), point).toMatch(/\/moves\/data$/);
      expect((await child(folders, 'moves', point)).signal, point).toBe('SIGKILL');
      await withRemediation(folders, ['moves'], async (remediation) => {
        expect(await ending(remediation), point).toBe('fixed');
        expect(await helpersOf(folders), point).toEqual([]);
        expect(await mountOf(folders), point).toMatch(/moves-data-\d+$/);
        expect(await orders(folders, 'moves'), point).toEqual(rows);
        expect(await serversOf(folders), point).toBe(1);
        const [run] = await journal(remediation);
        expect(await rollback(remediation, run?.id ?? ''), point).toMatchObject({ outcome: 'rolled-back' });
      });
      await waitReady(await findInstance(folders, 'moves'));
      expect(await orders(folders, 'moves'), point).toEqual(rows);
    }
  });
});

interface Ended {
  readonly signal: string | null;
  readonly points: readonly string[];
  readonly outcomes: readonly string[];
}

async function child(run: Run, toMove: string, point = ''): Promise<Ended> {
  const script = join(import.meta.dirname, 'volume-permissions-child.ts');
  const started = spawn(process.execPath, [script, run.folder, run.prefix, toMove, point], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said, [, signal]] = await Promise.all([text(started.stdout), once(started, 'close')]);
  return { points: [], outcomes: [], ...(said === '' ? {} : JSON.parse(said)), signal };
}

/** How the newest run ends, resumed or over already; one that was killed before it was planned is begun again. */
async function ending(remediation: Remediation): Promise<string | null | undefined> {
  const reports = await resume(remediation);
  if (reports.length > 0) return reports.length === 1 ? reports[0]?.outcome : 'several';
  const [newest] = await journal(remediation);
  if (newest?.phase === 'ended') return newest.outcome;
  return (await remediate(remediation, { yes: true })).runs[0]?.outcome;
}

async function withRemediation(
  run: Run,
  toNamedVolume: readonly string[],
  work: (remediation: Remediation) => Promise<void>,
): Promise<void> {
  const remediation = await openVolumes(run, { toNamedVolume });
  try {
    await work(remediation);
  } finally {
    remediation.close();
  }
}

async function orders(run: Run, name: string): Promise<readonly string[]> {
  return query(await findInstance(run, name), 'select count(*), sum(amount) from orders');
}

async function mountOf(run: Run): Promise<string | undefined> {
  return (await findInstance(run, 'moves')).data;
}

/** Containers of the run in which a server runs. */
async function serversOf({ docker, prefix }: Run): Promise<number> {
  const found = await docker.listContainers({ filters: JSON.stringify({ name: [`^/${prefix}vrooli-postgres-`] }) });
  return found.length;
}

/** Helpers that see the run's data: after a resumption none of the killed process is left. */
async function helpersOf({ docker, prefix, folder }: Run): Promise<readonly string[]> {
  const all = await docker.listContainers({ all: true, filters: JSON.stringify({ label: ['problems.helper'] }) });
  return all
    .filter(({ Mounts }) =>
      Mounts.some(({ Name = '', Source }) => Name.startsWith(prefix) || Source.startsWith(folder)),
    )
    .map(({ Id }) => Id);
}

/** Volumes that a move made carry no label of the lab. */
async function close(run: Run): Promise<void> {
  const volumes = (await run.docker.listVolumes()).Volumes.filter(({ Name }) => Name.startsWith(run.prefix)).map(
    ({ Name }) => Name,
  );
  await closeTestRun(run);
  for (const name of volumes)
    await run.docker
      .getVolume(name)
      .remove()
      .catch(() => undefined);
}
