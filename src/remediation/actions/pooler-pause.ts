import { z } from 'zod';
import type { Action } from '../contract.ts';
import { checkpoint } from './checkpoint.ts';
import { isPaused, order, type Pausing, pausing } from './pooler.ts';

export const poolerPause: Action<Pausing, null> = {
  name: 'pooler.pause',
  about:
    'Lets the pooler in front of an instance hold its clients back between their transactions. Two minutes later it lets them go by itself, whatever has become of us.',
  params: pausing,
  before: z.null(),
  operation: 'restart-running',
  describe: ({ instance }) => `let the pooler in front of ${instance} hold its clients back`,
  effect: async ({ instance }) => [{ object: `clients of the pooler of ${instance}`, before: 'served', after: 'held' }],
  prepare: () => Promise.resolve(null),
  isDone: ({ instance }, host) => isPaused(instance, host),
  // Its clients wait until the server has been stopped and started: what can be written before, is.
  async ahead({ instance }, host) {
    const found = await host.instance(instance);
    if (found !== undefined) await checkpoint(found, host);
  },
  apply: ({ instance }, host) => order('PAUSE', instance, host),
  undo: ({ instance }, _before, host) => order('RESUME', instance, host),
  isUndone: async ({ instance }, _before, host) => !(await isPaused(instance, host)),
};
