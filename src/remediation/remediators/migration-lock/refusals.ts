import type { LedgerRow, Migration, MigrationStatus } from '../../../migration/index.ts';
import type { Refusal } from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import type { InvalidIndex } from './observe.ts';

/**
 * Problems that are not repaired automatically: the reason, and what you can do.
 * See docs/engineering/migrations.md#half-applied-migrations.
 */

interface RefusalInput {
  readonly migration: Migration;
  readonly stood: MigrationStatus;
}

/** Earlier files that are not applied. */
export function earlierPending({ version }: Migration, files: readonly RefusalInput[]): readonly string[] {
  return files
    .filter(({ migration, stood }) => migration.version < version && !['applied', 'adopted'].includes(stood.standing))
    .map(({ migration }) => migration.name);
}

export function refuseForeignIndex(index: InvalidIndex, stood: MigrationStatus | undefined): Refusal {
  const leftover = /_cc(?:new|old)\d*$/.test(index.name)
    ? 'Its name shows that an interrupted REINDEX CONCURRENTLY left it; the original index is a different one. '
    : '';
  return refusal(
    stood === undefined
      ? `No known migration file builds ${index.qualified}, so its owner is unknown.`
      : `The file that builds ${index.qualified} is in conflict with the ledger.`,
    `${leftover}If it is not needed: DROP INDEX CONCURRENTLY ${index.qualified}. If it is needed: drop it the same way, then ${index.definition.replace(/^(CREATE (?:UNIQUE )?INDEX) /, '$1 CONCURRENTLY ')}. If migrations build it, add their folder to remediation.settings.migration-lock.folders.`,
  );
}

export function refuseConflict({ message, hint }: Extract<MigrationStatus, { standing: 'conflict' }>): Refusal {
  return refusal(message, hint);
}

export function refuseUnfinished({ version, mode }: LedgerRow, file: Migration | undefined): Refusal {
  return refusal(
    file === undefined
      ? `${version} was started, but no known folder contains its file.`
      : `${file.name} (${mode}) was started, and it cannot be determined whether it took effect.`,
    file === undefined
      ? 'Add its folder to remediation.settings.migration-lock.folders.'
      : 'Check whether it did. If so, insert the version into schema_migrations; if not, delete its row from problems_migrations and run the migration again.',
  );
}

export function refuseFailed(
  row: LedgerRow | undefined,
  file: Migration | undefined,
  isSame: boolean,
  earlier: readonly string[],
): Refusal {
  if (file === undefined)
    return refusal(
      `${row?.version ?? 'It'} failed, and no known folder contains its file.`,
      'Add its folder to remediation.settings.migration-lock.folders.',
    );
  if (!isSame)
    return refusal(
      `${file.name} has changed since it failed.`,
      'If it is fixed, run `problems migrate` with its folder.',
    );
  if (earlier.length > 0)
    return refusal(
      `Earlier files than ${file.name} are not applied: ${earlier.slice(0, 5).join(', ')}.`,
      'Apply all of them in order: run `problems migrate` with their folder.',
    );
  return refusal(
    `${file.name} conflicts with the present state of the database, so it would fail again: ${row?.error ?? ''}`,
    row?.error?.startsWith('23') === true
      ? 'Existing rows violate it: fix the data first, then run the migration again.'
      : 'Fix the file or the database, then run the migration again. Nothing of it was applied.',
  );
}

/** Any role can write such a line to the log with RAISE, so it is not a reason to run anything. */
export function refuseLost({ name }: Migration): Refusal {
  return refusal(
    `Only the server's log says that ${name} lost a race, and any role can write to the log.`,
    'If the file should be applied, run `problems migrate` with its folder.',
  );
}

/** Objects that exist without a ledger row, and why they are not recorded automatically. */
export function refuseUnrecorded({ name, version }: Migration, reason: string): Refusal {
  return refusal(
    `Some or all objects of ${name} already exist but are not in the ledger. ${reason}`,
    `If everything in the file is already done: insert into schema_migrations (version) values ('${version.replaceAll("'", "''")}'). If not, write a migration from the present state to the wanted one.`,
  );
}
