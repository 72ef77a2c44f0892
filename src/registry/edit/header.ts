import { ProblemsError } from '../../errors.ts';
import { suggest } from '../../util/suggest.ts';
import { createDiagnosticCollector, quote } from '../diagnostics.ts';
import { propertyName } from '../names.ts';
import type { HeaderType } from '../kinds/declaration.ts';
import { createLineIndex, type Position } from '../position.ts';
import type { ReadOptions } from '../registry.ts';
import { isPlaceholder, readHeaderValue } from '../values/values.ts';
import { applyEdits, confirmed, endOfLine, findTarget, lineEndOf, startOfLine, type Target, valueAt } from './edits.ts';

/**
 * Sets one header value: `setHeader(text, 'postgres/port-allocation-conflicts', 'Status', 'investigating')`. Adds a
 * missing label after the last one. Keeps brackets around a value.
 * @throws ProblemsError `not-found` for an unknown id, `bad-usage` for a label or a value that the kind does not have, and
 * if there is more in the place of the value than one value, such as a remark.
 */
export function setHeader(text: string, id: string, label: string, value: string, options: ReadOptions = {}): string {
  const target = findTarget(text, id, options);
  const property = propertyName(label);
  const declared = Object.keys(target.kind.header).find((candidate) => propertyName(candidate) === property);
  const slot = declared === undefined ? undefined : target.kind.header[declared];
  if (declared === undefined || slot === undefined || declared === 'ID') {
    const meant = suggest(label, Object.keys(target.kind.header));
    throw new ProblemsError(
      'bad-usage',
      `${quote(label)} is not a header label of ${target.kind.name} records that can be set.`,
      {
        hint: meant === undefined ? undefined : `Did you mean ${meant}?`,
      },
    );
  }
  const report = createDiagnosticCollector(target.registry.path, createLineIndex(value));
  const wanted = /[\n\r]/.test(value)
    ? undefined
    : readHeaderValue({ start: 0, end: value.length, text: value }, slot.value, report);
  const [problem] = report.diagnostics;
  if (wanted === undefined || problem !== undefined) {
    throw new ProblemsError('bad-usage', `${quote(value)} is not a valid ${declared}.`, {
      hint: problem?.hint ?? 'Write one line of text.',
    });
  }
  const place = target.record.places[property];
  if (place !== undefined) requireOneValue(text, place, declared, slot.value, target.registry.path);
  const after =
    place === undefined
      ? insertHeader(text, target, `**${declared}:** ${value}`)
      : applyEdits(text, [
          { start: place.offset, end: place.endOffset, text: inStyle(text, place.offset, place.endOffset, value) },
        ]);
  return confirmed(
    target,
    after,
    options,
    (record) => record !== undefined && sameValue(valueAt(record, property), wanted),
  );
}

/**
 * An edit takes away nothing that it does not name.
 * @throws ProblemsError `bad-usage` if there is more in the place of a value than one value.
 */
function requireOneValue(text: string, place: Position, label: string, type: HeaderType, path: string): void {
  const written = text.slice(place.offset, place.endOffset);
  const remarks: string[] = [];
  const report = createDiagnosticCollector(path, createLineIndex(written));
  const value = { start: 0, end: written.length, text: written };
  const read = readHeaderValue(value, type, report, (remark) => remarks.push(remark));
  const isUnread = read === undefined && !isPlaceholder(written) && written.split(/\s+/).length > 3;
  if (remarks.length === 0 && !/[\r\n]/.test(written) && !isUnread) return;
  throw new ProblemsError(
    'bad-usage',
    `The ${label} in ${path}, line ${place.line}, holds more than one value: ${quote(written)}.`,
    { hint: 'Move the rest to another line, or edit the line by hand.' },
  );
}

function insertHeader(text: string, target: Target, line: string): string {
  const { places } = target.record;
  const header = Object.keys(target.kind.header).flatMap((label) => places[propertyName(label)] ?? []);
  const last = header.reduce(
    (latest, place) => (place.offset > latest.offset ? place : latest),
    places['title'] ?? target.record.place,
  );
  const at = endOfLine(text, last.endOffset);
  const marker =
    header.length === 0
      ? ''
      : (/^(?:[-*+] )?/.exec(text.slice(startOfLine(text, last.offset), last.offset))?.[0] ?? '');
  const eol = lineEndOf(text);
  // The first label begins a paragraph of its own.
  const gap = header.length === 0 ? eol : '';
  const after = text.startsWith(eol + eol, at) ? '' : gap;
  return applyEdits(text, [{ start: at, end: at, text: `${eol}${gap}${marker}${line}${after}` }]);
}

/** Keeps the brackets around the old value, escaped or not. */
function inStyle(text: string, start: number, end: number, value: string): string {
  if (start === end) return text.charAt(start - 1) === ' ' ? value : ` ${value}`;
  const [, opening, closing] = /^(\\?\[)[^[\]]*?(\\?\])$/.exec(text.slice(start, end)) ?? [];
  return opening === undefined || closing === undefined || value.startsWith('[') ? value : opening + value + closing;
}

function sameValue(a: unknown, b: unknown): boolean {
  return Array.isArray(a) && Array.isArray(b)
    ? a.length === b.length && a.every((item, position) => item === b[position])
    : a === b;
}
