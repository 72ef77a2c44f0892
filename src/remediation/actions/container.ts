import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import type { Action } from '../contract.ts';
import { needContainer, shortRef } from './containers.ts';

const params = z.strictObject({
  /** By id: a name is what changes. */
  container: z.string().regex(/^[0-9a-f]{64}$/),
  name: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/),
});
const before = z.strictObject({ name: z.string() });

export const containerRename: Action<z.output<typeof params>, z.output<typeof before>> = {
  name: 'container.rename',
  about: 'Gives a container another name; its data and its networks stay.',
  params,
  before,
  operation: 'rename-aside',
  describe: ({ container, name }) => `rename ${shortRef(container)} to ${name}`,
  async effect({ container, name }, host) {
    return [
      { object: `container ${shortRef(container)}`, before: (await needContainer(host, container)).name, after: name },
    ];
  },
  async prepare({ container, name }, host) {
    const holder = await host.docker.container(name);
    if (holder !== undefined && holder.id !== container)
      throw new ProblemsError('step-refused', `The name ${name} is taken.`);
    return { name: (await needContainer(host, container)).name };
  },
  async isDone({ container, name }, host) {
    return (await needContainer(host, container)).name === name;
  },
  async apply({ container, name }, host) {
    if ((await needContainer(host, container)).name !== name) await host.change.docker.rename(container, name);
  },
  async undo({ container }, { name }, host) {
    if ((await needContainer(host, container)).name !== name) await host.change.docker.rename(container, name);
  },
  async isUndone({ container }, { name }, host) {
    return (await needContainer(host, container)).name === name;
  },
};
