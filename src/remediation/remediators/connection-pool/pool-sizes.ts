import { type Limits, ordinarySlots, spared } from './measured.ts';

export interface PoolSizes {
  /** Server connections for each role in each database. */
  readonly poolSize: number;
  /** For each database together. */
  readonly perDatabase: number;
  readonly maxClients: number;
}

/**
 * Twice the processors and one, between 5 and 25, for each pair of role and database; never more in all than the ordinary
 * slots without five for people. In session mode a client keeps its connection, so the pairs share what there is.
 * PGOPS §2.6. Undefined where not one connection is left for each pair.
 */
export function poolSizes(
  limits: Limits,
  cpus: number,
  {
    pairs,
    databases,
    demand,
    mode,
  }: {
    readonly pairs: number;
    readonly databases: number;
    readonly demand: number;
    readonly mode: 'session' | 'transaction';
  },
): PoolSizes | undefined {
  const slots = ordinarySlots(limits) - spared;
  const each = Math.floor(slots / Math.max(1, pairs));
  const perDatabase = Math.floor(slots / Math.max(1, databases));
  if (each < 1 || perDatabase < 1) return undefined;
  const usual = Math.min(25, Math.max(5, Math.floor(cpus * 2 + 1)));
  return {
    poolSize: mode === 'session' ? each : Math.min(each, usual),
    perDatabase,
    maxClients: Math.max(1_000, Math.ceil((demand * 3) / 100) * 100),
  };
}
