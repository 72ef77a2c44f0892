import type { Instance } from '../host/instance.ts';

/**
 * Backups as they lie in folders: `<backup folder>/<instance>/<name>/`, whoever made them. What we know of one beyond
 * its own files stands beside them in `verification.json` and `fingerprints.json`; `metadata.json` is the managed
 * system's and stays as it is read by others.
 */

/** The ladder of docs/engineering/backups.md#verification-ladder. From L4 on a backup counts as good. */
export const backupLevels = ['L0', 'L1', 'L2', 'L3', 'L4', 'L5', 'L6'] as const;

export type BackupLevel = (typeof backupLevels)[number];

/**
 * What one restorable thing within a backup's folder is. `globals`: roles and tablespaces of pg_dumpall.
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

export interface BackupPart {
  /** Relative to the backup's folder; `.` for the folder itself. */
  readonly path: string;
  readonly kind: BackupKind;
  /** As our own record or the dump's header tells; null where nothing does. */
  readonly database: string | null;
  readonly bytes: number;
}

/** `running`: begun and not ended (a temporary name, or its metadata says so). `failed`: its maker says so. */
export type BackupState = 'running' | 'complete' | 'failed' | 'quarantined';

export interface Backup {
  /** `<instance>/<name>`, as people type it. A quarantined one keeps its own. */
  readonly ref: string;
  readonly instance: string;
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  readonly state: BackupState;
  /** RFC 3339: of the metadata, else of the name, else the folder's time. */
  readonly createdAt: string;
  readonly bytes: number;
  readonly files: number;
  /** Sorted by path. Empty: nothing that could be restored. */
  readonly parts: readonly BackupPart[];
  /** As the metadata says it, such as `17.5`; null without. */
  readonly postgresVersion: string | null;
  readonly verification: BackupVerification | null;
  /** As the last verification left it, not asked anew. */
  readonly verdict: BackupVerdict;
  /** The highest level that it passed, with nothing failed; null: none. */
  readonly reached: BackupLevel | null;
  /** Whether `fingerprints.json` lies beside it. */
  readonly hasFingerprints: boolean;
  /** Why it was set aside; null unless it is quarantined. */
  readonly quarantine: { readonly at: string; readonly reason: string } | null;
  /** What could not be read, a sentence each. */
  readonly notes: readonly string[];
}

/** Why a backup does not hold, as far as it can be known. docs/backups.md says which level finds which. */
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
  // From here on: why it could not be asked, which says nothing against the backup.
  'unfinished',
  'unreadable',
  'version',
  'no-room',
  'remote-engine',
  'no-manifest',
  'not-supported',
  'time-out',
] as const;

export type BackupCause = (typeof backupCauses)[number];

/** `impossible`: it could not be asked. Never a pass, and nothing against the backup. */
export interface BackupCheck {
  readonly level: BackupLevel;
  readonly result: 'passed' | 'failed' | 'impossible';
  /** RFC 3339. */
  readonly at: string;
  readonly cause?: BackupCause;
  /** What was seen, a sentence each: the programs' own words where it failed, and what a pass does not prove. */
  readonly says: readonly string[];
  /** How long it took. */
  readonly ms: number;
}

export interface BackupFile {
  /** Relative to the backup's folder. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** `verification.json`: the latest answer of each level, and what the files were when they were first seen whole. */
export interface BackupVerification {
  readonly schemaVersion: 1;
  /** One for each level asked so far, in the order of the ladder. */
  readonly checks: readonly BackupCheck[];
  /** Taken at completion by us, or at the first verification of a backup that somebody else made. */
  readonly files: readonly BackupFile[];
  readonly filesAt: string;
  readonly filesBy: 'completion' | 'first verification';
  /** Of one that we took: how long that was. */
  readonly tookMs?: number;
}

/** `good`: restored at L4 or above and nothing failed. `bad`: a level failed. `unproven`: neither. */
export type BackupVerdict = 'good' | 'bad' | 'unproven';

/** One database as it was at the snapshot that its dump was taken from. */
export interface DatabaseFingerprint {
  readonly database: string;
  /** The dump's path relative to the backup's folder; null where there is none. */
  readonly file: string | null;
  /** By `schema.table`, quoted as PostgreSQL quotes: rows, and the sum over their hashes, which knows no order. */
  readonly tables: Readonly<Record<string, { readonly rows: string; readonly sum: string }>>;
  /** No snapshot holds them: the last value before the dump and after it. */
  readonly sequences: Readonly<Record<string, { readonly first: string; readonly last: string }>>;
  /** Table, method, uniqueness and columns: a definition's text does not survive being read back. */
  readonly indexes: Readonly<Record<string, string>>;
  /** By `table.name`: the type. */
  readonly constraints: Readonly<Record<string, string>>;
  /** By signature: the MD5 of the source. */
  readonly functions: Readonly<Record<string, string>>;
  readonly extensions: Readonly<Record<string, string>>;
}

/** `fingerprints.json`: what the source held when the backup was taken. */
export interface Fingerprints {
  readonly schemaVersion: 1;
  readonly at: string;
  readonly systemIdentifier: string;
  readonly serverVersion: string;
  readonly databases: readonly DatabaseFingerprint[];
}

export interface BackupInventory {
  /** Sorted by instance, then by time. Those set aside too. */
  readonly backups: readonly Backup[];
  readonly notLookedAt: readonly { readonly path: string; readonly reason: string }[];
}

/** As the engine mounts it. */
export interface ArchivePlace {
  readonly type: 'volume' | 'bind';
  readonly source: string;
}

export interface CheckRequest {
  /** How far to climb. Default L4. A level that failed ends the climb. */
  readonly upTo?: BackupLevel;
  /** Whose backup it is: its image restores it, its name, database and version are what the backup should be of. */
  readonly instance: Instance;
  /** Compares with the catalog of the running instance too, where the backup has no fingerprints. Default false. */
  readonly withSource?: boolean;
  /** Where the source archives its WAL: what L6 recovers by. */
  readonly archive?: ArchivePlace;
  readonly onProgress?: (what: string) => void;
  /** Of one level; default 3 times the last duration of it, and what a slow disk would take the first time. */
  readonly timeoutMs?: number;
}

export interface BackupAnswer {
  readonly checks: readonly BackupCheck[];
  /** As they are now. */
  readonly files: readonly BackupFile[];
}

/** Reads backups. Only below the backup folders of the configuration; changes nothing of them. */
export interface BackupReader {
  /** Absolute; each holds `<instance>/<name>/`. The first is where new ones are taken to. */
  readonly folders: readonly string[];
  list(instance?: string): Promise<BackupInventory>;
  /** By `<instance>/<name>` or by the path of its folder. */
  read(ref: string): Promise<Backup | undefined>;
  /** Names of an instance's backups that have expired and still lie there, or were cut off on the way. Sorted. */
  expired(instance: string): Promise<readonly string[]>;
  fingerprints(backup: Backup): Promise<Fingerprints | undefined>;
  /** Climbs the ladder. Drills run in throw-away containers without a network, on a copy. Writes nothing. */
  check(backup: Backup, request: CheckRequest): Promise<BackupAnswer>;
}

export interface TakeRequest {
  readonly instance: Instance;
  /** Of the new backup: one path segment. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Changes of backup folders. None of them overwrites anything. */
export interface BackupChanger {
  /**
   * A physical backup with a manifest and a dump of each database with globals and fingerprints, under a temporary name
   * and renamed when it is durable and passed L3. Refuses a name that is taken.
   */
  take(request: TakeRequest): Promise<void>;
  /** Writes `verification.json`: later answers replace earlier ones of the same level. */
  record(backup: Backup, answer: BackupAnswer): Promise<void>;
  /** Moves it to `<backup folder>/<instance>/.quarantined/<name>`, read-only, with the reason beside it. */
  quarantine(backup: Backup, reason: string): Promise<void>;
  /** The way back. */
  release(backup: Backup): Promise<void>;
  /** Moves it to `<backup folder>/<instance>/.expired/<name>`; what is there is in no inventory. One set aside too. */
  expire(backup: Backup): Promise<void>;
  /** The way back, to where it lay. */
  unexpire(instance: string, name: string): Promise<void>;
  /** Deletes what was expired. */
  removeExpired(instance: string, name: string): Promise<void>;
}
