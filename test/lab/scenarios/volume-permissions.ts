import { runHelper } from '../container.ts';
import { execIn } from '../exec.ts';
import { createInstance, type LabInstance, query, startInstance } from '../instance.ts';
import { addOrders } from '../rows.ts';
import type { Run } from '../run.ts';
import type { Scenario } from '../scenario.ts';
import { eventually } from '../waiting.ts';

/** Both forms that the record names: the container that exits at start, and the table that cannot be read. */
export const volumePermissions: Scenario = {
  name: 'volume-permissions',
  problem: 'postgres/docker-volume-permission-issues',
  description: 'One instance does not start on data restored as root; another runs and cannot read one table.',
  async up(run, say) {
    const [restored, mixed] = await Promise.all([restoreAsRoot(run), mixOwners(run)]);
    say(`${restored.containerName} runs as 999 on data that was restored as root, and does not start`);
    say(`${mixed.containerName} answers on port ${mixed.port}, but the file of its table orders belongs to root`);
  },
};

/** An instance that the engine starts again and again: it runs as 999 on data that was restored as root. */
export async function restoreAsRoot(run: Run): Promise<LabInstance> {
  const before = await startInstance(run, { name: 'restored', storage: 'bind' });
  await addOrders(before);
  await before.container.stop();
  await before.container.remove();
  await runHelper(run, before.data ?? '', 'chown -R 0:0 /folder && chmod -R a+rX /folder');
  const { password } = before;
  const restored = await createInstance(run, {
    name: 'restored',
    storage: 'bind',
    password,
    ...(before.port === undefined ? {} : { port: before.port }),
    container: { User: '999:999' },
  });
  await restored.container.start();
  await eventually(20_000, async () => (await restored.container.inspect()).RestartCount > 0);
  return restored;
}

async function mixOwners(run: Run): Promise<LabInstance> {
  const mixed = await startInstance(run, { name: 'mixed', storage: 'bind' });
  await addOrders(mixed);
  const [path] = await query(mixed, "checkpoint; select pg_relation_filepath('orders')");
  await execIn(mixed.container, ['bash', '-euc', `chown 0:0 "$PGDATA/${path}" && chmod 0600 "$PGDATA/${path}"`], {
    user: '0:0',
  });
  return mixed;
}
