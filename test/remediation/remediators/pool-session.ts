import type { Session } from '../../../src/remediation/remediators/connection-pool/types.ts';

/** A session of an ordinary application, which is idle. */
export const session: Session = {
  pid: 1,
  backendStart: '',
  database: 'shop',
  role: 'app',
  application: 'orders',
  client: '',
  state: 'idle',
  stateMs: 0,
  transactionMs: null,
  sessionMs: 600_000,
  waitType: '',
  waitEvent: '',
  wrote: false,
  blockedBy: [],
  privileged: false,
  advisory: false,
  queryHash: '',
  since: '',
  statement: '',
  listens: false,
  place: '',
};
