import { z } from 'zod';
import type { Action } from '../contract.ts';
import { needContainer, shortRef } from './containers.ts';

const policy = z.strictObject({
  name: z.enum(['', 'no', 'always', 'unless-stopped', 'on-failure']),
  maximumRetryCount: z.int().nonnegative(),
});
const params = z.strictObject({ container: z.string(), policy });

/** A kept container with `restart: always` comes back on the same data when the engine restarts (PGOPS §0.2). */
export const containerUpdateRestartPolicy: Action<z.output<typeof params>, z.output<typeof policy>> = {
  name: 'container.update-restart-policy',
  about: 'Sets when the engine starts a container by itself.',
  params,
  before: policy,
  operation: 'restart-policy',
  describe: ({ container, policy: { name } }) => `set the restart policy of ${shortRef(container)} to ${name || 'no'}`,
  async effect({ container, policy: wanted }, host) {
    const found = await needContainer(host, container);
    return [
      { object: `${found.name}: restart policy`, before: found.restartPolicy.name || 'no', after: wanted.name || 'no' },
    ];
  },
  async prepare({ container }, host) {
    const { restartPolicy } = await needContainer(host, container);
    return policy.parse(restartPolicy);
  },
  async isDone({ container, policy: wanted }, host) {
    return same((await host.docker.container(container))?.restartPolicy, wanted);
  },
  async apply({ container, policy: wanted }, host) {
    await host.change.docker.updateRestartPolicy(container, { ...wanted, name: wanted.name || 'no' });
  },
  async undo({ container }, before, host) {
    await host.change.docker.updateRestartPolicy(container, { ...before, name: before.name || 'no' });
  },
  async isUndone({ container }, before, host) {
    return same((await host.docker.container(container))?.restartPolicy, before);
  },
};

function same(
  found: { readonly name: string; readonly maximumRetryCount: number } | undefined,
  wanted: z.output<typeof policy>,
): boolean {
  return (
    found !== undefined &&
    (found.name || 'no') === (wanted.name || 'no') &&
    found.maximumRetryCount === wanted.maximumRetryCount
  );
}
