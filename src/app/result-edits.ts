import type { ActiveProblem, ProblemRecord } from '../registry/record.ts';
import { ProblemsError } from '../errors.ts';
import {
  addErrorMessage,
  addItem,
  addRecord,
  resolveRecord,
  setField,
  setHeader,
  yamlText,
} from '../registry/edit/index.ts';
import type { Finding } from '../remediation/contract.ts';
import { inline as markdownLine } from '../remediation/engine/escalation-report.ts';
import type { RunReport } from '../remediation/run-report.ts';
import type { RunRecord } from '../remediation/store/store.ts';

/**
 * Edits of a registry's text that follow from findings and runs. Every byte outside an edit is unchanged; text from
 * containers and databases is escaped before it becomes Markdown.
 */

/** Notes that a problem was seen now. A resolved one becomes active again. */
export function noteOccurrence(text: string, record: ProblemRecord, now: Date): string {
  if (record.kind === 'intermittent') return setHeader(text, record.id, 'Last Seen', dayOf(now), placeOf(record));
  if (record.kind !== 'active') return text;
  const seen = setHeader(text, record.id, 'Last Occurrence', minuteOf(now), placeOf(record));
  return record.status === 'resolved' ? setHeader(seen, record.id, 'Status', 'active', placeOf(record)) : seen;
}

/** How many messages a record keeps, and how many characters of each. */
const messageLimits = { ofRecord: 20, characters: 500 } as const;

/**
 * Adds messages that the record does not have yet to its evidence. Two messages are the same if only ids, times or
 * process ids differ. Evidence that is not a list of messages is left unchanged.
 */
export function noteEvidence(text: string, record: ProblemRecord, finding: Finding): string {
  if (record.kind !== 'active') return text;
  const known = record.evidence?.errorMessages ?? [];
  const seen = new Set(known.map(essence));
  let [after, room] = [text, messageLimits.ofRecord - known.length];
  for (const message of messagesOf(finding)) {
    if (room <= 0 || seen.has(essence(message))) continue;
    try {
      after = addErrorMessage(after, record.id, message, placeOf(record));
    } catch (error) {
      if (error instanceof ProblemsError && error.code === 'bad-usage') return after;
      throw error;
    }
    seen.add(essence(message));
    room -= 1;
  }
  return after;
}

/** Notes a repair that helped, and how long the instance did not accept connections. */
export function noteFix(text: string, record: ProblemRecord, report: RunReport, now: Date): string {
  const took = report.downtimeMs === null ? '' : `, ${(report.downtimeMs / 1000).toFixed(1)} s downtime`;
  const said = `${dayOf(now)}: ${report.remediator ?? ''} (run ${report.id ?? ''}) fixed it${took}`;
  return noteRun(text, record, report, said);
}

/** Sets the status to resolved: until the problem is seen again, or the hold period is over. */
export function noteEnd(text: string, record: ProblemRecord): string {
  return record.kind === 'active' ? setHeader(text, record.id, 'Status', 'resolved', placeOf(record)) : text;
}

/** Notes a repair that did not help, as a line under Attempted Solutions. */
export function noteAttempt(text: string, record: ProblemRecord, report: RunReport, now: Date): string {
  const why = report.failure === null ? '' : `, ${report.failure.class}: ${report.failure.message}`;
  const said = `${dayOf(now)}: ${report.remediator ?? ''} (run ${report.id ?? ''}) ended ${report.outcome}${why}`;
  return noteRun(text, record, report, said);
}

/** Adds a line about a run, once: under Attempted Solutions, or under the Investigation Notes of an intermittent problem. */
function noteRun(text: string, record: ProblemRecord, { id }: RunReport, said: string): string {
  if (id === null) return text;
  if (record.kind === 'intermittent') {
    const isNoted = record.investigationNotes?.some((note) => note.includes(id)) === true;
    const note = markdownLine(said).slice(0, 500);
    return isNoted ? text : addItem(text, record.id, 'Investigation Notes', note, placeOf(record));
  }
  if (record.kind !== 'active') return text;
  const before = record.investigationStatus?.attemptedSolutions;
  if (before?.includes(id) === true) return text;
  const line = markdownLine(said).slice(0, 500);
  const value = before === undefined ? line : `${before}\n${line}`;
  return setField(text, record.id, 'Investigation Status', 'Attempted Solutions', value, placeOf(record));
}

/** Turns a record whose fix has held into a resolved one, with what was changed and what verified it. */
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
      validation: markdownLine([...checks, 'the same detector has found nothing since'].join('; ')).slice(0, 1_000),
      rollbackPlan: markdownLine(run.plan.undo),
    },
    placeOf(record),
  );
}

/** Adds a record for a finding that no record is about. */
export function noteNewProblem(text: string, finding: Finding, now: Date): string {
  const evidence = messagesOf(finding);
  const summary = markdownLine(finding.summary).slice(0, 200);
  const block = [
    '<!-- EMBED:ACTIVEPROBLEM:START -->',
    '',
    `### ${summary}`,
    '',
    '**Status:** [active]',
    '**Severity:** [high]',
    '**Frequency:** [occasional]',
    '**Impact:** [degraded_performance]',
    `**Discovered:** [${dayOf(now)}]`,
    `**Discovered By:** [${finding.remediator}]`,
    `**Last Occurrence:** [${minuteOf(now)}]`,
    '',
    '#### Description',
    '',
    `${summary} Found on the instance ${markdownLine(finding.instance)}.`,
    '',
    '#### Reproduction Steps',
    '',
    `1. Run \`problems detect --remediator ${finding.remediator}\``,
    '',
    '#### Impact Assessment',
    '',
    `- **Technical Impact:** ${markdownLine(finding.kind)}`,
    '',
    '#### Investigation Status',
    '',
    '- **Root Cause:** Unknown',
    '',
    '#### Priority Estimates',
    '',
    '```yaml',
    'impact: 5',
    'urgency: "high"',
    'success_prob: 0.8',
    'resource_cost: "minimal"',
    '```',
    ...(evidence.length === 0
      ? []
      : [
          '',
          '#### Evidence',
          '',
          '```yaml',
          'error_messages:',
          ...evidence.map((line) => `  - ${yamlText(line)}`),
          '```',
        ]),
    '',
    '<!-- EMBED:ACTIVEPROBLEM:END -->',
  ];
  return addRecord(text, block.join('\n'), 'active');
}

/** Messages and log lines, verbatim: at most ten, each cut to its limit. */
function messagesOf({ evidence }: Finding): readonly string[] {
  return evidence
    .flatMap((one) => (one.type === 'message' || one.type === 'log' ? [one.text] : []))
    .slice(0, 10)
    .map((text) => text.slice(0, messageLimits.characters));
}

/** A message without the parts that differ each time it is logged. */
function essence(message: string): string {
  return message
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z| [A-Z]{3,4}|[+-]\d\d:?\d\d)?/g, '')
    .replaceAll(/[0-9a-f]{12,64}/g, '')
    .replaceAll(/\[\d+\]/g, '');
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
