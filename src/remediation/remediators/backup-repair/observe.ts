import type { Backup, BackupCheck } from '../../../backups/types.ts';
import type { Instance } from '../../../host/instance.ts';
import type { ReadonlyHost } from '../../contract.ts';
import type { BackupSettings, BadBackup } from './types.ts';

/** The name, or with a number the first that no volume has: one that exists is never written to. */
export async function freeVolume(wanted: string, host: ReadonlyHost): Promise<string> {
  const taken = new Set((await host.docker.volumes()).map(({ name }) => name));
  let name = wanted;
  for (let number = 2; taken.has(name); number += 1) name = `${wanted}-${number}`;
  return name;
}

/** What is known of an instance's backups, the newest ones looked at as far as the bounds allow. */
export interface BackupsSeen {
  /** Complete or failed, not set aside, newest first. */
  readonly backups: readonly Backup[];
  readonly bad: readonly BadBackup[];
  /** Those of which nothing bad is known. */
  readonly standing: readonly Backup[];
  /** Whose structure was damaged though every file was as the server had sent it: the source was damaged then. */
  readonly bornDamaged: readonly Backup[];
  readonly notes: readonly string[];
}

/** One look may take this long for all backups of an instance; what was not reached is noted, and is not bad. */
const budgetMs = 60_000;

/**
 * Recorded answers count. One that nobody has verified yet is read once, up to L3; of one that somebody has, the files are
 * compared with what they were. What is too large for that is `problems backups verify`'s, and so are deeper levels.
 */
export async function checkBackups(
  instance: Instance,
  host: ReadonlyHost,
  settings: BackupSettings,
): Promise<BackupsSeen> {
  const { backups: all, notLookedAt } = await host.backups.list(instance.name);
  const newestFirst = all.toSorted((a, b) => (sortKey(a) < sortKey(b) ? 1 : -1));
  const backups = newestFirst.filter(isThere);
  const bad: BadBackup[] = [];
  const notes = notLookedAt.map(({ path, reason }) => `${path}: ${reason}`);
  const until = performance.now() + budgetMs;
  let readable = settings.readMegabytes * 1e6;
  // Those that are set aside count: else a repair would bring older ones into sight, and seem not to have helped.
  for (const backup of newestFirst.slice(0, settings.newest).filter(isThere)) {
    let failed = failureOf(backup);
    if (failed === undefined && (backup.bytes > readable || performance.now() > until)) {
      if (backup.verification === null) notes.push(`${backup.ref} is verified by nobody yet, and was not read here.`);
      continue;
    }
    if (failed === undefined) {
      readable -= backup.bytes;
      const upTo = backup.verification === null ? 'L3' : 'L0';
      const { checks } = await host.backups.check(backup, { upTo, instance, timeoutMs: budgetMs });
      failed = checks.find(({ result }) => result === 'failed');
    }
    if (failed !== undefined) bad.push(badOf(backup, failed));
  }
  const refs = new Set(bad.map(({ ref }) => ref));
  return {
    backups,
    bad,
    standing: backups.filter(({ ref }) => !refs.has(ref)),
    bornDamaged: backups.filter(isBornDamaged),
    notes,
  };
}

function isThere({ state }: Backup): boolean {
  return state === 'complete' || state === 'failed';
}

function sortKey({ createdAt, ref }: Backup): string {
  return `${createdAt} ${ref}`;
}

function failureOf({ verification }: Backup): BackupCheck | undefined {
  return verification?.checks.find(({ result }) => result === 'failed');
}

function badOf({ ref }: Backup, { cause = 'damaged', level, says }: BackupCheck): BadBackup {
  return { ref, cause, level, says: (says[0] ?? '').slice(0, 500) };
}

function isBornDamaged({ verification }: Backup): boolean {
  const checks = verification?.checks ?? [];
  const sent = checks.some(({ level, result }) => level === 'L3' && result === 'passed');
  return sent && checks.some(({ result, cause }) => result === 'failed' && cause === 'structure-damaged');
}

/**
 * What PostgreSQL says of damaged data: docs/engineering/corruption.md#messages. A sign is `damage` where nothing but
 * damage of files or storage makes the server say it, and `suspicion` where a race or an odd query may.
 */
export type Sign = 'damage' | 'suspicion';

const place = '(?:\\./)?(?:base|global|pg_tblspc)/';

const damage: readonly RegExp[] = [
  new RegExp(`^invalid page in block \\d+ of relation ${place}`),
  /^page verification failed, calculated checksum \d+ but expected \d+/,
  /^checksum verification (?:failed in file "|failure during base backup)/,
  new RegExp(`^could not read blocks? \\d+(?:\\.\\.\\d+)? in file "${place}`),
  // 58P01, but not of a file that a statement names.
  /^could not open file "(?:base|global|pg_tblspc|pg_xact|pg_multixact)\/[^"]*"(?: \(target block \d+\))?: No such file or directory/,
  /^could not access status of transaction \d+/,
  /^(?:missing|unexpected) chunk number \d+ (?:\(expected \d+\) )?for toast value \d+/,
  /^failed to re-find parent key in index "/,
  /^index "[^"]*" contains (?:unexpected zero|corrupted) page at block \d+/,
  /^heap tuple \(\d+,\d+\) from table "[^"]*" lacks matching index tuple within index "/,
  /^found xm(?:in|ax) \d+ (?:\([^)]*\) )?from before relfrozenxid \d+/,
  /^(?:xmin|xmax) \d+ .*precedes (?:oldest valid|relation freeze)/,
  /^could not fsync file "/,
  /^(?:could not locate a valid checkpoint record|incorrect checksum in control file|invalid (?:primary )?checkpoint record)/,
];

const suspicion: readonly RegExp[] = [/^cache lookup failed for /, /^invalid memory alloc request size \d+/];

/** Of a message without its severity. */
function signOfMessage(message: string): Sign | undefined {
  const text = message.trimStart();
  if (damage.some((pattern) => pattern.test(text))) return 'damage';
  return suspicion.some((pattern) => pattern.test(text)) ? 'suspicion' : undefined;
}

const field =
  /(?:^|[\s\]])(DEBUG\d?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|CONTEXT|STATEMENT|QUERY|LOCATION): {1,2}(?:[0-9A-Z]{5}: )?(.*)$/s;

/**
 * Of a line of a server's log, whatever its prefix. What a statement says between quotes is no word of the server: the
 * first field of a line counts, and a line that goes on with the one before has none.
 */
export function signOfLine(line: string): Sign | undefined {
  if (line.startsWith('\t')) return undefined;
  const [, severity = '', message = ''] = field.exec(line) ?? [];
  return /^(?:WARNING|LOG|ERROR|FATAL|PANIC)$/.test(severity) ? signOfMessage(message) : undefined;
}

/** Refusals that say nothing of the data, though pg_amcheck ends with the same status. */
const harmless =
  /permission denied|canceling statement|lock timeout|deadlock detected|does not exist|terminating connection|out of memory|out of shared memory|No space left|too many clients/;

/** What pg_amcheck (status 2) says of damage: its own reports, and errors but those that any query may meet. */
export function damageInAmcheck(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(?:HINT|DETAIL|CONTEXT|NOTICE|query was):/i.test(line))
    .filter((line) => !/^(?:heap table|btree index) .*:$/.test(line) && !line.startsWith('pg_amcheck:'))
    .filter((line) => !harmless.test(line));
}

/** What pg_dump and pg_basebackup report of the server's words on damage. */
export function damageInReport(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => {
      const message = /(?:^|\s)(?:WARNING|ERROR|FATAL|PANIC): {1,2}(?:[0-9A-Z]{5}: )?(.*)$/.exec(line)?.[1];
      return (
        (message !== undefined && signOfMessage(message) === 'damage') || line.endsWith(': checksum error occurred')
      );
    });
}
