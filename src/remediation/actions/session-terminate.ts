import type { Action } from '../contract.ts';
import {
  endSessions,
  sessionParams,
  type SessionParams,
  type SessionsBefore,
  sessionsBefore,
  sessionsToEnd,
  wordsOf,
} from './session.ts';

export const sessionTerminate: Action<SessionParams, SessionsBefore> = {
  name: 'session.terminate',
  about:
    'Ends sessions that are idle in a transaction, whether or not they have written in it: what they wrote is rolled back. One at a time; each is asked again in the statement that ends it. They do not come back by undoing.',
  params: sessionParams,
  before: sessionsBefore,
  operation: 'terminate-session',
  deadlineMs: 900_000,
  describe: (params) => `end ${wordsOf(params)} that idle in transactions`,
  async effect(params) {
    return [
      { object: `sessions of ${params.instance}`, before: wordsOf(params), after: 'ended, their work rolled back' },
    ];
  },
  async prepare(params, host) {
    return { sessions: await sessionsToEnd(params, true, host) };
  },
  async isDone(params, host) {
    return (await sessionsToEnd(params, true, host)).length === 0;
  },
  apply: (params, host) => endSessions(params, true, host),
  undo: () => Promise.resolve(),
  isUndone: () => Promise.resolve(true),
};
