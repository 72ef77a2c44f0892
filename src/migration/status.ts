import type { Migration } from './files.ts';

/** A row of `problems_migrations`. */
export interface LedgerRow {
  readonly version: string;
  readonly sha256: string;
  readonly mode: string;
  readonly state: 'started' | 'done' | 'failed';
  readonly startedAt: string;
  readonly runner: string;
  readonly error: string | null;
}

/** Both tables of a database, read at the same time. */
export interface Ledger {
  /** From `schema_migrations`. */
  readonly versions: ReadonlySet<string>;
  /** From `problems_migrations`, by version. */
  readonly rows: ReadonlyMap<string, LedgerRow>;
}

export type Conflict = 'checksum' | 'unlisted' | 'changed-while-started';

/**
 * The status of a file in the ledger. `adopted`: applied by another tool, so there is no checksum to compare. `unfinished`:
 * started outside a transaction, with an unknown end. `conflict`: needs a decision by an operator.
 */
export type MigrationStatus =
  | { readonly standing: 'applied' | 'adopted' | 'pending' | 'failed' | 'unfinished' }
  | { readonly standing: 'conflict'; readonly conflict: Conflict; readonly message: string; readonly hint: string };

export function migrationStatusOf({ version, name, sha256 }: Migration, { versions, rows }: Ledger): MigrationStatus {
  const row = rows.get(version);
  const isListed = versions.has(version);
  if (row === undefined) return { standing: isListed ? 'adopted' : 'pending' };
  if (row.state === 'done' || isListed) {
    if (row.state === 'done' && row.sha256 !== sha256)
      return conflict(
        'checksum',
        `${name} was applied with checksum ${short(row.sha256)} but now has ${short(sha256)}: an applied file must not change.`,
        'Restore the old text and put the change into a new file.',
      );
    if (!isListed)
      return conflict(
        'unlisted',
        `${name} is done according to problems_migrations, but schema_migrations does not list it.`,
        'The row was removed. If the file is applied, insert the row again; if not, delete the row of problems_migrations as well.',
      );
    return { standing: row.state === 'done' ? 'applied' : 'adopted' };
  }
  if (row.state === 'failed') return { standing: 'failed' };
  if (row.sha256 !== sha256)
    return conflict(
      'changed-while-started',
      `${name} was started with checksum ${short(row.sha256)}, its outcome is unknown, and it now has ${short(sha256)}.`,
      'Restore the old text and migrate, or check what it has changed and delete its row of problems_migrations.',
    );
  return { standing: 'unfinished' };
}

/** Pending files although one with a later name is applied. They are applied in order and reported. */
export function outOfOrder(migrations: readonly Migration[], ledger: Ledger): readonly string[] {
  const last = migrations.findLastIndex(({ version }) => ledger.versions.has(version));
  return migrations
    .filter(({ version }, index) => index < last && !ledger.versions.has(version))
    .map(({ version }) => version);
}

function conflict(kind: Conflict, message: string, hint: string): MigrationStatus {
  return { standing: 'conflict', conflict: kind, message, hint };
}

function short(sha256: string): string {
  return sha256.slice(0, 12);
}
