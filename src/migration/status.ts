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

/** Both tables of one database as they were read, at one moment. */
export interface Ledger {
  /** Of `schema_migrations`. */
  readonly versions: ReadonlySet<string>;
  /** Of `problems_migrations`, by version. */
  readonly rows: ReadonlyMap<string, LedgerRow>;
}

export type Conflict = 'checksum' | 'unlisted' | 'changed-while-started';

/**
 * How a file stands in the ledger. `adopted`: applied by another tool, so there is no checksum to hold it to.
 * `unfinished`: begun outside a transaction, and nobody wrote how it ended. `conflict`: a person must look.
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
        `${name} was applied as ${short(row.sha256)} and is ${short(sha256)} by now: an applied file must not change.`,
        'Bring the old text back, and put the change into a new file.',
      );
    if (!isListed)
      return conflict(
        'unlisted',
        `${name} is done by problems_migrations, and schema_migrations does not list it.`,
        'Somebody removed the row. If it is applied, insert it again; if not, delete the row of problems_migrations too.',
      );
    return { standing: row.state === 'done' ? 'applied' : 'adopted' };
  }
  if (row.state === 'failed') return { standing: 'failed' };
  if (row.sha256 !== sha256)
    return conflict(
      'changed-while-started',
      `${name} was begun as ${short(row.sha256)}, its end is unknown, and it is ${short(sha256)} by now.`,
      'Bring the old text back and migrate, or look by hand at what it left and delete its row of problems_migrations.',
    );
  return { standing: 'unfinished' };
}

/** Files that are still to run though one of a later name is applied: applied in their turn, and said. */
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
