import type { Retained } from '../../app/remediation.ts';
import type { InstanceVerdict } from '../../backups/verdict.ts';
import type { Backup, BackupCheck, BackupRepository } from '../../backups/types.ts';
import { type Style, escapeTerminal } from '../escape-terminal.ts';
import type { Table } from '../table.ts';

/** A row for each backup: kind, age, size, and the highest level that it has passed. */
export function backupsTable(backups: readonly Backup[], now: Date): Table {
  return {
    columns: [
      { title: 'BACKUP' },
      { title: 'KIND', wraps: true },
      { title: 'AGE', align: 'right' },
      { title: 'SIZE', align: 'right' },
      { title: 'LEVEL' },
      { title: 'VERIFIED' },
      { title: 'STATE' },
    ],
    rows: backups.map((backup) => [
      backup.ref,
      kindsOf(backup),
      ageText(backup.createdAt, now),
      sizeText(backup.bytes),
      levelText(backup),
      verifiedAt(backup),
      backup.quarantine === null ? backup.state : `quarantined: ${backup.quarantine.reason}`,
    ]),
  };
}

/** One line for each instance: whether it could be restored from its backups, and why not. */
export function verdictsText(verdicts: readonly InstanceVerdict[], style: Style): string {
  return verdicts
    .map(({ instance, verdict, reason }) => {
      const tone = verdict === 'good' ? 'good' : verdict === 'broken' || verdict === 'none' ? 'error' : 'warning';
      const words = verdict.replace('-', ' ');
      return `${style('strong', escapeTerminal(instance))}: ${style(tone, words)}: ${escapeTerminal(reason)}\n`;
    })
    .join('');
}

/** Where nothing was found, how another folder is named, and what other tools keep there. */
export function searchedText(
  verdicts: readonly InstanceVerdict[],
  repositories: readonly BackupRepository[],
  folders: readonly string[],
): string {
  const found = repositories.map(
    ({ tool, path, commands }) =>
      `A ${tool} repository is in ${escapeTerminal(path)}. To check it, run:\n${commands.map((line) => `  ${escapeTerminal(line)}\n`).join('')}`,
  );
  const isMissing = verdicts.length === 0 || verdicts.some(({ verdict }) => verdict === 'none');
  if (!isMissing) return found.join('');
  const places = folders.map((folder) => `  ${escapeTerminal(folder)}/<instance>/<name>/\n`).join('');
  return `${found.join('')}Searched:\n${places}Other folders are named by remediation.backupFolders in the config.\n`;
}

export function retentionTable(retained: readonly Retained[], now: Date): Table {
  return {
    columns: [
      { title: 'BACKUP' },
      { title: 'AGE', align: 'right' },
      { title: 'SIZE', align: 'right' },
      { title: 'WHAT' },
      { title: 'WHY', wraps: true },
    ],
    rows: retained.map(({ backup, expires, why }) => [
      backup.ref,
      ageText(backup.createdAt, now),
      sizeText(backup.bytes),
      expires ? 'remove' : 'keep',
      why,
    ]),
  };
}

/** The levels of one backup, one line each, with their results below. */
export function checksText({ ref, verdict }: Backup, checks: readonly BackupCheck[], style: Style): string {
  const lines = checks.flatMap(({ level, result, cause, says }) => [
    `  ${level} ${style(tones[result], result)}${cause === undefined ? '' : `: ${cause}`}`,
    ...says.map((line) => `     ${escapeTerminal(line)}`),
  ]);
  const tone = verdict === 'good' ? 'good' : verdict === 'bad' ? 'error' : 'warning';
  return [`${style('strong', escapeTerminal(ref))}: ${style(tone, verdict)}`, ...lines]
    .map((line) => `${line}\n`)
    .join('');
}

const tones = { passed: 'good', failed: 'error', impossible: 'warning' } as const;

function kindsOf({ parts }: Backup): string {
  const kinds = parts.map(({ kind, packing }) => (packing === undefined ? kind : `${kind} (${packing})`));
  return [...new Set(kinds)].join(', ') || 'nothing';
}

function levelText({ verdict, reached, verification }: Backup): string {
  const bad = verification?.checks.find(({ result }) => result === 'failed');
  if (verdict === 'bad' && bad !== undefined) return `bad: ${bad.level} ${bad.cause ?? ''}`.trim();
  return reached === null ? '-' : verdict === 'good' ? reached : `${reached}, unproven`;
}

/** The time of the check of the level in the table. */
function verifiedAt({ reached, verdict, verification }: Backup): string {
  const check = verification?.checks.find(({ level, result }) =>
    verdict === 'bad' ? result === 'failed' : level === reached,
  );
  return check === undefined ? '-' : check.at.slice(0, 16).replace('T', ' ');
}

export function ageText(at: string, now: Date): string {
  const minutes = Math.max(0, Math.floor((now.getTime() - Date.parse(at)) / 60_000));
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 72 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}

export function sizeText(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes / 1_024;
  let unit = 0;
  for (; value >= 1_024 && unit < units.length - 1; unit += 1) value /= 1_024;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
