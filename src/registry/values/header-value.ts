import type { DateType, HeaderType } from '../kinds/declaration.ts';
import { isValidId } from '../identity.ts';
import { quote, type Report } from '../report.ts';
import type { Value } from '../text.ts';
import { dayOf, readDate } from './values.ts';
import { addPlaceholder, reportPlaceholder } from './placeholder.ts';
import { readTerm, withoutBrackets } from './term.ts';
import { reportTerm } from './term-report.ts';

/** A header value as its type has it; undefined where it is empty or wrong, which is reported. */
export function readHeaderValue(
  value: Value,
  type: HeaderType,
  report: Report,
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

function dateValue(value: Value, text: string, type: DateType, report: Report): string | undefined {
  const reading = readDate(text);
  if (reading.type === 'date') {
    const day = dayOf(reading.iso);
    if (type.time || day === reading.iso) return reading.iso;
    report.add('date-time', value, {
      message: `Only a day is wanted here, so ${day} is kept and its time is not.`,
      fix: {
        description: `Write ${day}`,
        safe: false,
        edits: [{ start: value.start, end: value.end, text: value.text.startsWith('[') ? `[${day}]` : day }],
      },
    });
    return day;
  }
  if (reading.type === 'placeholder') addPlaceholder(text, value, report);
  else report.add('date-invalid', value, { message: `${quote(text)} is not a calendar date.` });
  return undefined;
}

function idValue(value: Value, text: string, report: Report): string | undefined {
  if (isValidId(text)) return text;
  report.add('id-invalid', value, { message: `${quote(text)} cannot be an ID.` });
  return undefined;
}

function splitWords(text: string, value: Value, report: Report): readonly string[] | undefined {
  const words = text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '' && !reportPlaceholder(word, value, report));
  return words.length === 0 ? undefined : words;
}

/** `[#performance] [#reliability]`, `#performance #reliability` or words between commas. */
export function readTags(value: Value, report: Report): readonly string[] | undefined {
  if (reportPlaceholder(value.text, value, report)) return undefined;
  const tags = value.text
    .split(/[,\s]+/)
    .filter((tag) => !reportPlaceholder(tag, value, report))
    .map((tag) => tag.replaceAll(/^\[?#?|\]$/g, ''))
    .filter((tag) => tag !== '');
  return tags.length === 0 ? undefined : tags;
}
