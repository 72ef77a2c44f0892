import { startProject } from '../compose.ts';
import { createInstance, waitReady } from '../instance.ts';
import type { Scenario } from '../scenario.ts';

/** A project comes back after a restart of the machine, and another instance has its port. */
export const composePort: Scenario = {
  name: 'compose-port',
  problem: undefined,
  description: 'An instance of a Compose project cannot start: another one has its port.',
  async up(run, say) {
    const port = await run.takePort();
    const { container, containerName } = await startProject(run, { name: 'shop', port });
    await container.stop();
    say(`${containerName} of a Compose project has port ${port} and data, and is stopped`);
    const other = await createInstance(run, { name: 'other', storage: 'seeded', port });
    await other.container.start();
    await waitReady(other);
    say(`${other.containerName} runs on port ${port}`);
    await container.start().then(
      () => Promise.reject(new Error(`${containerName} started, though its port is taken`)),
      (error: unknown) => say(`${containerName} does not start: ${String(error).replace(/^.*?: /, '')}`),
    );
  },
};
