import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import { sharing } from '../../host/data-mount.ts';
import type { Action, Host } from '../contract.ts';
import { needContainer, shortRef } from './containers.ts';

const params = z.strictObject({
  container: z.string(),
  /** Docker's own 10 seconds end in a SIGKILL while PostgreSQL still writes. */
  timeoutSeconds: z.int().min(1).max(900).default(120),
  /** Requires exit code 0 and PostgreSQL's own word that it has shut down. */
  clean: z.boolean().default(true),
});
const before = z.strictObject({ running: z.boolean() });

export const containerStop: Action<z.output<typeof params>, z.output<typeof before>> = {
  name: 'container.stop',
  about: 'Stops a container and makes sure that PostgreSQL has shut down cleanly.',
  params,
  before,
  operation: { running: 'restart-running', stopped: 'restart-stopped' },
  deadlineMs: 960_000,
  interrupts: true,
  describe: ({ container }) => `stop ${shortRef(container)}`,
  async effect({ container }, host) {
    const { name, state } = await needContainer(host, container);
    return [{ object: name, before: state.status, after: state.running ? 'exited' : state.status }];
  },
  async prepare({ container }, host) {
    const found = await needContainer(host, container);
    const other = sharing(found, await host.docker.containers());
    // Then it could not be started again, neither forward nor back.
    if (other !== undefined)
      throw new ProblemsError('step-refused', `${other.name} runs on the data of ${found.name}.`);
    if (found.autoRemove)
      throw new ProblemsError('step-refused', `${found.name} is removed with its volumes when it stops (AutoRemove).`);
    return { running: found.state.running };
  },
  async isDone({ container }, host) {
    return !(await needContainer(host, container)).state.running;
  },
  async apply(wanted, host) {
    const { state } = await needContainer(host, wanted.container);
    if (!state.running) return;
    await host.change.docker.stop(wanted.container, { timeoutSeconds: wanted.timeoutSeconds });
    if (wanted.clean) await requireCleanEnd(wanted.container, state.startedAt, host);
  },
  async undo({ container }, { running }, host) {
    if (running) await host.change.docker.start(container);
  },
  async isUndone({ container }, { running }, host) {
    return (await host.docker.container(container))?.state.running === running;
  },
};

async function requireCleanEnd(container: string, since: string, host: Host): Promise<void> {
  const { name, state } = await needContainer(host, container);
  if (state.exitCode !== 0)
    throw new Error(`${name} ended with exit code ${state.exitCode}, so PostgreSQL has not shut down cleanly.`);
  const lines = await host.docker.logs(container, { since, tail: 50 });
  if (!lines.some(({ text }) => text.includes('database system is shut down'))) {
    throw new Error(`${name} did not say that its database system is shut down.`);
  }
}
