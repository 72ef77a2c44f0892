import type { Candidate, Group } from './candidate.ts';
import type { Field } from './fields.ts';
import type { LabelMeaning } from './labels.ts';
import { signsOf, wordsOf } from './language-words.ts';
import type { Line } from './lines.ts';
import { namesProblems, plainName } from './names.ts';
import type { ImportedSeverity, ImportedStatus } from './types.ts';
import { dateIn, isDone, range, severityIn, severityOfColour, statusIn, words } from './values.ts';

/** A value and the indexes of the lines that state it. `weak` if it is inherited or read between the lines. */
export interface Stated<Value> {
  readonly value: Value;
  readonly lines: readonly number[];
  readonly weak: boolean;
}

function stated<Value>(value: Value, lines: readonly number[], weak = false): Stated<Value> {
  return { value, lines, weak };
}

function fieldsOf({ body }: Candidate, ...meanings: readonly LabelMeaning[]): readonly Field[] {
  return [...body.fields, ...body.nested].filter(({ meaning }) => meaning !== null && meanings.includes(meaning));
}

/** A value stands behind its label, or alone on the line below it. */
function valueOf({ value, next }: Field): string {
  return value === '' ? next : value;
}

function lineOf({ value, first, nextAt }: Field): number {
  return value === '' ? nextAt : first;
}

/**
 * The state of a problem: title, then status line, then labels and dates of a fix, then strike-through, then the groups, then
 * the tense of the solution, then what the head of the text says of all.
 */
export function readStatus(
  candidate: Candidate,
  ofAll: Stated<ImportedStatus> | undefined,
): Stated<ImportedStatus> | undefined {
  const { title, at, lead, around } = candidate;
  const ofTitle = statusOfTitle(candidate);
  if (ofTitle !== undefined) return ofTitle;
  for (const field of fieldsOf(candidate, 'status')) {
    const value = statusIn(valueOf(field));
    if (value !== undefined) return stated(value, [lineOf(field)]);
  }
  for (const field of fieldsOf(candidate, 'resolved')) {
    if (dateIn(field.value) !== undefined || /^\W*(?:yes|true|ja|да)\b/i.test(field.value))
      return stated('resolved', [field.first]);
  }
  const fixed = fieldsOf(candidate, 'solutionDone').filter(
    ({ label }) => !/^(?:current|changes$|implementation)/i.test(label),
  );
  const hasRest = candidate.body.fields.some(({ label }) => /^(?:remaining|next steps?|still)\b/i.test(label));
  if (fixed[0] !== undefined && !hasRest) return stated('resolved', [fixed[0].first]);
  if (title.isStruck) return stated('resolved', [at]);
  const leading = lead === '' ? undefined : statusOfLead(lead);
  if (leading !== undefined) return stated(leading, [at]);
  const group = statusOfGroups(around.groups);
  if (group !== undefined) return group;
  return hasRest ? ofAll : (statusOfTense(candidate) ?? ofAll);
}

function statusOfTitle({ title, at, form }: Candidate): Stated<ImportedStatus> | undefined {
  const remarks = title.remarks.toReversed();
  // What was said in words goes before signs, so that "✅ (by design)" stays as it is.
  for (const remark of remarks.filter((one) => /\p{L}/u.test(one))) {
    const value = statusIn(remark);
    if (value !== undefined) return stated(value, [at]);
  }
  const signs = remarks.filter((one) => !/\p{L}/u.test(one)).join(' ');
  if (/[✅✔☑]/u.test(signs)) return stated('resolved', [at]);
  if (/^(?:fixed|resolved|solved|behoben|gelöst|исправлено|已修复|已解决|resuelto|corregido)\s*[:：]/iu.test(title.raw))
    return stated('resolved', [at]);
  if (form !== 'item' && /^\W*fixed\s/i.test(title.title)) return stated('resolved', [at], true);
  return /[❌⚠🔄🚧⏳]/u.test(signs) ? stated('active', [at], true) : undefined;
}

const wholeState = words(String.raw`fixed|resolved|solved|now works|won'?t fix|by design|works as designed`);

function statusOfLead(lead: string): ImportedStatus | undefined {
  const start = lead.slice(0, 200);
  if (/^\W*(?:not|never|cannot)\b/i.test(start) || !wholeState.test(start)) return undefined;
  const value = statusIn(start);
  return value === 'resolved' || value === "won't-fix" ? value : undefined;
}

const openGroup = words(
  String.raw`open|active|current|remaining|outstanding|unresolved|pending|to address|to fix|in progress|offene?|открытые|abiertos?|pendientes?${wordsOf('open')}`,
  `未解决|待解决${signsOf('open')}`,
);
const discovered = words('discovered|found|identified|encountered|entdeckt|обнаружен\\p{L}*');

function statusOfGroups(groups: readonly Group[]): Stated<ImportedStatus> | undefined {
  for (const { text, at } of groups) {
    const value = statusOfGroup(text);
    if (value !== undefined) return stated(value, [at], true);
  }
  return undefined;
}

function statusOfGroup(text: string): ImportedStatus | undefined {
  if (openGroup.test(plainName(text))) return 'active';
  if (/\ball (?:fixed|resolved|done|solved|closed)\b/i.test(text)) return 'resolved';
  if (/^(?:recent |latest |applied |previous )?(?:bug ?)?fixes$/.test(plainName(text))) return 'resolved';
  const value = statusIn(text);
  if (value === 'resolved' || (value === "won't-fix" && !/limitations?/i.test(text)) || value === 'blocked') {
    return /\b(?:and|&|,)\s+(?:their\s+)?(?:solutions|workarounds|fixes|remaining|open|limitations)\b/i.test(text)
      ? undefined
      : value;
  }
  return /\b(?:accepted|by design|won'?t fix|intended)\b/i.test(text) ? "won't-fix" : undefined;
}

/** A solution in the past tense says that it is done; advice in the imperative says nothing about the state. */
function statusOfTense(candidate: Candidate): Stated<ImportedStatus> | undefined {
  const solutions = fieldsOf(candidate, 'solution', 'solutionDone');
  for (const field of solutions) {
    if (isDone(valueOf(field))) return stated('resolved', [lineOf(field)], true);
  }
  return undefined;
}

/** Severity: its label, then the title, then priority, then the groups. */
export function readSeverity(candidate: Candidate): Stated<ImportedSeverity> | undefined {
  const { title, at, around } = candidate;
  const fields = fieldsOf(candidate, 'severity');
  for (const field of fields) {
    const value = severityIn(valueOf(field)) ?? severityOfColour(valueOf(field));
    if (value !== undefined) return stated(value, [lineOf(field)]);
  }
  for (const remark of [...title.remarks, /^P[0-3](?=-)/.exec(title.id ?? '')?.[0] ?? '']) {
    const value = severityIn(remark);
    if (value !== undefined) return stated(value, [at]);
  }
  if (
    fields.some(
      ({ value }) =>
        /^\W*(?:none|documentation|enhancement|info|cosmetic\?|unknown|tbd|n\/a)\b/i.test(value) || range.test(value),
    )
  )
    return undefined;
  for (const field of fieldsOf(candidate, 'priority')) {
    const value = severityIn(valueOf(field)) ?? severityOfColour(valueOf(field));
    if (value !== undefined) return stated(value, [lineOf(field)]);
  }
  const signs = title.remarks.join(' ');
  const ofColour = isSolved(signs) ? undefined : severityOfColour(signs);
  if (ofColour !== undefined) return stated(ofColour, [at], true);
  for (const { text, at: line } of around.groups.filter(({ level }) => level > 1)) {
    const value = severityOfGroup(text);
    if (value !== undefined) return stated(value, [line], true);
  }
  return undefined;
}

/** "🟢 Resolved": then the colour is the state. */
function isSolved(text: string): boolean {
  return statusIn(text.replaceAll(/[🔴🟠🟡🟢]/gu, ' ')) === 'resolved';
}

function severityOfGroup(text: string): ImportedSeverity | undefined {
  const level = /\b(?:critical|blockers?|high|major|severe|medium|moderate|low|minor|trivial|cosmetic|p[0-3])\b/i.exec(
    text,
  );
  const isSeverity =
    level !== null &&
    (namesProblems(text) ||
      /\b(?:issues?|problems?|bugs?|priority|severity|blockers?|limitations?|p[0-3])\b/i.test(text));
  // "Current status: 🟡 works" is about the whole, not about the problems below.
  const isOther = /\b(?:status|state|health|overall)\b/i.test(text) || isSolved(text);
  const ofColour = isOther ? undefined : severityOfColour(text);
  return (isSeverity ? severityIn(level[0].replace(/blockers/i, 'blocker')) : undefined) ?? ofColour;
}

export interface StatedDates {
  readonly discovered: Stated<string> | undefined;
  readonly resolved: Stated<string> | undefined;
}

/** Dates: their own labels, then the title, the status, the label of the solution, and the groups. */
export function readDates(candidate: Candidate, isResolved: boolean): StatedDates {
  const { title, at, around } = candidate;
  const ownDiscovered = dateOfFields(fieldsOf(candidate, 'discovered'));
  const ownResolved = dateOfFields(fieldsOf(candidate, 'resolved'));
  const plain = dateOfFields(fieldsOf(candidate, 'date'));
  const dated = title.remarks.find((remark) => dateIn(remark) !== undefined);
  const titleDate = dated === undefined ? undefined : dateIn(dated);
  const ofTitle = titleDate === undefined ? undefined : stated(titleDate, [at]);
  if (!isResolved) {
    // "(improved 2025-10-12)" is neither the day of the discovery nor of a solution.
    const isBare = dated !== undefined && dated.replace(/\d{4}-\d{2}-\d{2}/, '').replaceAll(/[^\p{L}]/gu, '') === '';
    const found = dated !== undefined && discovered.test(dated);
    return {
      discovered:
        ownDiscovered ??
        plain ??
        (isBare || found ? ofTitle : undefined) ??
        discoveredGroup(around.groups) ??
        sessionDate(around.groups),
      resolved: undefined,
    };
  }
  const ofStatus = dateOfFields(fieldsOf(candidate, 'status'));
  const ofLabel = dateOfLabels(fieldsOf(candidate, 'solution', 'solutionDone'));
  return {
    discovered: ownDiscovered,
    resolved: ownResolved ?? ofTitle ?? ofStatus ?? ofLabel ?? plain ?? resolvedGroup(around.groups),
  };
}

function dateOfFields(fields: readonly Field[]): Stated<string> | undefined {
  for (const { value, first, label } of fields) {
    const date = dateIn(`${value} ${label}`);
    if (date !== undefined) return stated(date, [first]);
  }
  return undefined;
}

/** "Fix applied (2025-10-12)": the date is in the label, or alone at the start of the text. */
function dateOfLabels(fields: readonly Field[]): Stated<string> | undefined {
  for (const { first, label, value, remark } of fields) {
    const date = dateIn(`${label} ${remark} ${/^\W*\d{4}-\d{2}-\d{2}/.exec(value)?.[0] ?? ''}`);
    if (date !== undefined) return stated(date, [first]);
  }
  return undefined;
}

function resolvedGroup(groups: readonly Group[]): Stated<string> | undefined {
  for (const { text, at } of groups) {
    const date = dateIn(text);
    if (date !== undefined && statusOfGroup(text) === 'resolved') return stated(date, [at], true);
  }
  return sessionDate(groups);
}

/** "Problems discovered (2025-10-12)", if it does not say that they were solved as well. */
function discoveredGroup(groups: readonly Group[]): Stated<string> | undefined {
  const [group] = groups;
  const date =
    group === undefined || !discovered.test(group.text) || statusIn(group.text) === 'resolved'
      ? undefined
      : dateIn(group.text);
  return date === undefined || group === undefined ? undefined : stated(date, [group.at], true);
}

/** A group whose name is a date, or little more: the day of the entry. */
function sessionDate(groups: readonly Group[]): Stated<string> | undefined {
  for (const { text, at } of groups) {
    const date = dateIn(text);
    if (date !== undefined && /^(?:date|session|entry|datum|дата|日期|fecha)?$/i.test(plainName(text)))
      return stated(date, [at], true);
  }
  return undefined;
}

/** What the head of a text says of everything below it: "All known issues are resolved". */
export function stateOfAll(lines: readonly Line[]): Stated<ImportedStatus> | undefined {
  for (const [index, { type, text }] of lines.entries()) {
    if (
      type === 'heading' &&
      index > 0 &&
      !/\ball\b/i.test(text) &&
      lines.slice(0, index).some((one) => one.type === 'heading')
    )
      break;
    const isSaid =
      /\b(?:all|every) (?:of )?(?:the )?(?:known |listed |following |previous |critical |identified )?(?:issues|problems|bugs)(?: below| listed)? (?:have been |are |were |is )?(?:now )?(?:resolved|fixed|solved)\b/i.test(
        text,
      );
    if (isSaid) return stated('resolved', [index], true);
    if (index > 40) break;
  }
  return undefined;
}
