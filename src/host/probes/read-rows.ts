import type { Credentials } from '../credentials.ts';
import type { ChangingEngine } from '../docker.ts';
import type { DatabaseProbe, Instance } from '../types.ts';
import { onEachDatabase } from './each-database.ts';

/** A dump that is thrown away: every row of every table is read and made text. 0: all of them could be. */
export function readRows(
  engine: ChangingEngine,
  credentials: Credentials,
  instance: Instance,
  databases: readonly string[],
  { timeoutMs = 60_000 }: { readonly timeoutMs?: number } = {},
): Promise<readonly DatabaseProbe[]> {
  const program = ['pg_dump', '--no-password', '--no-sync', '--lock-wait-timeout=2s', '--file=/dev/null'];
  return onEachDatabase(engine, credentials, instance, databases, program, timeoutMs);
}
