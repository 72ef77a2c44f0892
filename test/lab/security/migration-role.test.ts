import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run as runProblems } from '../../cli/run.ts';
import { query, startInstance } from '../instance.ts';
import { writeMigrations } from '../migration/open-migrating.ts';
import { createRun, labRuns } from '../support.ts';

describe.skipIf(!(await labRuns()))('migrations of an instance whose user is a superuser', { timeout: 300_000 }, () => {
  it('run as the role that is named, and as the superuser only if it is named', async (test) => {
    const run = await createRun(test);
    const orders = await startInstance(run, { name: 'orders', storage: 'seeded' });
    await query(orders, `create role owner login password 'of-the-owner'; grant create on schema public to owner`);
    await writeMigrations(run, 'app', { '1_t.sql': 'create table t as select current_user::text as who;\n' });
    const config = { remediation: { containers: `^${run.prefix}vrooli-postgres-(.+)$` } };
    await writeFile(join(run.folder, 'problems.config.json'), JSON.stringify(config));
    const passfile = join(run.folder, 'passfile');
    await writeFile(passfile, `*:*:${orders.database}:owner:of-the-owner\n`);
    await chmod(passfile, 0o600);
    const migrate = (...args: readonly string[]) =>
      runProblems(['migrate', 'orders', 'migrations/app', ...args], { cwd: run.folder, env: { PGPASSFILE: passfile } });

    const refused = await migrate('--dry-run');
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining(`${orders.user} is a superuser`) });
    expect(refused.stderr).toContain('--role');

    expect(await migrate('--role', 'owner')).toMatchObject({ code: 0 });
    expect(await query(orders, 'select who from t')).toEqual(['owner']);

    await writeMigrations(run, 'app', { '2_u.sql': 'create table u as select current_user::text as who;\n' });
    const roles = { orders: 'owner', [`orders/${orders.database}`]: orders.user };
    const named = { remediation: { ...config.remediation, settings: { 'migration-lock': { roles } } } };
    await writeFile(join(run.folder, 'problems.config.json'), JSON.stringify(named));
    expect(await migrate()).toMatchObject({ code: 0 });
    expect(await query(orders, 'select who from u')).toEqual([orders.user]);
  });
});
