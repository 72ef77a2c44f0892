import { readFile } from 'node:fs/promises';
import { describe, expect, it, type TestContext } from 'vitest';
import { detect, remediate, type Remediation, retainedBackups } from '../../../src/app/remediation.ts';
import { portReassignment } from '../../../src/remediation/remediators/port-reassignment/index.ts';
import { volumePermissions } from '../../../src/remediation/remediators/volume-permissions/index.ts';
import { soak } from '../../soak.ts';
import { runHelper } from '../container.ts';
import { execIn } from '../exec.ts';
import { type InstanceSettings, type LabInstance, psql, query, startInstance, waitReady } from '../instance.ts';
import { writeBackupMetadata } from '../project.ts';
import type { Run } from '../run.ts';
import { scenarioNamed } from '../scenarios/index.ts';
import { addOrders } from '../rows.ts';
import { createRun, labRuns, majors } from '../support.ts';
import { openBackups } from './open-remediator.ts';

const lab = await labRuns();
const checksums = '--data-checksums --encoding=UTF8 --locale=en_US.UTF-8 --no-sync';

describe.skipIf(!lab)('a damaged database', { concurrent: true, timeout: 300_000 }, () => {
  it.for(majors(15))(
    'with checksums on PostgreSQL %i: a flipped byte that was read is left to an operator, and no other repair runs there',
    async (postgres, test) => {
      const run = await createRun(test, { postgres });
      const instance = await startDamaged(run, { name: 'orders', env: { POSTGRES_INITDB_ARGS: checksums } });
      const remediation = await open(test, run);
      // Nobody has read the page yet: nothing is known of it.
      expect((await detect(remediation)).findings).toEqual([]);
      expect((await psql(instance, 'select sum(amount) from orders')).stderr).toContain('invalid page in block 5');

      const { findings } = await detect(remediation);
      expect(findings).toMatchObject([{ id: 'backup-repair/orders/source-damaged', risk: 'data', corruption: true }]);
      expect(findings[0]?.evidence.map(({ type }) => type)).toEqual(expect.arrayContaining(['log', 'query']));
      const { started, data } = await stateOf(instance);

      const { runs: reports } = await remediate(remediation, { yes: true, automation: 'auto' });
      expect(reports).toMatchObject([{ outcome: 'failed', failure: { class: 'unsafe' } }]);
      const dossier = await readFile(reports[0]?.dossier ?? '', 'utf8');
      expect(dossier).toContain('invalid page in block 5');
      expect(dossier).toContain('problems runs lift orders');
      expect(await remediation.session.store.suspensions.get('orders')).toBeDefined();
      // Unchanged: the same process, the same bytes.
      expect(await stateOf(instance)).toEqual({ started, data });
    },
  );

  it('suspends every other remediator on its instance, even in a later call that does not check for damage', async (test) => {
    const run = await createRun(test);
    const instance = await startDamaged(run, { name: 'orders', env: { POSTGRES_INITDB_ARGS: checksums } });
    await execIn(instance.container, ['sh', '-c', 'umask 077 && echo note >"$PGDATA/pg_hba.conf.orig"'], {
      user: '0:0',
    });
    await psql(instance, 'select sum(amount) from orders');
    const remediation = await openBackups(run, {}, { others: [volumePermissions, portReassignment] });
    test.onTestFinished(() => remediation.close());
    const { runs: reports } = await remediate(remediation, { yes: true, automation: 'auto' });
    expect(reports.map(({ remediator, outcome }) => [remediator, outcome])).toEqual([
      ['backup-repair', 'failed'],
      ['volume-permissions', 'planned'],
    ]);
    const later = { remediators: ['volume-permissions'], yes: true, automation: 'auto' } as const;
    const { runs: again } = await remediate(remediation, later);
    expect(again).toMatchObject([{ outcome: 'planned', automation: 'human' }]);
    expect(again[0]?.reasons.join(' ')).toContain('orders has been suspended since');
    // Retention is frozen with it: the newest backup from before the damage may be the oldest there is.
    await writeBackupMetadata(run, {
      instance: 'orders',
      backup_name: '20200101_000000',
      type: 'full',
      status: 'completed',
      created: '2020-01-01T00:00:00Z',
      completed: '2020-01-01T00:00:00Z',
      postgres_version: '17',
      instance_config: { port: 5432, template: 'development' },
    });
    expect(await retainedBackups(remediation, 'orders')).toMatchObject([
      { expires: false, why: expect.stringContaining('nothing is removed during an incident') },
    ]);
  });

  it.for(majors(17))(
    'without checksums on PostgreSQL %i: amcheck finds a flipped byte and a corrupt index if it is installed, and is not installed otherwise',
    async (postgres, test) => {
      const run = await createRun(test, { postgres });
      const flipped = await startDamaged(run, { name: 'flipped' }, 'create extension amcheck');
      const lying = await startInstance(run, { name: 'lying', storage: 'volume' });
      await addOrders(lying, 2_000);
      await query(lying, lyingIndex);
      const remediation = await open(test, run);
      // The rows can be read, so no tool that reads rows sees it; and amcheck is not installed yet.
      expect((await detect(remediation)).findings.map(({ id }) => id)).toEqual([
        'backup-repair/flipped/source-damaged',
      ]);
      expect(await query(lying, "select count(*) from pg_extension where extname = 'amcheck'")).toEqual(['0']);
      await query(lying, 'create extension amcheck');
      const { findings } = await detect(remediation);
      expect(findings.map(({ id }) => id)).toEqual([
        'backup-repair/flipped/source-damaged',
        'backup-repair/lying/source-damaged',
      ]);
      expect(JSON.stringify(findings[1]?.evidence)).toContain('lacks matching index tuple within index');
      const { runs: reports, detected } = await remediate(remediation, { yes: true, automation: 'auto' });
      expect(detected.notLookedAt).toEqual([]);
      expect(reports.map(({ instance, outcome }) => [instance, outcome])).toEqual([
        ['flipped', 'failed'],
        ['lying', 'failed'],
      ]);
      expect(await query(lying, "select indisvalid from pg_index where indexrelid = 'lying'::regclass")).toEqual(['t']);
      expect(await query(flipped, 'select count(*) from orders')).toHaveLength(1);
    },
  );

  it('counts as sound from the time that the config gives', async (test) => {
    const run = await createRun(test);
    const instance = await startInstance(run, { name: 'mended', storage: 'volume' });
    await psql(
      instance,
      `do $$ begin raise exception 'invalid page in block 5 of relation base/1/2' using errcode = 'XX001'; end $$`,
    );
    const remediation = await open(test, run);
    expect((await detect(remediation)).findings).toMatchObject([{ kind: 'source-damaged' }]);
    const looked = await openBackups(run, { lookedAt: { mended: new Date().toISOString() } });
    test.onTestFinished(() => looked.close());
    expect((await detect(looked)).findings).toEqual([]);
  });
});

describe.skipIf(!lab)('nothing is found', { concurrent: true, timeout: 300_000 }, () => {
  it
    .runIf(soak)
    .for([
      'healthy',
      'port-conflict',
      'volume-permissions',
      'migration-race',
      'pool-exhaustion',
      'memory-oversized',
      'webgui-unreachable',
    ] as const)('in the scenario %s', async (name, test) => {
    const run = await createRun(test);
    await scenarioNamed(name).up(run, () => undefined);
    expect((await detect(await open(test, run))).findings).toEqual([]);
  });

  it('on a sound server with checksums and amcheck', async (test) => {
    const run = await createRun(test, { postgres: 15 });
    const instance = await startInstance(run, {
      name: 'sound',
      storage: 'volume',
      env: { POSTGRES_INITDB_ARGS: checksums },
    });
    await addOrders(instance);
    await query(instance, 'create extension amcheck');
    expect(await detect(await open(test, run))).toMatchObject({ findings: [], notLookedAt: [], interruptedRuns: [] });
  });
});

const lyingIndex = `create function mirrored(integer) returns integer language sql immutable as 'select $1';
  create index lying on orders (mirrored(id));
  create or replace function mirrored(integer) returns integer language sql immutable as 'select -$1';`;

/** Rows on many pages, and bytes of two of them changed while the server was stopped. */
async function startDamaged(
  run: Run,
  settings: Omit<InstanceSettings, 'storage'>,
  sql = 'select 1',
): Promise<LabInstance> {
  const instance = await startInstance(run, { ...settings, storage: 'volume' });
  await addOrders(instance, 5_000);
  await query(instance, sql);
  // A VACUUM panics on the damaged line pointer, and the server would restart in the middle of a test.
  await query(instance, 'alter table orders set (autovacuum_enabled = false)');
  const [file = ''] = await query(instance, "select pg_relation_filepath('orders')");
  await instance.container.stop();
  const path = `/folder/${file}`;
  await runHelper(
    run,
    instance.data ?? '',
    `printf 'garbagegarbage' | dd of=${path} bs=1 seek=$((8192 * 5 + 4000)) conv=notrunc 2>/dev/null &&
     printf '\\377\\377\\377\\377\\377\\377' | dd of=${path} bs=1 seek=$((8192 * 7 + 24)) conv=notrunc 2>/dev/null`,
  );
  await instance.container.start();
  await waitReady(instance);
  return instance;
}

async function stateOf({ container }: LabInstance): Promise<{ readonly started: string; readonly data: string }> {
  const sums =
    'cd "$PGDATA/base" && find . -type f ! -name "pg_internal*" -print0 | sort -z | xargs -0 sha256sum | sha256sum';
  return {
    started: (await container.inspect()).State.StartedAt,
    data: (await execIn(container, ['sh', '-c', sums])).stdout,
  };
}

async function open(test: Pick<TestContext, 'onTestFinished'>, run: Run): Promise<Remediation> {
  const remediation = await openBackups(run);
  test.onTestFinished(() => remediation.close());
  return remediation;
}
