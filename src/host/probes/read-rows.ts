import type { ChangingEngine } from '../docker/client.ts';
import type { Instance } from '../instance.ts';
import type { Credentials } from '../postgres/credentials.ts';
import { onEachDatabase } from './databases.ts';
import type { DatabaseProbe } from './types.ts';

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
