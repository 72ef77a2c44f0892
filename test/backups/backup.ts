import type { Backup } from '../../src/backups/types.ts';

/** A backup of the instance `orders` that nothing is known of, with some values of its own. */
export function backupOf(name: string, more: Partial<Backup> = {}): Backup {
  return {
    ref: `orders/${name}`,
    instance: 'orders',
    name,
    folder: `/backups/orders/${name}`,
    state: 'complete',
    createdAt: '2026-01-01T00:00:00Z',
    bytes: 1,
    files: 1,
    parts: [],
    postgresVersion: null,
    verification: null,
    verdict: 'unproven',
    reached: null,
    hasFingerprints: false,
    quarantine: null,
    notes: [],
    ...more,
  };
}
