import type { DetectResult, InterruptedRun, Proposal, RunRecord, RunReport } from '../../app/remediation.ts';
import type { Evidence, Skipped } from '../../remediation/contract.ts';
import { type Style, escapeTerminal } from '../escape-terminal.ts';
import { count } from './diagnostics.ts';

/** The findings with their evidence, and the checks that could not run. */
export function detectedText({ findings, notLookedAt }: DetectResult, style: Style): string {
  const lines = findings.flatMap((finding) => [
    `${style('strong', escapeTerminal(finding.instance))}  ${escapeTerminal(finding.summary)}`,
    `  ${style('faint', escapeTerminal(finding.id))}${finding.problem === null ? '' : `  ${escapeTerminal(finding.problem)}`}`,
    ...finding.evidence.map((evidence) => `  - ${escapeTerminal(evidenceText(evidence)).slice(0, 500)}`),
  ]);
  return lines.map((line) => `${line}\n`).join('') + notLookedAtText(notLookedAt, style);
}

/** Two lines for each run whose process ended before it. */
export function interruptedText(runs: readonly InterruptedRun[], style: Style): string {
  return runs
    .map(({ id, instance, remediator }) => {
      const name = style('strong', escapeTerminal(instance));
      return `${name}  run ${id} of ${escapeTerminal(remediator)} was interrupted\n  finish it or roll it back: problems resume ${id}\n`;
    })
    .join('');
}

/** One line for each check that could not run. */
export function notLookedAtText(notLookedAt: readonly Skipped[], style: Style): string {
  return notLookedAt
    .map(({ remediator, instance, reason }) => {
      const place = `${escapeTerminal(instance ?? 'anything')} by ${escapeTerminal(remediator)}`;
      return `${style('warning', 'not checked')}: ${place}: ${escapeTerminal(reason)}\n`;
    })
    .join('');
}

/** What follows if nothing was found: only what was checked is known to be in order. */
export function nothingText(notLookedAt: readonly Skipped[]): string {
  return notLookedAt.length === 0 ? 'No problems found' : 'No problems found in the checks that could run';
}

function evidenceText(evidence: Evidence): string {
  switch (evidence.type) {
    case 'message':
      return `${evidence.text}${evidence.sqlstate === undefined ? '' : ` (SQLSTATE ${evidence.sqlstate})`}`;
    case 'docker':
      return `${evidence.object} ${evidence.field}: ${typeof evidence.value === 'string' ? evidence.value : JSON.stringify(evidence.value)}`;
    case 'log':
      return `log ${evidence.at}: ${evidence.text}`;
    case 'query':
      return `${evidence.sql}: ${evidence.result}`;
    case 'file':
      return `${evidence.path}: ${evidence.text}`;
    case 'probe':
      return `${evidence.name}: ${evidence.result}`;
  }
}

/** The steps of a plan with their changes, the policy with its reasons, and what cannot be predicted. */
export function proposalText({ finding, plan, decision, effects }: Proposal, style: Style): string {
  const head = `${style('strong', escapeTerminal(finding.instance))}  ${escapeTerminal(finding.summary)}  ${style('faint', escapeTerminal(finding.id))}`;
  if (plan.type === 'refusal') {
    return [head, `  ${style('error', 'no plan')}: ${escapeTerminal(plan.reason)}`, `  ${escapeTerminal(plan.advice)}`]
      .map((line) => `${line}\n`)
      .join('');
  }
  const steps = effects.flatMap(({ step, effects: changes }, index) => [
    `  ${index + 1}. ${escapeTerminal(step)}`,
    ...changes.flatMap(({ object, before, after }) => [
      `     ${escapeTerminal(object)}`,
      `     ${style('error', `- ${escapeTerminal(before)}`)}`,
      `     ${style('good', `+ ${escapeTerminal(after)}`)}`,
    ]),
  ]);
  return [
    head,
    `  ${escapeTerminal(plan.summary)}`,
    ...steps,
    `  Policy: ${decision?.automation ?? 'human'} (${decision?.source ?? ''}): ${escapeTerminal(decision?.reasons.join('; ') ?? '')}`,
    `  Downtime: ${plan.downtime.seconds} s (${escapeTerminal(plan.downtime.why)})`,
    ...plan.unpredictable.map((sentence) => `  Cannot be predicted: ${escapeTerminal(sentence)}`),
    `  Undo: ${escapeTerminal(plan.undo)}`,
    ...plan.leftovers.map(({ object, why }) => `  Left over: ${escapeTerminal(object)}: ${escapeTerminal(why)}`),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

const tones = {
  absent: 'good',
  planned: 'warning',
  'awaiting-approval': 'warning',
  fixed: 'good',
  'rolled-back': 'warning',
  stuck: 'error',
  failed: 'error',
} as const;

export function reportsText(reports: readonly RunReport[], style: Style): string {
  return reports
    .flatMap((report) => [
      `${style(tones[report.outcome], report.outcome)}  ${escapeTerminal(report.instance ?? report.problem ?? '')}  ${escapeTerminal(report.finding ?? '')}${report.id === null ? '' : `  run ${report.id}`}`,
      ...(report.downtimeMs === null || report.downtimeMs === 0
        ? []
        : [`  Downtime: ${(report.downtimeMs / 1000).toFixed(2)} s`]),
      ...(report.failure === null ? [] : [`  ${report.failure.class}: ${escapeTerminal(report.failure.message)}`]),
      ...(report.outcome === 'fixed' || report.outcome === 'absent'
        ? []
        : report.reasons.map((reason) => `  ${escapeTerminal(reason)}`)),
      ...report.leftovers.map(
        ({ object, why, command }) =>
          `  Left over: ${escapeTerminal(object)}: ${escapeTerminal(why)} (${escapeTerminal(command)})`,
      ),
      ...(report.outcome === 'awaiting-approval' ? [`  problems approve ${report.id ?? ''}`] : []),
      ...(report.dossier === null ? [] : [`  Report for your decision: ${escapeTerminal(report.dossier)}`]),
    ])
    .map((line) => `${line}\n`)
    .join('');
}

/** One line per run. */
export function runsText(runs: readonly RunRecord[], style: Style): string {
  return runs
    .map(({ id, createdAt, plan, outcome, phase }) => {
      const state = outcome === null ? phase : style(tones[outcome], outcome);
      return `${id}  ${createdAt}  ${state}  ${escapeTerminal(plan.target.instance)}  ${escapeTerminal(plan.finding.id)}\n`;
    })
    .join('');
}

/** One run in full: its steps with their times. */
export function runText(run: RunRecord, style: Style): string {
  const head = runsText([run], style);
  const steps = run.steps.map(
    ({ index, action, state, startedAt, error }) =>
      `  ${index + 1}. ${escapeTerminal(action)}  ${state}${startedAt === null ? '' : `  ${startedAt}`}${error === null ? '' : `  ${escapeTerminal(error)}`}\n`,
  );
  const checks = (run.verification?.checks ?? []).map(
    ({ name, ok, seen }) =>
      `  ${style(ok ? 'good' : 'error', ok ? 'ok' : 'no')}  ${escapeTerminal(name)}: ${escapeTerminal(seen)}\n`,
  );
  const failure = run.failure === null ? '' : `  ${run.failure.class}: ${escapeTerminal(run.failure.message)}\n`;
  return [head, ...steps, ...checks, failure, `  ${count(run.plan.cleanup.length, 'cleanup step')}\n`].join('');
}
