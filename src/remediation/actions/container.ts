import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Container } from '../../host/docker/types.ts';
import { containerOnSameData } from '../../host/instances.ts';
import type { Action, ReadonlyHost } from '../contract.ts';
import { isRunning } from '../shared/availability.ts';
import { instanceIn, requireContainer, shortRef } from './containers.ts';
import { checkpoint } from './setting.ts';
import { operations } from '../operations.ts';

const containerStartParams = z.strictObject({ container: z.string() });

const containerStartBefore = z.strictObject({ running: z.boolean() });

export const containerStart: Action<z.output<typeof containerStartParams>, z.output<typeof containerStartBefore>> = {
  name: 'container.start',
  description: 'Starts a container, unless another one is running on its data.',
  params: containerStartParams,
  undoState: containerStartBefore,
  operation: { running: operations['restart-running'], stopped: operations['restart-stopped'] },
  // Undo is a stop, so it may take as long as one.
  deadlineMs: 180_000,
  describe: ({ container }) => `start ${shortRef(container)}`,
  async effect({ container }, host) {
    const found = await host.docker.container(container);
    return [{ object: found?.name ?? container, before: found?.state.status ?? 'not created yet', after: 'running' }];
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

const containerStopParams = z.strictObject({
  container: z.string(),
  /** Docker's default of 10 seconds ends in SIGKILL while PostgreSQL is still writing. */
  timeoutSeconds: z.int().min(1).max(900).default(120),
  /** Requires exit code 0, and the log line that the database system is shut down. */
  clean: z.boolean().default(true),
});

const containerStopBefore = z.strictObject({ running: z.boolean() });

export const containerStop: Action<z.output<typeof containerStopParams>, z.output<typeof containerStopBefore>> = {
  name: 'container.stop',
  description: 'Stops a container and checks that PostgreSQL has shut down cleanly.',
  params: containerStopParams,
  undoState: containerStopBefore,
  operation: { running: operations['restart-running'], stopped: operations['restart-stopped'] },
  endedBy: 'container.start',
  deadlineMs: 960_000,
  interrupts: true,
  describe: ({ container }) => `stop ${shortRef(container)}`,
  async effect({ container }, host) {
    const { name, state } = await requireContainer(host, container);
    return [{ object: name, before: state.status, after: state.running ? 'exited' : state.status }];
  },
  async prepare({ container }, host) {
    const found = await requireContainer(host, container);
    const other = containerOnSameData(found, await host.docker.containers());
    // Then neither the plan nor undo could start it again.
    if (other !== undefined)
      throw new ProblemsError('step-refused', `${other.name} is running on the data of ${found.name}.`);
    if (found.autoRemove)
      throw new ProblemsError('step-refused', `${found.name} is removed with its volumes when it stops (--rm).`);
    return { running: found.state.running };
  },
  async isDone({ container, clean }, host) {
    const found = await requireContainer(host, container);
    // After a crash during the stop, check how the server ended.
    return !found.state.running && (!clean || (await uncleanEnd(found, host)) === undefined);
  },
  async beforeInterrupt({ container, clean }, host) {
    const found = await requireContainer(host, container);
    const instance = clean && isRunning({ container: found }) ? await instanceIn(found, host) : undefined;
    if (instance !== undefined) await checkpoint(instance, host);
  },
  async apply(wanted, host) {
    const found = await requireContainer(host, wanted.container);
    if (found.state.running) await host.change.docker.stop(found.id, { timeoutSeconds: wanted.timeoutSeconds });
    const unclean = wanted.clean ? await uncleanEnd(await requireContainer(host, found.id), host) : undefined;
    if (unclean !== undefined) throw new Error(unclean);
  },
  async undo({ container }, { running }, host) {
    if (running) await host.change.docker.start(container);
  },
  async isUndone({ container }, { running }, host) {
    return (await host.docker.container(container))?.state.running === running;
  },
};

const containerStopSecondParams = z.strictObject({
  container: z.string(),
  /** The container whose server goes on. */
  other: z.string(),
});

/**
 * A shutdown would write the second server's pages over those of the first one, so it gets no time for that. Undo does not start
 * it again.
 */
export const containerStopSecond: Action<
  z.output<typeof containerStopSecondParams>,
  z.output<typeof containerStopBefore>
> = {
  name: 'container.stop-second',
  description:
    'Stops a container at once, without a shutdown of its server, if another server runs on the same data. There is no undo: the two must not run together.',
  params: containerStopSecondParams,
  undoState: containerStopBefore,
  operation: operations['restart-running'],
  describe: ({ container }) => `stop ${shortRef(container)} at once`,
  async effect({ container }, host) {
    const { name, state } = await requireContainer(host, container);
    return [{ object: name, before: state.status, after: 'exited' }];
  },
  async prepare({ container }, host) {
    return { running: (await requireContainer(host, container)).state.running };
  },
  async isDone({ container }, host) {
    return !(await requireContainer(host, container)).state.running;
  },
  async apply({ container, other }, host) {
    const found = await requireContainer(host, container);
    const first = containerOnSameData(found, await host.docker.containers());
    if (first?.id !== other)
      throw new ProblemsError('step-refused', `${found.name} is the only server on its data now.`);
    await host.change.docker.stop(found.id, { timeoutSeconds: 0 });
  },
  async undo() {
    // Started again, it would damage the data.
  },
  async isUndone() {
    return true;
  },
};

/** Why the container's last exit was not a clean shutdown; undefined if it was. */
async function uncleanEnd({ id, name, state }: Container, host: ReadonlyHost): Promise<string | undefined> {
  if (state.exitCode !== 0)
    return `${name} ended with exit code ${state.exitCode}, so PostgreSQL did not shut down cleanly.`;
  const lines = await host.docker.logs(id, { since: state.startedAt, tail: 50 });
  return lines.some(({ text }) => text.includes('database system is shut down'))
    ? undefined
    : `The log of ${name} does not say that the database system is shut down.`;
}

const containerRenameParams = z.strictObject({
  /** By id, since the name changes. */
  container: z.string().regex(/^[0-9a-f]{64}$/),
  name: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/),
});

const containerRenameBefore = z.strictObject({ name: z.string() });

export const containerRename: Action<z.output<typeof containerRenameParams>, z.output<typeof containerRenameBefore>> = {
  name: 'container.rename',
  description: 'Renames a container; its data and networks are unchanged.',
  params: containerRenameParams,
  undoState: containerRenameBefore,
  operation: operations['rename-aside'],
  describe: ({ container, name }) => `rename ${shortRef(container)} to ${name}`,
  async effect({ container, name }, host) {
    return [
      {
        object: `container ${shortRef(container)}`,
        before: (await requireContainer(host, container)).name,
        after: name,
      },
    ];
  },
  async prepare({ container, name }, host) {
    const holder = await host.docker.container(name);
    if (holder !== undefined && holder.id !== container)
      throw new ProblemsError('step-refused', `The name ${name} is already in use.`);
    return { name: (await requireContainer(host, container)).name };
  },
  async isDone({ container, name }, host) {
    return (await requireContainer(host, container)).name === name;
  },
  async apply({ container, name }, host) {
    if ((await requireContainer(host, container)).name !== name) await host.change.docker.rename(container, name);
  },
  async undo({ container }, { name }, host) {
    if ((await requireContainer(host, container)).name !== name) await host.change.docker.rename(container, name);
  },
  async isUndone({ container }, { name }, host) {
    return (await requireContainer(host, container)).name === name;
  },
};
