import type { Backup, BackupCheck, BackupRepository } from '../../../backups/types.ts';
import type { Instance } from '../../../host/instance.ts';
import type { ReadonlyHost } from '../../contract.ts';
import type { BackupSettings, BadBackup } from './types.ts';

/** The name, or the first one with a number that does not exist yet: an existing volume is never written to. */
export async function freeVolume(wanted: string, host: ReadonlyHost): Promise<string> {
  const taken = new Set((await host.docker.volumes()).map(({ name }) => name));
  let name = wanted;
  for (let number = 2; taken.has(name); number += 1) name = `${wanted}-${number}`;
  return name;
}

/** The backups of an instance; the newest ones are checked as far as the limits allow. */
export interface BackupsSeen {
  /** Complete or failed, not quarantined, newest first. */
  readonly backups: readonly Backup[];
  /** Of other tools. */
  readonly repositories: readonly BackupRepository[];
  /** Any backup is in its folder, quarantined and unfinished ones included. */
  readonly everBackedUp: boolean;
  readonly bad: readonly BadBackup[];
  /** Backups without a failed check. */
  readonly standing: readonly Backup[];
  /** Damaged although every file is as the server sent it: the database was already damaged. */
  readonly bornDamaged: readonly Backup[];
  readonly notes: readonly string[];
}

/** Time limit for all backups of an instance; backups that were not reached are noted, and do not count as bad. */
const budgetMs = 60_000;

/**
 * Uses recorded results. A backup that was never verified is read once, up to L3; for the others, files are compared with
 * their recorded state. Larger backups and deeper levels are left to `problems backups verify`.
 */
export async function checkBackups(
  instance: Instance,
  host: ReadonlyHost,
  settings: BackupSettings,
): Promise<BackupsSeen> {
  const { backups: all, notLookedAt, repositories = [] } = await host.backups.list(instance.name);
  const newestFirst = all.toSorted((a, b) => (sortKey(a) < sortKey(b) ? 1 : -1));
  const backups = newestFirst.filter(isThere);
  const bad: BadBackup[] = [];
  const notes = notLookedAt.map(({ path, reason }) => `${path}: ${reason}`);
  const until = performance.now() + budgetMs;
  let readable = settings.readMegabytes * 1e6;
  // Quarantined backups count too; otherwise a repair would bring older ones into view and seem not to have helped.
  for (const backup of newestFirst.slice(0, settings.newest).filter(isThere)) {
    let failed = failureOf(backup);
    if (failed === undefined && (backup.bytes > readable || performance.now() > until)) {
      if (backup.verification === null) notes.push(`${backup.ref} has never been verified and was not read here.`);
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
    repositories,
    everBackedUp: all.length > 0,
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
 * Messages of PostgreSQL about damaged data: docs/engineering/corruption.md#messages. `damage`: only damaged files or
 * storage cause the message. `suspicion`: a race or an unusual query may cause it too.
 */
export type Sign = 'damage' | 'suspicion';

const place = '(?:\\./)?(?:base|global|pg_tblspc)/';

const damage: readonly RegExp[] = [
  new RegExp(`^invalid page in block \\d+ of relation ${place}`),
  /^page verification failed, calculated checksum \d+ but expected \d+/,
  /^checksum verification (?:failed in file "|failure during base backup)/,
  new RegExp(`^could not read blocks? \\d+(?:\\.\\.\\d+)? in file "${place}`),
  // 58P01, but not for a file named in a statement.
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

/** The sign in a message without its severity. */
function signOfMessage(message: string): Sign | undefined {
  const text = message.trimStart();
  if (damage.some((pattern) => pattern.test(text))) return 'damage';
  return suspicion.some((pattern) => pattern.test(text)) ? 'suspicion' : undefined;
}

const field =
  /(?:^|[\s\]])(DEBUG\d?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|CONTEXT|STATEMENT|QUERY|LOCATION): {1,2}(?:[0-9A-Z]{5}: )?(.*)$/s;

/**
 * The sign in a line of a server's log, whatever its prefix. Text quoted from a statement does not count: only the first
 * field of a line does, and a continuation line has none.
 */
export function signOfLine(line: string): Sign | undefined {
  if (line.startsWith('\t')) return undefined;
  const [, severity = '', message = ''] = field.exec(line) ?? [];
  return /^(?:WARNING|LOG|ERROR|FATAL|PANIC)$/.test(severity) ? signOfMessage(message) : undefined;
}

/** Refusals that say nothing about the data, although pg_amcheck exits with the same status. */
const harmless =
  /permission denied|canceling statement|lock timeout|deadlock detected|does not exist|terminating connection|out of memory|out of shared memory|No space left|too many clients/;

/** Damage reported by pg_amcheck (status 2): its own reports, and errors that other queries would not cause. */
export function damageInAmcheck(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(?:HINT|DETAIL|CONTEXT|NOTICE|query was):/i.test(line))
    .filter((line) => !/^(?:heap table|btree index) .*:$/.test(line) && !line.startsWith('pg_amcheck:'))
    .filter((line) => !harmless.test(line));
}

/** Damage messages of the server in the output of pg_dump and pg_basebackup. */
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
