import { startGui } from '../gui.ts';
import { type LabInstance, startInstance } from '../instance.ts';
import { addOrders } from '../rows.ts';
import type { Run } from '../run.ts';
import type { Scenario } from '../scenario.ts';

/** Both halves of the record's cause: a GUI outside its instance's network, and one that was given the host's address. */
export const webguiUnreachable: Scenario = {
  name: 'webgui-unreachable',
  problem: 'postgres/pgweb-gui-connection-timeouts',
  description: 'Two web GUIs do not reach their instances, which answer on their host ports.',
  async up(run, say) {
    const [reports, sales] = await Promise.all([startWithOrders(run, 'reports'), startWithOrders(run, 'sales')]);
    const outside = await startGui(run, reports, { network: 'bridge' });
    say(`${outside.containerName} (port ${outside.port}) is not on the network of ${reports.containerName}`);
    const inside = await startGui(run, sales, { address: `localhost:${sales.port}` });
    say(`${inside.containerName} (port ${inside.port}) asks localhost:${sales.port}, which is the GUI itself`);
  },
};

async function startWithOrders(run: Run, name: string): Promise<LabInstance> {
  const instance = await startInstance(run, { name, storage: 'bind' });
  await addOrders(instance);
  return instance;
}
