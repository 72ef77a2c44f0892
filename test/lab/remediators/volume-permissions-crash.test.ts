import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detect, rollback, runs as journal } from '../../../src/app/remediation.ts';
import { runHelper } from '../container.ts';
import { createInstance, findInstance, query, startInstance, waitReady } from '../instance.ts';
import { addOrders } from '../rows.ts';
import { soak } from '../../soak.ts';
import type { Run } from '../run.ts';
import { closeTestRun, labRuns, openTestRun } from '../support.ts';
import { eventually } from '../waiting.ts';
import { crashAtEach } from './crash.ts';

const lab = await labRuns();
const rows = ['1000|625625.00'];

describe.skipIf(!lab)('a repair of a volume whose process is killed', { concurrent: true, timeout: 1_800_000 }, () => {
  const open: Run[] = [];
  let owners: Run;
  let folders: Run;
  beforeAll(async () => {
    [owners, folders] = await Promise.all([openTestRun(), openTestRun()]);
    open.push(owners, folders);
  });
  afterAll(async () => {
    for (const run of open) await closeTestRun(run);
  });

  it.runIf(soak)('gives every file to the server when it is resumed', async () => {
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
    await crashAtEach(['step 0 is journalled+150'], {
      remediator: 'volume-permissions',
      run: owners,
      async breakAgain() {
        await container.stop().catch(() => undefined);
        await runHelper(owners, first.data ?? '', 'chown -R 0:0 /folder && chmod 0755 /folder');
        await container.start();
        await eventually(20_000, async () => (await container.inspect()).State.Status === 'exited');
      },
      async check(remediation, outcome, point) {
        expect(outcome, point).toBe('fixed');
        expect((await detect(remediation)).findings, point).toEqual([]);
        expect(await orders(owners, 'owners'), point).toEqual(rows);
      },
    });
  });

  it('moves the data to a volume when it is resumed, and rollback returns to the folder', async () => {
    await addOrders(await startInstance(folders, { name: 'moves', storage: 'bind' }));
    await crashAtEach(['step 2 is journalled+600'], {
      remediator: 'volume-permissions',
      run: folders,
      settings: { toNamedVolume: ['moves'] },
      async breakAgain() {
        await waitReady(await findInstance(folders, 'moves'));
        expect(await mountOf(folders)).toMatch(/\/moves\/data$/);
      },
      async check(remediation, outcome, point) {
        expect(outcome, point).toBe('fixed');
        expect(await mountOf(folders), point).toMatch(/moves-data(-\d+)?$/);
        expect(await orders(folders, 'moves'), point).toEqual(rows);
        expect(await serversOf(folders), point).toBe(1);
        const [run] = await journal(remediation);
        expect(await rollback(remediation, run?.id ?? ''), point).toMatchObject({ outcome: 'rolled-back' });
        await waitReady(await findInstance(folders, 'moves'));
        expect(await orders(folders, 'moves'), point).toEqual(rows);
      },
    });
  });
});

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
