import type { DetectResult, InterruptedRun, Proposal } from '../../app/remediation.ts';
import type { Evidence, Skipped } from '../../remediation/contract.ts';
import { type Style, escapeTerminal } from '../escape-terminal.ts';

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
