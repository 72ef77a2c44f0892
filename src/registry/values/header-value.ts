import type { HeaderType } from '../kinds/declaration.ts';
import { isValidId } from '../identity.ts';
import { quote, type Report } from '../report.ts';
import type { Value } from '../text.ts';
import { readDate } from './date.ts';
import { isPlaceholder, readTerm, withoutBrackets } from './term.ts';
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
  if (isPlaceholder(text)) {
    report.add('placeholder', value, { message: `The placeholder ${quote(text)} was left unfilled.` });
    return undefined;
  }
  const bare = withoutBrackets(text);
  switch (type.type) {
    case 'date':
      return dateValue(value, bare, report);
    case 'id':
      return idValue(value, bare, report);
    case 'words':
      return splitWords(bare);
    case 'tags':
      return readTags(text);
    case 'text':
      return bare;
  }
}

function dateValue(value: Value, text: string, report: Report): string | undefined {
  const reading = readDate(text);
  if (reading.type === 'date') return reading.iso;
  if (reading.type === 'placeholder')
    report.add('placeholder', value, { message: `The placeholder ${quote(text)} was left unfilled.` });
  else report.add('date-invalid', value, { message: `${quote(text)} is not a calendar date.` });
  return undefined;
}

function idValue(value: Value, text: string, report: Report): string | undefined {
  if (isValidId(text)) return text;
  report.add('id-invalid', value, { message: `${quote(text)} cannot be an ID.` });
  return undefined;
}

function splitWords(text: string): readonly string[] | undefined {
  const words = text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  return words.length === 0 ? undefined : words;
}

/** `[#performance] [#reliability]`, `#performance #reliability` or words between commas. */
export function readTags(text: string): readonly string[] | undefined {
  const tags = text
    .split(/[,\s]+/)
    .map((tag) => tag.replaceAll(/^\[?#?|\]$/g, ''))
    .filter((tag) => tag !== '');
  return tags.length === 0 ? undefined : tags;
}
