import { z } from 'zod';
import type { Action } from '../contract.ts';
import { shortRef } from './containers.ts';

const params = z.strictObject({ container: z.string() });
const before = z.strictObject({ running: z.boolean() });

export const containerStart: Action<z.output<typeof params>, z.output<typeof before>> = {
  name: 'container.start',
  about: 'Starts a container, unless another one runs on its data.',
  params,
  before,
  operation: { running: 'restart-running', stopped: 'restart-stopped' },
  // Undoing it is a stop, which may take as long as one.
  deadlineMs: 180_000,
  describe: ({ container }) => `start ${shortRef(container)}`,
  async effect({ container }, host) {
    const found = await host.docker.container(container);
    return [{ object: found?.name ?? container, before: found?.state.status ?? 'not there yet', after: 'running' }];
  },
  async prepare({ container }, host) {
    return { running: (await host.docker.container(container))?.state.running ?? false };
  },
  async isDone({ container }, host) {
    return (await host.docker.container(container))?.state.running ?? false;
  },
  async apply({ container }, host) {
    await host.change.docker.start(container);
  },
  async undo({ container }, { running }, host) {
    const found = await host.docker.container(container);
    if (found !== undefined && found.state.running && !running)
      await host.change.docker.stop(container, { timeoutSeconds: 120 });
  },
  async isUndone({ container }, { running }, host) {
    return ((await host.docker.container(container))?.state.running ?? false) === running;
  },
};
