import { nearest } from '../util/suggest.ts';
import type { DiagnosticCode } from './diagnostics.ts';
import type { Lookup } from './kinds/lookup.ts';
import type { Span } from './position.ts';
import { quote, type Report } from './report.ts';

/** Reports a name that a declaration does not know, with the nearest one that it does. `what` names the list: `a field of "Evidence"`. */
export function reportUnknownName(
  code: DiagnosticCode,
  span: Span,
  name: string,
  known: Lookup<unknown>,
  what: string,
  report: Report,
): void {
  const labels = known.all.map(({ label }) => label);
  const meant = nearest(name, labels);
  report.add(code, span, {
    message: `${quote(name)} is not ${what}; it is kept as extra.`,
    hint: meant === undefined ? `Known are ${labels.join(', ')}.` : `Did you mean ${meant}?`,
  });
}
