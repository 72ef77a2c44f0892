import { suggest } from '../../util/suggest.ts';
import { quote, type DiagnosticCollector } from '../diagnostics.ts';
import { isValidId } from '../identity.ts';
import type { DateType, HeaderType, TermType } from '../kinds/declaration.ts';
import type { Value } from '../names.ts';
import type { Span } from '../position.ts';

/** A text read as a date: ISO text, an unfilled placeholder, or neither. */
export type DateReading =
  { readonly type: 'date'; readonly iso: string } | { readonly type: 'placeholder' } | { readonly type: 'invalid' };

const form =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ]+(\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?(?: ?(Z|UTC|[+-]\d{2}:?\d{2}))?)?$/i;

/**
 * Reads `2025-01-31` and `2025-01-31 14:05`, with seconds and zone if present, as ISO text. Accepts only days that exist
 * in the calendar. Adds nothing: a date without a time stays without a time, and a time without a zone without a zone.
 */
export function readDate(text: string): DateReading {
  if (/^YYYY-MM-DD/i.test(text) || (text.startsWith('[') && text.includes('|'))) return { type: 'placeholder' };
  const match = text.length > 40 ? null : form.exec(text);
  if (match === null) return { type: 'invalid' };
  const [, year = '', month = '', day = '', hour, minute, second, zone] = match;
  if (!isDay(Number(year), Number(month), Number(day))) return { type: 'invalid' };
  if (hour === undefined || minute === undefined) return { type: 'date', iso: `${year}-${month}-${day}` };
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second ?? 0) > 59) return { type: 'invalid' };
  const offset = zone === undefined ? '' : readZone(zone);
  if (offset === undefined) return { type: 'invalid' };
  return {
    type: 'date',
    iso: `${year}-${month}-${day}T${hour}:${minute}${second === undefined ? '' : `:${second}`}${offset}`,
  };
}

function isDay(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(2000, month - 1, day));
  date.setUTCFullYear(year, month - 1, day);
  return month >= 1 && day >= 1 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

function readZone(zone: string): string | undefined {
  if (!/^[+-]/.test(zone)) return 'Z';
  const hours = zone.slice(1, 3);
  const minutes = zone.slice(-2);
  return Number(hours) > 14 || Number(minutes) > 59 ? undefined : `${zone.charAt(0)}${hours}:${minutes}`;
}

/** The day of an ISO text of `readDate`. Days sort as text. */
export function dayOf(iso: string): string {
  return iso.slice(0, 10);
}

const date = 'YYYY-MM-DD(?:[T ]+HH:MM(?::SS)?(?: ?(?:Z|UTC))?)?';

const unfilledDate = new RegExp(String.raw`^(?:${date}|\[${date}\])$`, 'i');

/**
 * Whether a whole value is a placeholder of the template: `[a|b|c]`, or `YYYY-MM-DD` with or without `HH:MM`. False for a
 * sentence that contains one, and for a link, which has brackets inside or text after them.
 */
export function isPlaceholder(text: string): boolean {
  if (text.startsWith('[')) return isChoice(text) || unfilledDate.test(text);
  return /^y/i.test(text) && unfilledDate.test(text);
}

function isChoice(text: string): boolean {
  return text.indexOf(']') === text.length - 1 && text.lastIndexOf('[') === 0 && text.includes('|');
}

export function addPlaceholder(text: string, span: Span, report: DiagnosticCollector, hint?: string): void {
  report.add('placeholder', span, {
    message: `The placeholder ${quote(text)} was not filled in.`,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Whether a whole value is a placeholder, which is then reported at `span`. */
export function reportPlaceholder(text: string, span: Span, report: DiagnosticCollector): boolean {
  if (!isPlaceholder(text)) return false;
  addPlaceholder(text, span, report);
  return true;
}

/** A word read as a term of a closed list: a term, an unfilled placeholder, or unknown, with the nearest term if there is one. */
export type TermReading =
  | { readonly type: 'term'; readonly term: string }
  | { readonly type: 'placeholder' }
  | { readonly type: 'unknown'; readonly nearest: string | undefined };

const spellings = new WeakMap<TermType, ReadonlyMap<string, string>>();

/** Accepts brackets or none, any case, `-`, `_` or a blank between words, and the list's aliases. Source: docs/format.md. */
export function readTerm(text: string, type: TermType): TermReading {
  const known = spellingsOf(type);
  // Almost all values are written in one of the known spellings.
  const usual = known.get(withoutBrackets(text));
  if (usual !== undefined) return { type: 'term', term: usual };
  if (isPlaceholder(text)) return { type: 'placeholder' };
  // The template's choice without its brackets: no term contains a bar.
  if (text.includes('|') && text.split('|').some((part) => known.has(spelling(part)))) return { type: 'placeholder' };
  const word = spelling(text);
  const term = known.get(word);
  if (term !== undefined) return { type: 'term', term };
  const meant = suggest(word, known.keys());
  return { type: 'unknown', nearest: meant === undefined ? undefined : known.get(meant) };
}

/** `[value]` → `value`; a link stays as it is. */
function withoutBrackets(text: string): string {
  const inside = text.slice(1, -1);
  return text.startsWith('[') && text.endsWith(']') && !inside.includes('[') && !inside.includes(']')
    ? inside.trim()
    : text;
}

function spellingsOf(type: TermType): ReadonlyMap<string, string> {
  let known = spellings.get(type);
  if (known === undefined) {
    known = new Map([
      ...Object.keys(type.terms).map((term) => [spelling(term), term] as const),
      ...Object.entries(type.aliases ?? {}).map(([alias, term]) => [spelling(alias), term] as const),
    ]);
    spellings.set(type, known);
  }
  return known;
}

function spelling(text: string): string {
  return withoutBrackets(text)
    .toLowerCase()
    .replaceAll(/['’`*]/g, '')
    .trim()
    .replaceAll(/[-_\s]+/g, '_');
}

/** The hint for a placeholder. */
export function choose(type: TermType): string {
  return `Choose one of ${Object.keys(type.terms).join(', ')}.`;
}

/** The term that was read. Otherwise undefined, with a diagnostic that says why. */
export function reportTerm(
  value: Span & { readonly text: string },
  reading: TermReading,
  type: TermType,
  report: DiagnosticCollector,
): string | undefined {
  if (reading.type === 'term') return reading.term;
  const terms = Object.keys(type.terms).join(', ');
  if (reading.type === 'placeholder') {
    addPlaceholder(value.text, value, report, choose(type));
  } else if (reading.nearest === undefined) {
    report.add('term-unknown', value, {
      message: `${quote(value.text)} is not one of ${terms}.`,
      hint: `Use one of ${terms}.`,
    });
  } else {
    report.add('term-unknown', value, {
      message: `${quote(value.text)} is not one of ${terms}.`,
      hint: `Did you mean ${reading.nearest}?`,
      fix: {
        description: `Write ${reading.nearest}`,
        safe: false,
        edits: [
          {
            start: value.start,
            end: value.end,
            text: value.text.startsWith('[') ? `[${reading.nearest}]` : reading.nearest,
          },
        ],
      },
    });
  }
  return undefined;
}

/** A header value in its type. Undefined if it is empty, and if it is wrong, which is reported. */
export function readHeaderValue(
  value: Value,
  type: HeaderType,
  report: DiagnosticCollector,
): string | readonly string[] | undefined {
  const { text } = value;
  if (text === '') return undefined;
  if (type.type === 'term') return reportTerm(value, readTerm(text, type), type, report);
  if (reportPlaceholder(text, value, report)) return undefined;
  const bare = withoutBrackets(text);
  switch (type.type) {
    case 'date':
      return dateValue(value, bare, type, report);
    case 'id':
      return idValue(value, bare, report);
    case 'words':
      return splitWords(bare, value, report);
    case 'tags':
      return readTags(value, report);
    case 'text':
      return bare;
  }
}

function dateValue(value: Value, text: string, type: DateType, report: DiagnosticCollector): string | undefined {
  const reading = readDate(text);
  if (reading.type === 'date') {
    const day = dayOf(reading.iso);
    if (type.time || day === reading.iso) return reading.iso;
    report.add('date-time', value, {
      message: `Expected a day without a time; ${day} is kept.`,
      fix: {
        description: `Write ${day}`,
        safe: false,
        edits: [{ start: value.start, end: value.end, text: value.text.startsWith('[') ? `[${day}]` : day }],
      },
    });
    return day;
  }
  if (reading.type === 'placeholder') addPlaceholder(text, value, report);
  else report.add('date-invalid', value, { message: `${quote(text)} is not a valid date.` });
  return undefined;
}

function idValue(value: Value, text: string, report: DiagnosticCollector): string | undefined {
  if (isValidId(text)) return text;
  report.add('id-invalid', value, { message: `${quote(text)} is not a valid ID.` });
  return undefined;
}

function splitWords(text: string, value: Value, report: DiagnosticCollector): readonly string[] | undefined {
  const words = text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '' && !reportPlaceholder(word, value, report));
  return words.length === 0 ? undefined : words;
}

/** `[#performance] [#reliability]`, `#performance #reliability` or words between commas. */
export function readTags(value: Value, report: DiagnosticCollector): readonly string[] | undefined {
  if (reportPlaceholder(value.text, value, report)) return undefined;
  const tags = value.text
    .split(/[,\s]+/)
    .filter((tag) => !reportPlaceholder(tag, value, report))
    .map((tag) => tag.replaceAll(/^\[?#?|\]$/g, ''))
    .filter((tag) => tag !== '');
  return tags.length === 0 ? undefined : tags;
}
