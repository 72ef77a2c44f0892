import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { run as runProblems } from '../cli/run.ts';
import { connect, refusalOf } from './client.ts';
import { execIn } from './exec.ts';
import { type LabInstance, query, startInstance } from './instance.ts';
import { createRun, labRuns } from './support.ts';

const commands = [['detect'], ['plan'], ['remediate', '--all', '--yes']] as const;

describe.skipIf(!(await labRuns()))(
  'problems detect, plan and remediate',
  { concurrent: true, timeout: 300_000 },
  () => {
    it('report checks that can never run, and exit with 0 if the others find nothing', async (test) => {
      const { problems } = await seeded(test);
      for (const command of commands) {
        const { code, stdout, stderr } = await problems(...command);
        const why = expect.stringMatching(
          /^not checked: orders by volume-permissions: The data of \S+ is in the container/,
        );
        expect({ command, code, stdout }).toEqual({ command, code: 0, stdout: why });
        expect(stderr).toContain('1 of 1 instance passed the requested checks, no findings');
      }
    });

    it('do not call an instance healthy that accepts no connections: exit code 2', async (test) => {
      const { orders, problems } = await seeded(test);
      await letNobodyIn(orders);
      for (const command of commands) {
        const asJson = await problems(...command, '--json');
        expect({ command, code: asJson.code }).toEqual({ command, code: 2 });
        expect(JSON.parse(asJson.stdout).notLookedAt).toContainEqual({
          remediator: 'connection-pool',
          instance: 'orders',
          reason: expect.any(String),
        });
      }
    });

    it('exit with 1 for findings, even if other checks could not run', async (test) => {
      const { orders, problems } = await seeded(test);
      await query(orders, "create role app login password 'hidden' connection limit 0");
      await refusalOf(connect(orders, { user: 'app', password: 'hidden' }));
      const { code, stdout } = await problems('detect');
      expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringContaining('orders/deliberate-limit') });
    });
  },
);

/** One instance whose data is in the container itself, and the command line in its run's folder. */
async function seeded(test: TestContext) {
  const run = await createRun(test);
  const orders = await startInstance(run, { name: 'orders', storage: 'seeded' });
  await writeFile(
    join(run.folder, 'problems.config.yaml'),
    `remediation: { containers: '^${run.prefix}vrooli-postgres-(.+)$' }\n`,
  );
  const asked = ['--remediator', 'connection-pool', '--remediator', 'volume-permissions'];
  const problems = (...args: readonly string[]) => runProblems([...args, ...asked], { cwd: run.folder });
  return { orders, problems };
}

/** By the server's own rules, over the socket too. */
async function letNobodyIn(orders: LabInstance): Promise<void> {
  const rules =
    'printf "local all all reject\\nhost all all all reject\\n" > "$(psql -U vrooli -Atc "show hba_file" vrooli)"';
  await execIn(orders.container, ['sh', '-c', rules], { user: 'postgres' });
  await query(orders, 'select pg_reload_conf()');
}
