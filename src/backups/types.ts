import type { Instance } from '../host/instance.ts';
import type { Packing } from './packing.ts';

/**
 * Backups in folders: `<backup folder>/<instance>/<name>/`, whichever program made them. What we know about one beyond its own
 * files is next to them, in `verification.json` and `fingerprints.json`. `metadata.json` belongs to the managed system.
 */

/** The ladder of docs/engineering/backups.md#verification-ladder. From L4 on a backup counts as good. */
export const backupLevels = ['L0', 'L1', 'L2', 'L3', 'L4', 'L5', 'L6'] as const;

export type BackupLevel = (typeof backupLevels)[number];

/**
 * The kind of one restorable part of a backup. `globals`: roles and tablespaces of pg_dumpall.
 * `cluster`: a whole plain pg_dumpall. `data-directory`: files of a server without label or manifest.
 */
export type BackupKind =
  | 'plain'
  | 'plain-gzip'
  | 'custom'
  | 'tar'
  | 'directory'
  | 'cluster'
  | 'globals'
  | 'base-backup'
  | 'base-backup-tar'
  | 'data-directory'
  | 'unknown';

/** Whether it holds a server's files, and not the text or archive of a dump. */
export function holdsServerFiles(kind: BackupKind): boolean {
  return kind === 'base-backup' || kind === 'base-backup-tar' || kind === 'data-directory';
}

export interface BackupPart {
  /** Relative to the backup's folder; `.` for the folder itself. */
  readonly path: string;
  readonly kind: BackupKind;
  /** From our own record or the dump's header; null if neither tells. */
  readonly database: string | null;
  readonly bytes: number;
  /** What it is wrapped in. Absent: nothing, or gzip around plain SQL, which is a kind. */
  readonly packing?: Packing;
}

/** `running`: not finished, by its temporary name or its metadata. `failed`: by its metadata. */
export type BackupState = 'running' | 'complete' | 'failed' | 'quarantined';

export interface Backup {
  /** `<instance>/<name>`, also of a quarantined backup. */
  readonly ref: string;
  readonly instance: string;
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  readonly state: BackupState;
  /** RFC 3339: from the metadata, else from the name, else the time of the folder. */
  readonly createdAt: string;
  readonly bytes: number;
  readonly files: number;
  /** Sorted by path. Empty if nothing can be restored. */
  readonly parts: readonly BackupPart[];
  /** From the metadata, such as `17.5`; else null. */
  readonly postgresVersion: string | null;
  readonly verification: BackupVerification | null;
  /** The result of the last verification. */
  readonly verdict: BackupVerdict;
  /** The highest level that it passed; null if it passed none or failed one. */
  readonly reached: BackupLevel | null;
  /** Whether it has a `fingerprints.json`. */
  readonly hasFingerprints: boolean;
  /** When and why it was quarantined; else null. */
  readonly quarantine: { readonly at: string; readonly reason: string } | null;
  /** A sentence for each thing that could not be read, and why there are only dumps, if that was noted when it was taken. */
  readonly notes: readonly string[];
}

/** Why a backup is bad, as far as this can be known. docs/backups.md says which level finds which cause. */
export const backupCauses = [
  'empty',
  'truncated',
  'terminal',
  'clobbered',
  'changed-since',
  'damaged',
  'missing-file',
  'missing-wal',
  'manifest-damaged',
  'copied-data-directory',
  'other-database',
  'missing-roles',
  'does-not-restore',
  'rows-differ',
  'structure-damaged',
  'reported-failed',
  // From here on: why the check could not run, which says nothing about the backup.
  'unfinished',
  'unreadable',
  'version',
  'no-room',
  'remote-engine',
  'no-manifest',
  'encrypted',
  'partial',
  'not-supported',
  'time-out',
] as const;

export type BackupCause = (typeof backupCauses)[number];

/** `impossible`: the check could not run. This is neither a pass nor a failure. */
export interface BackupCheck {
  readonly level: BackupLevel;
  readonly result: 'passed' | 'failed' | 'impossible';
  /** RFC 3339. */
  readonly at: string;
  readonly cause?: BackupCause;
  /** Sentences: the messages of the programs for a failure, and what a pass does not prove. */
  readonly says: readonly string[];
  /** Duration. */
  readonly ms: number;
}

export interface BackupFile {
  /** Relative to the backup's folder. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** `verification.json`: the last result of each level, and the files as they were when first seen complete. */
export interface BackupVerification {
  readonly schemaVersion: 1;
  /** One for each level checked so far, in their order. */
  readonly checks: readonly BackupCheck[];
  /** Recorded when we completed the backup, or at the first verification of a backup that another program made. */
  readonly files: readonly BackupFile[];
  readonly filesAt: string;
  readonly filesBy: 'completion' | 'first verification';
  /** How long it took to make, if we made it. */
  readonly tookMs?: number;
}

/** `good`: passed L4 or above and failed nothing. `bad`: failed a level. `unproven`: neither. */
export type BackupVerdict = 'good' | 'bad' | 'unproven';

/** A database at the snapshot from which its dump was taken. */
export interface DatabaseFingerprint {
  readonly database: string;
  /** The dump's path relative to the backup's folder; null if there is none. */
  readonly file: string | null;
  /** By `schema.table`, quoted as in PostgreSQL: the number of rows, and the sum of their hashes, which ignores the order. */
  readonly tables: Readonly<Record<string, { readonly rows: string; readonly sum: string }>>;
  /** The last value before and after the dump, since snapshots do not cover sequences. */
  readonly sequences: Readonly<Record<string, { readonly first: string; readonly last: string }>>;
  /** Table, method, uniqueness and number of columns. The text of a definition changes in a dump. */
  readonly indexes: Readonly<Record<string, string>>;
  /** By `table.name`: the type. */
  readonly constraints: Readonly<Record<string, string>>;
  /** By signature: the MD5 of the source. */
  readonly functions: Readonly<Record<string, string>>;
  readonly extensions: Readonly<Record<string, string>>;
}

/** `fingerprints.json`: the content of the source when the backup was taken. */
export interface Fingerprints {
  readonly schemaVersion: 1;
  readonly at: string;
  readonly systemIdentifier: string;
  readonly serverVersion: string;
  readonly databases: readonly DatabaseFingerprint[];
}

/** What another backup tool keeps in a backup folder. */
export interface BackupRepository {
  readonly tool: 'pgBackRest' | 'WAL-G' | 'Barman';
  /** Absolute. */
  readonly path: string;
  /** Stanzas of pgBackRest, servers of Barman. */
  readonly names: readonly string[];
  /** Commands of that tool which prove its backups. */
  readonly commands: readonly string[];
}

export interface BackupInventory {
  /** Sorted by instance, then by time; includes quarantined ones. */
  readonly backups: readonly Backup[];
  /** Those in the backup folders, or in the folder of the instance. Absent: none. */
  readonly repositories?: readonly BackupRepository[];
  readonly notLookedAt: readonly { readonly path: string; readonly reason: string }[];
}

/** A mount of the source's WAL archive. */
export interface ArchivePlace {
  readonly type: 'volume' | 'bind';
  readonly source: string;
}

export interface CheckRequest {
  /** The last level to check. Default L4. A failed level ends the check. */
  readonly upTo?: BackupLevel;
  /** The instance of the backup. Its image restores the backup, which should match its name, database and version. */
  readonly instance: Instance;
  /** Also compares with the tables of the running instance if the backup has no fingerprints. Default false. */
  readonly withSource?: boolean;
  /** The WAL archive of the source, which L6 recovers from. */
  readonly archive?: ArchivePlace;
  readonly onProgress?: (what: string) => void;
  /** For one level. Default: three times its last duration, or what a slow disk may need the first time. */
  readonly timeoutMs?: number;
}

export interface BackupAnswer {
  readonly checks: readonly BackupCheck[];
  /** The current files. */
  readonly files: readonly BackupFile[];
}

/** Reads backups below the backup folders of the configuration. Changes nothing. */
export interface BackupReader {
  /** Absolute; each contains `<instance>/<name>/`. New backups go to the first. */
  readonly folders: readonly string[];
  list(instance?: string): Promise<BackupInventory>;
  /** By `<instance>/<name>` or by the path of its folder. */
  read(ref: string): Promise<Backup | undefined>;
  /** Sorted names of an instance's expired backups that are not deleted yet, or whose move was interrupted. */
  expired(instance: string): Promise<readonly string[]>;
  fingerprints(backup: Backup): Promise<Fingerprints | undefined>;
  /** Checks the levels in order. Drills run on a copy, in temporary containers without a network. Writes nothing. */
  check(backup: Backup, request: CheckRequest): Promise<BackupAnswer>;
}

export interface TakeRequest {
  readonly instance: Instance;
  /** The name of the new backup: one path segment. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Changes to backup folders. Nothing is ever overwritten. */
export interface BackupChanger {
  /**
   * Takes a physical backup with a manifest, and a dump of each database with globals and fingerprints. The backup has a
   * temporary name until it is durable and has passed L3. Refuses a name that is taken.
   */
  take(request: TakeRequest): Promise<void>;
  /** Writes `verification.json`. New results replace earlier ones of the same level. */
  record(backup: Backup, answer: BackupAnswer): Promise<void>;
  /** Moves it to `<backup folder>/<instance>/.quarantined/<name>`, read-only, and records the reason there. */
  quarantine(backup: Backup, reason: string): Promise<void>;
  /** Undoes `quarantine`. */
  release(backup: Backup): Promise<void>;
  /** `release`, and forgets its checks. Its notes say so, and setting it aside again needs approval. */
  putBack(backup: Backup): Promise<void>;
  /** Moves it, quarantined or not, to `<backup folder>/<instance>/.expired/<name>`, which no inventory lists. */
  expire(backup: Backup): Promise<void>;
  /** Undoes `expire`: moves it back to where it was. */
  unexpire(instance: string, name: string): Promise<void>;
  /** Deletes an expired backup. */
  removeExpired(instance: string, name: string): Promise<void>;
}
