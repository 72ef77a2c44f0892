import { ProblemsError } from '../../errors.ts';
import { quote } from '../diagnostics.ts';
import { active } from '../kinds/active.ts';
import { resolved } from '../kinds/resolved.ts';
import { originLineIn } from '../origin.ts';
import { canonical } from '../parse/blocks.ts';
import type { ActiveProblem, ResolvedProblem } from '../record.ts';
import type { ReadOptions } from '../registry.ts';
import { dayOf, readDate } from '../values/dates.ts';
import { readTerm } from '../values/values.ts';
import { endOfPart } from './add.ts';
import { applyEdits, confirmed, endOfLine, findTarget, lineEndOf, startOfLine } from './edits.ts';

/**
 * Moves a record with its markers to the end of the text under another `#` or `##` heading, such as from
 * `## Active Problems` to `## Resolved Problems`.
 * @throws ProblemsError `not-found` for an unknown id or heading.
 */
export function moveRecord(text: string, id: string, heading: string, options: ReadOptions = {}): string {
  const target = findTarget(text, id, options);
  const eol = lineEndOf(text);
  const start = startOfLine(text, target.record.place.offset);
  let end = endOfLine(text, target.record.place.endOffset);
  const block = text.slice(start, end);
  // Move the blank line after the block too, so that no gap is left.
  while (text.startsWith(eol, end) && end + eol.length <= text.length) {
    end += eol.length;
    if (end - endOfLine(text, target.record.place.endOffset) >= 2 * eol.length) break;
  }
  const at = endOfPart(text, target.registry, heading);
  if (at >= start && at <= end) return text;
  const after = applyEdits(text, [
    { start, end, text: '' },
    { start: at, end: at, text: `${eol}${eol}${block}` },
  ]);
  return confirmed(target, after, options, (record) => record !== undefined && record.title === target.record.title);
}

/** How a problem was solved. `resolved` is a date in the registry format; the texts are single paragraphs. */
export interface Resolution {
  readonly resolved: string;
  readonly resolution: NonNullable<ResolvedProblem['resolution']>;
  readonly resolvedBy?: string;
  readonly changesMade: string;
  readonly validation: string;
  readonly rollbackPlan?: string;
  /** Default: the number of days from `Discovered` to `resolved`. */
  readonly duration?: string;
}

/**
 * Replaces an active record by a resolved one. Keeps title, ID, tags, description, root cause, attempted solutions and origin; the
 * rest has no place in a resolved record and remains only in the history of the file.
 * @throws ProblemsError `not-found` for an unknown id, `bad-usage` if the record is not active or a value is invalid.
 */
export function resolveRecord(text: string, id: string, resolution: Resolution, options: ReadOptions = {}): string {
  const target = findTarget(text, id, options);
  const { record } = target;
  if (record.kind !== active.name) throw new ProblemsError('bad-usage', `${quote(id)} is not an active record.`);
  const date = readDate(resolution.resolved);
  const term = readTerm(resolution.resolution, resolved.header.Resolution.value);
  if (date.type !== 'date' || term.type !== 'term') {
    throw new ProblemsError(
      'bad-usage',
      `${quote(`${resolution.resolved}, ${resolution.resolution}`)} is not a valid date and resolution.`,
    );
  }
  const eol = lineEndOf(text);
  const lines = resolvedLines(
    record,
    titleAsWritten(text, record),
    resolution,
    daysBetween(record.discovered, date.iso),
  );
  const origin = originLineIn(text.slice(record.place.offset, record.place.endOffset));
  const block = [
    canonical(resolved.marker, 'START'),
    '',
    ...lines,
    '',
    ...(origin === undefined ? [] : [origin, '']),
    canonical(resolved.marker, 'END'),
  ]
    .join('\n')
    .replaceAll('\n', eol);
  const after = applyEdits(text, [{ start: record.place.offset, end: record.place.endOffset, text: block }]);
  return confirmed(
    target,
    after,
    options,
    (again) => again?.kind === resolved.name && again.resolved === date.iso && again.title === record.title,
  );
}

/** The title with its Markdown, which `title` is without. */
function titleAsWritten(text: string, { title, places }: ActiveProblem): string {
  const place = places['title'];
  return place === undefined ? title : text.slice(place.offset, place.endOffset).replaceAll(/\s*[\r\n]+\s*/g, ' ');
}

function resolvedLines(
  record: ActiveProblem,
  title: string,
  resolution: Resolution,
  days: string | undefined,
): string[] {
  const { investigationStatus } = record;
  return [
    `### ${title}`,
    '',
    ...(record.places['id'] === undefined ? [] : [`**ID:** ${record.id}`]),
    `**Resolved:** ${resolution.resolved}`,
    ...line('**Duration:** ', resolution.duration ?? days),
    `**Resolution:** [${resolution.resolution}]`,
    ...line('**Resolved By:** ', resolution.resolvedBy),
    ...line('**Tags:** ', record.tags?.map((tag) => `[#${tag}]`).join(' ')),
    '',
    '#### Problem Summary',
    '',
    record.description ?? record.title,
    '',
    '#### Root Cause',
    '',
    `- **Technical Cause:** ${indented(investigationStatus?.rootCause ?? 'Unknown')}`,
    '',
    '#### Solution Implemented',
    '',
    `- **Changes Made:** ${indented(resolution.changesMade)}`,
    `- **Validation:** ${indented(resolution.validation)}`,
    ...line('- **Rollback Plan:** ', resolution.rollbackPlan),
    ...(investigationStatus?.attemptedSolutions === undefined
      ? []
      : [
          '',
          '#### Lessons Learned',
          '',
          `- **Response:** Tried before: ${indented(investigationStatus.attemptedSolutions)}`,
        ]),
  ];
}

function line(label: string, value: string | undefined): string[] {
  return value === undefined ? [] : [label + indented(value)];
}

function indented(value: string): string {
  return value.split(/\r\n|\n|\r/).join('\n  ');
}

function daysBetween(discovered: string | undefined, iso: string): string | undefined {
  if (discovered === undefined) return undefined;
  const days = (Date.parse(dayOf(iso)) - Date.parse(dayOf(discovered))) / 86_400_000;
  if (days < 0) return undefined;
  return days === 1 ? '1 day' : `${days} days`;
}
