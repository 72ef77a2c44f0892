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

export const sessionEndIdle: Action<SessionParams, SessionsBefore> = {
  name: 'session.end-idle',
  about:
    'Ends sessions that have been idle in a transaction for long and have written nothing in it, one at a time; each is asked again in the statement that ends it. They do not come back by undoing: their clients open new ones.',
  params: sessionParams,
  before: sessionsBefore,
  operation: 'end-idle-session',
  deadlineMs: 900_000,
  describe: (params) => `end ${wordsOf(params)} that idle in transactions which have written nothing`,
  async effect(params) {
    return [{ object: `sessions of ${params.instance}`, before: wordsOf(params), after: 'ended' }];
  },
  async prepare(params, host) {
    return { sessions: await sessionsToEnd(params, false, host) };
  },
  async isDone(params, host) {
    return (await sessionsToEnd(params, false, host)).length === 0;
  },
  apply: (params, host) => endSessions(params, false, host),
  undo: () => Promise.resolve(),
  isUndone: () => Promise.resolve(true),
};
