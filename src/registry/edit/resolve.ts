import { ProblemsError } from '../../errors.ts';
import { active } from '../kinds/active.ts';
import { resolved } from '../kinds/resolved.ts';
import type { ActiveProblem, ResolvedProblem } from '../record.ts';
import type { ReadOptions } from '../registry.ts';
import { quote } from '../report.ts';
import { canonical } from '../parse/blocks.ts';
import { dayOf, readDate } from '../values/values.ts';
import { readTerm } from '../values/term.ts';
import { applyEdits, lineEndOf } from './edits.ts';
import { confirmed, findTarget } from './target.ts';

/** How a problem was solved. `resolved` is a date of the registry format; the texts are single paragraphs. */
export interface Resolution {
  readonly resolved: string;
  readonly resolution: NonNullable<ResolvedProblem['resolution']>;
  readonly resolvedBy?: string;
  readonly changesMade: string;
  readonly validation: string;
  readonly rollbackPlan?: string;
  /** Default: the days from `Discovered` to `resolved`. */
  readonly duration?: string;
}

/**
 * Turns an active record into a resolved one, in its place. Title, ID, tags, description, root cause and attempted
 * solutions are carried over; what a resolved record has no room for stays in the file's history.
 * @throws ProblemsError `not-found` for an id, `bad-usage` where the record is not active or a value cannot stand there.
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
      `${quote(`${resolution.resolved}, ${resolution.resolution}`)} is no date and kind of resolution.`,
    );
  }
  const eol = lineEndOf(text);
  const lines = resolvedLines(record, resolution, daysBetween(record.discovered, date.iso));
  const block = [canonical(resolved.marker, 'START'), ...lines, canonical(resolved.marker, 'END')]
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

function resolvedLines(record: ActiveProblem, resolution: Resolution, days: string | undefined): string[] {
  const { investigationStatus } = record;
  return [
    `### ${record.title}`,
    ...(record.places['id'] === undefined ? [] : [`**ID:** ${record.id}`]),
    `**Resolved:** ${resolution.resolved}`,
    ...line('**Duration:** ', resolution.duration ?? days),
    `**Resolution:** [${resolution.resolution}]`,
    ...line('**Resolved By:** ', resolution.resolvedBy),
    ...line('**Tags:** ', record.tags?.map((tag) => `[#${tag}]`).join(' ')),
    '',
    '#### Problem Summary',
    record.description ?? record.title,
    '',
    '#### Root Cause',
    `- **Technical Cause:** ${indented(investigationStatus?.rootCause ?? 'Unknown')}`,
    '',
    '#### Solution Implemented',
    `- **Changes Made:** ${indented(resolution.changesMade)}`,
    `- **Validation:** ${indented(resolution.validation)}`,
    ...line('- **Rollback Plan:** ', resolution.rollbackPlan),
    ...(investigationStatus?.attemptedSolutions === undefined
      ? []
      : [
          '',
          '#### Lessons Learned',
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
