import type { ActiveProblem, ProblemRecord } from '../registry/record.ts';
import { addRecord, resolveRecord, setField, setHeader } from '../registry/edit/index.ts';
import { type Finding, markdownLine, type RunRecord, type RunReport } from '../remediation/index.ts';

/**
 * What detecting and repairing teach a registry, as edits of its text. Everything outside the edits stays byte for byte;
 * what comes from containers and databases is made harmless before it becomes Markdown.
 */

/** A problem was seen now. */
export function noteOccurrence(text: string, record: ProblemRecord, now: Date): string {
  return setHeader(text, record.id, 'Last Occurrence', minuteOf(now), placeOf(record));
}

/** A repair was tried and did not help: a line under Attempted Solutions. */
export function noteAttempt(text: string, record: ProblemRecord, report: RunReport, now: Date): string {
  if (record.kind !== 'active' || report.id === null) return text;
  const before = record.investigationStatus?.attemptedSolutions;
  const why = report.failure === null ? '' : `, ${report.failure.class}: ${report.failure.message}`;
  const line = markdownLine(
    `${dayOf(now)}: ${report.remediator ?? ''} (run ${report.id}) ended ${report.outcome}${why}`,
  ).slice(0, 500);
  if (before?.includes(report.id) === true) return text;
  const value = before === undefined ? line : `${before}\n${line}`;
  return setField(text, record.id, 'Investigation Status', 'Attempted Solutions', value, placeOf(record));
}

/** A fix has held for the hold period: the record is resolved, with what was done and what proved it. */
export function noteResolution(text: string, record: ActiveProblem, run: RunRecord, now: Date): string {
  const checks = run.verification?.checks.map(({ name, seen }) => `${name}: ${seen}`) ?? [];
  return resolveRecord(
    text,
    record.id,
    {
      resolved: dayOf(now),
      resolution: 'configuration',
      resolvedBy: markdownLine(`${run.plan.remediator} (run ${run.id})`),
      changesMade: markdownLine(run.plan.summary),
      validation: markdownLine([...checks, 'the same detector has been silent since'].join('; ')).slice(0, 1_000),
      rollbackPlan: markdownLine(run.plan.undo),
    },
    placeOf(record),
  );
}

/** A finding that no record is about becomes a record of its own. */
export function noteNewProblem(text: string, finding: Finding, now: Date): string {
  const evidence = finding.evidence
    .flatMap((one) => (one.type === 'message' || one.type === 'log' ? [one.text] : []))
    .slice(0, 10);
  const summary = markdownLine(finding.summary).slice(0, 200);
  const block = [
    '<!-- EMBED:ACTIVEPROBLEM:START -->',
    `### ${summary}`,
    '**Status:** [active]',
    '**Severity:** [high]',
    '**Frequency:** [occasional]',
    '**Impact:** [degraded_performance]',
    `**Discovered:** [${dayOf(now)}]`,
    `**Discovered By:** [${finding.remediator}]`,
    `**Last Occurrence:** [${minuteOf(now)}]`,
    '',
    '#### Description',
    `${summary} Found on the instance ${markdownLine(finding.instance)}.`,
    '',
    '#### Reproduction Steps',
    `1. Run \`problems detect --remediator ${finding.remediator}\``,
    '',
    '#### Impact Assessment',
    `- **Technical Impact:** ${markdownLine(finding.kind)}`,
    '',
    '#### Investigation Status',
    '- **Root Cause:** Unknown',
    '',
    '#### Priority Estimates',
    '```yaml',
    'impact: 5',
    'urgency: "high"',
    'success_prob: 0.8',
    'resource_cost: "minimal"',
    '```',
    ...(evidence.length === 0
      ? []
      : ['', '#### Evidence', '```yaml', 'error_messages:', ...evidence.map((line) => `  - ${quoted(line)}`), '```']),
    '<!-- EMBED:ACTIVEPROBLEM:END -->',
  ];
  return addRecord(text, block.join('\n'));
}

/** A double-quoted YAML scalar of one line that holds neither a fence nor a comment. */
function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 500)).replaceAll('`', '\\u0060').replaceAll('<', '\\u003c');
}

function placeOf({ path, component }: ProblemRecord): { readonly path: string; readonly component: string } {
  return { path, component };
}

function dayOf(now: Date): string {
  return now.toISOString().slice(0, 10);
}

function minuteOf(now: Date): string {
  return now.toISOString().slice(0, 16).replace('T', ' ');
}
