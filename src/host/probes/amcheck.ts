import type { ChangingEngine } from '../docker/client.ts';
import type { Instance } from '../instance.ts';
import type { Credentials } from '../postgres/credentials.ts';
import { onEachDatabase } from './databases.ts';
import type { DatabaseProbe } from './types.ts';

/**
 * pg_amcheck without `--parent-check`, which would block writes: tables, and indexes with every row of their tables
 * (PGOPS §3.5). 0: nothing found; 2: damage, or a refusal of the server; 1: it could not check, as where the extension
 * is not installed.
 */
export function amcheck(
  engine: ChangingEngine,
  credentials: Credentials,
  instance: Instance,
  databases: readonly string[],
  { timeoutMs = 60_000 }: { readonly timeoutMs?: number } = {},
): Promise<readonly DatabaseProbe[]> {
  const program = ['pg_amcheck', '--no-password', '--heapallindexed'];
  return onEachDatabase(engine, credentials, instance, databases, program, timeoutMs);
}
