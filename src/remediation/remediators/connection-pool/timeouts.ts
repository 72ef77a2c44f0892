import type { Instance } from '../../../host/instance.ts';
import type { ReadonlyHost } from '../../contract.ts';
import { timeoutsOf } from './queries.ts';

/** Seconds after which each role's sessions may idle in transactions no more; 0: for ever. Roles without their own are left out. */
export async function ownTimeouts(
  instance: Instance,
  host: ReadonlyHost,
): Promise<ReadonlyMap<string, number> | undefined> {
  const answer = await host.sql.query(instance, timeoutsOf);
  if (!answer.ok) return undefined;
  return new Map(answer.rows.map((row) => [row['role'] ?? '', secondsOf(row['value'] ?? '')]));
}

/** As PostgreSQL reads it: a bare number is milliseconds. */
export function secondsOf(value: string): number {
  const [, amount = '0', unit = 'ms'] = /^(\d+)\s*(us|ms|s|min|h|d)?$/.exec(value.trim()) ?? [];
  const factors: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1, min: 60, h: 3_600, d: 86_400 };
  return Number(amount) * (factors[unit] ?? 0);
}
