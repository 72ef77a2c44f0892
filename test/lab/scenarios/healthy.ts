import { addOrders } from '../rows.ts';
import type { Scenario } from '../scenario.ts';
import { startInstance } from '../instance.ts';
import { startGui } from '../gui.ts';

export const healthy: Scenario = {
  name: 'healthy',
  problem: undefined,
  description: 'One instance with its data and its web GUI, and nothing wrong with either.',
  async up(run, say) {
    const steady = await startInstance(run, { name: 'steady', storage: 'bind' });
    await addOrders(steady);
    say(`${steady.containerName} answers on port ${steady.port}`);
    const gui = await startGui(run, steady);
    say(`${gui.containerName} answers on port ${gui.port}`);
  },
};
