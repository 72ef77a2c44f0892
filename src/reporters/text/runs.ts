import type { Finding, LiveRun, RunRecord, RunReport } from '../../app/remediation.ts';
import { type Style, escapeTerminal } from '../escape-terminal.ts';
import type { Table } from '../table.ts';
import { count } from './diagnostics.ts';

type Outcome = RunReport['outcome'];

const words = {
  absent: 'absent',
  planned: 'planned',
  'awaiting-approval': 'awaiting approval',
  fixed: 'fixed',
  'rolled-back': 'rolled back',
  stuck: 'stuck',
  failed: 'failed',
} as const satisfies Record<Outcome, string>;

const tones = {
  absent: 'good',
  planned: 'warning',
  'awaiting-approval': 'warning',
  fixed: 'good',
  'rolled-back': 'warning',
  stuck: 'error',
  failed: 'error',
} as const satisfies Record<Outcome, string>;

/** What happened to each finding: one line, and below it the ids, the reasons, and what is left for you to do. */
export function reportsText(reports: readonly RunReport[], style: Style): string {
  return reports
    .flatMap((report) => {
      const { outcome, id, reasons, leftovers, dossier } = report;
      const waits = outcome === 'planned' || outcome === 'awaiting-approval';
      return [
        `${style(tones[outcome], words[outcome])}: ${escapeTerminal(whatHappened(report))}`,
        ...referencesOf(report).map((line) => `  ${style('faint', escapeTerminal(line))}`),
        ...(waits ? reasons.map((reason) => `  ${escapeTerminal(reason)}`) : []),
        ...leftovers.map(
          ({ object, why, command }) =>
            `  Left over: ${escapeTerminal(object)}: ${escapeTerminal(why)} (${escapeTerminal(command)})`,
        ),
        ...(outcome === 'awaiting-approval' ? [`  Approve it with: problems approve ${id ?? ''}`] : []),
        ...(isOpen(report) ? [`  Finish it or roll it back with: problems resume ${id ?? ''}`] : []),
        ...(dossier === null ? [] : [`  Report for your decision: ${escapeTerminal(dossier)}`]),
      ];
    })
    .map((line) => `${line}\n`)
    .join('');
}

function whatHappened(report: RunReport): string {
  const { outcome, id, instance, problem, summary, failure, downtimeMs } = report;
  const place = instance ?? problem ?? '';
  const down = downtimeMs === null || downtimeMs === 0 ? '' : `, down for ${durationText(downtimeMs)}`;
  switch (outcome) {
    case 'absent':
      return `${place} was not found`;
    case 'planned':
    case 'awaiting-approval':
      return `${place}: ${summary ?? ''}`;
    case 'fixed': {
      const isKept = failure === null ? '' : `; ${failure.message}`;
      const undo = report.canRollBack ? `; undo with \`problems rollback ${id ?? ''}\`` : '';
      return `${(summary ?? place).replace(/\.$/, '')}${down}${undo}${isKept}`;
    }
    case 'rolled-back':
      return failure === null ? `${place} is as it was before the run${down}` : `${place}: ${failure.message}${down}`;
    case 'stuck':
    case 'failed':
      return `${place}: ${failure?.message ?? 'the run has not ended'}${down}`;
  }
}

function referencesOf({ finding, problem, id, failure }: RunReport): readonly string[] {
  const parts = [
    ...(finding === null ? [] : [finding]),
    ...(finding === null || problem === null ? [] : [problem]),
    ...(id === null ? [] : [`run ${id}`]),
    ...(failure === null ? [] : [failure.class]),
  ];
  return parts.length === 0 ? [] : [parts.join('  ')];
}

/** A run that has begun and has not ended. */
function isOpen({ outcome, id, startedAt, endedAt }: RunReport): boolean {
  return outcome === 'stuck' && id !== null && startedAt !== null && endedAt === null;
}

/** One line for each finding that was not dealt with, since the command was stopped. */
export function notRunText(findings: readonly Finding[], style: Style): string {
  return findings
    .map(
      ({ id, instance, summary }) =>
        `${style('warning', 'not run')}: ${escapeTerminal(instance)}: stopped before its turn: ${escapeTerminal(summary)}\n  ${style('faint', escapeTerminal(id))}\n`,
    )
    .join('');
}

/** One line for each run that another process is working on. */
export function liveRunsText(runs: readonly LiveRun[], style: Style): string {
  return runs
    .map(
      ({ id, instance, remediator, phase, pid }) =>
        `${style('warning', 'running')}: ${escapeTerminal(instance)}: process ${pid} is working on run ${id} of ${escapeTerminal(remediator)} (${phase})\n`,
    )
    .join('');
}

/** One line for each instance, if there are several results: `alpha: 1 fixed, 1 awaiting approval`. */
export function recapText(reports: readonly RunReport[], notRun: readonly Finding[], style: Style): string {
  if (reports.length + notRun.length < 2) return '';
  const lines = new Map<string, Map<string, number>>();
  function add(instance: string | null, what: string): void {
    if (instance === null) return;
    const counts = lines.get(instance) ?? new Map<string, number>();
    lines.set(instance, counts.set(what, (counts.get(what) ?? 0) + 1));
  }
  for (const { instance, outcome } of reports) add(instance, style(tones[outcome], words[outcome]));
  for (const { instance } of notRun) add(instance, style('warning', 'not run'));
  const recap = [...lines].map(([instance, counts]) => {
    const parts = [...counts].map(([what, number]) => `${number} ${what}`);
    return `${style('strong', escapeTerminal(instance))}: ${parts.join(', ')}\n`;
  });
  return recap.length === 0 ? '' : `\n${recap.join('')}`;
}

/** One row for each run, with times in UTC. The id of the finding names the remediator and the instance. */
export function runsTable(runs: readonly RunRecord[]): Table {
  return {
    columns: [
      { title: 'RUN' },
      { title: 'BEGAN (UTC)' },
      { title: 'TOOK', align: 'right' },
      { title: 'OUTCOME', wraps: 'words' },
      { title: 'FINDING', wraps: true },
    ],
    rows: runs.map((run) => [
      run.id,
      timeText(run.startedAt ?? run.createdAt).slice(0, 16),
      runTook(run),
      stateOf(run),
      run.plan.finding.id,
    ]),
  };
}

function stateOf({ outcome, phase, startedAt, endedAt }: RunRecord): string {
  if (startedAt !== null && endedAt === null) return `${phase}, not ended`;
  return outcome === null ? phase.replace('-', ' ') : words[outcome];
}

/** One run in full: its steps with how long they took, its checks, and why it was not fixed. */
export function runText(run: RunRecord, style: Style): string {
  const { id, plan, outcome, startedAt, endedAt, createdAt, downtimeMs, failure } = run;
  const isEnded = startedAt === null || endedAt !== null;
  const state = outcome !== null && isEnded ? style(tones[outcome], words[outcome]) : stateOf(run);
  const steps = run.steps
    .filter(({ part }) => part === 'steps')
    .map(
      ({ index, action, state: done, startedAt: from, endedAt: to, error }) =>
        `${index + 1}. ${escapeTerminal(action)}  ${done}${from === null ? '' : `  ${tookText(from, to)}`}${error === null ? '' : `  ${escapeTerminal(error)}`}`,
    );
  const checks = (run.verification?.checks ?? []).map(
    ({ name, ok, seen }) =>
      `${style(ok ? 'good' : 'error', ok ? 'ok' : 'no')}  ${escapeTerminal(name)}: ${escapeTerminal(seen)}`,
  );
  return [
    `${style('strong', escapeTerminal(plan.target.instance))}  ${escapeTerminal(plan.summary)}`,
    `  ${style('faint', `${escapeTerminal(plan.finding.id)}  run ${id}`)}`,
    `  Outcome: ${state}${failure === null ? '' : `: ${escapeTerminal(failure.message)} (${failure.class})`}`,
    startedAt === null
      ? `  Planned: ${timeText(createdAt)} UTC`
      : `  Began: ${timeText(startedAt)} UTC${runTook(run) === '-' ? '' : `, took ${runTook(run)}`}`,
    ...(downtimeMs === null || downtimeMs === 0 ? [] : [`  Downtime: ${durationText(downtimeMs)}`]),
    ...steps.map((line) => `  ${line}`),
    ...checks.map((line) => `  ${line}`),
    ...(plan.cleanup.length === 0 ? [] : [`  ${count(plan.cleanup.length, 'cleanup step')}`]),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

/** `2026-03-01 12:00:05`, in UTC. */
function timeText(at: string): string {
  return at.slice(0, 19).replace('T', ' ');
}

function tookText(from: string | null, to: string | null): string {
  return from === null || to === null ? '-' : durationText(Math.max(0, Date.parse(to) - Date.parse(from)));
}

/** Unknown for a run that was fixed and rolled back later: the journal keeps when the rollback ended. */
function runTook({ outcome, failure, startedAt, endedAt }: RunRecord): string {
  return outcome === 'rolled-back' && failure === null ? '-' : tookText(startedAt, endedAt);
}

/** `2.1 s`, `3 min 12 s`, `2 h 5 min`. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3_600)} h ${Math.floor((whole % 3_600) / 60)} min`;
}
