import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { shellQuote } from '../../util/quote.ts';
import type { Evidence, Block, Refusal } from '../contract.ts';
import { approveCommand, approvalOf } from '../policy/circuit-breakers.ts';
import type { RunRecord } from '../store/store.ts';
import type { EngineContext } from './session.ts';

/** Writes the evidence, the steps that ran and the commands that an operator needs to decide. Returns the file's path. */
export async function writeEscalationReport(session: EngineContext, run: RunRecord): Promise<string> {
  return writeFileOf(session, run.id, reportText(run));
}

export async function writeRefusalReport(
  session: EngineContext,
  id: string,
  summary: string,
  evidence: readonly Evidence[],
  refusal: Refusal,
): Promise<string> {
  const text = [
    `# ${inline(summary)}`,
    '',
    `Not repaired automatically: ${inline(refusal.reason)}`,
    '',
    ...section('Evidence', evidence.map(evidenceLine)),
    ...section('What you can do', [inline(refusal.advice)]),
  ];
  return writeFileOf(session, id, text.join('\n'));
}

async function writeFileOf(session: EngineContext, id: string, text: string): Promise<string> {
  await mkdir(session.dossiers, { recursive: true, mode: 0o700 });
  const path = join(session.dossiers, `${id}.md`);
  await writeFile(path, session.redact.text(text), { mode: 0o600 });
  return path;
}

function reportText(run: RunRecord): string {
  const { plan, decision } = run;
  const tried = run.steps.filter(({ state }) => state !== 'pending');
  return [
    `# ${inline(plan.finding.summary)}`,
    '',
    `Run \`${run.id}\` of ${plan.remediator} on ${inline(plan.target.instance)}: ${run.outcome ?? run.phase}.`,
    ...(run.failure === null ? [] : ['', `Reason (${run.failure.class}): ${inline(run.failure.message)}`]),
    '',
    ...section('Evidence', plan.finding.evidence.map(evidenceLine)),
    ...section(
      'What was tried',
      tried.length === 0
        ? ['No step ran.']
        : tried.map(
            (step) =>
              `${step.index + 1}. \`${step.action}\`: ${step.state}${step.error === null ? '' : `, ${inline(step.error)}`}`,
          ),
    ),
    ...section('What you must decide', [
      `Whether to run this plan: ${inline(plan.summary)}.`,
      ...decision.reasons.map((reason) => `- ${inline(reason)}`),
      ...plan.unpredictable.map((sentence) => `- Cannot be predicted: ${inline(sentence)}`),
      `Expected downtime: ${plan.downtime.seconds} s (${inline(plan.downtime.why)}). Undo: ${inline(plan.undo)}`,
    ]),
    ...section(
      'The plan',
      plan.steps.map((step, index) => `${index + 1}. \`${step.action}\` ${code(JSON.stringify(step.params))}`),
    ),
    ...section('Commands', [fence(commandsOf(run))]),
  ].join('\n');
}

/** Only commands that work: each succeeds once the comment above it is true. */
function commandsOf(run: RunRecord): string {
  const { plan, decision } = run;
  const instance = shellWord(plan.target.instance);
  const lift = `problems runs lift ${instance} --yes`;
  if (run.outcome === 'stuck')
    return [
      `problems runs ${run.id}`,
      `docker ps -a --filter label=problems.run=${run.id}`,
      `problems rollback ${run.id}`,
      '# after checking the instance, allow repairs again:',
      lift,
    ].join('\n');
  const looking = [`problems detect --instance ${instance}`, `problems plan ${shellWord(plan.finding.id)}`];
  const holds = decision.holds ?? [];
  function has(cause: Block['cause']): boolean {
    return holds.some((hold) => hold.cause === cause);
  }
  if (has('never')) return [...looking, '# this plan never runs automatically: do it by hand'].join('\n');
  const suspended = has('suspension') || has('damage');
  return [
    ...looking,
    ...(has('pause') ? ['# end the pause first: remove the file `paused`, or `pause` from the config'] : []),
    ...(suspended ? ['# after checking the data:', lift] : []),
    approveCommand(run.id, approvalOf(decision, decision).demanded),
  ].join('\n');
}

/** Quoted for a POSIX shell. */
function shellWord(text: string): string {
  return shellQuote(text.replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '_'));
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return [`## ${title}`, '', ...lines, ''];
}

function evidenceLine(evidence: Evidence): string {
  switch (evidence.type) {
    case 'message':
      return `- ${code(evidence.text)}${evidence.sqlstate === undefined ? '' : ` (SQLSTATE ${inline(evidence.sqlstate)})`}`;
    case 'docker':
      return `- ${inline(evidence.object)}, ${code(evidence.field)}: ${code(JSON.stringify(evidence.value))}`;
    case 'log':
      return `- log ${inline(evidence.at)}: ${code(evidence.text)}`;
    case 'query':
      return `- ${code(evidence.sql)}: ${code(evidence.result)}`;
    case 'file':
      return `- ${code(evidence.path)}: ${code(evidence.text)}`;
    case 'probe':
      return `- ${inline(evidence.name)}: ${code(evidence.result)}`;
  }
}

/** Escapes text of containers and databases for one line of Markdown: no markup, no HTML, no line breaks. */
export function inline(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .replaceAll(/[\\`*_{}[\]<>#|!~&]/g, '\\$&')
    .slice(0, 2_000);
}

/** A code span whose fence is longer than any run of backticks in it. */
function code(text: string): string {
  const flat = text.replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, ' ').slice(0, 2_000);
  const longest = Math.max(0, ...[...flat.matchAll(/`+/g)].map(([run]) => run.length));
  const ticks = '`'.repeat(longest + 1);
  return longest === 0 ? `${ticks}${flat}${ticks}` : `${ticks} ${flat} ${ticks}`;
}

function fence(text: string): string {
  return ['```sh', text.replaceAll('```', ''), '```'].join('\n');
}
