import type { LedgerRow, Migration, MigrationStatus } from '../../../migration/index.ts';
import type { Refusal } from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import type { InvalidIndex } from './observe.ts';

/**
 * What no program repairs: what stands in the way, and what a person can do.
 * See docs/engineering/migrations.md#half-applied-migrations.
 */

interface RefusalInput {
  readonly migration: Migration;
  readonly stood: MigrationStatus;
}

/** Files before this one that are not applied. */
export function earlierPending({ version }: Migration, files: readonly RefusalInput[]): readonly string[] {
  return files
    .filter(({ migration, stood }) => migration.version < version && !['applied', 'adopted'].includes(stood.standing))
    .map(({ migration }) => migration.name);
}

export function refuseForeignIndex(index: InvalidIndex, stood: MigrationStatus | undefined): Refusal {
  const leftover = /_cc(?:new|old)\d*$/.test(index.name)
    ? 'By its name it is what a REINDEX CONCURRENTLY that was cut off has left, and the index itself is another. '
    : '';
  return refusal(
    stood === undefined
      ? `No migration file that is known here builds ${index.qualified}, so it may be anybody's.`
      : `The file that builds ${index.qualified} is in conflict with the ledger.`,
    `${leftover}If nobody needs it: DROP INDEX CONCURRENTLY ${index.qualified}. If it is to be there: that, and then ${index.definition.replace(/^(CREATE (?:UNIQUE )?INDEX) /, '$1 CONCURRENTLY ')}. Where a folder of migrations builds it, name the folder in remediation.settings.migration-lock.folders.`,
  );
}

export function refuseConflict({ message, hint }: Extract<MigrationStatus, { standing: 'conflict' }>): Refusal {
  return refusal(message, hint);
}

export function refuseUnfinished({ version, mode }: LedgerRow, file: Migration | undefined): Refusal {
  return refusal(
    file === undefined
      ? `${version} was begun, and no folder that is known here holds its file.`
      : `${file.name} (${mode}) was begun, and whether it took effect cannot be told from outside.`,
    file === undefined
      ? 'Name its folder in remediation.settings.migration-lock.folders.'
      : 'Look whether it did. If so, insert the version into schema_migrations; if not, delete its row of problems_migrations and migrate again.',
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
      `${row?.version ?? 'It'} failed, and no folder that is known here holds its file.`,
      'Name its folder in remediation.settings.migration-lock.folders.',
    );
  if (!isSame)
    return refusal(
      `${file.name} has been changed since it failed.`,
      'If it is mended: problems migrate, with its folder.',
    );
  if (earlier.length > 0)
    return refusal(
      `Files before ${file.name} are not applied: ${earlier.slice(0, 5).join(', ')}.`,
      'Apply them all, in order: problems migrate, with their folder.',
    );
  return refusal(
    `${file.name} does not fit what is there, and another attempt would end the same: ${row?.error ?? ''}`,
    row?.error?.startsWith('23') === true
      ? 'The rows do not fit it: mend the data first, and migrate again.'
      : 'Mend the file, or what is there, and migrate again. Nothing of it was applied.',
  );
}

/** What is there without the ledger, and why it is not simply recorded. */
export function refuseUnrecorded({ name, version }: Migration, reason: string): Refusal {
  return refusal(
    `What ${name} makes is there in part or in whole, and was made without the ledger. ${reason}`,
    `If all that the file does is done: insert into schema_migrations (version) values ('${version.replaceAll("'", "''")}'). If not, write a file that leads from what is there to what is wanted.`,
  );
}
