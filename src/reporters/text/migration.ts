import type {
  InstanceMigration,
  MigrateProgress,
  MigrationProblem,
  MigrationReport,
  TemplateReport,
} from '../../app/remediation.ts';
import { plain, type Style, escapeTerminal } from '../escape-terminal.ts';
import { count } from './diagnostics.ts';

/** The result of each instance, and a summary line if there are several. */
export function migrationText(ended: readonly InstanceMigration[], style: Style = plain): string {
  const bad = ended.filter((one) => !isMigrated(one));
  const total =
    ended.length < 2 ? '' : `${count(ended.length - bad.length, 'instance')} of ${ended.length} succeeded.\n`;
  return ended.map((one) => instanceText(one, style)).join('') + total;
}

/** Whether everything succeeded, or, in a dry run, can succeed. */
export function isMigrated({ report, template, error }: InstanceMigration): boolean {
  if (error !== null) return false;
  const reports = [report, template?.report, ...(template?.clones.map((clone) => clone.report) ?? [])];
  return reports.every((one) => one === null || one === undefined || !['refused', 'failed'].includes(one.outcome));
}

/** One line of progress. */
export function migrateProgressText(instance: string, progress: MigrateProgress): string {
  const name = escapeTerminal(instance);
  switch (progress.type) {
    case 'waiting':
      return `${name}: waiting for another runner, ${escapeTerminal(progress.holder)}\n`;
    case 'blocked':
      return `${name}: ${escapeTerminal(progress.version)} is waiting for a lock: ${escapeTerminal(progress.by)}\n`;
    case 'running':
      return `${name}: ${escapeTerminal(progress.version)}${progress.mode === 'nontx' ? ', outside a transaction' : ''}${progress.attempt > 1 ? `, attempt ${progress.attempt}` : ''}\n`;
    case 'again':
      return `${name}: ${escapeTerminal(progress.version)} retrying in ${seconds(progress.inMs)}: ${escapeTerminal(progress.message)}\n`;
    case 'dropping':
      return `${name}: dropping the invalid index ${escapeTerminal(progress.index)} that an earlier attempt left\n`;
    case 'reconnecting':
      return `${name}: reconnecting: ${escapeTerminal(progress.message)}\n`;
    case 'applied':
      return '';
  }
}

function instanceText({ instance, report, template, error }: InstanceMigration, style: Style): string {
  const name = escapeTerminal(instance);
  if (error !== null) {
    const hint = error.hint === null ? '' : `    ${style('faint', `hint: ${escapeTerminal(error.hint)}`)}\n`;
    return `${style('strong', name)}: ${style('error', escapeTerminal(error.message))}\n${hint}`;
  }
  if (template !== null) return templateText(name, template, style);
  return report === null ? '' : reportText(name, report, style);
}

function reportText(instance: string, report: MigrationReport, style: Style): string {
  const { database, applied, pending, adopted, outOfOrder, withoutFile, problems, waitedMs } = report;
  const lines = [
    `${style('strong', `${instance}/${escapeTerminal(database)}`)}: ${outcomeText(report, style)}${waitedMs > 1_000 ? `, after ${seconds(waitedMs)} of waiting for another runner` : ''}`,
    ...applied.map(
      ({ version, attempts, durationMs }) =>
        `  ${escapeTerminal(version)}  ${attempts === 0 ? 'had already taken effect' : seconds(durationMs)}${attempts > 1 ? `, ${attempts} attempts` : ''}`,
    ),
    ...(pending.length > 0 ? [`  not applied: ${list(pending)}`] : []),
    ...(adopted.length > 0 ? [`  applied by another tool, without a checksum: ${list(adopted)}`] : []),
    ...(outOfOrder.length > 0 ? [`  ${style('warning', 'out of order')}: ${list(outOfOrder)}`] : []),
    ...(withoutFile.length > 0 ? [`  in the ledger, but without a file here: ${list(withoutFile)}`] : []),
    ...problems.flatMap((one) => problemLines(one, style)),
  ];
  return `${lines.join('\n')}\n`;
}

function outcomeText({ outcome, applied, pending }: MigrationReport, style: Style): string {
  switch (outcome) {
    case 'up-to-date':
      return style('good', 'up to date');
    case 'applied':
      return style('good', `${count(applied.length, 'file')} applied`);
    case 'pending':
      return `${count(pending.length, 'file')} to apply`;
    case 'refused':
      return style('error', 'refused; nothing was run');
    case 'failed':
      return style('error', applied.length === 0 ? 'failed' : `failed, after ${count(applied.length, 'file')}`);
  }
}

function problemLines(
  { version, line, column, message, hint, sqlstate }: MigrationProblem,
  style: Style,
): readonly string[] {
  const place =
    version === null ? '' : `${escapeTerminal(version)}.sql${line === null ? '' : `:${line}:${column ?? 1}`}: `;
  const code = sqlstate === null ? '' : ` ${style('faint', `[${sqlstate}]`)}`;
  return [
    `  ${style('path', place)}${style('error', 'error')} ${escapeTerminal(message)}${code}`,
    ...(hint === '' ? [] : [`    ${style('faint', `hint: ${escapeTerminal(hint)}`)}`]),
  ];
}

function templateText(instance: string, template: TemplateReport, style: Style): string {
  const { template: name, made, report, clones, older, durationMs } = template;
  const head = `${style('strong', instance)}: template ${escapeTerminal(name)} ${made ? `created in ${seconds(durationMs)}` : report === null ? 'exists' : style('error', 'is not ready')}\n`;
  const own = report === null || report.problems.length === 0 ? '' : reportText(instance, report, style);
  const copies = clones.map((clone) => {
    const how = clone.strategy === null ? 'already existed' : `created by ${clone.strategy.toUpperCase()}`;
    const told =
      clone.report.problems.length > 0 || clone.report.applied.length > 0
        ? reportText(instance, clone.report, style)
        : '';
    return `  ${escapeTerminal(clone.database)}  ${how}, ${seconds(clone.durationMs)}\n${told}`;
  });
  const kept = older.length === 0 ? '' : `  older templates, no longer needed: ${list(older)}\n`;
  return head + own + copies.join('') + kept;
}

function list(words: readonly string[]): string {
  const shown = words.slice(0, 20).map(escapeTerminal).join(', ');
  return words.length > 20 ? `${shown} and ${words.length - 20} more` : shown;
}

function seconds(milliseconds: number): string {
  return milliseconds < 1_000 ? `${milliseconds} ms` : `${(milliseconds / 1_000).toFixed(1)} s`;
}
