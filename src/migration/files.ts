import { hash } from 'node:crypto';
import { compareBy } from '../util/compare.ts';

/** A migration as it stands in its folder. */
export interface Migration {
  /** The file's name without `.sql`, as `schema_migrations` has it. */
  readonly version: string;
  readonly name: string;
  /** Without a byte order mark. */
  readonly sql: string;
  /** SHA-256 of the bytes with every line end as a line feed: a checkout with other line ends is no other file. */
  readonly sha256: string;
}

export interface MigrationFile {
  readonly name: string;
  /** Decoded from UTF-8. */
  readonly text: string;
}

const maxVersion = 255;

/** Whether a file of this name is a migration: `*.sql`, but never `rollback_*.sql`, nor one that is hidden. */
export function isMigrationName(name: string): boolean {
  return name.endsWith('.sql') && !/^rollback_/i.test(name) && !name.startsWith('.') && name !== '.sql';
}

/** In name order, by code unit, as every machine orders them. What is no migration is left out. */
export function migrationsOf(files: readonly MigrationFile[]): readonly Migration[] {
  return files
    .filter(({ name }) => isMigrationName(name))
    .map(({ name, text }) => ({
      version: name.slice(0, -'.sql'.length),
      name,
      sql: text.replace(/^\uFEFF/, ''),
      sha256: checksumOf(text),
    }))
    .sort(compareBy(({ version }) => version));
}

/** Why a name can be no version, if so. */
export function nameObstacle(name: string): string | undefined {
  const length = Array.from(name.slice(0, -'.sql'.length)).length;
  if (length > maxVersion) return `its version has ${length} characters, and schema_migrations takes ${maxVersion}`;
  return /\p{Cc}/u.test(name) ? 'its name holds a control character' : undefined;
}

function checksumOf(text: string): string {
  return hash('sha256', text.replaceAll(/\r\n?/g, '\n'));
}
