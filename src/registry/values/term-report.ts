import type { TermType } from '../kinds/declaration.ts';
import type { Span } from '../position.ts';
import { quote, type Report } from '../report.ts';
import { addPlaceholder } from './placeholder.ts';
import type { TermReading } from './term.ts';

/** What to do about a placeholder. */
export function choose(type: TermType): string {
  return `Choose one of ${Object.keys(type.terms).join(', ')}.`;
}

/** The term that was read, or undefined with the diagnostic that says why there is none. */
export function reportTerm(
  value: Span & { readonly text: string },
  reading: TermReading,
  type: TermType,
  report: Report,
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
