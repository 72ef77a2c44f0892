import { createInstance, startInstance, waitReady } from '../instance.ts';
import { addOrders } from '../rows.ts';
import type { Scenario } from '../scenario.ts';

/** The record's three steps: the stopped instance keeps its claim, is not seen, and loses its port. */
export const portConflict: Scenario = {
  name: 'port-conflict',
  problem: 'postgres/port-allocation-conflicts',
  description: 'Two instances claim one host port: beta runs on it, alpha cannot start.',
  async up(run, say) {
    const alpha = await startInstance(run, { name: 'alpha', storage: 'bind' });
    await addOrders(alpha);
    await alpha.container.stop();
    say(`${alpha.containerName} has port ${alpha.port} and data, and is stopped`);
    const port = alpha.port ?? 0;
    const beta = await createInstance(run, { name: 'beta', storage: 'bind', port });
    await beta.container.start();
    await waitReady(beta);
    say(`${beta.containerName} was given port ${port} too, and runs`);
    await alpha.container.start().then(
      () => Promise.reject(new Error(`${alpha.containerName} started, though its port is taken`)),
      (error: unknown) => say(`${alpha.containerName} does not start: ${String(error).replace(/^.*?: /, '')}`),
    );
  },
};
