import type { Container } from '../../../host/types.ts';

/**
 * Whether `other` keeps a port that both declare and neither holds: the younger one moves, unless a lease says whose
 * the port is. One that runs is not asked here: it never makes room. PGOPS §1.2.
 */
export function hasBetterRight(other: Container, mine: Container, leaseIsMine: boolean): boolean {
  if (leaseIsMine) return false;
  if (other.created !== mine.created) return other.created < mine.created;
  return other.id < mine.id;
}
