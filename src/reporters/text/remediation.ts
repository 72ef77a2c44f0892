import type { Detected, DetectResult, Proposal } from '../../app/remediation.ts';
import type { Evidence, Skipped } from '../../remediation/contract.ts';
import { type Style, escapeTerminal, escapeTerminalLines, shorten } from '../escape-terminal.ts';
import { count } from './diagnostics.ts';
import { liveRunsText } from './runs.ts';

/** The findings with their evidence, and the checks that could not run. */
export function detectedText({ findings, notLookedAt }: DetectResult, style: Style): string {
  const lines = findings.flatMap((finding) => [
    `${style('strong', escapeTerminal(finding.instance))}  ${escapeTerminal(finding.summary)}`,
    `  ${style('faint', escapeTerminal(finding.id))}${finding.problem === null ? '' : `  ${escapeTerminal(finding.problem)}`}`,
    ...finding.evidence.map((evidence) => `  - ${evidenceLines(evidence)}`),
  ]);
  return lines.map((line) => `${line}\n`).join('') + notLookedAtText(notLookedAt, style);
}

/** Two lines for each run whose process ended before it, and one for each that another process is working on. */
export function openRunsText(
  { interruptedRuns, liveRuns }: Pick<Detected, 'interruptedRuns' | 'liveRuns'>,
  style: Style,
): string {
  const interrupted = interruptedRuns.map(({ id, instance, remediator }) => {
    const name = style('strong', escapeTerminal(instance));
    return `${name}  run ${id} of ${escapeTerminal(remediator)} was interrupted\n  finish it or roll it back: problems resume ${id}\n`;
  });
  return interrupted.join('') + liveRunsText(liveRuns, style);
}

/** One line for each reason why checks could not run. A refused login is one reason, whichever database a check asked. */
export function notLookedAtText(notLookedAt: readonly Skipped[], style: Style): string {
  const groups = Map.groupBy(notLookedAt, ({ instance, reason }) =>
    JSON.stringify([instance, refusedLogin(reason) ?? reason]),
  );
  return [...groups.values()]
    .map((skipped) => {
      const [{ instance, reason: first } = { instance: null, reason: '' }] = skipped;
      const reason = skipped.length === 1 ? first : (refusedLogin(first) ?? first);
      const names = skipped.map(({ remediator }) => remediator).join(', ');
      const place = `${escapeTerminal(instance ?? 'anything')} by ${escapeTerminal(names)}`;
      return `${style('warning', 'not checked')}: ${place}: ${escapeTerminal(reason)}\n`;
    })
    .join('');
}

/** From the SQLSTATE of a refused login on: what comes before says where a check asked. */
function refusedLogin(reason: string): string | undefined {
  return /\b28(?:000|P01)\b.*$/s.exec(reason)?.[0];
}

/**
 * What was checked and what came of it, in one line: `3 of 4 instances healthy, 1 finding, 1 not checked.` An instance
 * counts as healthy if every check ran just now and found nothing. `every`: all remediators were asked.
 */
export function verdictText(
  { findings, lookedAt, notLookedAt, interruptedRuns, liveRuns }: Omit<Detected, 'unmanaged'>,
  { every }: { readonly every: boolean },
): string {
  const wrong = new Set([...findings, ...interruptedRuns, ...liveRuns].map(({ instance }) => instance));
  const total = new Set([...lookedAt.map(({ instance }) => instance), ...wrong]).size;
  const skipped = notLookedAt.filter(({ lasting }) => lasting !== true);
  const isBlind = (name: string): boolean =>
    skipped.some(({ instance }) => instance === null || instance === name) && !wrong.has(name);
  const blind = lookedAt.filter(({ instance }) => isBlind(instance)).length;
  const good = lookedAt.filter(({ instance }) => !isBlind(instance) && !wrong.has(instance)).length;
  const of = `${good} of ${count(total, 'instance')}`;
  return [
    every ? `${of} healthy` : `${of} passed the requested checks`,
    count(findings.length, 'finding'),
    ...(interruptedRuns.length === 0 ? [] : [count(interruptedRuns.length, 'interrupted run')]),
    ...(liveRuns.length === 0 ? [] : [`${count(liveRuns.length, 'run')} of other processes`]),
    ...(blind === 0 ? [] : [`${blind} not fully checked`]),
  ].join(', ');
}

/** What was checked if there is nothing to do, as a sentence, with what there is nothing to do about: `to plan`. */
export function nothingText(
  detected: Detected,
  { every, doing }: { readonly every: boolean; readonly doing: string },
): string {
  if (isNothingToCheck(detected)) return noInstanceText(detected.unmanaged);
  return `${verdictText(detected, { every })}; nothing ${doing}.\n`;
}

/** Whether there is no instance, no finding about a missing one, and no check that could not run. */
export function isNothingToCheck({
  findings,
  lookedAt,
  notLookedAt,
  interruptedRuns,
  liveRuns,
}: Omit<Detected, 'unmanaged'>): boolean {
  return lookedAt.length + findings.length + notLookedAt.length + interruptedRuns.length + liveRuns.length === 0;
}

/** That there is nothing to check, and how to include the servers that run. */
export function noInstanceText(unmanaged: readonly string[]): string {
  const rule = 'named vrooli-postgres-*, labelled problems.instance=<name>, or matched by remediation.containers';
  const first = `There is no PostgreSQL instance: no container is ${rule} in the config.\n`;
  if (unmanaged.length === 0) return first;
  const names = unmanaged.slice(0, 5).map(escapeTerminal);
  const more = unmanaged.length > names.length ? ` and ${unmanaged.length - names.length} more` : '';
  const pattern = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  return `${first}These look like PostgreSQL: ${names.join(', ')}${more}.
To include them, set in problems.config.yaml:
  remediation:
    containers: '^(${pattern})$'
`;
}

/** Lines after the first are indented. JSON has the whole. */
function evidenceLines(evidence: Evidence): string {
  return escapeTerminalLines(shorten(evidenceText(evidence), 500)).replaceAll('\n', '\n    ');
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
      return `${shorten(evidence.sql.replaceAll(/\s+/g, ' '), 60)}: ${evidence.result}`;
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
