import type { Span } from '../position.ts';
import { quote, type Report } from '../report.ts';

const date = 'YYYY-MM-DD(?:[T ]+HH:MM(?::SS)?(?: ?(?:Z|UTC))?)?';
const unfilledDate = new RegExp(String.raw`^(?:${date}|\[${date}\])$`, 'i');

/**
 * Whether a whole value is a placeholder of the template: `[a|b|c]`, a choice that nobody made, or `YYYY-MM-DD` with
 * `HH:MM` or without. A sentence that holds one is none, nor is a link, which has brackets inside or something behind.
 */
export function isPlaceholder(text: string): boolean {
  if (text.startsWith('[')) return isChoice(text) || unfilledDate.test(text);
  return /^y/i.test(text) && unfilledDate.test(text);
}

function isChoice(text: string): boolean {
  return text.indexOf(']') === text.length - 1 && text.lastIndexOf('[') === 0 && text.includes('|');
}

export function addPlaceholder(text: string, span: Span, report: Report, hint?: string): void {
  report.add('placeholder', span, {
    message: `The placeholder ${quote(text)} was left unfilled.`,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Whether a whole value is a placeholder. It is reported at `span`. */
export function reportPlaceholder(text: string, span: Span, report: Report): boolean {
  if (!isPlaceholder(text)) return false;
  addPlaceholder(text, span, report);
  return true;
}
