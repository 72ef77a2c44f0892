import { hash } from 'node:crypto';
import { compareBy } from '../util/compare.ts';

/** A migration file. */
export interface Migration {
  /** The file's name without `.sql`, as in `schema_migrations`. */
  readonly version: string;
  readonly name: string;
  /** Without a byte order mark. */
  readonly sql: string;
  /** SHA-256 of the text with line feeds as line ends, so that it is the same in checkouts with other line ends. */
  readonly sha256: string;
}

export interface MigrationFile {
  readonly name: string;
  /** Decoded from UTF-8. */
  readonly text: string;
}

const maxVersion = 255;

/** Whether a file of this name is a migration: `*.sql`, except `rollback_*.sql` and hidden files. */
export function isMigrationName(name: string): boolean {
  return name.endsWith('.sql') && !/^rollback_/i.test(name) && !name.startsWith('.') && name !== '.sql';
}

/** The migrations among the files, ordered by name in code units, which is the same on every machine. */
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

/** Why a name cannot be a version, if so. */
export function nameObstacle(name: string): string | undefined {
  const length = Array.from(name.slice(0, -'.sql'.length)).length;
  if (length > maxVersion)
    return `its version has ${length} characters, but schema_migrations holds at most ${maxVersion}`;
  return /\p{Cc}/u.test(name) ? 'its name contains a control character' : undefined;
}

function checksumOf(text: string): string {
  return hash('sha256', text.replaceAll(/\r\n?/g, '\n'));
}
