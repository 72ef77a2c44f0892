import { suggest } from '../../util/suggest.ts';
import { quote, type DiagnosticCollector } from '../diagnostics.ts';
import { isValidId } from '../identity.ts';
import type { DateType, HeaderType, TermType } from '../kinds/declaration.ts';
import type { Value } from '../names.ts';
import type { Span } from '../position.ts';
import { dayOf, readDate, readWrittenDate } from './dates.ts';
import { beforeRemarkIn, isDoubtful, shownText } from './remarks.ts';

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
  | { readonly type: 'term'; readonly term: string; readonly remark?: string }
  | { readonly type: 'placeholder' }
  | { readonly type: 'unknown'; readonly nearest: string | undefined };

const spellings = new WeakMap<TermType, ReadonlyMap<string, string>>();

/**
 * Accepts brackets or none, any case, `-`, `_` or a blank between words, the list's aliases, symbols and Markdown around
 * the term, and a remark after it. Source: docs/format.md.
 */
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
  const shown = shownText(text);
  const remarked = beforeRemarkIn(shown, (head) => known.get(spelling(head)));
  if (remarked !== undefined) {
    const { value, remark } = remarked;
    return { type: 'term', term: value, ...(remark === undefined ? {} : { remark }) };
  }
  const meant = suggest(spelling(shown) || word, known.keys());
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

/** Receives the remark after a value. */
export type KeepRemark = (remark: string) => void;

/** Keeps a remark, and reports it if it may say that the value does not hold. */
function reportRemark(
  value: Span,
  used: string,
  remark: string | undefined,
  otherTerms: readonly string[],
  report: DiagnosticCollector,
  keep: KeepRemark,
): void {
  if (remark === undefined) return;
  keep(remark);
  const words = ` ${spelling(remark).replaceAll(/[^a-z0-9]+/g, ' ')} `;
  if (!isDoubtful(remark) && !otherTerms.some((term) => words.includes(` ${term.replaceAll('_', ' ')} `))) return;
  report.add('value-remark', value, {
    message: `${used} is used, although the remark ${quote(remark)} may say otherwise.`,
  });
}

/** The term that was read. Otherwise undefined, with a diagnostic that says why. */
export function reportTerm(
  value: Span & { readonly text: string },
  reading: TermReading,
  type: TermType,
  report: DiagnosticCollector,
  keep: KeepRemark = () => {},
): string | undefined {
  if (reading.type === 'term') {
    const others = [...spellingsOf(type).keys()].filter((word) => spellingsOf(type).get(word) !== reading.term);
    reportRemark(value, reading.term, reading.remark, others, report, keep);
    return reading.term;
  }
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

/** A header value in its type. Undefined if it is empty, and if it is wrong, which is reported. `keep` receives a remark after it. */
export function readHeaderValue(
  value: Value,
  type: HeaderType,
  report: DiagnosticCollector,
  keep: KeepRemark = () => {},
): string | readonly string[] | undefined {
  const { text } = value;
  if (text === '') return undefined;
  if (type.type === 'term') return reportTerm(value, readTerm(text, type), type, report, keep);
  if (reportPlaceholder(text, value, report)) return undefined;
  const bare = withoutBrackets(text);
  // A writer of Markdown escapes the first bracket.
  const isEscaped = text.startsWith('\\[');
  switch (type.type) {
    case 'date':
      return dateValue(value, bare, type, report, keep);
    case 'id':
      return idValue(value, bare, report);
    case 'words':
      return splitWords(isEscaped ? withoutBrackets(shownText(text)) : bare, value, report);
    case 'tags':
      return readTags(value, report);
    case 'text':
      return isEscaped && text.endsWith(']') ? withoutBrackets(text.slice(1)) : bare;
  }
}

function dateValue(
  value: Value,
  text: string,
  type: DateType,
  report: DiagnosticCollector,
  keep: KeepRemark,
): string | undefined {
  const reading = readDate(text);
  if (reading.type === 'date') return dayOrTime(reading.iso, value, type, report);
  if (reading.type === 'placeholder') {
    addPlaceholder(text, value, report);
    return undefined;
  }
  const written = beforeRemarkIn(shownText(text), readWrittenDate);
  if (written === undefined) {
    report.add('date-invalid', value, { message: `${quote(text)} is not a valid date.` });
    return undefined;
  }
  const remarks = [written.value.remark, written.remark].filter((remark) => remark !== undefined);
  const remark = remarks.length === 0 ? undefined : remarks.join(' ');
  reportRemark(value, written.value.value, remark, [], report, keep);
  return dayOrTime(written.value.value, value, type, report);
}

function dayOrTime(iso: string, value: Value, type: DateType, report: DiagnosticCollector): string {
  const day = dayOf(iso);
  if (type.time || day === iso) return iso;
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

function idValue(value: Value, text: string, report: DiagnosticCollector): string | undefined {
  if (isValidId(text)) return text;
  const shown = withoutBrackets(shownText(text));
  if (isValidId(shown)) return shown;
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
  const tags = (value.text.includes('\\') ? shownText(value.text) : value.text)
    .split(/[,\s]+/)
    .filter((tag) => !reportPlaceholder(tag, value, report))
    .map((tag) => tag.replaceAll(/^\[?#?|\]$/g, ''))
    .filter((tag) => tag !== '');
  return tags.length === 0 ? undefined : tags;
}
