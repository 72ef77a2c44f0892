import { z } from 'zod';
import type { Action } from '../contract.ts';
import { isPaused, order, type Pausing, pausing } from './pooler.ts';

export const poolerResume: Action<Pausing, null> = {
  name: 'pooler.resume',
  about: 'Lets the clients go on that the pooler in front of an instance holds back.',
  params: pausing,
  before: z.null(),
  operation: 'restart-running',
  describe: ({ instance }) => `let the clients of the pooler in front of ${instance} go on`,
  effect: async ({ instance }) => [{ object: `clients of the pooler of ${instance}`, before: 'held', after: 'served' }],
  prepare: () => Promise.resolve(null),
  isDone: async ({ instance }, host) => !(await isPaused(instance, host)),
  apply: ({ instance }, host) => order('RESUME', instance, host),
  /** What comes before it is undone while clients wait, and ends in letting them go on. */
  undo: ({ instance }, _before, host) => order('PAUSE', instance, host),
  isUndone: ({ instance }, _before, host) => isPaused(instance, host),
};
